// The table of a batch: a line for each file, drawn anew where something of it has changed.

import { make } from "../common/dom.js";
import { drawRow } from "./row.js";

export class Table {
  constructor({ text, language }) {
    Object.assign(this, { text, language });
    this.lines = new Map(); // by number, or by upload: { node, drawn }
    this.head = make("thead", { role: "rowgroup" });
    this.body = make("tbody", { role: "rowgroup" });
    this.node = make("table", { role: "table", class: "fr-batch-table" }, this.head, this.body);
  }

  get isEmpty() {
    return !this.body.children.length;
  }

  // To the button that plays a file.
  focus(row) {
    this.lines.get(row.number)?.node.querySelector("[data-action=play]")?.focus();
  }

  translate() {
    const column = (key, hidden) =>
      make(
        "th",
        { role: "columnheader", scope: "col", class: `fr-batch-${key}` },
        make("span", hidden ? { class: "fr-hidden" } : {}, this.text(key)),
      );
    this.node.setAttribute("aria-label", this.text("table"));
    this.head.replaceChildren(
      make(
        "tr",
        { role: "row" },
        column("name"),
        column("seconds"),
        column("state"),
        column("scores"),
        column("actions", true),
      ),
    );
  }

  // rows: in their order; `origin` is the upload that one stands for.
  draw(rows, actionsOf) {
    const { lines, body } = this;
    const keys = new Set();
    const nodes = rows.map((row) => {
      const { origin, ...plain } = row;
      const key = origin ?? row.number;
      const drawn = `${this.language()} ${JSON.stringify(plain)}`;
      keys.add(key);
      const line = lines.get(key);
      if (line?.drawn === drawn) return line.node;
      const focus = line?.node.contains(document.activeElement);
      const node = drawRow(row, this.text, actionsOf(row));
      line?.node.replaceWith(node);
      lines.set(key, { node, drawn });
      if (focus) node.querySelector("[data-action]")?.focus();
      return node;
    });
    for (const key of [...lines.keys()]) {
      if (keys.has(key)) continue;
      lines.get(key).node.remove();
      lines.delete(key);
    }
    nodes.forEach((node, place) => {
      if (body.children[place] !== node) body.insertBefore(node, body.children[place] ?? null);
    });
  }
}
