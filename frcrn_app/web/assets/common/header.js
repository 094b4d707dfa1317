// The page's head line: brand, language switch, colour scheme.

import { translator } from "./texts.js";

// Tabs that are not open take another name only once Gradio has drawn their row.
const onceTabsAreDrawn = (then) => {
  if (document.querySelector("[role=tab][aria-selected=true]")) setTimeout(then);
  else requestAnimationFrame(() => onceTabsAreDrawn(then));
};

export const mount = ({ element, props, trigger, watch }) => {
  const { language, text } = translator(props);

  const draw = () => {
    for (const button of element.querySelectorAll("[data-language]")) {
      button.setAttribute("aria-pressed", String(button.dataset.language === language()));
    }
    element.querySelector("[data-languages]").setAttribute("aria-label", text("language"));
    const theme = element.querySelector("[data-theme]");
    theme.setAttribute("aria-label", text("theme"));
    theme.title = text("theme");
  };

  element.addEventListener("click", (event) => {
    const button = event.target.closest("button");
    if (!button) return;
    if (button.dataset.language) window.frcrnPage.setLanguage(button.dataset.language);
    else window.frcrnPage.toggleTheme();
  });
  const follow = () => {
    draw();
    if (props.value === language()) return;
    props.value = language();
    onceTabsAreDrawn(() => trigger("switched"));
  };
  watch("label", follow);
  follow();
};
