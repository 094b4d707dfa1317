// Runs once Gradio has started, before it draws the page.
(() => {
  const saved = (key) => {
    try {
      return localStorage.getItem(key);
    } catch {
      return null; // storage is switched off: the page works, it only forgets the choice
    }
  };
  const save = (key, value) => {
    try {
      localStorage.setItem(key, value);
    } catch {
      /* see above */
    }
  };

  // The page speaks English and Chinese. Gradio knows Chinese by region alone, and takes the
  // browser's language; a choice made here, or by ?lang=zh in the address, goes before it.
  const LOCALES = { en: "en", zh: "zh-CN" };
  const query = new URLSearchParams(location.search).get("lang");
  const spoken = (navigator.language || "en").slice(0, 2).toLowerCase();
  const wanted = [query, saved("frcrn-language"), spoken];
  let language = wanted.find((code) => code in LOCALES) || "en";

  const changeLocale = async () => {
    document.documentElement.lang = LOCALES[language];
    // The server words errors itself: this tells it which language the page has.
    document.cookie = `frcrn-language=${language}; path=/; SameSite=Strict`;
    const core = await import(new URL(window.frcrnGradioCore, document.baseURI).href);
    core.changeLocale(LOCALES[language]);
  };
  changeLocale();

  // As for the language: what was chosen here goes before what the system says.
  const theme = saved("frcrn-theme");
  if (theme && !new URLSearchParams(location.search).has("__theme")) {
    document.body.classList.toggle("dark", theme === "dark");
  }

  // Browsers filter microphones unless asked not to.
  const raw = { noiseSuppression: false, echoCancellation: false, autoGainControl: false };
  const devices = navigator.mediaDevices;
  if (devices && devices.getUserMedia) {
    const open = devices.getUserMedia.bind(devices);
    devices.getUserMedia = (constraints) => {
      if (constraints && constraints.audio && window.frcrnPage.rawMicrophone) {
        const audio = typeof constraints.audio === "object" ? constraints.audio : {};
        constraints = { ...constraints, audio: { ...audio, ...raw } };
      }
      return open(constraints);
    };
  }

  window.frcrnPage = {
    rawMicrophone: true,

    get language() {
      return language;
    },

    setLanguage(code) {
      language = code;
      save("frcrn-language", code);
      return changeLocale();
    },

    toggleTheme() {
      const dark = !document.body.classList.contains("dark");
      document.body.classList.toggle("dark", dark);
      save("frcrn-theme", dark ? "dark" : "light");
    },
  };
})();
