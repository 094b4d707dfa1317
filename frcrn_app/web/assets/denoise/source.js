// Where a recording comes in: a file that is chosen or dropped anywhere on the page, the
// microphone, or an example. Its value is what the server needs to find it.

import { ICONS, icon, liveRegion, make } from "../common/dom.js";
import { chosen, dropped, isArchive, isMany, takeDrops } from "../common/dropped.js";
import { handOver, openAgain } from "../common/handover.js";
import { bytes, clock, translator } from "../common/texts.js";
import { startRecording } from "./recorder.js";

const QUIETEST = -60; // dBFS, where the level meter begins

const stamp = () => {
  const now = new Date();
  const two = (number) => String(number).padStart(2, "0");
  const day = [now.getFullYear(), two(now.getMonth() + 1), two(now.getDate())].join("-");
  return `${day} ${[now.getHours(), now.getMinutes(), now.getSeconds()].map(two).join(".")}`;
};

export const mount = ({ element, props, trigger, watch, upload }) => {
  const { text } = translator(props);
  const root = element.querySelector(".fr-source");
  const live = liveRegion();
  let turn = 0; // grows with each recording that is begun: late uploads of earlier ones are dropped
  let problem = null; // key and fields of what went wrong
  let uploading = null; // name of the file on its way
  let recorder = null;
  let recorded = { seconds: 0, peak: 0 };

  // ------------------------------------------------------------------------------- what happens

  const used = () => {
    // Gradio puts every rule of the style sheet below .contain.
    root.closest(".contain > *").dataset.used = "true";
  };

  const submit = (value) => {
    props.value = value;
    trigger("submit");
    draw();
  };

  const fail = (key, fields) => {
    problem = [key, fields];
    uploading = null;
    draw();
  };

  const send = async (file, name = file.name) => {
    const mine = ++turn;
    problem = null;
    used();
    if (file.size > props.max_bytes) {
      fail("too_big", { size: bytes(file.size), most: bytes(props.max_bytes) });
      return;
    }
    uploading = name;
    draw();
    try {
      const { path } = await upload(file);
      if (mine !== turn) return;
      uploading = null;
      submit({ path, name });
    } catch {
      if (mine === turn) fail("not_uploaded");
    }
  };

  const choose = () => {
    input.value = "";
    input.click();
  };

  const clear = () => {
    turn++;
    uploading = problem = null;
    submit(null);
    buttons.choose.focus();
  };

  const example = (name) => {
    turn++;
    uploading = problem = null;
    used();
    submit({ example: name, name });
  };

  const record = async () => {
    if (!navigator.mediaDevices?.getUserMedia || !window.AudioWorkletNode) {
      fail(window.isSecureContext ? "no_microphone" : "not_secure");
      return;
    }
    problem = null;
    used();
    try {
      recorded = { seconds: 0, peak: 0 };
      recorder = await startRecording((peak, seconds) => {
        recorded = { peak, seconds };
        drawLevel();
        if (seconds >= props.max_seconds) stop();
      });
    } catch {
      fail("no_microphone");
      return;
    }
    draw();
    buttons.stop.focus();
    live.announce(text("recording"));
  };

  const stop = async () => {
    const ending = recorder;
    recorder = null;
    draw();
    const file = ending && (await ending.stop());
    if (!file) return;
    const name = `${text("recording_name", { time: stamp() })}.wav`;
    send(new File([file], name, { type: "audio/wav" }), name);
  };

  const discard = async () => {
    const ending = recorder;
    recorder = null;
    draw();
    buttons.record.focus();
    if (ending) await ending.discard();
  };

  // --------------------------------------------------------------------------------- what it is

  const button = (name, classes, path, action) =>
    make(
      "button",
      { type: "button", class: classes, onclick: action },
      path ? icon(path) : make("i", { class: `fr-${name}-sign`, "aria-hidden": "true" }),
      make("span"),
    );
  const buttons = {
    choose: button("choose", "fr-choose", ICONS.file, choose),
    record: button("record", "fr-record", ICONS.microphone, record),
    stop: button("stop", "fr-stop", null, stop),
    discard: make("button", { type: "button", class: "fr-plain", onclick: discard }),
    clear: make("button", { type: "button", class: "fr-clear", onclick: clear }, icon(ICONS.close)),
  };
  const input = make("input", {
    type: "file",
    hidden: true,
    multiple: true,
    onchange: () => {
      if (input.files.length > 1 || isArchive(input.files[0]?.name ?? "")) {
        handOver(chosen(input.files));
      } else if (input.files.length) send(input.files[0]);
    },
  });
  const name = make("span", { class: "fr-held-name" });
  const held = make("div", { class: "fr-held" }, icon(ICONS.file), name, buttons.clear);
  const pick = make("div", { class: "fr-pick" }, buttons.choose, buttons.record);
  const time = make("span", { class: "fr-recorded" });
  const meter = make("div", { class: "fr-meter", role: "meter", "aria-valuemin": QUIETEST, "aria-valuemax": 0 }, make("i"));
  const recording = make("div", { class: "fr-recording" }, time, meter, buttons.stop, buttons.discard);
  const hint = make("p", { class: "fr-small" });
  const wrong = make("p", { class: "fr-small fr-problem", role: "alert" });
  const heading = make("p", { class: "fr-small" });
  const chips = make("div", { class: "fr-examples" });
  const cover = make("div", { class: "fr-cover", hidden: true, "aria-hidden": "true" }, make("p"));
  root.append(held, pick, recording, input, hint, wrong, heading, chips, live.node, cover);

  const drawLevel = () => {
    const level = Math.max(QUIETEST, 20 * Math.log10(Math.max(recorded.peak, 1e-9)));
    time.textContent = clock(recorded.seconds);
    meter.firstChild.style.width = `${100 * (1 - level / QUIETEST)}%`;
    meter.setAttribute("aria-valuenow", level.toFixed(0));
  };

  const titleOf = (file) => {
    const stem = file.replace(/\.\w+$/, "");
    return `example_${stem}` in props.texts.en ? text(`example_${stem}`) : stem.replace(/[-_]/g, " ");
  };

  const draw = () => {
    const { value } = props;
    root.setAttribute("aria-label", text("region"));
    root.dataset.state = recorder ? "recording" : uploading ? "uploading" : value ? "held" : "empty";
    held.hidden = !(uploading || value) || recorder;
    pick.hidden = Boolean(recorder);
    recording.hidden = !recorder;
    name.textContent = uploading
      ? `${uploading} · ${text("uploading")}`
      : value?.example
        ? titleOf(value.example)
        : (value?.name ?? "");
    const words = (node, key) => {
      node.lastChild.textContent = text(key);
    };
    words(buttons.choose, value || uploading ? "replace" : "choose");
    words(buttons.record, "record");
    words(buttons.stop, "stop");
    buttons.discard.textContent = text("discard");
    buttons.clear.setAttribute("aria-label", text("clear"));
    meter.setAttribute("aria-label", text("level"));
    const minutes = +(props.max_seconds / 60).toFixed(1);
    const hours = +(props.max_seconds / 3600).toFixed(1);
    const unit = props.max_seconds < 60 ? "limits_seconds" : hours > 1 ? "limits_hours" : "limits";
    const limit = text(unit, { hours, minutes, seconds: props.max_seconds });
    hint.textContent = `${text("drop")} · ${limit}`;
    wrong.textContent = problem ? text(...problem) : "";
    wrong.hidden = !problem;
    heading.textContent = text("examples");
    heading.hidden = !props.examples.length;
    cover.firstChild.textContent = text("dropping");
    chips.replaceChildren(
      ...props.examples.map((file) =>
        make(
          "button",
          { type: "button", class: "fr-chip", onclick: () => example(file) },
          titleOf(file),
        ),
      ),
    );
    drawLevel();
  };

  takeDrops(root, cover, (transfer) => {
    if (recorder || !transfer.files.length) return;
    if (isMany(transfer)) dropped(transfer).then(handOver);
    else send(transfer.files[0]);
  });

  // From another tab of the page.
  addEventListener("frcrn-recording", (event) => !recorder && send(event.detail));

  watch(["value", "label"], draw);
  draw();
  openAgain();
};
