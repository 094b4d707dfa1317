// A listener's page: what it is about, trial after trial, thanks. Who leaves goes on where they were.

import { liveRegion, make, store, stored } from "../common/dom.js";
import { translator } from "../common/texts.js";
import { listenToKeys } from "../player/keys.js";
import { ask, button, failure } from "./parts.js";
import { Trial } from "./trial.js";

export const mountListener = ({ root, facts, props, watch, home }) => {
  const { text } = translator(props);
  const memory = `frcrn-listener ${home.split("/").pop()}`;
  const live = liveRegion();
  const stage = make("div");
  root.append(stage, live.node);

  let listener = stored("localStorage", memory);
  let trials = [];
  let trial = null; // the one on the page
  let redraw = () => {};

  const show = (draw) => {
    redraw = draw;
    draw();
  };

  const fail = (error) => {
    if (trial) trial.close();
    trial = null;
    const message = error.told ? error.message : null;
    show(() => stage.replaceChildren(failure(message ?? text("unreachable"))));
  };

  const drawIntro = () => {
    const more = make("ul", {}, ...["intro_where", "intro_keep", "intro_private"].map((key) =>
      make("li", {}, text(key)),
    ));
    stage.replaceChildren(
      make(
        "div",
        { class: "fr-card fr-intro" },
        make("h1", {}, text(`intro_title_${facts.method}`)),
        make("p", {}, text(`intro_${facts.method}`, { trials: facts.trials })),
        more,
        button(text(listener ? "go_on" : "start"), begin, "fr-first"),
      ),
    );
  };

  const drawThanks = () => {
    stage.replaceChildren(
      make(
        "div",
        { class: "fr-card fr-intro" },
        make("h1", { tabindex: "-1" }, text("thanks")),
        make("p", {}, text("thanks_more")),
      ),
    );
    stage.querySelector("h1").focus();
  };

  const begin = async () => {
    try {
      if (!listener) {
        listener = (await (await ask(`${home}/listeners`, {})).json()).listener;
        store("localStorage", memory, listener);
      }
      trials = (await (await ask(`${home}/${listener}`)).json()).trials;
    } catch (error) {
      // The test is another one now, or its votes were deleted: begin anew next time.
      if (error.code === "listening.gone") store("localStorage", memory, null);
      fail(error);
      return;
    }
    next();
  };

  const next = () => {
    if (trial) trial.close();
    trial = null;
    const place = trials.findIndex((one) => !one.done);
    if (place < 0) {
      show(drawThanks);
      return;
    }
    openTrial(place);
  };

  const openTrial = (place) => {
    const done = trials.filter((one) => one.done).length;
    trial = new Trial({
      trial: trials[place],
      method: facts.method,
      text,
      sound: (token) => `${home}/${listener}/${token}.wav`,
      announce: live.announce,
    });
    trial.deck.ready.catch(fail);
    const heading = make("h1", { tabindex: "-1" });
    const bar = make("progress", { max: trials.length, value: done });
    const hint = make("p", { class: "fr-small fr-keys-hint" });
    const told = make("p", { class: "fr-told", role: "alert" });
    const forward = button("", () => send(place, told, forward), "fr-first");
    stage.replaceChildren(
      make("div", { class: "fr-card" }, heading, bar, trial.node, told, forward, hint),
    );
    show(() => {
      heading.textContent = text("page_of", { n: done + 1, all: trials.length });
      bar.setAttribute("aria-label", text("progress"));
      forward.textContent = text(done + 1 < trials.length ? "next" : "finish");
      hint.textContent = text(`keys_${facts.method}`);
      told.textContent = "";
      trial.translate();
    });
    heading.focus();
  };

  const send = async (place, told, forward) => {
    told.textContent = trial.missing;
    if (told.textContent) return;
    trial.deck.pause();
    forward.disabled = true;
    try {
      await ask(`${home}/${listener}/${trials[place].token}`, trial.answer);
    } catch (error) {
      forward.disabled = false;
      told.textContent = error.told ? error.message : text("not_saved");
      return;
    }
    trials[place].done = true;
    next();
  };

  listenToKeys(root, () => trial);
  watch("label", () => redraw());
  show(drawIntro);
};
