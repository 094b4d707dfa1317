// One version of a live session as it is seen: its level, and a spectrogram that moves on.

import { make } from "../common/dom.js";

const QUIETEST = -72; // dBFS, where the level meter begins
const FALL = 24; // dB a second, at which the meter falls
const SPOKEN = 1; // seconds between two values for screen readers
const WIDTH = 480; // pixels of the picture
const HEIGHT = 160;
const SECONDS = 8; // that the picture shows
const TOP = 8000; // Hz
const LOUDEST = -20; // dB of the analyser, the palette's end
const RANGE = 80; // dB from there to its beginning

export class Scope {
  // palette: 256 colours as r, g, b, r, g, b and so on.
  constructor({ name, text, palette }) {
    Object.assign(this, { name, text, palette });
    this.heading = make("span", { class: "fr-version-name" });
    this.value = make("span", { class: "fr-scope-level" });
    this.meter = make(
      "div",
      { class: `fr-meter fr-${name}`, role: "meter", "aria-valuemin": QUIETEST, "aria-valuemax": 0 },
      make("i"),
    );
    this.canvas = make("canvas", { width: WIDTH, height: HEIGHT, role: "img" });
    this.node = make(
      "div",
      { class: "fr-scope" },
      make(
        "p",
        { class: "fr-scope-head" },
        make("span", { class: `fr-swatch fr-${name}` }),
        this.heading,
        this.value,
      ),
      this.meter,
      this.canvas,
    );
    this.paper = this.canvas.getContext("2d");
    this.clear();
  }

  clear() {
    this.level = QUIETEST;
    this.drawn = this.spoken = 0; // seconds, of the clock that `draw` is told
    this.paper.fillStyle = `rgb(${this.palette.slice(0, 3).join()})`;
    this.paper.fillRect(0, 0, WIDTH, HEIGHT);
  }

  translate() {
    this.heading.textContent = this.text(this.name);
    this.meter.setAttribute("aria-label", this.text(`level_${this.name}`));
    this.canvas.setAttribute("aria-label", this.text(`spectrogram_${this.name}`));
    this.#showLevel();
  }

  // What the analyser hears at a time in seconds; called for each picture of the screen.
  draw(analyser, now) {
    const passed = this.drawn ? now - this.drawn : 0;
    this.samples ??= new Float32Array(analyser.fftSize);
    analyser.getFloatTimeDomainData(this.samples);
    const power = this.samples.reduce((sum, x) => sum + x * x, 0) / this.samples.length;
    this.level = Math.max(10 * Math.log10(power + 1e-12), this.level - FALL * passed, QUIETEST);
    this.meter.firstChild.style.width = `${100 * (1 - this.level / QUIETEST)}%`;
    if (now - this.spoken > SPOKEN) {
      this.spoken = now;
      this.#showLevel();
    }
    const columns = Math.min(WIDTH, Math.floor((passed * WIDTH) / SECONDS));
    if (this.drawn && !columns) return;
    this.drawn += this.drawn ? (columns * SECONDS) / WIDTH : now;
    if (now - this.drawn > SECONDS) this.drawn = now; // the page was out of sight
    if (columns) this.#paint(analyser, columns);
  }

  #showLevel() {
    const silent = this.level <= QUIETEST;
    const words = silent ? this.text("silence") : this.text("decibels", { n: Math.round(this.level) });
    this.meter.setAttribute("aria-valuenow", Math.round(this.level));
    this.meter.setAttribute("aria-valuetext", words);
    this.value.textContent = words;
  }

  #paint(analyser, columns) {
    this.bins ??= new Float32Array(analyser.frequencyBinCount);
    analyser.getFloatFrequencyData(this.bins);
    const shown = (TOP / (analyser.context.sampleRate / 2)) * this.bins.length;
    const column = this.paper.createImageData(columns, HEIGHT);
    for (let row = 0; row < HEIGHT; row++) {
      const bin = Math.min(this.bins.length - 1, Math.floor(((HEIGHT - row - 0.5) / HEIGHT) * shown));
      const share = (this.bins[bin] - LOUDEST) / RANGE + 1;
      const shade = 3 * Math.round(255 * Math.min(1, Math.max(0, share || 0)));
      for (let i = 0; i < columns; i++) {
        const at = 4 * (row * columns + i);
        column.data.set(this.palette.slice(shade, shade + 3), at);
        column.data[at + 3] = 255;
      }
    }
    this.paper.drawImage(this.canvas, -columns, 0);
    this.paper.putImageData(column, WIDTH - columns, 0);
  }
}
