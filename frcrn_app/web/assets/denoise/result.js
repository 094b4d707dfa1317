// The result of cleaning: empty, at work, failed, cancelled or done. Which of them, and with what,
// is the component's value; the server sends one after the other.

import { ICONS, icon, liveRegion, make, reveal, store, stored } from "../common/dom.js";
import { translator } from "../common/texts.js";
import { drawDone } from "./done.js";
import { listenToKeys } from "../player/keys.js";

const TICKET = "frcrn-ticket"; // of the result that this tab shows: a page loaded again finds it

export const mount = ({ element, props, trigger, watch }) => {
  const { language, text } = translator(props);
  const root = element.querySelector(".fr-result");
  const live = liveRegion();
  const stage = make("div", { class: "fr-stage" });
  root.append(stage, live.node);
  const shared = new URLSearchParams(location.search).get("result");

  let value = { state: "empty" };
  let done = null; // what is on the page of a result
  let told = null; // turn and moment that were announced last

  // Says something once, however often the server repeats it.
  const tell = (moment, words) => {
    if (told === `${value.turn} ${moment}`) return false;
    told = `${value.turn} ${moment}`;
    live.announce(words);
    return true;
  };

  const leave = () => {
    if (done) done.close();
    done = null;
  };

  const drawEmpty = () => {
    const bars = [];
    const heights = [14, 30, 22, 44, 26, 58, 36, 66, 30, 52, 38, 60, 28, 46, 20, 34, 16];
    heights.forEach((tall, i) => {
      const noise = 10 + ((i * 37) % 23);
      const x = 8 + i * 13;
      const bar = (name, height) =>
        make("rect", { class: name, x, y: 45 - height / 2, width: 5, height, rx: 2.5 });
      bars.push(bar("fr-art-noise", tall + (i < 9 ? noise : 0)), bar("fr-art-voice", tall));
    });
    const cancelled = value.state === "cancelled";
    stage.replaceChildren(
      make(
        "div",
        { class: "fr-empty" },
        make("svg", { viewBox: "0 0 232 90", class: "fr-art", "aria-hidden": "true" }, ...bars),
        make("h2", {}, text(cancelled ? "cancelled" : "empty")),
        make("ol", {}, ...[1, 2, 3].map((n) => make("li", {}, text(`step_${n}`)))),
      ),
    );
    if (cancelled) tell("cancelled", text("cancelled"));
  };

  const drawWorking = () => {
    const tall = stage.offsetHeight;
    let bar = stage.querySelector(".fr-bar");
    if (!bar) {
      bar = make(
        "div",
        { class: "fr-bar", role: "progressbar", "aria-valuemin": 0, "aria-valuemax": 100 },
        make("i"),
      );
      const cancel = () => trigger("cancel");
      const panel = make(
        "div",
        { class: "fr-working" },
        make("h2"),
        bar,
        make("p", { class: "fr-phase" }),
        make("button", { type: "button", class: "fr-cancel", onclick: cancel }),
      );
      panel.style.minHeight = `${tall}px`; // the page does not jump when a result is replaced
      stage.replaceChildren(panel);
    }
    const percent = Math.round(100 * value.fraction);
    // A short recording is one step for the network: no share of it is ever known.
    const known = value.phase === "cleaning" && value.fraction > 0;
    bar.classList.toggle("fr-waiting", !known);
    bar.firstChild.style.width = `${known ? percent : 0}%`;
    if (known) bar.setAttribute("aria-valuenow", percent);
    else bar.removeAttribute("aria-valuenow");
    bar.setAttribute("aria-label", text("progress"));
    stage.querySelector("h2").textContent = value.name;
    const phase = known ? "cleaning_percent" : value.phase;
    stage.querySelector(".fr-phase").textContent = text(phase, { n: value.ahead, percent });
    stage.querySelector(".fr-cancel").textContent = text("cancel");
    if (percent >= 50) tell("halfway", text("halfway"));
    else if (told !== `${value.turn} started`) {
      tell("started", text("started", { name: value.name }));
      reveal(root);
    }
  };

  // The server repeats its last word when it ends: what is an alert already is not one again.
  const drawFailed = () => {
    const now = `${value.turn} ${language()} ${value.message}`;
    if (stage.firstChild?.dataset.failure === now) return;
    const lang = /[\u4e00-\u9fff]/.test(value.message) ? "zh" : "en"; // a few stay English
    stage.replaceChildren(
      make(
        "div",
        { class: "fr-failed", role: "alert", "data-failure": now },
        icon(ICONS.alert),
        make("div", {}, make("h2", {}, text("failed")), make("p", { lang }, value.message)),
      ),
    );
    reveal(root);
  };

  const draw = () => {
    // The last answer of an earlier turn may arrive after the first of a later one.
    if (props.value && (props.value.turn ?? Infinity) >= (value.turn ?? 0)) {
      // Nor does what is late bring back a result that was removed, which no turn is for.
      const removed = { turn: Math.floor(value.turn ?? 0) + 0.5 };
      value = props.value.state === "empty" ? { ...removed, ...props.value } : props.value;
    }
    root.dataset.state = value.state;
    root.setAttribute("aria-label", text("result"));
    root.setAttribute("aria-busy", String(value.state === "working"));
    if (!shared && value.state !== "empty") {
      store("sessionStorage", TICKET, "ticket" in value ? value.ticket : null);
    }
    if (value.state !== "done") leave();
    if (value.state === "working") drawWorking();
    else if (value.state === "failed") drawFailed();
    else if (value.state === "done") {
      const sameResult = done && done.ticket === value.ticket;
      if (sameResult && done.track === value.track) {
        done.update(value, language());
        return;
      }
      leave();
      const { sharing } = props;
      const page = { stage, root, text, language: language(), live, trigger, sharing, showTrack };
      done = drawDone({ value, ...page });
      if (sameResult) done.tracks.focus({ preventScroll: true });
      else if (tell("ready", text("ready"))) done.arrive();
    } else drawEmpty();
  };

  listenToKeys(root, () => done && done.player);
  watch(["value", "label"], draw);
  draw();

  const resume = (track = 0) => {
    const ticket = stored("sessionStorage", TICKET);
    if (shared) trigger("resume", { shared, track });
    else if (ticket) trigger("resume", { ticket, track });
  };
  const showTrack = (track) => {
    stage.setAttribute("aria-busy", "true");
    resume(track);
  };
  resume();
  // A page that the browser has kept lost its connection when it was left.
  addEventListener("pageshow", (event) => {
    if (event.persisted && value.state === "working") resume();
  });
};
