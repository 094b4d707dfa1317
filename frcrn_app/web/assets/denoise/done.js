// A finished result: its head with the download, the player, pictures, facts and scores.

import { ICONS, icon, make, reveal, store, stored, takesText } from "../common/dom.js";
import { clock } from "../common/texts.js";
import { drawFacts, drawScores, reductionAt } from "./facts.js";
import { drawSpectrograms } from "./spectrograms.js";
import { Player } from "../player/player.js";

const FORMATS = ["same", "wav16", "wav-float", "flac"];
const FORMAT = "frcrn-format"; // the format that was chosen last

const chosen = { weights: "auto", band: "full" }; // in the settings, now
for (const setting of Object.keys(chosen)) {
  addEventListener(`frcrn-${setting}`, (event) => {
    chosen[setting] = event.detail;
  });
}

// What the strength does, in words: how far the noise falls where nobody speaks.
const describeStrength = (result, text) => (strength) => {
  if (strength === 0) return text("strength_none");
  const known = result.noise_reduction_db != null;
  if (strength === 1 && !known) return text("strength_full_unknown");
  const db = reductionAt(result.noise_reduction_db, strength);
  const least = strength === 1 && db >= result.noise_reduction_limit_db ? "> " : "";
  const key = known ? (strength === 1 ? "strength_full" : "strength_db") : "strength_limit";
  return text(key, { db: `${least}${db < 10 ? db.toFixed(1) : Math.round(db)}` });
};

