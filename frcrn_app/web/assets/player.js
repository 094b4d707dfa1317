// The result of cleaning: empty, at work, failed or done; when done, a player that switches between
// the original and the cleaned sound at the same position. Arguments: element, trigger, props, watch.

const LARGEST_DECODED = 128 * 2 ** 20; // bytes of float samples; longer sounds are streamed
const FADE = 0.006; // seconds of cross-fade at a switch: no click, no gap
const START_DELAY = 0.02; // seconds until both sources start, on the same sample
const CONTEXT_RATES = [8000, 96000]; // Hz that every browser's AudioContext accepts
const DRIFT = 0.015; // seconds that streamed versions may be apart before they are aligned

const root = element.querySelector(".fr-result");
let value = { state: "empty" };

// ------------------------------------------------------------------------------------- texts

const language = () => (props.label in props.texts ? props.label : "en");
const text = (key, values = {}) =>
  (props.texts[language()][key] ?? props.texts.en[key] ?? key).replace(
    /\{(\w+)\}/g,
    (_, name) => values[name] ?? "",
  );

const clock = (seconds) => {
  const whole = Math.floor(seconds + 1e-6);
  const parts = [Math.floor(whole / 3600), Math.floor(whole / 60) % 60, whole % 60];
  if (parts[0] === 0) parts.shift();
  return parts.map((part, i) => (i ? String(part).padStart(2, "0") : String(part))).join(":");
};
const bytes = (count) =>
  count < 1e6 ? `${Math.max(1, Math.round(count / 1e3))} kB` : `${(count / 1e6).toFixed(1)} MB`;
const duration = (seconds) => {
  if (seconds < 1) return text("milliseconds", { n: Math.max(1, Math.round(seconds * 1000)) });
  if (seconds < 60) return text("seconds", { n: seconds.toFixed(seconds < 10 ? 2 : 1) });
  return clock(seconds);
};

// --------------------------------------------------------------------------------------- DOM

const make = (tag, attributes = {}, ...children) => {
  const svg = ["svg", "path", "circle", "rect", "line"].includes(tag);
  const node = svg
    ? document.createElementNS("http://www.w3.org/2000/svg", tag)
    : document.createElement(tag);
  for (const [name, content] of Object.entries(attributes)) {
    if (name.startsWith("on")) node.addEventListener(name.slice(2), content);
    else if (content === true) node.setAttribute(name, "");
    else if (content !== false && content != null) node.setAttribute(name, content);
  }
  node.append(...children.filter((child) => child != null));
  return node;
};
const icon = (path) =>
  make(
    "svg",
    { viewBox: "0 0 24 24", width: 20, height: 20, "aria-hidden": "true", focusable: "false" },
    make("path", { d: path, fill: "currentColor" }),
  );
const ICONS = {
  play: "M8 5.14v13.72a1 1 0 0 0 1.52.85l11-6.86a1 1 0 0 0 0-1.7l-11-6.86A1 1 0 0 0 8 5.14Z",
  pause: "M7 4.5h3.2v15H7zM13.8 4.5H17v15h-3.2z",
  download:
    "M11 4h2v8.2l3.1-3.1 1.4 1.4L12 16l-5.5-5.5 1.4-1.4 3.1 3.1V4ZM5 18h14v2H5v-2Z",
  alert:
    "M12 2.5 1.6 20.5h20.8L12 2.5Zm0 4 6.9 12H5.1L12 6.5Zm-1 4.2v4.1h2v-4.1h-2Zm0 5.3v2h2v-2h-2Z",
};

// Announces what keys have done to people who do not see it.
const live = make("div", { class: "fr-live", "aria-live": "polite", role: "status" });
const stage = make("div", { class: "fr-stage" });
root.append(stage, live);
const announce = (words) => {
  live.textContent = words;
};

// --------------------------------------------------------------------------------- transport

// Both versions play all the time; which one is heard is a matter of two gains.
class DecodedTransport {
  constructor(buffers, rate) {
    this.buffers = buffers;
    this.rate = rate;
    this.duration = Math.max(buffers.original.duration, buffers.cleaned.duration);
    this.active = "cleaned";
    this.playing = false;
    this.offset = 0;
    this.gains = {};
    this.sources = [];
  }

