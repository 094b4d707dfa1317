// The batch: files that are dropped or chosen, a line for each, and what came of them. The server
// sends the whole table whenever something of it changes.

import { ICONS, icon, isShown, liveRegion, make, reveal, store, stored } from "../common/dom.js";
import { chosen, dropped, takeDrops } from "../common/dropped.js";
import { onHandedOver, rememberShown } from "../common/handover.js";
import { bytes, translator } from "../common/texts.js";
import { listenToKeys } from "../player/keys.js";
import { Listening } from "./listen.js";
import { Table } from "./table.js";
import { Uploads } from "./uploads.js";

const TICKET = "frcrn-batch"; // of the batch that this tab shows: a page loaded again finds it
const SILENCE = 15000; // ms without a word from the server, after which it is asked again
const LOOK = 5000; // ms between two looks at that
const GATHER = 400; // ms in which files that arrive are told to the server together

export const mount = ({ element, props, trigger, watch, upload }) => {
  const { language, text } = translator(props);
  const player = translator({
    texts: props.player_texts,
    get label() {
      return props.label;
    },
  });
  const root = element.querySelector(".fr-batch");
  const live = liveRegion();
  let value = { rows: [], total: null };
  let problem = "";
  let heard = Date.now(); // when the server said something last
  let gathering = null; // timer until files that have arrived are told
  let awaited = false; // a batch was begun, whose ticket is not known yet
  let told = ""; // what was announced last
  let words = null; // language that is shown

  // ------------------------------------------------------------------------------- what happens

  const address = (end) =>
    new URL(`${props.address}/${value.ticket}/${end}`, document.baseURI).href;
  const ask = (event, wish = {}) => {
    problem = "";
    trigger(event, { ticket: value.ticket, ...wish });
  };

  const flush = () => {
    gathering = null;
    if (awaited) return; // the next answer brings the ticket
    const files = uploads.take();
    if (!files.length) return;
    awaited = !value.ticket;
    ask("send", { files });
  };

  const gather = () => {
    gathering ??= setTimeout(flush, GATHER);
  };

  const uploads = new Uploads({ upload, changed: () => draw(), arrived: gather });

  const add = (files) => {
    problem = "";
    const fits = ({ file, name }) => {
      const suffix = name.slice(name.lastIndexOf(".")).toLowerCase();
      const hidden = name.split("/").some((part) => part.startsWith("."));
      if (hidden) return false;
      if (name.includes("/") && !props.suffixes.includes(suffix)) return false;
      if (file.size <= props.max_bytes) return true;
      problem = text("too_big", { name, size: bytes(file.size), most: bytes(props.max_bytes) });
      return false;
    };
    const fitting = files.filter(fits);
    if (!fitting.length && !problem) problem = text("nothing_found");
    const room = props.most_files - value.rows.length - uploads.rows.length;
    if (fitting.length > room) problem = text("too_many_here", { most: props.most_files });
    uploads.add(fitting.slice(0, Math.max(0, room)));
    reveal(root);
  };

  const actions = {
    play: (row) => listening.open(row, address(`${row.number}/player`)),
    download: (row) => address(`${row.number}/result`),
    cancel: (row) => ask("cancel", { number: row.number }),
    retry: (row) => ask("retry", { number: row.number }),
  };

  const clear = () => {
    listening.close();
    uploads.clear();
    ask("discard");
    value = { rows: [], total: null };
    store("sessionStorage", TICKET, null);
    draw();
    buttons.files.focus();
  };

  // --------------------------------------------------------------------------------- what it is

  const listening = new Listening({
    text,
    playerText: player.text,
    announce: live.announce,
    left: (row) => table.focus(row),
  });
  const input = (attributes) => {
    const field = make("input", { type: "file", multiple: true, hidden: true, ...attributes });
    field.addEventListener("change", () => {
      if (field.files.length) add(chosen(field.files));
      field.value = "";
    });
    return field;
  };
  const inputs = { files: input({}), folder: input({ webkitdirectory: true }) };
  const pick = (name, path) =>
    make(
      "button",
      { type: "button", class: "fr-choose", onclick: () => inputs[name].click() },
      icon(path),
      make("span"),
    );
  const plain = (name, act) =>
    make("button", { type: "button", class: "fr-plain", "data-do": name, onclick: act });
  const link = (name, end) => {
    const node = make("a", { class: "fr-plain", download: "", "data-do": name });
    node.end = end;
    return node;
  };
  const buttons = {
    files: pick("files", ICONS.file),
    folder: pick("folder", ICONS.folder),
    archive: link("archive", "cleaned.zip"),
    scores: link("scores_file", "scores.csv"),
    cancel: plain("cancel_all", () => ask("cancel")),
    retry: plain("retry_all", () => ask("retry")),
    again: plain("again", () => ask("again")),
    clear: plain("clear", clear),
  };
  buttons.archive.classList.add("fr-batch-main");
  const hint = make("p", { class: "fr-small" });
  const wrong = make("p", { class: "fr-small fr-problem", role: "alert" });
  const bar = make(
    "div",
    { class: "fr-bar", role: "progressbar", "aria-valuemin": 0, "aria-valuemax": 100 },
    make("i"),
  );
  const summary = make("p", { class: "fr-batch-summary" });
  const total = make(
    "div",
    { class: "fr-batch-total" },
    summary,
    bar,
    make("div", { class: "fr-batch-buttons" }, ...["archive", "scores", "retry", "again", "cancel", "clear"].map((name) => buttons[name])),
  );
  const table = new Table({ text, language });
  const note = make("p", { class: "fr-note" });
  const cover = make("div", { class: "fr-cover", hidden: true, "aria-hidden": "true" }, make("p"));
  root.append(
    make("div", { class: "fr-pick" }, buttons.files, buttons.folder),
    inputs.files, inputs.folder, hint, wrong, total, listening.node, table.node, note, live.node, cover,
  );

  const asLine = (origin) => {
    const states = { not_uploaded: "not_uploaded", refused: "failed" };
    return { origin, name: origin.name, state: states[origin.state] ?? "uploading" };
  };
  const actionsOf = (row) => {
    if (!row.origin) return actions;
    return { ...actions, cancel: () => uploads.drop(row.origin), retry: () => uploads.retry(row.origin) };
  };

  const remaining = (seconds) => {
    if (seconds < 60) return text("left_seconds", { n: seconds });
    if (seconds < 3600) return text("left_minutes", { n: Math.ceil(seconds / 60) });
    const minutes = Math.ceil(seconds / 60);
    return text("left_hours", { h: Math.floor(minutes / 60), m: minutes % 60 });
  };

  const drawTotal = () => {
    const all = value.total ?? { count: 0, done: 0, failed: 0, cancelled: 0, fraction: 0 };
    const count = all.count + uploads.rows.filter(({ state }) => state !== "sent").length;
    total.hidden = !count;
    const parts = [text("done_of", { done: all.done, count })];
    if (all.failed) parts.push(text("failed_count", { n: all.failed }));
    if (all.cancelled) parts.push(text("cancelled_count", { n: all.cancelled }));
    if (all.under_way && all.seconds_left) parts.push(remaining(all.seconds_left));
    summary.textContent = parts.join(" · ");
    const percent = Math.round(100 * all.fraction);
    bar.hidden = !all.under_way;
    bar.firstChild.style.width = `${percent}%`;
    bar.setAttribute("aria-valuenow", percent);
    bar.setAttribute("aria-label", text("progress"));
    for (const button of total.querySelectorAll("[data-do]")) {
      button.textContent = text(button.dataset.do);
      if (button.end && value.ticket) button.href = address(button.end);
    }
    buttons.archive.hidden = buttons.scores.hidden = !all.done;
    buttons.cancel.hidden = !all.under_way;
    buttons.retry.hidden = all.under_way || !(all.failed + all.cancelled);
    buttons.again.hidden = all.under_way || !all.done;
    buttons.clear.hidden = !value.ticket;
    root.setAttribute("aria-busy", String(Boolean(all.under_way)));
    root.dataset.state = all.under_way || uploads.underWay ? "working" : count ? "ended" : "empty";
    const moment = all.under_way ? "started" : all.count ? "ended" : "";
    if (moment && told !== `${value.ticket} ${moment}`) {
      told = `${value.ticket} ${moment}`;
      const problems = all.failed + all.cancelled;
      live.announce(text(problems && moment === "ended" ? "ended_with_problems" : moment, { count: all.count, done: all.done, failed: problems }));
    }
  };

  const draw = () => {
    if (words !== language()) {
      words = language();
      root.setAttribute("aria-label", text("region"));
      buttons.files.lastChild.textContent = text("choose_files");
      buttons.folder.lastChild.textContent = text("choose_folder");
      inputs.files.setAttribute("aria-label", text("choose_files"));
      inputs.folder.setAttribute("aria-label", text("choose_folder"));
      const minutes = +(props.max_seconds / 60).toFixed(1);
      const hours = +(props.max_seconds / 3600).toFixed(1);
      const unit = props.max_seconds < 60 ? "seconds" : props.max_seconds < 3600 ? "minutes" : "hours";
      const limit = text(`limits_${unit}`, { hours, minutes, seconds: props.max_seconds });
      hint.textContent = `${text("drop")} · ${limit}`;
      note.textContent = text("dnsmos_note");
      cover.firstChild.textContent = text("dropping");
      table.translate();
      listening.translate();
    }
    wrong.textContent = problem;
    wrong.hidden = !problem;
    const pending = uploads.rows.filter(({ state }) => state !== "sent");
    table.draw([...value.rows, ...pending.map(asLine)], actionsOf);
    table.node.hidden = note.hidden = table.isEmpty;
    drawTotal();
  };

  const receive = () => {
    const next = props.value ?? { rows: [], total: null };
    heard = Date.now();
    if (next.problem) {
      problem = next.problem;
      uploads.refuse();
    }
    // An answer to an earlier wish may arrive after one to a later.
    if (next.ticket === value.ticket && (next.at ?? 0) < (value.at ?? 0)) return;
    value = next;
    awaited = false;
    uploads.forgetSent();
    store("sessionStorage", TICKET, value.ticket ?? null);
    draw();
    gather();
  };

  takeDrops(root, cover, (transfer) => dropped(transfer).then(add));

  watch("value", receive);
  watch("label", draw);
  listenToKeys(root, () => listening.player);
  onHandedOver(add);
  draw();

  const resume = () => {
    const ticket = value.ticket ?? stored("sessionStorage", TICKET);
    if (ticket) trigger("resume", { ticket });
  };
  resume();
  addEventListener("pagehide", () => rememberShown(isShown(root)));
  // A connection that was lost, by a page that slept or a network that changed, is made anew.
  setInterval(() => {
    if (value.total?.under_way && Date.now() - heard > SILENCE) {
      heard = Date.now();
      resume();
    }
  }, LOOK);
};
