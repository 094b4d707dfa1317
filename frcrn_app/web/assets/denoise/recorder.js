// Records the microphone, uncompressed, at the rate at which the device delivers.

import { wavOf } from "../common/wav.js";

const openContext = (sampleRate) => {
  try {
    return new AudioContext({ sampleRate });
  } catch {
    return new AudioContext(); // a browser that takes microphones at its own rate alone
  }
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
