// From the microphone to the network and from there to the ear, in the thread of the sound device.
//
// Outputs: what is heard; the original and the cleaned version by themselves, as late as that is.

import { Resampler } from "./resampler.js";
import { FRAME, Timeline } from "./timeline.js";

const RATE = 16000; // of the network
const HEAD = 8; // bytes: number of the frame, number of the newest one heard
const BLOCK = 3200; // samples that are handed over to be kept, 0.2 s
const REPORTS = 0.25; // seconds between two

const toPcm = (sample) => Math.max(-32768, Math.min(32767, Math.round(sample * 32768)));

class Duplex extends AudioWorkletProcessor {
  static get parameterDescriptors() {
    return [
      { name: "strength", defaultValue: 1, minValue: 0, maxValue: 1 },
      { name: "volume", defaultValue: 1, minValue: 0, maxValue: 1 },
    ];
  }

  constructor() {
    super();
    this.#reset();
    this.live = false;
    this.port.onmessage = ({ data }) => {
      if (data.socket) this.#connect(data.socket);
      else if (data.end) this.ended = true;
    };
  }

  #reset() {
    this.timeline = new Timeline();
    this.down = new Resampler(sampleRate, RATE);
    this.up = [new Resampler(RATE, sampleRate), new Resampler(RATE, sampleRate)];
    this.ready = [new Float32Array(0), new Float32Array(0)]; // for the device, both versions
    this.heard = 0; // seconds that the microphone has given
    this.frame = new Float32Array(FRAME);
    this.filled = this.number = 0;
    this.kept = [new Float32Array(BLOCK), new Float32Array(BLOCK)];
    this.keptCount = 0;
    this.reported = 0;
  }

  #connect(socket) {
    this.socket = socket;
    socket.onmessage = ({ data }) => {
      if (data === "ready") {
        this.#reset();
        this.live = true;
      } else this.#arrive(data);
    };
  }

  #arrive(message) {
    const samples = Float32Array.from(new Int16Array(message, 4, FRAME), (pcm) => pcm / 32768);
    this.timeline.arrive(new DataView(message).getUint32(0, true), samples);
  }

  #send(samples) {
    for (const sample of samples) {
      this.frame[this.filled++] = sample;
      if (this.filled < FRAME) continue;
      this.filled = 0;
      const message = new ArrayBuffer(HEAD + 2 * FRAME);
      new DataView(message).setUint32(0, this.number++, true);
      new Int16Array(message, HEAD).set(this.frame.map(toPcm));
      this.socket.postMessage(message, [message]);
    }
  }

  // Fills `ready` up to so many samples of the device's.
  #fetch(count) {
    while (this.ready[0].length < count) {
      const wanted = Math.ceil(((count - this.ready[0].length) * RATE) / sampleRate);
      const pair = [new Float32Array(wanted), new Float32Array(wanted)];
      this.timeline.read(...pair);
      this.#keep(pair);
      this.ready = this.ready.map((before, i) => {
        const more = this.up[i].push(pair[i]);
        const both = new Float32Array(before.length + more.length);
        both.set(before);
        both.set(more, before.length);
        return both;
      });
    }
  }

  #keep(pair) {
    for (let i = 0; i < pair[0].length; i++) {
      this.kept[0][this.keptCount] = pair[0][i];
      this.kept[1][this.keptCount++] = pair[1][i];
      if (this.keptCount < BLOCK) continue;
      this.port.postMessage({ kept: this.kept }, this.kept.map((block) => block.buffer));
      this.kept = [new Float32Array(BLOCK), new Float32Array(BLOCK)];
      this.keptCount = 0;
    }
  }

  #report() {
    if (this.heard - this.reported < REPORTS) return;
    this.reported = this.heard;
    // What is heard next lies before `position` by what waits in the resamplers and behind them.
    const waiting = this.ready[0].length / sampleRate + this.up[0].lookahead;
    const delay = this.heard - this.timeline.position / RATE + waiting;
    const { gaps, lost, newest } = this.timeline;
    this.port.postMessage({ report: { delay, gaps: gaps + lost, begun: newest >= 0 } });
  }

  process([input], outputs, { strength, volume }) {
    if (this.ended) return false;
    if (!this.live) return true;
    const count = outputs[0][0].length;
    const mono = new Float32Array(count);
    for (const channel of input) for (let i = 0; i < count; i++) mono[i] += channel[i] / input.length;
    const samples = this.down.push(mono);
    this.heard += count / sampleRate;
    this.timeline.capture(samples);
    this.#send(samples);
    this.#fetch(count);
    const [dry, wet] = this.ready;
    for (let i = 0; i < count; i++) {
      const share = strength.length > 1 ? strength[i] : strength[0];
      const loud = volume.length > 1 ? volume[i] : volume[0];
      const heard = loud * (dry[i] + share * (wet[i] - dry[i]));
      for (const channel of outputs[0]) channel[i] = heard;
      outputs[1][0][i] = dry[i];
      outputs[2][0][i] = wet[i];
    }
    this.ready = this.ready.map((version) => version.subarray(count));
    this.#report();
    return true;
  }
}

registerProcessor("duplex", Duplex);