  static async load(urls, rate) {
    const clamped = Math.min(Math.max(rate, CONTEXT_RATES[0]), CONTEXT_RATES[1]);
    const decoder = new OfflineAudioContext(1, 1, clamped);
    const decode = async (url) => {
      const response = await fetch(url);
      if (!response.ok) throw new Error(`${response.status} for ${url}`);
      return decoder.decodeAudioData(await response.arrayBuffer());
    };
    const [original, cleaned] = await Promise.all([decode(urls.original), decode(urls.cleaned)]);
    return new DecodedTransport({ original, cleaned }, clamped);
  }

  get position() {
    if (!this.playing) return this.offset;
    const elapsed = Math.max(0, this.context.currentTime - this.startedAt);
    return Math.min(this.offset + elapsed, this.duration);
  }

  async play() {
    // Made at the first key or click: browsers keep an earlier one silent.
    this.context ??= new AudioContext({ sampleRate: this.rate });
    await this.context.resume();
    if (this.playing) return;
    if (this.offset >= this.duration - 0.01) this.offset = 0;
    this.startedAt = this.context.currentTime + START_DELAY;
    for (const name of ["original", "cleaned"]) {
      const source = new AudioBufferSourceNode(this.context, { buffer: this.buffers[name] });
      const gain = new GainNode(this.context, { gain: name === this.active ? 1 : 0 });
      source.connect(gain).connect(this.context.destination);
      source.start(this.startedAt, this.offset);
      this.gains[name] = gain;
      this.sources.push(source);
    }
    this.playing = true;
  }

  pause() {
    this.offset = this.position;
    this.playing = false;
    for (const source of this.sources.splice(0)) source.stop();
  }

  async seek(seconds) {
    const playing = this.playing;
    if (playing) this.pause();
    this.offset = Math.min(Math.max(seconds, 0), this.duration);
    if (playing) await this.play();
  }

  select(name) {
    this.active = name;
    if (!this.playing) return;
    const now = this.context.currentTime;
    for (const [version, gain] of Object.entries(this.gains)) {
      gain.gain.cancelScheduledValues(now);
      gain.gain.setValueAtTime(gain.gain.value, now);
      gain.gain.linearRampToValueAtTime(version === name ? 1 : 0, now + FADE);
    }
  }

  close() {
    if (this.playing) this.pause();
    if (this.context) this.context.close();
  }
}

// For sounds too long to hold decoded: two streaming elements, one of them muted.
class StreamedTransport {
  constructor(urls, seconds) {
    this.duration = seconds;
    this.active = "cleaned";
    this.elements = {};
    for (const name of ["original", "cleaned"]) {
      const audio = new Audio(urls[name]);
      audio.preload = "auto";
      audio.muted = name !== this.active;
      this.elements[name] = audio;
    }
  }

  get position() {
    return this.elements[this.active].currentTime;
  }

  get playing() {
    return !this.elements[this.active].paused;
  }

  async play() {
    if (this.position >= this.duration - 0.01) await this.seek(0);
    await Promise.all(Object.values(this.elements).map((audio) => audio.play()));
  }

  pause() {
    for (const audio of Object.values(this.elements)) audio.pause();
  }

  async seek(seconds) {
    for (const audio of Object.values(this.elements)) {
      audio.currentTime = Math.min(Math.max(seconds, 0), this.duration);
    }
  }

  select(name) {
    const at = this.position;
    this.active = name;
    const chosen = this.elements[name];
    if (Math.abs(chosen.currentTime - at) > DRIFT) chosen.currentTime = at;
    for (const [version, audio] of Object.entries(this.elements)) audio.muted = version !== name;
  }

  close() {
    this.pause();
    for (const audio of Object.values(this.elements)) audio.removeAttribute("src");
  }
}

// ------------------------------------------------------------------------------------ player

class Player {
  constructor(sound) {
    this.sound = sound;
    this.active = "cleaned";
    this.pending = 0; // position asked for before the sound was there
    this.loading = this.load();
    this.build();
  }

  async load() {
    const { sample_rate: rate, channels, seconds } = this.sound;
    const urls = { original: this.sound.original.url, cleaned: this.sound.cleaned.url };
    const decoded = 2 * 4 * channels * rate * seconds;
    let transport;
    if (decoded <= LARGEST_DECODED) {
      transport = await DecodedTransport.load(urls, rate).catch(() => null);
    }
    transport ??= new StreamedTransport(urls, seconds);
    if (this.closed) return;
    transport.select(this.active);
    await transport.seek(this.pending);
    this.transport = transport;
    this.node.dataset.ready = "true";
  }

