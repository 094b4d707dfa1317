// The keys that work here, and the switch that turns all of them off.

import { make } from "../common/dom.js";
import { keysOn, onKeysSwitched, switchKeys } from "./keys.js";

export class KeyHints {
  // hints: [what is on the key, the name of the words for what it does] of each.
  constructor(hints) {
    this.hints = hints;
    this.button = make("button", {
      type: "button",
      class: "fr-keys-switch",
      onclick: switchKeys,
    });
    this.node = make("p", { class: "fr-keys" });
    this.forget = onKeysSwitched(() => this.show());
  }

  show() {
    if (!this.text) return;
    const on = keysOn();
    this.button.textContent = this.text(on ? "keys_on" : "keys_off");
    this.button.setAttribute("aria-pressed", String(on));
    this.node.dataset.on = String(on);
  }

  translate(text) {
    this.text = text;
    this.node.replaceChildren(
      ...this.hints.map(([key, words]) =>
        make("span", {}, make("kbd", {}, key), ` ${text(words)}`),
      ),
      this.button,
    );
    this.show();
  }

  close() {
    this.forget();
  }
}
