// The slider that says how much of the noise goes, with its words beside it.

import { make } from "../common/dom.js";

export class StrengthSlider {
  // moved(strength): called with 0 to 1 when somebody moves it.
  constructor(moved) {
    this.name = make("span", { class: "fr-strength-name" });
    this.words = make("output", { class: "fr-strength-words" });
    this.slider = make("input", {
      type: "range",
      min: 0,
      max: 100,
      step: 5,
      value: 100,
      oninput: (event) => moved(event.target.value / 100),
    });
    this.node = make("label", { class: "fr-strength" }, this.name, this.slider, this.words);
  }

  // meaning: what the strength does here, where that is known.
  show(strength, text, meaning) {
    const percent = Math.round(100 * strength);
    const words = [text("percent", { n: percent }), meaning].filter(Boolean).join(" · ");
    this.slider.style.setProperty("--fr-filled", `${percent}%`);
    this.slider.setAttribute("aria-valuetext", words);
    this.words.textContent = words;
  }

  translate(text) {
    this.name.textContent = text("strength");
    this.slider.setAttribute("aria-label", text("strength"));
  }
}
