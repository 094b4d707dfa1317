// Two versions of one recording that play in step. What is heard is a mix: of the original alone,
// or of both as a strength says, which is what a Denoiser does with that strength.

import { Decoded, decodeAll } from "./decoded.js";

const LARGEST_DECODED = 128 * 2 ** 20; // bytes of float samples; longer recordings are streamed
const DRIFT = 0.015; // seconds that streamed versions may be apart before they are aligned

const VERSIONS = ["original", "cleaned"];

// How loud each version is in the mix.
const shares = (active, strength) =>
  active === "original"
    ? { original: 1, cleaned: 0 }
    : { original: 1 - strength, cleaned: strength };

// Both versions decoded.
class DecodedTransport extends Decoded {
  static async load(urls, rate) {
    return new DecodedTransport(await decodeAll(urls, rate), shares("cleaned", 1));
  }

  mix(active, strength) {
    this.hear(shares(active, strength));
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