// Puts the result onto the stage; gives what changes it later.
// showTrack(number) shows another track of it, 0 for all.
export const drawDone = ({
  stage,
  root,
  value,
  text,
  language,
  live,
  trigger,
  sharing,
  showTrack,
}) => {
  let result = value;
  let words = language; // that is shown
  let link = null; // field with the link that was shared
  const parts = {
    head: make("header", { class: "fr-head" }),
    tracks: make("div", { class: "fr-tracks" }),
    notes: make("ul", { class: "fr-notes" }, ...value.notes.map((note) => make("li", {}, note))),
    stale: make("div", { class: "fr-stale", role: "status" }),
    link: make("div", { hidden: true }),
    figure: make("div"),
    facts: make("div"),
    scores: make("div"),
  };
  const player = new Player({
    recording: result,
    text,
    announce: live.announce,
    stage,
    changed: () => {
      showDownload();
      showFacts();
    },
    describe: (strength) => describeStrength(result, text)(strength),
  });
  const download = make("a", { class: "fr-download" });
  const formats = make("select", {
    class: "fr-format",
    onchange: () => {
      store("localStorage", FORMAT, formats.value);
      showDownload();
    },
  });
  const tracks = make("select", {
    id: "fr-tracks",
    onchange: () => showTrack(Number(tracks.value)),
  });
  let pictures = null;
  parts.notes.hidden = !value.notes.length;

  const showDownload = () => {
    const query = new URLSearchParams({
      strength: player.strength,
      format: formats.value,
      track: result.track,
    });
    download.href = new URL(`${result.download}?${query}`, document.baseURI).href;
  };
  const showFacts = () => parts.facts.replaceChildren(drawFacts(result, player.strength, text));

  const showStale = () => {
    const { chosen_weights: asked, chosen_band: band, facts } = result;
    const others = ![asked, facts.weights].includes(chosen.weights);
    const words = others ? "stale" : band !== chosen.band ? "stale_band" : null;
    const again = make(
      "button",
      { type: "button", class: "fr-plain", onclick: () => trigger("again") },
      text("stale_again"),
    );
    parts.stale.replaceChildren(...(words ? [text(words, { made: facts.weights }), again] : []));
    parts.stale.hidden = !words;
  };

  const nameOf = ({ title, language, channels }, number) =>
    [`${number}`, title, language, layout(channels)].filter(Boolean).join(" · ");
  const showTracks = () => {
    parts.tracks.hidden = result.tracks.length < 2;
    if (parts.tracks.hidden) return;
    const all = text("tracks_all", { n: result.tracks.length });
    const names = [all, ...result.tracks.map((track, i) => nameOf(track, i + 1))];
    tracks.replaceChildren(
      ...names.map((name, number) =>
        make("option", { value: number, selected: number === result.track }, name),
      ),
    );
    parts.tracks.replaceChildren(
      make("label", { for: tracks.id }, text("tracks")),
      tracks,
      make("p", { class: "fr-note" }, text(result.track ? "tracks_one_note" : "tracks_note")),
    );
  };

  const share = async () => {
    trigger("publish", { ticket: result.ticket });
    const address = new URL(document.baseURI);
    address.search = new URLSearchParams({ result: result.ticket });
    link = make("input", { type: "text", readonly: true, class: "fr-link", value: address.href });
    showLink();
    link.select();
    const copied = await navigator.clipboard?.writeText(address.href).then(
      () => true,
      () => false,
    );
    if (copied) live.announce(text("share_copied"));
  };
  const showLink = () => {
    if (!link) return;
    link.setAttribute("aria-label", text("share_link"));
    parts.link.hidden = false;
    parts.link.replaceChildren(link, make("p", { class: "fr-note" }, text("share_hint")));
  };

  const layout = (count) =>
    ({ 1: text("mono"), 2: text("stereo") })[count] ?? text("channels", { n: count });
  const describe = () =>
    [
      `${+(result.sample_rate / 1000).toFixed(3)} kHz`,
      layout(result.file_channels),
      clock(result.seconds),
      result.coding,
    ]
      .filter(Boolean)
      .join(" · ");

  const showHead = () => {
    const offered = result.film ? [...FORMATS, "film"] : FORMATS;
    const wished = formats.value || stored("localStorage", FORMAT) || "same";
    formats.replaceChildren(
      ...offered.map((name) =>
        make("option", { value: name, selected: name === wished }, text(`format_${name}`)),
      ),
    );
    formats.setAttribute("aria-label", text("format"));
    download.setAttribute("download", "");
    download.replaceChildren(icon(ICONS.download), make("span", {}, text("download")));
    const shareButton = sharing
      ? make(
          "button",
          { type: "button", class: "fr-plain fr-share", onclick: share },
          icon(ICONS.link),
          text("share"),
        )
      : null;
    parts.head.replaceChildren(
      make("div", {}, make("h2", { title: result.name }, result.name), make("p", {}, describe())),
      make(
        "div",
        { class: "fr-take" },
        make("div", { class: "fr-get" }, download, formats),
        ...(shareButton ? [shareButton] : []),
      ),
    );
    showDownload();
  };

  const update = (next, language) => {
    const before = result;
    result = next;
    if (words !== language) {
      showHead();
      showLink();
      showStale();
      showTracks();
      showFacts();
      player.translate();
      pictures.translate();
    }
    if (!before.spectrograms !== !result.spectrograms) drawPictures();
    words = language;
    parts.scores.replaceChildren(drawScores(result, text));
  };
  const drawPictures = () => {
    pictures = drawSpectrograms(result, root.clientWidth, text);
    parts.figure.replaceChildren(pictures.node);
  };

  stage.replaceChildren(
    make(
      "div",
      { class: "fr-done" },
      parts.head,
      parts.tracks,
      parts.notes,
      parts.stale,
      parts.link,
      player.node,
      parts.figure,
      parts.facts,
      parts.scores,
    ),
  );
  showHead();
  showTracks();
  showStale();
  showFacts();
  drawPictures();
  parts.scores.replaceChildren(drawScores(result, text));
  for (const setting of Object.keys(chosen)) addEventListener(`frcrn-${setting}`, showStale);

  return {
    ticket: result.ticket,
    track: result.track,
    tracks,
    player,
    update,
    // Who waited for it can play it at once, by Space as well; who types goes on typing.
    arrive() {
      reveal(root);
      if (!takesText(document.activeElement)) player.playButton.focus({ preventScroll: true });
    },
    close() {
      for (const setting of Object.keys(chosen)) {
        removeEventListener(`frcrn-${setting}`, showStale);
      }
      player.close();
    },
  };
};
