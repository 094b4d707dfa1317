// The pages of listeners and of whoever made a test, which stand outside of Gradio's: the site's
// head line, language and colours, and below it what the page is for.

import { store, stored } from "../common/dom.js";
import { mount as mountHeader } from "../common/header.js";
import { mountListener } from "./listener.js";
import { mountOwner } from "./owner.js";
import { failure } from "./parts.js";

const LOCALES = { en: "en", zh: "zh-CN" };
const data = JSON.parse(document.querySelector("#facts").textContent);
const main = document.querySelector("main");

// As Gradio's components have them: a label that tells the language, and who watches it.
const watchers = [];
const props = { label: "en", texts: data.texts };
const headProps = { label: "en", texts: data.header };
const watch = (_, react) => watchers.push(react);

const setLanguage = (code) => {
  props.label = headProps.label = headProps.value = code;
  document.documentElement.lang = LOCALES[code];
  document.cookie = `frcrn-language=${code}; path=/; SameSite=Strict`;
  document.title = data.texts[code].title;
  for (const react of watchers) react();
};

const query = new URLSearchParams(location.search).get("lang");
const served = document.documentElement.lang === "en" ? "en" : "zh";
const first = [query, stored("localStorage", "frcrn-language"), served].find((c) => c in LOCALES);

const theme = stored("localStorage", "frcrn-theme");
const dark = theme ? theme === "dark" : matchMedia("(prefers-color-scheme: dark)").matches;
document.body.classList.toggle("dark", dark);

window.frcrnPage = {
  setLanguage(code) {
    store("localStorage", "frcrn-language", code);
    setLanguage(code);
  },
  toggleTheme() {
    const now = document.body.classList.toggle("dark");
    store("localStorage", "frcrn-theme", now ? "dark" : "light");
  },
};

const name = location.pathname.split("/").filter(Boolean).pop();
const home = new URL(`../listen${data.kind === "owner" ? "ing" : ""}/${name}`, location.href).href;
mountHeader({
  element: document.querySelector("[data-header]"),
  props: headProps,
  trigger() {},
  watch,
});
if (data.kind === "listener") mountListener({ root: main, facts: data.facts, props, watch, home });
else if (data.kind === "owner") {
  const card = document.createElement("div");
  card.className = "fr-card fr-listening";
  main.append(card);
  const site = new URL("../../", location.href);
  mountOwner({ root: card, props, watch, address: home, site, alone: true });
} else main.append(failure(data.facts.message));
setLanguage(first);
