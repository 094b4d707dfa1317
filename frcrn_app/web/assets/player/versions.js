// The switch between the original and the cleaned version: two buttons, one of them chosen.

import { make } from "../common/dom.js";

export const other = (name) => (name === "cleaned" ? "original" : "cleaned");

export class Versions {
  // select(name): called when one is chosen.
  constructor(select) {
    const version = (name, key) =>
      make(
        "button",
        {
          type: "button",
          role: "radio",
          class: "fr-version",
          "data-version": name,
          onclick: () => select(name),
        },
        make("span", { class: `fr-swatch fr-${name}` }),
        make("span", { class: "fr-version-name" }),
        make("kbd", { "aria-hidden": "true" }, key),
      );
    this.node = make(
      "div",
      {
        class: "fr-versions",
        role: "radiogroup",
        onkeydown: (event) => {
          if (!["ArrowLeft", "ArrowRight", "ArrowUp", "ArrowDown"].includes(event.key)) return;
          event.preventDefault();
          select(other(this.active));
          this.node.querySelector('[aria-checked="true"]').focus();
        },
      },
      version("original", "A"),
      version("cleaned", "B"),
    );
  }

  show(active) {
    this.active = active;
    for (const button of this.node.children) {
      const chosen = button.dataset.version === active;
      button.setAttribute("aria-checked", String(chosen));
      button.tabIndex = chosen ? 0 : -1;
    }
  }

  translate(text) {
    this.node.setAttribute("aria-label", text("version"));
    for (const button of this.node.children) {
      button.querySelector(".fr-version-name").textContent = text(button.dataset.version);
    }
  }
}
