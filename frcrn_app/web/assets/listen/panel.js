// The card of the evaluate tab: makes a listening test, then follows it.

import { make } from "../common/dom.js";
import { translator } from "../common/texts.js";
import { mountOwner } from "./owner.js";
import { button, failure } from "./parts.js";

const USUAL_FILES = 4;
const METHODS = ["ab", "mushra"];
const NOISY = "noisy"; // what the recordings are called among the systems

export const mount = ({ element, props, trigger, watch }) => {
  // Of a component that gets its value while its card is hidden, Gradio gives the value alone.
  const worded = {
    get label() {
      return props.label;
    },
    get texts() {
      return props.texts ?? props.value?.texts;
    },
  };
  const { text } = translator(worded);
  const root = element.querySelector(".fr-listening") ?? element;
  const chosen = { method: "ab", systems: null, files: USUAL_FILES };
  let owner = null; // { token, close } of the test that is shown
  let making = false;

  const radio = (method, value) => {
    const off = method === "mushra" && !value.clean;
    return make(
      "label",
      {},
      make("input", {
        type: "radio",
        name: "listening-method",
        checked: chosen.method === method,
        disabled: off,
        onchange: () => {
          chosen.method = method;
        },
      }),
      make("b", {}, text(`method_${method}`)),
      make("span", {}, text(off ? "needs_clean" : `method_${method}_more`)),
    );
  };

  const box = (system) =>
    make(
      "label",
      {},
      make("input", {
        type: "checkbox",
        checked: chosen.systems.has(system),
        onchange: (event) => chosen.systems[event.target.checked ? "add" : "delete"](system),
      }),
      make("span", {}, system === NOISY ? text("noisy") : system),
    );

  const start = () => {
    making = true;
    draw();
    trigger("make", { ...chosen, systems: [...chosen.systems] });
  };

  const drawForm = (value) => {
    const known = chosen.systems && [...chosen.systems].every((s) => value.systems.includes(s));
    if (!known) chosen.systems = new Set(value.systems);
    chosen.files = Math.min(chosen.files, value.files);
    const count = make("select", {
      onchange: (event) => {
        chosen.files = Number(event.target.value);
      },
    });
    for (let files = 1; files <= value.files; files++) {
      count.append(make("option", { value: files, selected: files === chosen.files }, files));
    }
    const go = button(text(making ? "making" : "make"), start, "fr-first");
    go.disabled = making;
    root.replaceChildren(
      make("p", { class: "fr-small" }, text("panel")),
      ...(value.message ? [failure(value.message)] : []),
      make(
        "fieldset",
        { class: "fr-methods" },
        make("legend", {}, text("method")),
        ...METHODS.map((method) => radio(method, value)),
      ),
      make(
        "fieldset",
        { class: "fr-systems" },
        make("legend", {}, text("systems")),
        ...value.systems.map(box),
      ),
      make("div", { class: "fr-line" }, make("label", {}, text("files"), " ", count), go),
    );
  };

  const draw = () => {
    const value = props.value;
    if (owner && owner.token !== value?.owner) {
      owner.close();
      owner = null;
    }
    if (!value || !value.systems) {
      root.replaceChildren(...(value?.message ? [failure(value.message)] : []));
      return;
    }
    if (!value.owner) {
      drawForm(value);
      return;
    }
    if (owner) return; // it is drawn by itself
    const shown = mountOwner({
      root,
      props: worded,
      watch,
      address: new URL(`frcrn/listening/${value.owner}`, document.baseURI).href,
      site: document.baseURI,
      voted: () => trigger("voted"),
      gone: () => {
        trigger("voted");
        props.value = { ...value, owner: "" };
        draw();
      },
    });
    owner = { token: value.owner, close: shown.close };
  };

  watch("value", () => {
    making = false;
    draw();
  });
  watch("label", draw);
  draw();
};
