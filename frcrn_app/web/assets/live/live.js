// The live tab: from a click on Start to the last word.

import { ICONS, icon, liveRegion, make } from "../common/dom.js";
import { openTab } from "../common/handover.js";
import { clock, translator } from "../common/texts.js";
import { takePart } from "../player/exclusive.js";
import { listenToKeys } from "../player/keys.js";
import { Keeping } from "./keeping.js";
import { Mixer } from "./mixer.js";
import { Scope } from "./scope.js";
import { obstacle, openSession } from "./session.js";

const WARNING = 60; // seconds before the end, from which on they are counted in red
const PICTURES = 30; // a second: where browser and network share cores, more take what the network needs
const ICON_HEADPHONES =
  "M12 3a9 9 0 0 0-9 9v6a3 3 0 0 0 3 3h2v-8H5v-1a7 7 0 0 1 14 0v1h-3v8h2a3 3 0 0 0 3-3v-6a9 9 0 0 0-9-9Z";

export const mount = ({ element, props, watch }) => {
  const { text } = translator(props);
  const root = element.querySelector(".fr-live-tab");
  const region = liveRegion();
  const announce = (words) => region.announce(words);
  let state = "idle"; // opening, connecting, starting, waiting, running, over
  let words = null; // key and fields of what is said about it
  let sentence = ""; // the server's own
  let session = null;
  let end = 0; // when the session's time is up, on the clock performance.now
  let turn = 0; // grows with each start and stop: what an earlier one still says is dropped
  let figures = null;
  let drawn = 0; // ms, when the last picture was
  fetch(new URL(props.address, document.baseURI)).catch(() => {}); // whoever looks may soon start

  // ------------------------------------------------------------------------------- what happens

  const become = (next, key = null, fields = {}, said = "") => {
    state = next;
    words = key && [key, fields];
    sentence = said;
    draw();
    announce(status.textContent);
  };

  const finish = (key, fields, said) => {
    turn++;
    session?.close();
    session = null;
    become("over", key, fields, said);
  };

  const heardFromServer = ({ kind, place, seconds, sentence: said }) => {
    if (kind === "waiting") become("waiting", "waiting", { place });
    else if (kind === "starting") become("starting", "starting");
    else if (kind === "ready") {
      end = performance.now() + 1000 * seconds;
      part.claim();
      become("running", "running");
      requestAnimationFrame(follow);
    } else if (kind === "ending") become("running", "ending");
    else if (kind === "ended") finish(null, {}, said);
    else if (kind === "closed") finish("lost");
  };

  const start = async () => {
    const wrong = obstacle();
    if (wrong) {
      finish(wrong);
      return;
    }
    const mine = ++turn;
    const current = (action) => (value) => mine === turn && action(value);
    keeping.clear();
    scopes.forEach((scope) => scope.clear());
    figures = null;
    become("opening", "opening");
    const address = new URL(props.address, document.baseURI);
    address.protocol = address.protocol.replace("http", "ws");
    try {
      const opened = await openSession({
        address: address.href,
        processed: processing.checked,
        on: {
          words: current(heardFromServer),
          report: current((report) => {
            figures = report;
            drawFigures();
          }),
          kept: current((pair) => keeping.keep(pair)),
          unplugged: current(() => finish("unplugged")),
        },
      });
      if (mine !== turn) {
        opened.close();
        return;
      }
      session = opened;
      mixer.apply();
      if (state === "opening") become("connecting", "connecting");
    } catch (error) {
      if (mine === turn) finish(error.message);
    }
  };

  const press = () => {
    if (state === "idle" || state === "over") start();
    else finish("stopped");
  };

  const follow = (now) => {
    if (state !== "running" || !session) return;
    requestAnimationFrame(follow);
    if (now - drawn < 1000 / PICTURES - 4) return;
    drawn = now;
    for (const scope of scopes) scope.draw(session.analysers[scope.name], now / 1000);
    drawTime();
  };

  // --------------------------------------------------------------------------------- what it is

  const button = make(
    "button",
    { type: "button", class: "fr-go", onclick: press },
    icon(ICONS.microphone),
    make("i", { class: "fr-stop-sign", "aria-hidden": "true" }),
    make("span"),
  );
  const status = make("p", { class: "fr-live-status" });
  const title = make("h2", { class: "fr-title" });
  const lead = make("p", { class: "fr-live-lead" });
  const hint = make("p", { class: "fr-hint" }, icon(ICON_HEADPHONES), make("span"));
  const limits = make("p", { class: "fr-small" });
  const mixer = new Mixer({
    text,
    announce,
    heard: (strength) => session?.mix(strength),
    muted: (on) => session?.mute(on),
  });
  const processing = make("input", {
    type: "checkbox",
    onchange: () => session?.process(processing.checked),
  });
  const processingRow = make("label", { class: "fr-check" }, processing, make("span"));
  const scopes = ["original", "cleaned"].map((name) => new Scope({ name, text, palette: props.palette }));
  const fact = () => make("div", { class: "fr-fact" }, make("dt"), make("dd", {}, make("span"), make("small")));
  const facts = { delay: fact(), gaps: fact(), left: fact() };
  const keeping = new Keeping({
    text,
    toDenoise: (file) => {
      dispatchEvent(new CustomEvent("frcrn-recording", { detail: file }));
      openTab("denoise");
    },
  });
  const panel = make(
    "div",
    { class: "fr-panel" },
    make("div", { class: "fr-player" },
      make("div", { class: "fr-controls" }, mixer.versions.node, mixer.muteButton),
      mixer.slider.node,
      mixer.keys.node,
    ),
    make("div", { class: "fr-scopes" }, ...scopes.map((scope) => scope.node)),
    make("dl", { class: "fr-facts" }, ...Object.values(facts)),
  );
  root.append(
    title,
    lead,
    hint,
    make("div", { class: "fr-start" }, button, status),
    panel,
    keeping.node,
    processingRow,
    limits,
    region.node,
  );
  const part = takePart(() => {
    if (session && !mixer.silent) mixer.toggle();
  });
  listenToKeys(root, () => (state === "running" ? mixer : null));

  const fill = (name, value, note = "") => {
    const [content, below] = facts[name].lastChild.children;
    if (content.textContent !== value) content.textContent = value;
    if (below.textContent !== note) below.textContent = note;
  };

  const drawTime = () => {
    const left = Math.max(0, (end - performance.now()) / 1000);
    facts.left.dataset.soon = String(left < WARNING);
    fill("left", clock(left));
  };

  const drawFigures = () => {
    if (!figures?.begun) {
      fill("delay", "–");
      fill("gaps", "0", text("gaps_note"));
      return;
    }
    const path = Math.round(1000 * figures.delay);
    const device = Math.round(1000 * figures.device);
    root.dataset.delay = path;
    fill("delay", text("milliseconds", { n: path + device }), text("delay_parts", { path, device }));
    fill("gaps", String(figures.gaps), text("gaps_note"));
  };

  const draw = () => {
    root.setAttribute("aria-label", text("region"));
    root.dataset.state = state;
    title.textContent = text("title");
    lead.textContent = text("lead");
    hint.lastChild.textContent = text("headphones");
    limits.textContent = text("limits", { minutes: +props.minutes.toFixed(1) });
    processingRow.lastChild.textContent = text("processing");
    const idle = state === "idle" || state === "over";
    button.lastChild.textContent = text(!idle ? "stop" : state === "over" ? "again" : "start");
    button.dataset.stop = String(!idle);
    status.textContent = sentence || (words ? text(...words) : "");
    panel.hidden = state !== "running";
    for (const name of Object.keys(facts)) facts[name].firstChild.textContent = text(name);
    mixer.translate();
    scopes.forEach((scope) => scope.translate());
    keeping.translate();
    drawFigures();
    drawTime();
  };

  watch("label", draw);
  draw();
};
