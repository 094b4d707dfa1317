// Records the microphone, uncompressed, at the rate at which the device delivers.

const PCM_MAX = 32767;

const openContext = (sampleRate) => {
  try {
    return new AudioContext({ sampleRate });
  } catch {
    return new AudioContext(); // a browser that takes microphones at its own rate alone
  }
};

// A 16-bit WAV file of blocks of samples; blocks: [channel arrays, channel arrays, ...].
const wavOf = (blocks, rate) => {
  const channels = blocks[0].length;
  const frames = blocks.reduce((count, block) => count + block[0].length, 0);
  const bytes = 2 * channels * frames;
  const view = new DataView(new ArrayBuffer(44 + bytes));
  const words = (at, text) => [...text].forEach((c, i) => view.setUint8(at + i, c.charCodeAt(0)));
  words(0, "RIFF");
  view.setUint32(4, 36 + bytes, true);
  words(8, "WAVEfmt ");
  view.setUint32(16, 16, true);
  view.setUint16(20, 1, true); // PCM
  view.setUint16(22, channels, true);
  view.setUint32(24, rate, true);
  view.setUint32(28, 2 * channels * rate, true);
  view.setUint16(32, 2 * channels, true);
  view.setUint16(34, 16, true);
  words(36, "data");
  view.setUint32(40, bytes, true);
  let at = 44;
  for (const block of blocks) {
    for (let frame = 0; frame < block[0].length; frame++) {
      for (let channel = 0; channel < channels; channel++, at += 2) {
        const sample = Math.min(Math.max(block[channel][frame], -1), 1);
        view.setInt16(at, Math.round(sample * PCM_MAX), true);
      }
    }
  }
  return new Blob([view], { type: "audio/wav" });
};

// Starts to record; rejects where there is no microphone. heard(peak, seconds) is called some ten
// times a second with the loudest sample since the last call and the length so far.
export const startRecording = async (heard) => {
  const stream = await navigator.mediaDevices.getUserMedia({ audio: true });
  const close = () => stream.getTracks().forEach((track) => track.stop());
  const { sampleRate } = stream.getAudioTracks()[0].getSettings();
  const context = openContext(sampleRate);
  const blocks = [];
  let frames = 0;
  try {
    await context.audioWorklet.addModule(new URL("recorder-worklet.js", import.meta.url));
    await context.resume();
    const recorder = new AudioWorkletNode(context, "recorder", { numberOfOutputs: 0 });
    recorder.port.onmessage = ({ data: block }) => {
      // A device that changes its channel count midway goes on as it began.
      if (blocks.length && block.length !== blocks[0].length) return;
      blocks.push(block);
      frames += block[0].length;
      heard(Math.max(...block.map((s) => s.reduce((p, x) => Math.max(p, Math.abs(x)), 0))), frames / context.sampleRate);
    };
    context.createMediaStreamSource(stream).connect(recorder);
  } catch (error) {
    close();
    context.close();
    throw error;
  }
  const end = () => {
    close();
    return context.close();
  };
  return {
    discard: end,
    // The recording as a WAV file; null if nothing has arrived yet.
    async stop() {
      const rate = context.sampleRate;
      await end();
      return blocks.length ? wavOf(blocks, rate) : null;
    },
  };
};
