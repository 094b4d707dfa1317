// What is heard of a live session: which version, how strongly cleaned, or nothing.

import { make } from "../common/dom.js";
import { keysOn, switchKeys } from "../player/keys.js";
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
    this.strengthName = make("span", { class: "fr-strength-name" });
    this.strengthWords = make("output", { class: "fr-strength-words" });
    this.slider = make("input", {
      type: "range",
      min: 0,
      max: 100,
      step: 5,
      value: 100,
      oninput: (event) => this.setStrength(event.target.value / 100),
    });
    this.keys = make("p", { class: "fr-keys" });
    this.strengthRow = make(
      "label",
      { class: "fr-strength" },
      this.strengthName,
      this.slider,
      this.strengthWords,
    );
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
    const percent = Math.round(100 * this.strength);
    const words = this.text("percent", { n: percent });
    this.slider.style.setProperty("--fr-filled", `${percent}%`);
    this.slider.setAttribute("aria-valuetext", words);
    this.strengthWords.textContent = words;
    this.muteButton.setAttribute("aria-pressed", String(this.silent));
    this.keysButton.textContent = this.text(keysOn() ? "keys_on" : "keys_off");
    this.keysButton.setAttribute("aria-pressed", String(keysOn()));
    this.keys.dataset.on = String(keysOn());
  }

  translate() {
    const { text } = this;
    this.versions.translate(text);
    this.muteButton.textContent = text("mute");
    this.strengthName.textContent = text("strength");
    this.slider.setAttribute("aria-label", text("strength"));
    this.keysButton = make("button", {
      type: "button",
      class: "fr-keys-switch",
      onclick: () => {
        switchKeys();
        this.show();
      },
    });
    this.keys.replaceChildren(
      ...HINTS.map(([key, words]) => make("span", {}, make("kbd", {}, key), ` ${text(words)}`)),
      this.keysButton,
    );
    this.show();
  }
}
