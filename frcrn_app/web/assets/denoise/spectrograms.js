// Spectrograms of both versions, one over the other, with a dividing line to drag.

import { make } from "../common/dom.js";
import { clock } from "../common/texts.js";

const PIXELS_A_LABEL = 76; // of the time axis
const TIME_STEPS = [0.1, 0.2, 0.5, 1, 2, 5, 10, 20, 30, 60, 120, 300, 600]; // seconds
const LEVEL_STEPS = [1, 2, 4, 6, 8]; // kHz
const LEVELS = 4.5; // labels of the frequency axis, at most

const axisStep = (end, wanted, candidates) =>
  candidates.find((step) => end / step <= wanted) ?? candidates.at(-1);

const levels = (topHz) => {
  const kilohertz = topHz / 1000;
  const step = axisStep(kilohertz, LEVELS, LEVEL_STEPS);
  const labels = [];
  for (let level = step; level < kilohertz - step / 3; level += step) {
    const up = `bottom:${((100 * level) / kilohertz).toFixed(2)}%`;
    labels.push(make("span", { class: "fr-hertz", style: up }, `${level} kHz`));
  }
  return labels;
};

const times = (seconds, width) => {
  const every = axisStep(seconds, Math.max(2, Math.floor(width / PIXELS_A_LABEL)), TIME_STEPS);
  const labels = [];
  for (let at = 0; at <= seconds * 0.97; at += every) {
    const left = `left:${((100 * at) / seconds).toFixed(2)}%`;
    labels.push(make("span", { style: left }, every < 1 ? at.toFixed(1) : clock(at)));
  }
  return labels;
};

// result.spectrograms is null while they are being drawn. width: pixels of the place for them.
export const drawSpectrograms = (result, width, text) => {
  const pictures = result.spectrograms;
  const heading = make("span", { class: "fr-heading" });
  const scale = make("span", { class: "fr-scale" });
  const box = make("div", { class: "fr-spectrogram" });
  const node = make("figure", { class: "fr-figure" }, make("figcaption", {}, heading, scale), box);
  const translate = () => {
    heading.textContent = text("spectrogram");
    scale.textContent = pictures
      ? text("scale", { range: Math.round(pictures.range_db) })
      : text("drawing");
    for (const label of box.querySelectorAll(".fr-tag")) {
      label.textContent = text(label.dataset.version);
    }
    box.querySelector("input")?.setAttribute("aria-label", text("divider"));
    for (const picture of box.querySelectorAll("img")) {
      picture.alt = text("spectrogram_of", { version: text(picture.dataset.version) });
    }
  };
  if (pictures) {
    const picture = (name) =>
      make("img", {
        src: new URL(pictures[name], document.baseURI).href,
        "data-version": name,
        class: `fr-${name}-picture`,
      });
    const divide = (share) => box.style.setProperty("--fr-divide", `${share}%`);
    box.append(
      make(
        "div",
        { class: "fr-pictures" },
        picture("original"),
        picture("cleaned"),
        ...levels(pictures.top_hz),
        make("div", { class: "fr-playhead", "aria-hidden": "true" }),
        make("span", { class: "fr-tag fr-tag-left", "data-version": "original" }),
        make("span", { class: "fr-tag fr-tag-right", "data-version": "cleaned" }),
        make("div", { class: "fr-divider", "aria-hidden": "true" }, make("span", {}, "⇆")),
        make("input", {
          type: "range",
          min: 0,
          max: 100,
          step: 0.5,
          value: 50,
          oninput: (event) => divide(event.target.value),
        }),
      ),
      make("div", { class: "fr-times", "aria-hidden": "true" }, ...times(pictures.seconds, width)),
    );
    divide(50);
  } else box.append(make("div", { class: "fr-pictures fr-waiting" }), make("div", { class: "fr-times" }));
  translate();
  return { node, translate };
};
