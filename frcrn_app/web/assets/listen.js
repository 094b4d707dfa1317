// Plays the sounds of one row and shows their spectrograms. Changing from one sound to another keeps
// the position, so that they can be compared. Arguments: element, props, watch.
const players = [];
const make = (tag, attributes = {}, ...children) => {
  const node = document.createElement(tag);
  for (const [name, value] of Object.entries(attributes)) {
    if (name.startsWith("on")) node.addEventListener(name.slice(2), value);
    else if (name === "style") node.style.cssText = value;
    else node.setAttribute(name, value);
  }
  node.append(...children.filter((child) => child !== null));
  return node;
};
const icon = (path) => {
  const holder = document.createElement("span");
  holder.innerHTML =
    `<svg viewBox="0 0 24 24" width="18" height="18" aria-hidden="true"><path d="${path}" ` +
    'fill="currentColor"/></svg>';
  return holder.firstChild;
};
const PLAY = "M7 4.5v15l12.5-7.5z";
const PAUSE = "M6.5 5h4v14h-4zM13.5 5h4v14h-4z";

const stopAll = () => {
  for (const player of players) player.audio.pause();
};
const position = () => {
  const current = players.find((player) => !player.audio.paused) ?? players.last;
  return current ? current.audio.currentTime : 0;
};

// One sound: a button, a name, its scores, a picture with a line where it is heard.
const build = (sound, value) => {
  const audio = new Audio(sound.audio.url);
  audio.preload = "auto";
  const button = make("button", { type: "button", class: "fr-listen-play" });
  const line = make("i", { class: "fr-listen-line" });
  const player = { audio };
  const label = () => {
    const word = audio.paused ? value.play : value.pause;
    button.setAttribute("aria-label", `${word}: ${sound.name}`);
    button.replaceChildren(icon(audio.paused ? PLAY : PAUSE));
    figure.classList.toggle("fr-playing", !audio.paused);
  };
  const follow = () => {
    const share = audio.duration ? audio.currentTime / audio.duration : 0;
    line.style.left = `${100 * share}%`;
    if (!audio.paused) requestAnimationFrame(follow);
  };
  const play = (at) => {
    stopAll();
    audio.currentTime = Math.min(at, audio.duration || at);
    players.last = player;
    audio.play().catch(() => label());
  };
  button.addEventListener("click", () => {
    if (!audio.paused) {
      audio.pause();
      return;
    }
    const at = position();
    play(audio.duration && at >= audio.duration - 0.05 ? 0 : at);
  });
  audio.addEventListener("play", () => {
    label();
    follow();
  });
  for (const name of ["pause", "ended", "seeked"]) {
    audio.addEventListener(name, () => {
      label();
      follow();
    });
  }
  const picture = make(
    "div",
    {
      class: "fr-listen-picture",
      onclick: (event) => {
        const box = picture.getBoundingClientRect();
        play(((event.clientX - box.left) / box.width) * (audio.duration || value.seconds));
      },
    },
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
    ),
    picture,
  );
  label();
  players.push(player);
  return figure;
};

const draw = () => {
  stopAll();
  players.length = 0;
  players.last = undefined;
  const root = element.querySelector(".fr-listen") ?? element;
  const value = props.value;
  if (!value || !value.sounds) {
    root.replaceChildren();
    return;
  }
  root.replaceChildren(
    make("h4", {}, value.name),
    make("p", { class: "fr-small" }, value.note),
    ...value.sounds.map((sound) => build(sound, value)),
  );
};
watch("value", draw);
draw();
