// Files on their way to the server, a few at a time.

const AT_ONCE = 3;
const UNDER_WAY = ["waiting", "uploading", "arrived", "sent"];

// upload(file): Gradio's. changed(): something is to be drawn. arrived(files): on the server now.
export class Uploads {
  constructor({ upload, changed, arrived }) {
    Object.assign(this, { upload, changed, arrived });
    // { name, file, path, state: "waiting", "uploading", "arrived", "sent", "not_uploaded" or
    // "refused" }
    this.rows = [];
    this.running = 0;
  }

  add(files) {
    this.rows.push(...files.map(({ file, name }) => ({ file, name, state: "waiting" })));
    this.next();
    this.changed();
  }

  // Whether some are still on their way, or the server has not shown them yet.
  get underWay() {
    return this.rows.some(({ state }) => UNDER_WAY.includes(state));
  }

  // What did not come through is tried once more.
  retry(row) {
    row.state = row.path ? "arrived" : "waiting";
    if (row.path) this.arrived();
    this.next();
    this.changed();
  }

  drop(row) {
    this.rows = this.rows.filter((other) => other !== row);
    this.changed();
  }

  // What the server did not take stays, to be tried again.
  refuse() {
    for (const row of this.rows) if (row.state === "sent") row.state = "refused";
  }

  // Those that the server has shown by now.
  forgetSent() {
    this.rows = this.rows.filter((row) => row.state !== "sent");
  }

  clear() {
    this.rows = [];
  }

  next() {
    while (this.running < AT_ONCE) {
      const row = this.rows.find(({ state }) => state === "waiting");
      if (!row) return;
      row.state = "uploading";
      this.running++;
      this.send(row);
    }
  }

  async send(row) {
    const answer = await this.upload(row.file).catch(() => null);
    this.running--;
    if (this.rows.includes(row)) {
      row.state = answer ? "arrived" : "not_uploaded";
      if (answer) row.path = answer.path;
      this.changed();
      this.arrived();
    }
    this.next();
  }

  // The files that have arrived and were not taken before.
  take() {
    const here = this.rows.filter(({ state }) => state === "arrived");
    for (const row of here) row.state = "sent";
    return here.map(({ path, name }) => ({ path, name }));
  }
}
