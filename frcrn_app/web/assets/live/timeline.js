// What is heard when: both versions sample for sample, as late as the network needs and no later.
//
// Samples have numbers, from the first one that the microphone gave, at 16 kHz. `position` is the
// one that is heard next. It stands still while its cleaned version has not come (a gap), and
// jumps, faded over, when all that has come lately was earlier or later than need be.

export const FRAME = 320; // samples of a message

const FRAMES = 200; // that are kept, 4 s
const SIZE = FRAMES * FRAME;
const FADE = 80; // samples over which a jump, or the end of a gap, is faded
const FIRST_SPARE = 960; // samples by which the first frame is held back, 60 ms, until more is known
const LEAST_SPARE = 128; // that the latest frame of the last seconds should come before its time
const MOST_SPARE = 1600;
const STEP_UP = 160; // more to spare after each gap
const STEP_DOWN = 1; // less after each second: a gap is worse than minutes of 10 ms more
const MOST_DELAY = 8000; // samples; what is older by the time it comes is let go
const REMEMBERED = 150; // arrivals that the decision looks at, 3 s
const BETWEEN_JUMPS = 50; // arrivals
const WORTH_A_JUMP = 64; // samples
const DECAY = 0.98; // a sample, of what is left in a gap

export class Timeline {
  constructor() {
    this.dry = new Float32Array(SIZE);
    this.wet = new Float32Array(SIZE);
    this.frames = new Int32Array(FRAMES).fill(-1); // number of the frame in each place
    this.captured = 0; // samples that came from the microphone
    this.newest = -1; // frame that came back last
    this.position = 0;
    this.gaps = 0; // times that it stood still
    this.lost = 0; // frames that never came
    this.spare = LEAST_SPARE;
    this.arrivals = []; // samples by which the last frames came before their time
    this.sinceJump = 0;
    this.jump = null; // { to, faded } while one is under way
    this.waiting = false; // for a frame, in a gap
    this.rising = FADE; // samples since the end of the last gap
    this.last = [0, 0];
  }

  // Samples between the microphone's newest and the one that is heard next.
  get delay() {
    return this.captured - this.position;
  }

  // Samples from the microphone.
  capture(block) {
    for (const sample of block) this.dry[this.captured++ % SIZE] = sample;
  }

  // A frame has come back, under its number.
  arrive(number, samples) {
    const start = number * FRAME;
    if (start + FRAME > this.captured || start + SIZE < this.captured + FRAME) return;
    if (this.newest < 0) this.position = start - FIRST_SPARE;
    const early = start - this.position;
    if (early + FRAME <= 0) return; // its time is over
    for (let i = 0; i < FRAME; i++) this.wet[(start + i) % SIZE] = samples[i];
    this.frames[number % FRAMES] = number;
    this.newest = Math.max(this.newest, number);
    this.#noteArrival(early);
  }

  // The next samples of both versions, into two blocks of equal length.
  read(dry, wet) {
    for (let i = 0; i < dry.length; i++) {
      const plain = !this.jump && !this.waiting && this.rising === FADE && this.#has(this.position);
      if (plain) {
        const place = this.position++ % SIZE;
        this.last[0] = dry[i] = this.dry[place];
        this.last[1] = wet[i] = this.wet[place];
      } else [dry[i], wet[i]] = this.#next();
    }
  }

  #noteArrival(early) {
    this.arrivals.push(early);
    if (this.arrivals.length > REMEMBERED) this.arrivals.shift();
    if (this.jump || ++this.sinceJump < BETWEEN_JUMPS) return;
    this.sinceJump = 0;
    this.spare = Math.max(LEAST_SPARE, this.spare - STEP_DOWN);
    const tooEarly = Math.min(...this.arrivals) - this.spare;
    if (Math.abs(tooEarly) < WORTH_A_JUMP) return;
    // Ahead no further than what has come, back no further than what is kept.
    const most = (this.newest + 1) * FRAME - this.position - 2 * FADE;
    const by = Math.max(-MOST_SPARE, Math.min(tooEarly, most));
    if (by === 0 || (by > 0 && by < WORTH_A_JUMP)) return;
    this.#jumpTo(this.position + by);
  }

  #jumpTo(to) {
    const by = to - this.position;
    this.jump = { to, faded: 0 };
    this.arrivals = this.arrivals.map((early) => early - by);
  }

  #has(sample) {
    const number = Math.floor(sample / FRAME);
    return number >= 0 && this.frames[number % FRAMES] === number;
  }

  #at(sample) {
    if (sample < 0) return [0, 0];
    if (this.#has(sample)) return [this.dry[sample % SIZE], this.wet[sample % SIZE]];
    // It was dropped on its way: what was said is heard in the original, the rest dies away.
    return [this.dry[sample % SIZE], this.last[1] * DECAY];
  }

  // The next pair where something is out of the ordinary.
  #next() {
    if (this.newest < 0) return [0, 0];
    if (this.position >= (this.newest + 1) * FRAME) return this.#stand();
    if (this.waiting) this.#goOn();
    if (this.position >= 0 && this.position % FRAME === 0 && !this.#has(this.position)) this.lost++;
    let pair = this.#at(this.position);
    if (this.jump) {
      const share = ++this.jump.faded / FADE;
      const there = this.#at(this.jump.to++);
      pair = pair.map((sample, i) => (1 - share) * sample + share * there[i]);
      if (this.jump.faded === FADE) {
        this.position = this.jump.to - 1;
        this.jump = null;
      }
    }
    this.position++;
    if (this.rising < FADE) {
      const share = ++this.rising / FADE;
      pair = pair.map((sample) => share * sample);
    }
    this.last = pair;
    return pair;
  }

  // Nothing to be heard: the last sample dies away.
  #stand() {
    if (!this.waiting) {
      this.waiting = true;
      this.gaps++;
      this.spare = Math.min(MOST_SPARE, this.spare + STEP_UP);
    }
    // However long the network stands still, what comes then is heard no later than this.
    this.position = Math.max(this.position, this.captured - MOST_DELAY);
    this.last = this.last.map((sample) => sample * DECAY);
    return this.last;
  }

  // After a gap the arrivals before it say nothing any longer.
  #goOn() {
    this.waiting = false;
    this.rising = 0;
    this.arrivals = [];
    this.sinceJump = 0;
    this.jump = null;
  }
}
