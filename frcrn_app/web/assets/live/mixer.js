// What is heard of a live session: which version, how strongly cleaned, or nothing.

import { make } from "../common/dom.js";
import { KeyHints } from "../player/hints.js";
import { StrengthSlider } from "../player/strength.js";
import { Versions, other } from "../player/versions.js";

const HINTS = [
  ["Space", "key_mute"],
  ["S", "key_switch"],
];

export class Mixer {
  // heard(strength): 0 is the original. muted(on). announce(words).
  constructor({ text, heard, muted, announce }) {
    Object.assign(this, { text, heard, muted, announce });
    this.active = "cleaned";
    this.strength = 1;
    this.silent = false;
    this.versions = new Versions((name) => this.select(name));
    this.muteButton = make("button", {
      type: "button",
      class: "fr-plain fr-mute",
      onclick: () => this.toggle(),
    });
    this.slider = new StrengthSlider((strength) => this.setStrength(strength));
    this.keys = new KeyHints(HINTS);
  }

  // Tells a new session what is chosen.
  apply() {
    this.heard(this.active === "cleaned" ? this.strength : 0);
    this.muted(this.silent);
  }

  select(name) {
    this.active = name;
    this.apply();
    this.show();
  }

  // As `select`, by a key: who does not see the buttons is told.
  choose(name) {
    this.select(name);
    this.announce(this.text(name));
  }

  switch() {
    this.choose(other(this.active));
  }

  // Mute; by that name because keys of players call it.
  toggle() {
    this.silent = !this.silent;
    this.apply();
    this.show();
  }

  // Nothing to move to: what is heard is now.
  seekBy() {}

  setStrength(strength) {
    this.strength = strength;
    this.apply();
    this.show();
  }

  show() {
    this.versions.show(this.active);
    this.slider.show(this.strength, this.text);
    this.muteButton.setAttribute("aria-pressed", String(this.silent));
  }

  translate() {
    const { text } = this;
    this.versions.translate(text);
    this.muteButton.textContent = text("mute");
    this.slider.translate(text);
    this.keys.translate(text);
    this.show();
  }
}
