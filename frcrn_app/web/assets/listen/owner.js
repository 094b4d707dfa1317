// For whoever made a test: its link, who has listened, what they said, and its end.

import { make } from "../common/dom.js";
import { translator } from "../common/texts.js";
import { ask, button, failure } from "./parts.js";

const LOOK_SECONDS = 4; // between two looks for new votes

// address: of the owner's page, below which everything is; site: of the demo; alone: whether this
// is that page itself; voted(): called when there are other votes than before; gone(): called when
// the test has been deleted.
export const mountOwner = ({ root, props, watch, address, site, alone = false, voted, gone }) => {
  const { language, text } = translator(props);
  const link = make("input", { type: "text", readonly: true, class: "fr-link" });
  const copied = make("span", { role: "status" });
  const counts = make("p", { class: "fr-counts", role: "status" });
  const results = make("div", { class: "fr-report fr-heard" });
  let state = null;
  let shown = ""; // language and votes of the results on the page
  let counted = 0; // votes, of which others were told
  let closed = false;

  const copy = async () => {
    link.select();
    const done = await navigator.clipboard?.writeText(link.value).then(
      () => true,
      () => false,
    );
    if (done) copied.textContent = text("copied");
  };

  const anchor = (words, href, more = {}) =>
    make("a", { class: "fr-second", href, ...more }, words);

  const end = async () => {
    if (!window.confirm(text("delete_sure"))) return;
    await ask(`${address}/delete`, {});
    close();
    if (gone) gone();
    else root.replaceChildren(make("p", { role: "status" }, text("deleted")));
  };

  const draw = () => {
    if (!state || closed) return;
    link.value = new URL(state.invitation, site).href;
    link.setAttribute("aria-label", text("link"));
    const report = `${address}/report.html?lang=${language()}`;
    const links = [
      anchor(text("report"), report, { download: "" }),
      anchor(text("votes"), `${address}/votes.csv`, { download: "" }),
      alone ? null : anchor(text("owner_page"), address, { target: "_blank", rel: "noopener" }),
      button(text("delete"), end, "fr-second fr-danger"),
    ];
    root.replaceChildren(
      ...(alone ? [make("h1", {}, text("title"))] : []),
      make("p", {}, text(`is_${state.method}`, state), " ", state.systems.join(", ")),
      make(
        "div",
        { class: "fr-line" },
        link,
        button(text("copy"), copy),
        anchor(text("open"), link.value, { target: "_blank", rel: "noopener" }),
        copied,
      ),
      make("p", { class: "fr-small" }, text(state.shared ? "is_shared" : "is_local")),
      counts,
      results,
      make("div", { class: "fr-line" }, ...links.filter(Boolean)),
      make(
        "p",
        { class: "fr-small" },
        [
          text(state.days ? "kept" : "kept_in_folder", state),
          alone ? "" : text("kept_apart"),
        ].join(text("between")),
      ),
    );
    drawCounts();
  };

  const drawCounts = () => {
    const finished = state.listeners.filter((votes) => votes >= state.trials).length;
    const votes = state.listeners.reduce((all, some) => all + some, 0);
    const begun = state.listeners.length;
    counts.textContent = begun ? text("counts", { begun, finished, votes }) : text("nobody");
    if (votes !== counted) {
      counted = votes;
      voted?.();
    }
    const wanted = `${language()} ${votes}`;
    if (votes && shown !== wanted) {
      shown = wanted;
      drawResults();
    }
  };

  const drawResults = async () => {
    const answer = await ask(`${address}/results?lang=${language()}`).catch(() => null);
    if (answer) results.innerHTML = await answer.text(); // escaped by the server's templates
  };

  const look = async () => {
    if (closed || (state && !root.isConnected)) return;
    try {
      const answer = await (await ask(`${address}/state`)).json();
      const first = !state;
      state = answer;
      if (first) draw();
      else drawCounts();
    } catch (error) {
      if (error.code === "listening.gone") {
        close();
        if (gone) gone();
        else root.replaceChildren(failure(error.message));
        return;
      }
    }
    setTimeout(look, 1000 * LOOK_SECONDS);
  };

  const close = () => {
    closed = true;
  };
  watch("label", draw);
  look();
  return { close };
};
