// One live session: microphone, sound device and connection, opened together and closed together.

const FADE = 0.004; // seconds in which a switch or a slider takes hold: no click, no wait
const FFT = 1024;

// Whether this browser can do it, as a key of what is wrong; null if it can.
export const obstacle = () => {
  if (!window.isSecureContext) return "not_secure";
  if (!navigator.mediaDevices?.getUserMedia) return "no_microphone";
  return window.AudioWorkletNode && window.Worker ? null : "too_old";
};

const openMicrophone = (processed) => {
  const audio = {
    echoCancellation: processed,
    noiseSuppression: processed,
    autoGainControl: processed,
    channelCount: 1,
  };
  // Not the page's own getUserMedia, which always asks for the unprocessed microphone.
  return MediaDevices.prototype.getUserMedia.call(navigator.mediaDevices, { audio });
};

// Seconds that the sound device itself takes, as the browser knows them.
const deviceDelay = (context, stream) => {
  const { latency } = stream.getAudioTracks()[0]?.getSettings() ?? {};
  return (context.outputLatency || context.baseLatency || 0) + (latency || 0);
};

// Asks for the microphone; rejects with an error whose message is a key where that fails.
//
// on.words: what the server said. on.report: { delay, device, gaps, begun } four times a second,
// delays in seconds. on.kept: what was heard, [original, cleaned] at 16 kHz. on.unplugged.
export const openSession = async ({ address, processed, on }) => {
  let stream = await openMicrophone(processed).catch(() => {
    throw new Error("no_microphone");
  });
  const release = () => stream.getTracks().forEach((track) => track.stop());
  const context = new AudioContext({ latencyHint: "interactive" });
  let node, source, worker;
  const listen = () => {
    stream.getAudioTracks()[0].onended = on.unplugged;
    source = context.createMediaStreamSource(stream);
    source.connect(node);
  };
  const close = () => {
    worker?.terminate();
    node?.port.postMessage({ end: true });
    release();
    context.close();
  };
  const analyser = (output) => {
    const one = new AnalyserNode(context, { fftSize: FFT, smoothingTimeConstant: 0 });
    node.connect(one, output);
    return one;
  };
  try {
    await context.audioWorklet.addModule(new URL("duplex-worklet.js", import.meta.url));
    await context.resume();
    node = new AudioWorkletNode(context, "duplex", {
      numberOfOutputs: 3,
      outputChannelCount: [2, 1, 1],
    });
    worker = new Worker(new URL("socket-worker.js", import.meta.url));
    listen();
  } catch {
    close();
    throw new Error("too_old");
  }
  node.connect(context.destination, 0);
  node.port.onmessage = ({ data }) => {
    if (data.kept) on.kept(data.kept);
    else on.report({ ...data.report, device: deviceDelay(context, stream) });
  };
  worker.onmessage = ({ data }) => on.words(data);
  const { port1, port2 } = new MessageChannel();
  node.port.postMessage({ socket: port1 }, [port1]);
  worker.postMessage({ address, port: port2 }, [port2]);

  const set = (name, value) =>
    node.parameters.get(name).setTargetAtTime(value, context.currentTime, FADE);
  return {
    close,
    analysers: { original: analyser(1), cleaned: analyser(2) },
    // What is heard: 0 is the original, 1 the cleaned version, between them a mix of both.
    mix: (strength) => set("strength", strength),
    mute: (on) => set("volume", on ? 0 : 1),
    // The same microphone once more, with or without the browser's processing.
    async process(wanted) {
      source.disconnect();
      release();
      try {
        stream = await openMicrophone(wanted);
        listen();
      } catch {
        on.unplugged();
      }
    },
  };
};