  get position() {
    return this.transport ? this.transport.position : this.pending;
  }

  get playing() {
    return Boolean(this.transport && this.transport.playing);
  }

  build() {
    const sound = this.sound;
    this.playButton = make("button", { type: "button", class: "fr-play", onclick: () => this.toggle() });
    const version = (name, key) =>
      make(
        "button",
        {
          type: "button",
          role: "radio",
          class: "fr-version",
          "data-version": name,
          onclick: () => this.select(name),
        },
        make("span", { class: `fr-swatch fr-${name}` }),
        make("span", { class: "fr-version-name" }),
        make("kbd", { "aria-hidden": "true" }, key),
      );
    this.versions = make(
      "div",
      { class: "fr-versions", role: "radiogroup", onkeydown: (event) => this.versionKeys(event) },
      version("original", "A"),
      version("cleaned", "B"),
    );
    this.now = make("span", { class: "fr-now" });
    this.time = make(
      "div",
      { class: "fr-time" },
      this.now,
      make("span", { class: "fr-total" }, ` / ${clock(sound.seconds)}`),
    );
    this.canvas = make("canvas", { "aria-hidden": "true" });
    this.waveform = make(
      "div",
      {
        class: "fr-waveform",
        role: "slider",
        tabindex: "0",
        "aria-valuemin": "0",
        "aria-valuemax": sound.seconds.toFixed(2),
        onkeydown: (event) => this.seekKeys(event),
        onpointerdown: (event) => this.drag(event, this.waveform),
      },
      this.canvas,
      make("div", { class: "fr-playhead", "aria-hidden": "true" }),
    );
    this.keys = make("p", { class: "fr-keys" });
    this.node = make(
      "div",
      { class: "fr-player", role: "group" },
      make("div", { class: "fr-controls" }, this.playButton, this.versions, this.time),
      this.waveform,
      this.keys,
    );
    this.resizing = new ResizeObserver(() => this.paint());
    this.resizing.observe(this.waveform);
    this.recolouring = new MutationObserver(() => this.paint());
    this.recolouring.observe(document.body, { attributes: true, attributeFilter: ["class"] });
    this.translate();
    this.show();
  }

  translate() {
    this.node.setAttribute("aria-label", text("player"));
    this.versions.setAttribute("aria-label", text("version"));
    this.waveform.setAttribute("aria-label", text("position"));
    for (const button of this.versions.children) {
      button.querySelector(".fr-version-name").textContent = text(button.dataset.version);
    }
    const hints = [
      ["Space", "key_play"],
      ["S", "key_switch"],
      ["← →", "key_seek"],
    ];
    this.keys.replaceChildren(
      ...hints.flatMap(([key, words]) => [make("kbd", {}, key), ` ${text(words)}   `]),
    );
    this.show();
  }

  async toggle() {
    await this.loading;
    if (!this.transport) return;
    if (this.transport.playing) this.transport.pause();
    else await this.transport.play();
    this.show();
    this.follow();
  }

  select(name) {
    this.active = name;
    if (this.transport) this.transport.select(name);
    this.show();
    this.paint();
  }

  switch() {
    this.select(this.active === "cleaned" ? "original" : "cleaned");
    announce(text(this.active));
  }

  async seek(seconds) {
    const target = Math.min(Math.max(seconds, 0), this.sound.seconds);
    this.pending = target;
    if (this.transport) await this.transport.seek(target);
    this.show();
  }

  // Moves the playhead while the sound plays, and stops at its end.
  follow() {
    if (this.closed || !this.playing) return;
    if (this.position >= this.sound.seconds - 0.005) this.transport.pause();
    this.show();
    requestAnimationFrame(() => this.follow());
  }

