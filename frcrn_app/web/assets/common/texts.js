// The words of a component: a table by language, and Gradio's label that tells the language.

export const translator = (props) => {
  // A component may be drawn before its table has come.
  const words = (language) => props.texts?.[language];
  const language = () => (words(props.label) ? props.label : "en");
  const text = (key, values = {}) =>
    (words(language())?.[key] ?? words("en")?.[key] ?? key).replace(
      /\{(\w+)\}/g,
      (_, name) => values[name] ?? "",
    );
  return { language, text };
};

// 75 is "1:15", 3675 is "1:01:15".
export const clock = (seconds) => {
  const whole = Math.floor(seconds + 1e-6);
  const parts = [Math.floor(whole / 3600), Math.floor(whole / 60) % 60, whole % 60];
  if (parts[0] === 0) parts.shift();
  return parts.map((part, i) => (i ? String(part).padStart(2, "0") : String(part))).join(":");
};

export const bytes = (count) =>
  count < 1e6 ? `${Math.max(1, Math.round(count / 1e3))} kB` : `${(count / 1e6).toFixed(1)} MB`;
