// A player that switches between the original and the cleaned version at the same position, and
// mixes the two as its strength says.

import { ICONS, icon, make } from "../common/dom.js";
import { clock } from "../common/texts.js";
import { takePart } from "./exclusive.js";
import { KeyHints } from "./hints.js";
import { StrengthSlider } from "./strength.js";
import { openTransport } from "./transport.js";
import { Versions, other } from "./versions.js";
import { paintWaveform } from "./waveform.js";

const HINTS = [
  ["Space", "key_play"],
  ["S", "key_switch"],
  ["← →", "key_seek"],
];

export class Player {
  // recording: as `openTransport` takes it, with peaks. stage: gets --fr-at, the share that has
  // been played. changed(): called when the strength is another. describe(strength): its words.
  constructor({ recording, text, announce, stage, changed, describe }) {
    Object.assign(this, { recording, text, announce, stage, changed, describe });
    this.active = "cleaned";
    this.strength = 1;
    this.pending = 0; // position asked for before there was anything to play
    this.part = takePart(() => this.pause());
    this.loading = this.load();
    this.build();
  }

  async load() {
    const transport = await openTransport(this.recording);
    if (this.closed) return;
    transport.mix(this.active, this.strength);
    await transport.seek(this.pending);
    this.transport = transport;
    this.node.dataset.ready = "true";
  }

  get position() {
    return this.transport ? this.transport.position : this.pending;
  }

  get playing() {
    return Boolean(this.transport && this.transport.playing);
  }

  build() {
    this.playButton = make("button", {
      type: "button",
      class: "fr-play",
      onclick: () => this.toggle(),
    });
    this.versions = new Versions((name) => this.select(name));
    this.now = make("span", { class: "fr-now" });
    const total = make("span", { class: "fr-total" }, ` / ${clock(this.recording.seconds)}`);
    this.canvas = make("canvas", { "aria-hidden": "true" });
    this.waveform = make(
      "div",
      {
        class: "fr-waveform",
        role: "slider",
        tabindex: "0",
        "aria-valuemin": "0",
        "aria-valuemax": this.recording.seconds.toFixed(2),
        onkeydown: (event) => this.seekKeys(event),
        onpointerdown: (event) => this.drag(event),
      },
      this.canvas,
      make("div", { class: "fr-playhead", "aria-hidden": "true" }),
    );
    this.slider = new StrengthSlider((strength) => this.setStrength(strength));
    this.keys = new KeyHints(HINTS);
    this.node = make(
      "div",
      { class: "fr-player", role: "group" },
      make(
        "div",
        { class: "fr-controls" },
        this.playButton,
        this.versions.node,
        make("div", { class: "fr-time" }, this.now, total),
      ),
      this.waveform,
      this.slider.node,
      this.keys.node,
    );
    this.resizing = new ResizeObserver(() => this.paint());
    this.resizing.observe(this.waveform);
    this.recolouring = new MutationObserver(() => this.paint());
    this.recolouring.observe(document.body, { attributes: true, attributeFilter: ["class"] });
    this.translate();
  }

  translate() {
    const { text } = this;
    this.node.setAttribute("aria-label", text("player"));
    this.versions.translate(text);
    this.waveform.setAttribute("aria-label", text("position"));
    this.slider.translate(text);
    this.keys.translate(text);
    this.showStrength();
    this.show();
  }

  async toggle() {
    await this.loading;
    if (!this.transport) return;
    if (this.transport.playing) {
      this.pause();
      return;
    }
    this.part.claim();
    await this.transport.play();
    this.show();
    this.follow();
  }

  pause() {
    if (!this.playing) return;
    this.transport.pause();
    this.show();
  }

  select(name) {
    this.active = name;
    if (this.transport) this.transport.mix(name, this.strength);
    this.show();
    this.paint();
  }

  // As `select`, by a key: who does not see the player is told.
  choose(name) {
    this.select(name);
    this.announce(this.text(name));
  }

  switch() {
    this.choose(other(this.active));
  }

  setStrength(strength) {
    this.strength = strength;
    if (this.transport) this.transport.mix(this.active, strength);
    this.showStrength();
    this.paint();
    this.changed();
  }

  async seek(seconds) {
    const target = Math.min(Math.max(seconds, 0), this.recording.seconds);
    this.pending = target;
    if (this.transport) await this.transport.seek(target);
    this.show();
  }

  // Moves the playhead while there is something to hear, and stops at its end.
  follow() {
    if (this.closed || !this.playing) return;
    if (this.position >= this.recording.seconds - 0.005) this.transport.pause();
    this.show();
    requestAnimationFrame(() => this.follow());
  }

  show() {
    const at = this.position;
    const playing = this.playing;
    const { seconds } = this.recording;
    this.stage.style.setProperty("--fr-at", (seconds ? Math.min(at / seconds, 1) : 0).toFixed(5));
    this.node.dataset.active = this.active;
    if (this.node.dataset.playing !== String(playing) || !this.playButton.firstChild) {
      this.node.dataset.playing = String(playing);
      this.playButton.replaceChildren(icon(playing ? ICONS.pause : ICONS.play));
    }
    this.playButton.setAttribute("aria-label", this.text(playing ? "pause" : "play"));
    this.now.textContent = clock(at);
    this.waveform.setAttribute("aria-valuenow", at.toFixed(2));
    const spoken = { at: clock(at), all: clock(seconds) };
    this.waveform.setAttribute("aria-valuetext", this.text("position_of", spoken));
    this.versions.show(this.active);
  }

  showStrength() {
    this.slider.show(this.strength, this.text, this.describe(this.strength));
  }

  paint() {
    paintWaveform(this.canvas, this.recording.peaks, this.active, this.strength);
  }

  drag(event) {
    if (event.button !== 0) return;
    const surface = this.waveform;
    const box = surface.getBoundingClientRect();
    const go = (move) => this.seek(((move.clientX - box.left) / box.width) * this.recording.seconds);
    const stop = () => {
      surface.removeEventListener("pointermove", go);
      surface.removeEventListener("pointerup", stop);
      surface.removeEventListener("pointercancel", stop);
    };
    surface.setPointerCapture(event.pointerId);
    surface.addEventListener("pointermove", go);
    surface.addEventListener("pointerup", stop);
    surface.addEventListener("pointercancel", stop);
    go(event);
  }

  // Moves as an arrow key says; whether the key was one that moves.
  seekBy(key) {
    const { seconds } = this.recording;
    const step = Math.max(0.1, Math.min(1, seconds / 20));
    const moves = {
      ArrowLeft: this.position - step,
      ArrowDown: this.position - step,
      ArrowRight: this.position + step,
      ArrowUp: this.position + step,
      PageDown: this.position - 10 * step,
      PageUp: this.position + 10 * step,
      Home: 0,
      End: seconds,
    };
    if (!(key in moves)) return false;
    this.seek(moves[key]);
    return true;
  }

  seekKeys(event) {
    if (this.seekBy(event.key)) event.preventDefault();
  }

  close() {
    this.closed = true;
    this.part.leave();
    this.keys.close();
    this.resizing.disconnect();
    this.recolouring.disconnect();
    if (this.transport) this.transport.close();
  }
}