  show() {
    const at = this.position;
    const playing = this.playing;
    const share = this.sound.seconds ? Math.min(at / this.sound.seconds, 1) : 0;
    stage.style.setProperty("--fr-at", share.toFixed(5));
    this.node.dataset.active = this.active;
    if (this.node.dataset.playing !== String(playing) || !this.playButton.firstChild) {
      this.node.dataset.playing = String(playing);
      this.playButton.replaceChildren(icon(playing ? ICONS.pause : ICONS.play));
    }
    this.playButton.setAttribute("aria-label", text(playing ? "pause" : "play"));
    this.now.textContent = clock(at);
    this.waveform.setAttribute("aria-valuenow", at.toFixed(2));
    const spoken = { at: clock(at), all: clock(this.sound.seconds) };
    this.waveform.setAttribute("aria-valuetext", text("position_of", spoken));
    for (const button of this.versions.children) {
      const chosen = button.dataset.version === this.active;
      button.setAttribute("aria-checked", String(chosen));
      button.tabIndex = chosen ? 0 : -1;
    }
  }

  // Both waveforms on one scale; the version that is not heard stays visible behind.
  paint() {
    const { clientWidth: width, clientHeight: height } = this.waveform;
    if (!width) return;
    const density = window.devicePixelRatio || 1;
    this.canvas.width = width * density;
    this.canvas.height = height * density;
    const context = this.canvas.getContext("2d");
    context.scale(density, density);
    const colours = getComputedStyle(root);
    const peaks = this.sound.peaks;
    const loudest = Math.max(0.02, ...peaks.original, ...peaks.cleaned);
    const other = this.active === "cleaned" ? "original" : "cleaned";
    const bars = Math.floor(width / 3);
    for (const name of [other, this.active]) {
      context.fillStyle = colours.getPropertyValue(`--fr-${name}`);
      context.globalAlpha = name === this.active ? 1 : 0.32;
      const all = peaks[name];
      for (let bar = 0; bar < bars; bar++) {
        const from = Math.floor((bar * all.length) / bars);
        const to = Math.max(from + 1, Math.floor(((bar + 1) * all.length) / bars));
        let peak = 0;
        for (let i = from; i < to && i < all.length; i++) peak = Math.max(peak, all[i]);
        const tall = Math.max(1.5, (peak / loudest) * (height - 8));
        context.beginPath();
        context.roundRect(bar * 3 + 0.5, (height - tall) / 2, 2, tall, 1);
        context.fill();
      }
    }
  }

  drag(event, surface) {
    if (event.button !== 0) return;
    const box = surface.getBoundingClientRect();
    const go = (move) => this.seek(((move.clientX - box.left) / box.width) * this.sound.seconds);
    const stop = () => {
      surface.removeEventListener("pointermove", go);
      surface.removeEventListener("pointerup", stop);
      surface.removeEventListener("pointercancel", stop);
    };
    surface.setPointerCapture(event.pointerId);
    surface.addEventListener("pointermove", go);
    surface.addEventListener("pointerup", stop);
    surface.addEventListener("pointercancel", stop);
    go(event);
  }

  seekKeys(event) {
    const step = Math.max(0.1, Math.min(1, this.sound.seconds / 20));
    const moves = {
      ArrowLeft: this.position - step,
      ArrowDown: this.position - step,
      ArrowRight: this.position + step,
      ArrowUp: this.position + step,
      PageDown: this.position - 10 * step,
      PageUp: this.position + 10 * step,
      Home: 0,
      End: this.sound.seconds,
    };
    if (!(event.key in moves)) return;
    event.preventDefault();
    event.stopPropagation();
    this.seek(moves[event.key]);
  }

  versionKeys(event) {
    if (!["ArrowLeft", "ArrowRight", "ArrowUp", "ArrowDown"].includes(event.key)) return;
    event.preventDefault();
    event.stopPropagation();
    this.select(this.active === "cleaned" ? "original" : "cleaned");
    this.versions.querySelector('[aria-checked="true"]').focus();
  }

  close() {
    this.closed = true;
    this.resizing.disconnect();
    this.recolouring.disconnect();
    if (this.transport) this.transport.close();
  }
}

// Keys work while nothing else on the page has the focus, and within the player.
const onKey = (event) => {
  if (!element.isConnected) {
    document.removeEventListener("keydown", onKey);
    return;
  }
  if (!view.player || root.offsetParent === null) return;
  if (event.ctrlKey || event.metaKey || event.altKey || event.defaultPrevented) return;
  const target = document.activeElement;
  const inside = target && root.contains(target);
  if (target && target !== document.body && !inside) return;
  if (inside && target.matches("input, a")) return;
  const player = view.player;
  const key = event.key.toLowerCase();
  if (key === " ") {
    if (inside && target.matches("button:not([role=radio])")) return; // its own click
    player.toggle();
  } else if (key === "s" || key === "x") player.switch();
  else if (key === "a" || key === "b") {
    player.select(key === "a" ? "original" : "cleaned");
    announce(text(player.active));
  } else if (event.key === "ArrowLeft" || event.key === "ArrowRight") player.seekKeys(event);
  else return;
  event.preventDefault();
};
document.addEventListener("keydown", onKey);

