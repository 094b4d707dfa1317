// Plays the versions of one trial in step: one of them is heard, a part can be repeated. Nothing
// that is shown comes from the sounds themselves: a waveform would tell them apart.

import { ICONS, icon, make } from "../common/dom.js";
import { clock } from "../common/texts.js";
import { Decoded, decodeAll } from "../player/decoded.js";
import { takePart } from "../player/exclusive.js";

const RATE = 16000; // Hz of all stimuli
const SHORTEST = 0.5; // seconds that can be repeated

export class Deck {
  // urls: of the versions, by name; switched(): called when another is heard.
  constructor({ urls, seconds, text, switched }) {
    Object.assign(this, { seconds, text, switched });
    this.names = Object.keys(urls);
    this.active = this.names[0];
    this.heard = new Set(); // those that were played
    this.range = [0, seconds];
    this.repeats = false;
    this.part = takePart(() => this.pause());
    this.build();
    this.ready = decodeAll(urls, RATE).then((decoded) => {
      if (this.closed) return;
      this.sounds = new Decoded(decoded, this.shares());
      this.node.dataset.ready = "true";
    });
  }

  shares() {
    return Object.fromEntries(this.names.map((name) => [name, name === this.active ? 1 : 0]));
  }

  get playing() {
    return Boolean(this.sounds && this.sounds.playing);
  }

  get position() {
    return this.sounds ? this.sounds.position : 0;
  }

  build() {
    const { seconds } = this;
    const slider = (oninput) =>
      make("input", { type: "range", min: 0, max: seconds, step: 0.01, value: 0, oninput });
    this.playButton = make("button", {
      type: "button",
      class: "fr-play",
      onclick: () => this.toggle(),
    });
    this.at = slider((event) => this.seek(Number(event.target.value)));
    this.now = make("span", { class: "fr-time" });
    this.loopButton = make("button", {
      type: "button",
      class: "fr-second",
      onclick: () => this.switchLoop(),
    });
    this.ends = [0, 1].map((end) => slider((event) => this.setEnd(end, Number(event.target.value))));
    this.ends[1].value = seconds;
    this.labels = [make("span"), make("span")];
    this.bounds = make(
      "div",
      { class: "fr-loop", hidden: true },
      ...this.ends.map((end, i) => make("label", {}, this.labels[i], end)),
    );
    this.node = make(
      "div",
      { class: "fr-player fr-deck", role: "group" },
      make("div", { class: "fr-controls" }, this.playButton, this.at, this.now, this.loopButton),
      this.bounds,
    );
    this.translate();
  }

  translate() {
    const { text } = this;
    this.node.setAttribute("aria-label", text("player"));
    this.at.setAttribute("aria-label", text("position"));
    this.loopButton.textContent = text("loop");
    this.show();
  }

  async toggle() {
    await this.ready;
    if (this.closed) return;
    if (this.playing) {
      this.pause();
      return;
    }
    this.part.claim();
    await this.sounds.play();
    this.hearing();
    this.show();
    this.follow();
  }

  pause() {
    if (!this.playing) return;
    this.sounds.pause();
    this.show();
  }

  hearing() {
    if (this.playing) this.heard.add(this.active);
  }

  hear(name) {
    this.active = name;
    if (this.sounds) this.sounds.hear(this.shares());
    this.hearing();
    this.switched(name);
  }

  async seek(seconds) {
    if (this.sounds) await this.sounds.seek(Math.min(Math.max(seconds, 0), this.seconds));
    this.show();
  }

  switchLoop() {
    this.repeats = !this.repeats;
    this.bounds.hidden = !this.repeats;
    this.applyLoop();
  }

  setEnd(end, seconds) {
    const [from, to] = this.range;
    this.range = end
      ? [from, Math.max(seconds, Math.min(from + SHORTEST, this.seconds))]
      : [Math.min(seconds, Math.max(to - SHORTEST, 0)), to];
    this.ends[end].value = this.range[end];
    this.applyLoop();
  }

  applyLoop() {
    if (this.sounds) this.sounds.repeat(this.repeats ? this.range : null);
    this.show();
  }

  follow() {
    if (this.closed || !this.playing) return;
    if (!this.repeats && this.position >= this.seconds - 0.005) this.sounds.pause();
    this.show();
    requestAnimationFrame(() => this.follow());
  }

  show() {
    const { text, playing } = this;
    if (this.node.dataset.playing !== String(playing)) {
      this.node.dataset.playing = String(playing);
      this.playButton.replaceChildren(icon(playing ? ICONS.pause : ICONS.play));
    }
    this.playButton.setAttribute("aria-label", text(playing ? "pause" : "play"));
    const spoken = { at: clock(this.position), all: clock(this.seconds) };
    this.at.value = this.position;
    this.at.setAttribute("aria-valuetext", text("position_of", spoken));
    this.now.textContent = `${spoken.at} / ${spoken.all}`;
    this.loopButton.setAttribute("aria-pressed", String(this.repeats));
    this.range.forEach((at, i) => {
      this.labels[i].textContent = text(i ? "loop_to" : "loop_from", { at: at.toFixed(1) });
    });
  }

  close() {
    this.closed = true;
    this.part.leave();
    if (this.sounds) this.sounds.close();
  }
}
