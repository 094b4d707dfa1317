// Two versions of one recording that play in step. What is heard is a mix: of the original alone,
// or of both as a strength says, which is what a Denoiser does with that strength.

const LARGEST_DECODED = 128 * 2 ** 20; // bytes of float samples; longer recordings are streamed
const FADE = 0.006; // seconds of cross-fade at a switch: no click, no gap
const START_DELAY = 0.02; // seconds until both sources start, on the same sample
const CONTEXT_RATES = [8000, 96000]; // Hz that every browser's AudioContext accepts
const DRIFT = 0.015; // seconds that streamed versions may be apart before they are aligned

const VERSIONS = ["original", "cleaned"];

// How loud each version is in the mix.
const shares = (active, strength) =>
  active === "original"
    ? { original: 1, cleaned: 0 }
    : { original: 1 - strength, cleaned: strength };

// Both versions decoded and played all the time, through a gain each.
class DecodedTransport {
  constructor(buffers, rate) {
    this.buffers = buffers;
    this.rate = rate;
    this.duration = Math.max(buffers.original.duration, buffers.cleaned.duration);
    this.shares = shares("cleaned", 1);
    this.playing = false;
    this.offset = 0;
    this.gains = {};
    this.sources = [];
  }

  static async load(urls, rate) {
    const clamped = Math.min(Math.max(rate, CONTEXT_RATES[0]), CONTEXT_RATES[1]);
    const decoder = new OfflineAudioContext(1, 1, clamped);
    const decode = async (url) => {
      const response = await fetch(url);
      if (!response.ok) throw new Error(`${response.status} for ${url}`);
      return decoder.decodeAudioData(await response.arrayBuffer());
    };
    const [original, cleaned] = await Promise.all([decode(urls.original), decode(urls.cleaned)]);
    return new DecodedTransport({ original, cleaned }, clamped);
  }

  get position() {
    if (!this.playing) return this.offset;
    const elapsed = Math.max(0, this.context.currentTime - this.startedAt);
    return Math.min(this.offset + elapsed, this.duration);
  }

  async play() {
    // Made at the first key or click: browsers keep an earlier one silent.
    this.context ??= new AudioContext({ sampleRate: this.rate });
    await this.context.resume();
    if (this.playing) return;
    if (this.offset >= this.duration - 0.01) this.offset = 0;
    this.startedAt = this.context.currentTime + START_DELAY;
    for (const name of VERSIONS) {
      const source = new AudioBufferSourceNode(this.context, { buffer: this.buffers[name] });
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
    const playing = this.playing;
    if (playing) this.pause();
    this.offset = Math.min(Math.max(seconds, 0), this.duration);
    if (playing) await this.play();
  }

  mix(active, strength) {
    this.shares = shares(active, strength);
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

// For recordings too long to hold decoded: two streaming elements.
class StreamedTransport {
  constructor(urls, seconds) {
    this.duration = seconds;
    this.elements = {};
    for (const name of VERSIONS) {
      this.elements[name] = new Audio(urls[name]);
      this.elements[name].preload = "auto";
    }
    this.mix("cleaned", 1);
  }

  get position() {
    return this.elements.cleaned.currentTime;
  }

  get playing() {
    return !this.elements.cleaned.paused;
  }

  async play() {
    if (this.position >= this.duration - 0.01) await this.seek(0);
    this.align();
    await Promise.all(Object.values(this.elements).map((audio) => audio.play()));
  }

  pause() {
    for (const audio of Object.values(this.elements)) audio.pause();
  }

  async seek(seconds) {
    for (const audio of Object.values(this.elements)) {
      audio.currentTime = Math.min(Math.max(seconds, 0), this.duration);
    }
  }

  mix(active, strength) {
    this.align();
    for (const [name, share] of Object.entries(shares(active, strength))) {
      this.elements[name].volume = share;
      this.elements[name].muted = share === 0;
    }
  }

  align() {
    const { original, cleaned } = this.elements;
    const apart = Math.abs(original.currentTime - cleaned.currentTime);
    if (apart > DRIFT) original.currentTime = cleaned.currentTime;
  }

  close() {
    this.pause();
    for (const audio of Object.values(this.elements)) audio.removeAttribute("src");
  }
}

// The transport that suits a recording: { original, cleaned, seconds, sample_rate, channels }.
export const openTransport = async (recording) => {
  const { sample_rate: rate, channels, seconds } = recording;
  const urls = {};
  for (const name of VERSIONS) urls[name] = new URL(recording[name], document.baseURI).href;
  if (2 * 4 * channels * rate * seconds <= LARGEST_DECODED) {
    const decoded = await DecodedTransport.load(urls, rate).catch(() => null);
    if (decoded) return decoded;
  }
  return new StreamedTransport(urls, seconds);
};