// ------------------------------------------------------------------------------ spectrograms

const axisSteps = (end, wanted, candidates) =>
  candidates.find((step) => end / step <= wanted) ?? candidates.at(-1);

const spectrograms = (sound) => {
  const pictures = sound.spectrograms;
  const box = make("div", { class: "fr-spectrogram" });
  const figure = make(
    "figure",
    { class: "fr-figure" },
    make("figcaption", {}, make("span", { class: "fr-heading" }), make("span", { class: "fr-scale" })),
    box,
  );
  const translate = () => {
    figure.querySelector(".fr-heading").textContent = text("spectrogram");
    figure.querySelector(".fr-scale").textContent = pictures
      ? text("scale", { range: Math.round(pictures.range_db) })
      : text("drawing");
    for (const label of box.querySelectorAll(".fr-tag")) {
      label.textContent = text(label.dataset.version);
    }
    const divider = box.querySelector("input");
    if (divider) divider.setAttribute("aria-label", text("divider"));
    for (const picture of box.querySelectorAll("img")) {
      picture.alt = text("spectrogram_of", { version: text(picture.dataset.version) });
    }
  };
  if (pictures) {
    const picture = (name) =>
      make("img", { src: pictures[name].url, "data-version": name, class: `fr-${name}-picture` });
    const divide = (share) => box.style.setProperty("--fr-divide", `${share}%`);
    const kilohertz = pictures.top_hz / 1000;
    const step = axisSteps(kilohertz, 4.5, [1, 2, 4, 6, 8]);
    const levels = [];
    for (let level = step; level < kilohertz - step / 3; level += step) {
      const up = `bottom:${((100 * level) / kilohertz).toFixed(2)}%`;
      levels.push(make("span", { class: "fr-hertz", style: up }, `${level} kHz`));
    }
    const seconds = pictures.seconds;
    const most = Math.max(2, Math.floor(root.clientWidth / 76));
    const every = axisSteps(seconds, most, [0.1, 0.2, 0.5, 1, 2, 5, 10, 20, 30, 60, 120, 300, 600]);
    const times = [];
    for (let at = 0; at <= seconds * 0.97; at += every) {
      const left = `left:${((100 * at) / seconds).toFixed(2)}%`;
      const label = every < 1 ? at.toFixed(1) : clock(at);
      times.push(make("span", { style: left }, label));
    }
    box.append(
      make(
        "div",
        { class: "fr-pictures" },
        picture("original"),
        picture("cleaned"),
        ...levels,
        make("div", { class: "fr-playhead", "aria-hidden": "true" }),
        make("span", { class: "fr-tag fr-tag-left", "data-version": "original" }),
        make("span", { class: "fr-tag fr-tag-right", "data-version": "cleaned" }),
        make("div", { class: "fr-divider", "aria-hidden": "true" }, make("span", {}, "⇆")),
        make("input", {
          type: "range",
          min: 0,
          max: 100,
          step: 0.5,
          value: 50,
          oninput: (event) => divide(event.target.value),
        }),
      ),
      make("div", { class: "fr-times", "aria-hidden": "true" }, ...times),
    );
    divide(50);
  } else box.append(make("div", { class: "fr-pictures fr-waiting" }));
  translate();
  return { node: figure, translate };
};

// ------------------------------------------------------------------------------------- facts

const fact = (label, content, note) =>
  make(
    "div",
    { class: "fr-fact" },
    make("dt", {}, label),
    make("dd", {}, content, note ? make("small", {}, note) : null),
  );

