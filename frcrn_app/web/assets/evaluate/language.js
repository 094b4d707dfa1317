import { sayHowTablesAreSorted } from "./sorting.js";

// Tells the server the page's language: Gradio translates this component's label to "en" or "zh".
export const mount = ({ props, trigger, watch }) => {
  const tell = () => {
    const language = props.label === "zh" ? "zh" : "en";
    if (props.value === language) return;
    props.value = language;
    trigger("switched");
  };
  watch("label", tell);
  tell();
  sayHowTablesAreSorted();
};
