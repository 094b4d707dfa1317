// The last minutes of a live session, both versions in step: as files, or for the denoise tab.

import { ICONS, icon, make } from "../common/dom.js";
import { clock } from "../common/texts.js";
import { wavOf } from "../common/wav.js";

const RATE = 16000;
const MINUTES = 5;
const VERSIONS = ["original", "cleaned"];

const stamp = () => new Date().toTimeString().slice(0, 8).replaceAll(":", ".");

const save = (file) => {
  const url = URL.createObjectURL(file);
  make("a", { href: url, download: file.name }).click();
  setTimeout(() => URL.revokeObjectURL(url), 60_000);
};

export class Keeping {
  // toDenoise(file): takes the original over.
  constructor({ text, toDenoise }) {
    Object.assign(this, { text, toDenoise });
    this.title = make("h3");
    this.note = make("p", { class: "fr-small" });
    const button = (action) =>
      make("button", { type: "button", class: "fr-plain", onclick: action }, icon(ICONS.download), make("span"));
    this.buttons = {
      save_original: button(() => save(this.#file("original"))),
      save_cleaned: button(() => save(this.#file("cleaned"))),
      to_denoise: button(() => this.toDenoise(this.#file("original"))),
    };
    this.node = make(
      "div",
      { class: "fr-keep" },
      this.title,
      this.note,
      make("div", { class: "fr-keep-buttons" }, ...Object.values(this.buttons)),
    );
    this.clear();
  }

  clear() {
    this.blocks = []; // of 16-bit samples, [original, cleaned]
    this.samples = 0;
  }

  // What was heard, [original, cleaned] as floats.
  keep(pair) {
    this.blocks.push(pair.map((block) => Int16Array.from(block, (x) => Math.round(32767 * Math.min(1, Math.max(-1, x))))));
    this.samples += pair[0].length;
    while (this.samples > 60 * MINUTES * RATE) this.samples -= this.blocks.shift()[0].length;
    this.show();
  }

  show() {
    this.node.hidden = !this.samples;
    this.note.textContent = this.text("recorded_note", { time: clock(this.samples / RATE) });
  }

  translate() {
    this.title.textContent = this.text("recorded");
    for (const [key, button] of Object.entries(this.buttons)) {
      button.lastChild.textContent = this.text(key);
    }
    this.show();
  }

  #file(version) {
    const which = VERSIONS.indexOf(version);
    const blocks = this.blocks.map((pair) => [Float32Array.from(pair[which], (x) => x / 32767)]);
    const name = `${this.text(`file_${version}`, { time: stamp() })}.wav`;
    return new File([wavOf(blocks, RATE)], name, { type: "audio/wav" });
  }
}
