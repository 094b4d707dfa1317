// One line of the table: a file, where it stands, and what can be done with it.

import { ICONS, icon, make } from "../common/dom.js";
import { clock } from "../common/texts.js";

const ACTIVE = ["reading", "queued", "cleaning", "scoring"];

const cell = (name, ...content) => make("td", { role: "cell", class: `fr-batch-${name}` }, ...content);

const actionButton = (name, path, label, act) =>
  make(
    "button",
    { type: "button", "data-action": name, "aria-label": label, title: label, onclick: act },
    icon(path),
  );

const stateCell = (row, text) => {
  const known = row.state === "cleaning" && row.fraction > 0;
  const percent = Math.round(100 * row.fraction);
  const waits = ["waiting", "queued"].includes(row.state) && row.ahead > 0;
  const key = known ? "cleaning_percent" : waits ? "waiting_place" : row.state;
  const bar = make(
    "div",
    {
      class: `fr-bar${known ? "" : " fr-waiting"}`,
      role: "progressbar",
      "aria-label": text("progress_of", { name: row.name }),
      "aria-valuemin": 0,
      "aria-valuemax": 100,
      "aria-valuenow": known ? percent : null,
    },
    make("i", { style: `width:${known ? percent : 0}%` }),
  );
  return cell(
    "state",
    make("span", { class: "fr-batch-words" }, text(key, { n: row.ahead, percent })),
    ACTIVE.includes(row.state) ? bar : null,
  );
};

const scoreCell = (row, text) => {
  const { scores } = row;
  if (!scores || scores.error) return cell("scores", make("span", { title: scores?.error }, "–"));
  const [before, after] = [scores.original.OVRL, scores.cleaned.OVRL];
  return cell(
    "scores",
    make("span", { class: "fr-hidden" }, text("dnsmos_short")),
    make("span", {}, before.toFixed(2)),
    make("span", { "aria-hidden": "true" }, " → "),
    make("span", { class: "fr-hidden" }, text("then")),
    make("strong", {}, after.toFixed(2)),
  );
};

const nameCell = (row) => {
  const parts = row.name.split("/");
  const file = parts.pop();
  const folder = parts.length ? `${parts.join("/")}/` : "";
  const said = [row.message, ...(row.notes ?? [])].filter(Boolean);
  return cell(
    "name",
    make("span", { class: "fr-batch-file" }, folder ? make("small", {}, folder) : null, file),
    ...said.map((words) =>
      make("small", { class: words === row.message ? "fr-problem" : "fr-batch-note" }, words),
    ),
  );
};

// actions: { play, download, cancel, retry }, each called with the row; download gives an address.
export const drawRow = (row, text, actions) => {
  const named = (key) => text(key, { name: row.name });
  const buttons = [];
  const add = (name, path) =>
    buttons.push(actionButton(name, path, named(name), () => actions[name](row)));
  if (row.state === "done") {
    add("play", ICONS.play);
    buttons.push(
      make(
        "a",
        {
          href: actions.download(row),
          download: "",
          "data-action": "download",
          "aria-label": named("download"),
          title: named("download"),
        },
        icon(ICONS.download),
      ),
    );
  }
  if (["failed", "cancelled", "not_uploaded"].includes(row.state)) add("retry", ICONS.retry);
  if (["waiting", "uploading", "not_uploaded", ...ACTIVE].includes(row.state)) {
    add("cancel", ICONS.close);
  }
  return make(
    "tr",
    { role: "row", "data-state": row.state },
    nameCell(row),
    cell("seconds", row.seconds == null ? "–" : row.seconds < 10 ? `${row.seconds.toFixed(1)} s` : clock(row.seconds)),
    stateCell(row, text),
    scoreCell(row, text),
    cell("actions", ...buttons),
  );
};
