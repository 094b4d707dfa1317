// Changes the sample rate of a stream by a windowed sinc, block after block.
//
// Sample i of the output lies where sample i * from / to of the input does: no delay but what the
// filter has to see of the future, `lookahead` seconds.

const HALF_WIDTH = 16; // zero crossings of the sinc on either side
const PASSED = 0.94; // of the lower Nyquist frequency; above it the filter falls off
const PHASES = 512; // positions between two samples that the filter is tabulated for

const kernel = (x) => {
  if (Math.abs(x) >= HALF_WIDTH) return 0;
  const window = 0.42 + 0.5 * Math.cos((Math.PI * x) / HALF_WIDTH) + 0.08 * Math.cos((2 * Math.PI * x) / HALF_WIDTH);
  return window * (x === 0 ? 1 : Math.sin(Math.PI * x) / (Math.PI * x));
};

export class Resampler {
  constructor(from, to) {
    this.step = from / to; // input samples between two of the output
    const scale = PASSED * Math.min(1, to / from);
    this.half = Math.ceil(HALF_WIDTH / scale);
    this.lookahead = this.step === 1 ? 0 : this.half / from;
    this.table = Array.from({ length: PHASES + 1 }, (_, phase) =>
      Float32Array.from({ length: 2 * this.half }, (_, tap) => scale * kernel(scale * (tap - this.half + 1 - phase / PHASES))),
    );
    this.buffer = new Float32Array(this.half); // input, from where the filter may begin
    this.at = this.half; // of the next output sample, in the buffer
  }

  // The next block of input; gives what is ready.
  push(block) {
    if (this.step === 1) return block;
    const input = new Float32Array(this.buffer.length + block.length);
    input.set(this.buffer);
    input.set(block, this.buffer.length);
    const count = Math.max(0, Math.ceil((input.length - this.half - this.at) / this.step));
    const output = new Float32Array(count);
    for (let i = 0; i < count; i++) {
      const position = this.at + i * this.step;
      const whole = Math.floor(position);
      const taps = this.table[Math.round((position - whole) * PHASES)];
      const first = whole - this.half + 1;
      let sum = 0;
      for (let tap = 0; tap < taps.length; tap++) sum += taps[tap] * input[first + tap];
      output[i] = sum;
    }
    const next = this.at + count * this.step;
    const gone = Math.max(0, Math.floor(next) - this.half);
    this.buffer = input.slice(gone);
    this.at = next - gone;
    return output;
  }
}