const facts = (sound) => {
  const found = sound.facts;
  const faster = found.real_time_factor > 0 ? 1 / found.real_time_factor : 0;
  const reduction = found.noise_reduction_db;
  let reduced = text("unknown");
  if (reduction != null) {
    reduced = reduction >= found.noise_reduction_limit_db ? `> ${reduction} dB` : `${reduction.toFixed(1)} dB`;
  }
  return make(
    "dl",
    { class: "fr-facts" },
    fact(text("duration"), duration(sound.seconds)),
    fact(
      text("time_taken"),
      duration(found.seconds_taken),
      text("faster", { n: faster < 10 ? faster.toFixed(1) : Math.round(faster) }),
    ),
    fact(text("rtf"), found.real_time_factor.toFixed(3), text("rtf_note")),
    fact(text("noise_reduction"), reduced, text("noise_reduction_note")),
    fact(text("device"), found.device.toUpperCase(), found.precision),
    fact(text("weights"), found.weights, found.licence),
  );
};

const SCALE = [1, 5]; // of DNSMOS, as of every mean opinion score
const quality = (sound) => {
  const scores = sound.scores;
  const head = make("div", { class: "fr-heading" }, text("dnsmos"));
  if (!scores) return make("div", { class: "fr-quality fr-waiting-text" }, head, text("listening"));
  if (scores.error) return make("div", { class: "fr-quality" }, head, make("p", {}, scores.error));
  const place = (score) => `${(100 * (score - SCALE[0])) / (SCALE[1] - SCALE[0])}%`;
  const rows = ["SIG", "BAK", "OVRL"].map((key) => {
    const [before, after] = [scores.original[key], scores.cleaned[key]];
    const change = after - before;
    const low = Math.min(before, after);
    const line = `left:${place(low)};width:calc(${place(Math.max(before, after))} - ${place(low)})`;
    return make(
      "tr",
      {},
      make("th", { scope: "row" }, make("span", {}, text(key)), make("small", {}, key)),
      make(
        "td",
        { class: "fr-track", "aria-hidden": "true" },
        make(
          "div",
          {},
          make("i", { class: "fr-span", style: line }),
          make("i", { class: "fr-dot fr-original", style: `left:${place(before)}` }),
          make("i", { class: "fr-dot fr-cleaned", style: `left:${place(after)}` }),
        ),
      ),
      make("td", { class: "fr-number" }, before.toFixed(2)),
      make("td", { class: "fr-number fr-after" }, after.toFixed(2)),
      make("td", { class: "fr-number fr-change" }, `${change < 0 ? "−" : "+"}${Math.abs(change).toFixed(2)}`),
    );
  });
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
          make("th", { scope: "col" }, make("span", { class: "fr-hidden" }, text("score"))),
          make("td", { "aria-hidden": "true" }),
          make("th", { scope: "col" }, text("before")),
          make("th", { scope: "col" }, text("after")),
          make("th", { scope: "col" }, text("change")),
        ),
      ),
      make("tbody", {}, ...rows),
    ),
    make("p", { class: "fr-note" }, text(note, { n: scores.stretches })),
  );
};

// -------------------------------------------------------------------------------------- view

const view = { player: null, sound: null, spectrograms: null };

const leave = () => {
  if (view.player) view.player.close();
  view.player = view.sound = view.spectrograms = null;
};

const drawEmpty = (state) => {
  const bars = [];
  const heights = [14, 30, 22, 44, 26, 58, 36, 66, 30, 52, 38, 60, 28, 46, 20, 34, 16];
  heights.forEach((tall, i) => {
    const noise = 10 + ((i * 37) % 23);
    const x = 8 + i * 13;
    const bar = (name, height) =>
      make("rect", { class: name, x, y: 45 - height / 2, width: 5, height, rx: 2.5 });
    bars.push(bar("fr-art-noise", tall + (i < 9 ? noise : 0)), bar("fr-art-voice", tall));
  });
  const steps = [1, 2, 3].map((n) => make("li", {}, text(`step_${n}`)));
  stage.replaceChildren(
    make(
      "div",
      { class: "fr-empty" },
      make("svg", { viewBox: "0 0 232 90", class: "fr-art", "aria-hidden": "true" }, ...bars),
      make("h3", {}, text(state === "cancelled" ? "cancelled" : "empty")),
      make("ol", {}, ...steps),
    ),
  );
};

