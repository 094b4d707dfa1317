// Plays the versions of one file and shows their spectrograms. Changing from one version to another
// keeps the position, so that they can be compared.
import { ICONS, icon, make } from "../common/dom.js";
import { takePart } from "../player/exclusive.js";

// One version: a button, a name, its scores, a picture with a line where it is heard.
const build = (sound, value, group) => {
  const audio = new Audio(sound.audio.url);
  audio.preload = "auto";
  const button = make("button", { type: "button", class: "fr-listen-play" });
  const line = make("i", { class: "fr-listen-line" });
  const label = () => {
    const word = audio.paused ? value.play : value.pause;
    button.setAttribute("aria-label", `${word}: ${sound.name}`);
    button.replaceChildren(icon(audio.paused ? ICONS.play : ICONS.pause));
    figure.classList.toggle("fr-playing", !audio.paused);
  };
  const follow = () => {
    const share = audio.duration ? audio.currentTime / audio.duration : 0;
    line.style.left = `${100 * share}%`;
    if (!audio.paused) requestAnimationFrame(follow);
  };
  const play = (at) => {
    group.claim();
    audio.currentTime = Math.min(at, audio.duration || at);
    group.last = audio;
    audio.play().catch(() => label());
  };
  button.addEventListener("click", () => {
    if (!audio.paused) {
      audio.pause();
      return;
    }
    const at = group.position();
    play(audio.duration && at >= audio.duration - 0.05 ? 0 : at);
  });
  for (const name of ["play", "pause", "ended", "seeked"]) {
    audio.addEventListener(name, () => {
      label();
      follow();
    });
  }
  const seek = (event) => {
    const box = picture.getBoundingClientRect();
    play(((event.clientX - box.left) / box.width) * (audio.duration || value.seconds));
  };
  const picture = make(
    "div",
    { class: "fr-listen-picture", onclick: seek },
    make("img", { src: sound.picture.url, alt: "" }),
    make("span", { class: "fr-listen-hertz", style: "top:4px" }, `${value.top_hz / 1000} kHz`),
    make("span", { class: "fr-listen-hertz", style: "bottom:4px" }, "0"),
    line,
  );
  const figure = make(
    "figure",
    { "data-sound": sound.role },
    make(
      "figcaption",
      {},
      button,
      sound.colour ? make("i", { style: `background:${sound.colour}` }) : null,
      make("b", {}, sound.name),
      make("span", {}, sound.facts),
      sound.problems ? make("span", { class: "fr-problem" }, sound.problems) : null,
      sound.notes ? make("span", {}, sound.notes) : null,
    ),
    picture,
  );
  label();
  group.audios.push(audio);
  return figure;
};

export const mount = ({ element, props, watch }) => {
  const group = { audios: [], last: undefined };
  const silence = () => group.audios.forEach((audio) => audio.pause());
  const part = takePart(silence);
  group.claim = () => {
    const heard = group.audios.find((audio) => !audio.paused);
    if (heard) group.last = heard;
    silence();
    part.claim();
  };
  group.position = () => {
    const current = group.audios.find((audio) => !audio.paused) ?? group.last;
    return current ? current.currentTime : 0;
  };
  const draw = () => {
    silence();
    group.audios.length = 0;
    group.last = undefined;
    const root = element.querySelector(".fr-listen") ?? element;
    const value = props.value;
    if (!value || !value.sounds) {
      root.replaceChildren();
      return;
    }
    root.replaceChildren(
      make("h4", {}, value.name),
      make("p", { class: "fr-small" }, value.note),
      ...value.sounds.map((sound) => build(sound, value, group)),
    );
  };
  watch("value", draw);
  draw();
};
