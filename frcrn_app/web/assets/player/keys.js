// Keys of the player, wherever the focus is: but typing stays typing, and a focused control keeps
// the keys that are its own.

import { isShown, store, stored, takesText } from "../common/dom.js";

const OFF = "frcrn-keys-off";
const SWITCHED = "frcrn-keys-switched";
// What a focused element does with a key itself.
const PRESSED_BY_SPACE = "button:not([role=radio]), a, summary, [role=tab], [role=button]";
const PRESSED_BY_SPACE_TOO = "input[type=checkbox], input[type=radio], [role=option]";
const MOVED_BY_ARROWS = "[role=slider], [role=tab], [role=radio], [role=option], [role=listbox]";
const MOVED_BY_ARROWS_TOO = "input[type=range], input[type=radio]";

export const keysOn = () => stored("localStorage", OFF) === null;
export const switchKeys = () => {
  store("localStorage", OFF, keysOn() ? "1" : null);
  dispatchEvent(new Event(SWITCHED));
};

// Calls shown() whenever the keys are turned on or off, here or in another window, until what it
// returns is called.
export const onKeysSwitched = (shown) => {
  const onStorage = (event) => event.key === OFF && shown();
  addEventListener(SWITCHED, shown);
  addEventListener("storage", onStorage);
  return () => {
    removeEventListener(SWITCHED, shown);
    removeEventListener("storage", onStorage);
  };
};

// player(): the player that takes the keys now, or null. root: the part that must be in sight.
export const listenToKeys = (root, player) => {
  const onKey = (event) => {
    if (!root.isConnected) {
      document.removeEventListener("keydown", onKey);
      return;
    }
    const target = player();
    if (!target || !isShown(root) || !keysOn()) return;
    if (event.ctrlKey || event.metaKey || event.altKey || event.defaultPrevented) return;
    const focus = document.activeElement;
    if (takesText(focus)) return;
    const own = (...selectors) => focus.matches(selectors.join(", "));
    const key = event.key.toLowerCase();
    if (key === " ") {
      if (own(PRESSED_BY_SPACE, PRESSED_BY_SPACE_TOO)) return;
      target.toggle();
    } else if (key === "s" || key === "x") target.switch();
    else if (key === "a") target.choose("original");
    else if (key === "b") target.choose("cleaned");
    else if (/^[0-9]$/.test(key) && target.pick) target.pick(Number(key));
    else if (event.key === "ArrowLeft" || event.key === "ArrowRight") {
      if (own(MOVED_BY_ARROWS, MOVED_BY_ARROWS_TOO)) return;
      target.seekBy(event.key);
    } else return;
    event.preventDefault();
  };
  document.addEventListener("keydown", onKey);
};