const drawWorking = () => {
  const tall = stage.offsetHeight;
  let bar = stage.querySelector(".fr-bar");
  if (!bar) {
    bar = make("div", { class: "fr-bar", role: "progressbar", "aria-valuemin": 0, "aria-valuemax": 100 }, make("i"));
    const panel = make(
      "div",
      { class: "fr-working" },
      make("h3"),
      bar,
      make("p", { class: "fr-phase" }),
      make("button", { type: "button", class: "fr-cancel", onclick: () => trigger("cancel") }),
    );
    panel.style.minHeight = `${tall}px`; // the page does not jump when a result is replaced
    stage.replaceChildren(panel);
  }
  const percent = Math.round(100 * value.fraction);
  // A short sound is one step for the network: no share of it is ever known.
  const known = value.phase === "cleaning" && value.fraction > 0;
  bar.classList.toggle("fr-waiting", !known);
  bar.firstChild.style.width = `${known ? percent : 0}%`;
  if (known) bar.setAttribute("aria-valuenow", percent);
  else bar.removeAttribute("aria-valuenow");
  bar.setAttribute("aria-label", text("progress"));
  stage.querySelector("h3").textContent = value.name;
  const phase = known ? "cleaning_percent" : value.phase;
  stage.querySelector(".fr-phase").textContent = text(phase, { n: value.ahead, percent });
  stage.querySelector(".fr-cancel").textContent = text("cancel");
};

const drawFailed = () => {
  const lang = /[\u4e00-\u9fff]/.test(value.message) ? "zh" : "en"; // a few stay English
  stage.replaceChildren(
    make(
      "div",
      { class: "fr-failed", role: "alert" },
      icon(ICONS.alert),
      make("div", {}, make("h3", {}, text("failed")), make("p", { lang }, value.message)),
    ),
  );
};

const describe = (sound) => {
  const channels = { 1: text("mono"), 2: text("stereo") };
  const count = sound.file_channels;
  return [
    `${+(sound.sample_rate / 1000).toFixed(3)} kHz`,
    channels[count] ?? text("channels", { n: count }),
    clock(sound.seconds),
    sound.coding,
  ]
    .filter(Boolean)
    .join(" · ");
};

const drawDone = () => {
  const sound = value;
  const same = view.sound && view.sound.id === sound.id;
  if (!same) {
    leave();
    view.player = new Player(sound);
    view.parts = {
      head: make("header", { class: "fr-head" }),
      figure: make("div"),
      facts: make("div"),
      quality: make("div"),
    };
    stage.replaceChildren(
      make(
        "div",
        { class: "fr-done" },
        view.parts.head,
        view.player.node,
        view.parts.figure,
        view.parts.facts,
        view.parts.quality,
      ),
    );
  }
  const before = view.sound;
  view.sound = sound;
  const { parts } = view;
  if (!same || drawDone.language !== language()) {
    const download = sound.download;
    parts.head.replaceChildren(
      make("div", {}, make("h3", { title: sound.name }, sound.name), make("p", {}, describe(sound))),
      make(
        "a",
        { class: "fr-download", href: download.url, download: download.orig_name },
        icon(ICONS.download),
        make("span", {}, text("download")),
        make("small", {}, `${download.orig_name.split(".").pop().toUpperCase()} · ${bytes(download.size)}`),
      ),
    );
    parts.facts.replaceChildren(facts(sound));
    if (same) view.player.translate();
    if (same && view.spectrograms) view.spectrograms.translate();
  }
  if (!same || Boolean(before.spectrograms) !== Boolean(sound.spectrograms)) {
    view.spectrograms = spectrograms(sound);
    parts.figure.replaceChildren(view.spectrograms.node);
  }
  parts.quality.replaceChildren(quality(sound));
  drawDone.language = language();
  if (!same) arrive();
};

// On a narrow screen the result is below what was just used: bring it into view.
const arrive = () => {
  announce(text("ready"));
  const box = root.getBoundingClientRect();
  if (box.top < window.innerHeight * 0.75) return;
  const calm = matchMedia("(prefers-reduced-motion: reduce)").matches;
  root.scrollIntoView({ behavior: calm ? "auto" : "smooth", block: "start" });
};

const draw = () => {
  // The last answer of an earlier turn may arrive after the first of a later one.
  if (props.value && (props.value.turn ?? 0) >= (value.turn ?? 0)) value = props.value;
  root.dataset.state = value.state;
  root.setAttribute("aria-label", text("result"));
  root.setAttribute("aria-busy", String(value.state === "working"));
  if (value.state !== "done") leave();
  if (value.state === "working") drawWorking();
  else if (value.state === "failed") drawFailed();
  else if (value.state === "done") drawDone();
  else drawEmpty(value.state);
};

watch(["value", "label"], draw);
draw();
