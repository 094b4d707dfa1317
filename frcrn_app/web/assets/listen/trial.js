// One page of a test: versions to be heard, and what is asked of them.

import { make } from "../common/dom.js";
import { Deck } from "./deck.js";

const SCALE = ["excellent", "good", "fair", "poor", "bad"]; // of 20 points each, from the top
const LETTERS = ["A", "B"];
const STEP = 1; // seconds that an arrow key moves

// trial: as the server describes it; sound(token): its address; announce: says something aloud.
export class Trial {
  constructor({ trial, method, text, sound, announce }) {
    Object.assign(this, { trial, method, text, announce });
    this.began = performance.now();
    this.ratings = {}; // by token
    this.choice = undefined; // token, or null for no difference
    const urls = {};
    if (trial.reference) urls[trial.reference] = sound(trial.reference);
    for (const token of trial.stimuli) urls[token] = sound(token);
    this.deck = new Deck({
      urls,
      seconds: trial.seconds,
      text,
      switched: () => this.show(),
    });
    this.buttons = Object.fromEntries(
      this.deck.names.map((name) => [
        name,
        make("button", {
          type: "button",
          class: "fr-second fr-hear",
          onclick: () => this.hear(name),
        }),
      ]),
    );
    this.title = make("h2");
    this.question = make("p", { class: "fr-question" });
    this.answers = method === "mushra" ? this.drawRatings() : this.drawChoice();
    this.comment = make("textarea", { rows: 2, maxlength: 500 });
    this.commentName = make("span");
    this.node = make(
      "div",
      { class: "fr-trial", "data-method": method },
      this.deck.node,
      this.question,
      this.answers,
      make("label", { class: "fr-comment" }, this.commentName, this.comment),
    );
    this.translate();
  }

  get label() {
    return (token) => {
      if (token === this.trial.reference) return this.text("reference");
      const place = this.trial.stimuli.indexOf(token);
      const name = this.method === "ab" ? LETTERS[place] : String(place + 1);
      return this.text("version", { name });
    };
  }

  drawRatings() {
    this.sliders = {};
    this.outputs = {};
    const rows = this.trial.stimuli.map((token) => {
      this.sliders[token] = make("input", {
        type: "range",
        min: 0,
        max: 100,
        step: 1,
        value: 50,
        class: "fr-unrated",
        oninput: (event) => this.rate(token, Number(event.target.value)),
      });
      this.outputs[token] = make("output", {}, "–");
      return make(
        "div",
        { class: "fr-rating" },
        this.buttons[token],
        this.sliders[token],
        this.outputs[token],
      );
    });
    this.scale = make("div", { class: "fr-grades", "aria-hidden": "true" });
    return make(
      "div",
      { class: "fr-ratings" },
      make("div", { class: "fr-open" }, this.buttons[this.trial.reference]),
      this.scale,
      ...rows,
    );
  }

  drawChoice() {
    this.radios = [...this.trial.stimuli, null].map((token) => ({
      token,
      name: make("span"),
      input: make("input", {
        type: "radio",
        name: "choice",
        onchange: () => {
          this.choice = token;
        },
      }),
    }));
    const [first, second, none] = this.radios.map(({ input, name }) =>
      make("label", {}, input, name),
    );
    this.choices = make("fieldset", { class: "fr-choice" }, first, none, second);
    return make(
      "div",
      { class: "fr-ab" },
      make("div", { class: "fr-open" }, ...this.trial.stimuli.map((token) => this.buttons[token])),
      this.choices,
    );
  }

  translate() {
    const { text } = this;
    this.question.textContent = text(`question_${this.method}`);
    this.commentName.textContent = text("comment");
    for (const [token, button] of Object.entries(this.buttons)) {
      button.textContent = this.label(token);
    }
    if (this.method === "mushra") {
      this.scale.replaceChildren(
        ...[...SCALE].reverse().map((grade) => make("span", {}, text(`grade_${grade}`))),
      );
      for (const token of this.trial.stimuli) this.showRating(token);
    } else {
      this.choices.setAttribute("aria-label", text("question_ab"));
      for (const { token, name } of this.radios) {
        const place = this.trial.stimuli.indexOf(token);
        const words = token === null ? "undecided" : "prefer";
        name.textContent = text(words, { name: LETTERS[place] });
      }
    }
    this.deck.translate();
    this.show();
  }

  hear(token) {
    this.deck.hear(token);
    if (!this.deck.playing) this.deck.toggle();
  }

  rate(token, score) {
    this.ratings[token] = score;
    this.sliders[token].classList.remove("fr-unrated");
    this.showRating(token);
  }

  showRating(token) {
    const { text } = this;
    const score = this.ratings[token];
    const slider = this.sliders[token];
    slider.setAttribute("aria-label", text("rating_of", { name: this.label(token) }));
    if (score === undefined) {
      slider.setAttribute("aria-valuetext", text("unrated"));
      return;
    }
    const grade = SCALE[Math.min(4, Math.floor((100 - score) / 20))];
    this.outputs[token].textContent = score;
    slider.setAttribute("aria-valuetext", `${score}, ${text(`grade_${grade}`)}`);
  }

  show() {
    for (const [token, button] of Object.entries(this.buttons)) {
      button.setAttribute("aria-pressed", String(token === this.deck.active));
    }
  }

  // What is still to be done, in words; empty when the answer is whole.
  get missing() {
    const { text, trial } = this;
    const names = (tokens) => tokens.map((token) => this.label(token)).join(text("comma"));
    const unheard = this.deck.names.filter((token) => !this.deck.heard.has(token));
    if (unheard.length) return text("hear_first", { names: names(unheard) });
    if (this.method === "ab") return this.choice === undefined ? text("choose_first") : "";
    const unrated = trial.stimuli.filter((token) => this.ratings[token] === undefined);
    return unrated.length ? text("rate_first", { names: names(unrated) }) : "";
  }

  get answer() {
    const answer = this.method === "ab" ? { choice: this.choice } : { ratings: this.ratings };
    const seconds = (performance.now() - this.began) / 1000;
    return { ...answer, seconds, comment: this.comment.value };
  }

  // For keys, as the player of the first tab takes them.
  toggle() {
    this.deck.toggle();
  }

  switch() {
    const { names, active } = this.deck;
    this.say(names[(names.indexOf(active) + 1) % names.length]);
  }

  choose(name) {
    if (this.method === "ab") this.pick(name === "original" ? 1 : 2);
  }

  pick(number) {
    const token = number ? this.trial.stimuli[number - 1] : this.trial.reference;
    if (token) this.say(token);
  }

  say(token) {
    this.hear(token);
    if (this.sliders && this.sliders[token]) this.sliders[token].focus();
    else this.announce(this.label(token));
  }

  seekBy(key) {
    this.deck.seek(this.deck.position + (key === "ArrowLeft" ? -STEP : STEP));
  }

  close() {
    this.deck.close();
  }
}
