// What both pages share: asking the server, and small parts of the page.

import { ICONS, icon, make } from "../common/dom.js";

// The answer to a request; an Error with the server's sentence where there is none.
export const ask = async (address, content) => {
  const options =
    content === undefined
      ? {}
      : {
          method: "POST",
          headers: { "content-type": "application/json" },
          body: JSON.stringify(content),
        };
  const response = await fetch(address, options);
  if (response.ok) return response;
  const told = await response.json().catch(() => ({}));
  const error = new Error(told.detail ?? `${response.status}`);
  error.told = Boolean(told.detail);
  error.code = told.code;
  throw error;
};

export const failure = (message) =>
  make(
    "div",
    { class: "fr-card fr-listen-failed", role: "alert" },
    icon(ICONS.alert),
    make("p", {}, message),
  );

export const button = (words, onclick, look = "fr-second") =>
  make("button", { type: "button", class: look, onclick }, words);
