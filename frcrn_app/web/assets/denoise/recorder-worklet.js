// Hands blocks of what the microphone gives over to the page, channel by channel.

const BLOCK = 4096; // frames

class Recorder extends AudioWorkletProcessor {
  constructor() {
    super();
    this.blocks = null;
    this.filled = 0;
  }

  process([channels]) {
    if (!channels.length) return true;
    if (!this.blocks || this.blocks.length !== channels.length) {
      this.blocks = channels.map(() => new Float32Array(BLOCK));
      this.filled = 0;
    }
    channels.forEach((samples, i) => this.blocks[i].set(samples, this.filled));
    this.filled += channels[0].length;
    if (this.filled === BLOCK) {
      this.port.postMessage(this.blocks);
      this.blocks = null;
    }
    return true;
  }
}

registerProcessor("recorder", Recorder);
