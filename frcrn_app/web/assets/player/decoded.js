// Versions of one recording, decoded, that play all the time and in step, through a gain each: what
// is heard is a mix, and changing it neither clicks nor moves by a sample.

const FADE = 0.006; // seconds of cross-fade at a switch: no click, no gap
const START_DELAY = 0.02; // seconds until all sources start, on the same sample
const CONTEXT_RATES = [8000, 96000]; // Hz that every browser's AudioContext accepts

export const decodeAll = async (urls, rate) => {
  const clamped = Math.min(Math.max(rate, CONTEXT_RATES[0]), CONTEXT_RATES[1]);
  const decoder = new OfflineAudioContext(1, 1, clamped);
  const decode = async ([name, url]) => {
    const response = await fetch(url);
    if (!response.ok) throw new Error(`${response.status} for ${url}`);
    return [name, await decoder.decodeAudioData(await response.arrayBuffer())];
  };
  const buffers = Object.fromEntries(await Promise.all(Object.entries(urls).map(decode)));
  return { buffers, rate: clamped };
};

export class Decoded {
  // buffers: by name; shares: how loud each is at first, by name.
  constructor({ buffers, rate }, shares) {
    this.buffers = buffers;
    this.rate = rate;
    this.duration = Math.max(...Object.values(buffers).map((buffer) => buffer.duration));
    this.shares = shares;
    this.range = null; // [from, to] in seconds that is played over and over
    this.playing = false;
    this.offset = 0;
    this.gains = {};
    this.sources = [];
  }

  get position() {
    if (!this.playing) return this.offset;
    const at = this.offset + Math.max(0, this.context.currentTime - this.startedAt);
    if (!this.range) return Math.min(at, this.duration);
    const [from, to] = this.range;
    return at < to ? at : from + ((at - from) % (to - from));
  }

  async play() {
    // Made at the first key or click: browsers keep an earlier one silent.
    this.context ??= new AudioContext({ sampleRate: this.rate });
    await this.context.resume();
    if (this.playing) return;
    const [from, to] = this.range ?? [0, this.duration - 0.01];
    if (this.offset >= to || (this.range && this.offset < from)) this.offset = from;
    this.startedAt = this.context.currentTime + START_DELAY;
    for (const [name, buffer] of Object.entries(this.buffers)) {
      const loop = this.range ? { loop: true, loopStart: from, loopEnd: to } : {};
      const source = new AudioBufferSourceNode(this.context, { buffer, ...loop });
      const gain = new GainNode(this.context, { gain: this.shares[name] });
      source.connect(gain).connect(this.context.destination);
      source.start(this.startedAt, this.offset);
      this.gains[name] = gain;
      this.sources.push(source);
    }
    this.playing = true;
  }

  pause() {
    this.offset = this.position;
    this.playing = false;
    for (const source of this.sources.splice(0)) source.stop();
  }

  async seek(seconds) {
    await this.whilePaused(() => {
      this.offset = Math.min(Math.max(seconds, 0), this.duration);
    });
  }

  // Plays from..to over and over, or all of it for null.
  async repeat(range) {
    await this.whilePaused(() => {
      this.range = range;
    });
  }

  async whilePaused(change) {
    const { playing } = this;
    if (playing) this.pause();
    change();
    if (playing) await this.play();
  }

  hear(shares) {
    this.shares = shares;
    if (!this.playing) return;
    const now = this.context.currentTime;
    for (const [name, { gain }] of Object.entries(this.gains)) {
      gain.cancelScheduledValues(now);
      gain.setValueAtTime(gain.value, now);
      gain.linearRampToValueAtTime(this.shares[name], now + FADE);
    }
  }

  close() {
    if (this.playing) this.pause();
    if (this.context) this.context.close();
  }
}
