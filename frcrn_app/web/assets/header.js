// The page's head line: brand, language switch, colour scheme. Arguments: element, props, watch.
const texts = {
  en: { language: "Language", theme: "Light or dark" },
  zh: { language: "语言", theme: "浅色或深色" },
};

// Gradio gives a tab that has not been opened yet its name once, in the first language.
const renameTabs = (language) => {
  for (const tab of document.querySelectorAll('[role="tab"]')) {
    const walker = document.createTreeWalker(tab, NodeFilter.SHOW_TEXT);
    for (let node = walker.nextNode(); node; node = walker.nextNode()) {
      const words = props.tabs.find((names) => Object.values(names).includes(node.data.trim()));
      if (words && node.data.trim() !== words[language]) node.data = words[language];
    }
  }
};

const draw = () => {
  const language = props.label in texts ? props.label : "en";
  for (const button of element.querySelectorAll("[data-language]")) {
    button.setAttribute("aria-pressed", String(button.dataset.language === language));
  }
  element.querySelector("[data-languages]").setAttribute("aria-label", texts[language].language);
  const theme = element.querySelector("[data-theme]");
  theme.setAttribute("aria-label", texts[language].theme);
  theme.title = texts[language].theme;
  setTimeout(() => renameTabs(language)); // after Gradio's own renaming
};
element.addEventListener("click", (event) => {
  const button = event.target.closest("button");
  if (!button) return;
  if (button.dataset.language) window.frcrnPage.setLanguage(button.dataset.language);
  else window.frcrnPage.toggleTheme();
});
watch("label", draw);
draw();
