// Listens in on a page: what the microphone gives, and what goes to the sound device.
(() => {
  const TAP = `registerProcessor("tap", class extends AudioWorkletProcessor {
    process(inputs) {
      const blocks = inputs.map(([channel]) => channel?.slice() ?? new Float32Array(128));
      this.port.postMessage(blocks);
      return true;
    }
  });`;
  const module = URL.createObjectURL(new Blob([TAP], { type: "text/javascript" }));
  const connect = AudioNode.prototype.connect;
  const create = AudioContext.prototype.createMediaStreamSource;
  const taps = new WeakMap();
  window.tapped = [[], []]; // of the microphone, of the sound device; blocks of 128 samples
  const tap = (context) => {
    if (!taps.has(context)) {
      taps.set(context, context.audioWorklet.addModule(module).then(() => {
        const node = new AudioWorkletNode(context, "tap", { numberOfInputs: 2, numberOfOutputs: 0 });
        window.tappedRate = context.sampleRate;
        node.port.onmessage = ({ data }) => data.forEach((block, i) => window.tapped[i].push(block));
        return node;
      }));
    }
    return taps.get(context);
  };
  AudioNode.prototype.connect = function (target, ...rest) {
    if (target instanceof AudioDestinationNode) {
      tap(this.context).then((node) => connect.call(this, node, rest[0] ?? 0, 1));
    }
    return connect.call(this, target, ...rest);
  };
  AudioContext.prototype.createMediaStreamSource = function (stream) {
    const source = create.call(this, stream);
    tap(this).then((node) => connect.call(source, node, 0, 0));
    return source;
  };
  window.takeTapped = () =>
    window.tapped.map((blocks) => {
      const samples = new Float32Array(128 * blocks.length);
      blocks.splice(0).forEach((block, i) => samples.set(block, 128 * i));
      return btoa(new Uint8Array(samples.buffer).reduce((text, byte) => text + String.fromCharCode(byte), ""));
    });
})();
