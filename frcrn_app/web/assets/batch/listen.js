// A file of the batch in the player, above the table.

import { ICONS, icon, make } from "../common/dom.js";
import { Player } from "../player/player.js";

export class Listening {
  // text, playerText: words of the tab and of the player. left(): called when it is closed.
  constructor({ text, playerText, announce, left }) {
    Object.assign(this, { text, playerText, announce, left });
    this.node = make("section", { class: "fr-batch-player", hidden: true });
    this.player = null;
    this.turn = 0;
  }

  // Opens what an address describes, or says why it cannot.
  async open(row, address) {
    const mine = ++this.turn;
    this.close();
    this.row = row;
    this.frame(make("p", { class: "fr-small", role: "status" }, this.text("opening")));
    const answer = await fetch(address).catch(() => null);
    const problem = answer?.ok ? null : answer ? await answer.text() : this.text("not_opened");
    const recording = answer?.ok ? await answer.json() : null;
    if (mine !== this.turn) return;
    if (problem) {
      this.frame(make("p", { class: "fr-small fr-problem", role: "alert" }, problem));
      return;
    }
    this.player = new Player({
      recording,
      text: this.playerText,
      announce: this.announce,
      stage: this.node,
      changed: () => {},
      describe: () => "",
    });
    this.frame(this.player.node);
    this.player.playButton.focus();
    this.player.toggle();
  }

  frame(content) {
    const close = make(
      "button",
      {
        type: "button",
        class: "fr-clear",
        "aria-label": this.text("close_player"),
        onclick: () => {
          this.turn++;
          const row = this.row;
          this.close();
          this.left(row);
        },
      },
      icon(ICONS.close),
    );
    const head = make("header", {}, make("h3", {}, this.row.name), close);
    this.node.replaceChildren(head, content);
    this.node.hidden = false;
  }

  translate() {
    this.player?.translate();
    this.node
      .querySelector("header .fr-clear")
      ?.setAttribute("aria-label", this.text("close_player"));
  }

  close() {
    this.player?.close();
    this.player = null;
    this.node.hidden = true;
    this.node.replaceChildren();
  }
}
