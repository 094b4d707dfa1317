// What is known of a result beyond its audio: facts, and DNSMOS before and after.

import { make } from "../common/dom.js";
import { clock } from "../common/texts.js";

const SCALE = [1, 5]; // of DNSMOS, as of every mean opinion score
const BAND_RATE = 16000; // Hz; recordings of more hold frequencies that the network does not see

const duration = (seconds, text) => {
  if (seconds < 1) return text("milliseconds", { n: Math.max(1, Math.round(seconds * 1000)) });
  if (seconds < 60) return text("seconds", { n: seconds.toFixed(seconds < 10 ? 2 : 1) });
  return clock(seconds);
};

// How far the noise falls at a strength, in dB, where it falls by `full` dB at full strength:
// what is left is a share of the original and a share of what the network left. Where `full` is
// not known (null), the most that it can be.
export const reductionAt = (full, strength) => {
  const left = full == null ? 0 : 10 ** (-full / 20);
  return -20 * Math.log10(1 - strength + strength * left);
};

const fact = (label, content, note) =>
  make(
    "div",
    { class: "fr-fact" },
    make("dt", {}, label),
    make("dd", {}, content, note ? make("small", {}, note) : null),
  );

export const drawFacts = (result, strength, text) => {
  const found = result.facts;
  const faster = found.real_time_factor > 0 ? 1 / found.real_time_factor : 0;
  let reduced = text("unknown");
  if (result.noise_reduction_db != null) {
    const db = Math.max(0, reductionAt(result.noise_reduction_db, strength));
    reduced = `${db >= result.noise_reduction_limit_db ? "> " : ""}${db.toFixed(1)} dB`;
  }
  return make(
    "dl",
    { class: "fr-facts" },
    fact(
      text("duration"),
      duration(result.seconds, text),
      result.sample_rate > BAND_RATE ? text(`band_${found.band}`) : null,
    ),
    fact(
      text("time_taken"),
      duration(found.seconds_taken, text),
      text("faster", { n: faster < 10 ? faster.toFixed(1) : Math.round(faster) }),
    ),
    fact(text("rtf"), found.real_time_factor.toFixed(3), text("rtf_note")),
    fact(text("noise_reduction"), reduced, text("noise_reduction_note")),
    fact(text("device"), found.device.toUpperCase(), found.precision),
    fact(text("weights"), found.weights, found.licence),
  );
};

const place = (score) => `${(100 * (score - SCALE[0])) / (SCALE[1] - SCALE[0])}%`;

const track = (before, after) => {
  const low = Math.min(before, after);
  const line = `left:${place(low)};width:calc(${place(Math.max(before, after))} - ${place(low)})`;
  return make(
    "td",
    { class: "fr-track", "aria-hidden": "true" },
    make(
      "div",
      {},
      make("i", { class: "fr-span", style: line }),
      make("i", { class: "fr-dot fr-original", style: `left:${place(before)}` }),
      make("i", { class: "fr-dot fr-cleaned", style: `left:${place(after)}` }),
    ),
  );
};

export const drawScores = (result, text) => {
  const { scores } = result;
  const head = make("div", { class: "fr-heading" }, text("dnsmos"));
  if (!scores) return make("div", { class: "fr-quality fr-waiting-text" }, head, text("listening"));
  if (scores.error) return make("div", { class: "fr-quality" }, head, make("p", {}, scores.error));
  const rows = ["SIG", "BAK", "OVRL"].map((key) => {
    const [before, after] = [scores.original[key], scores.cleaned[key]];
    const change = after - before;
    const signed = `${change < 0 ? "−" : "+"}${Math.abs(change).toFixed(2)}`;
    return make(
      "tr",
      {},
      make("th", { scope: "row" }, make("span", {}, text(key)), make("small", {}, key)),
      track(before, after),
      make("td", { class: "fr-number" }, before.toFixed(2)),
      make("td", { class: "fr-number fr-after" }, after.toFixed(2)),
      make("td", { class: "fr-number fr-change" }, signed),
    );
  });
  const column = (...content) => make("th", { scope: "col" }, ...content);
  const note = scores.stretches ? "dnsmos_note_part" : "dnsmos_note";
  return make(
    "div",
    { class: "fr-quality" },
    head,
    make(
      "table",
      {},
      make(
        "thead",
        {},
        make(
          "tr",
          {},
          column(make("span", { class: "fr-hidden" }, text("score"))),
          make("td", { class: "fr-track", "aria-hidden": "true" }),
          column(text("before")),
          column(text("after")),
          column(text("change")),
        ),
      ),
      make("tbody", {}, ...rows),
    ),
    make("p", { class: "fr-note" }, text(note, { n: scores.stretches })),
  );
};
