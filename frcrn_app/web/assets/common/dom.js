// Making elements, and the few small things that every component needs of the document.

const SVG = ["svg", "path", "circle", "rect", "line"];

export const make = (tag, attributes = {}, ...children) => {
  const node = SVG.includes(tag)
    ? document.createElementNS("http://www.w3.org/2000/svg", tag)
    : document.createElement(tag);
  for (const [name, content] of Object.entries(attributes)) {
    if (name.startsWith("on")) node.addEventListener(name.slice(2), content);
    else if (content === true) node.setAttribute(name, "");
    else if (content !== false && content != null) node.setAttribute(name, content);
  }
  node.append(...children.filter((child) => child != null));
  return node;
};

export const ICONS = {
  play: "M8 5.14v13.72a1 1 0 0 0 1.52.85l11-6.86a1 1 0 0 0 0-1.7l-11-6.86A1 1 0 0 0 8 5.14Z",
  pause: "M7 4.5h3.2v15H7zM13.8 4.5H17v15h-3.2z",
  download:
    "M11 4h2v8.2l3.1-3.1 1.4 1.4L12 16l-5.5-5.5 1.4-1.4 3.1 3.1V4ZM5 18h14v2H5v-2Z",
  alert:
    "M12 2.5 1.6 20.5h20.8L12 2.5Zm0 4 6.9 12H5.1L12 6.5Zm-1 4.2v4.1h2v-4.1h-2Zm0 5.3v2h2v-2h-2Z",
  file: "M6 2h8l5 5v15H6V2Zm7 1.8V8h4.2L13 3.8ZM8 4v16h9v-10h-6V4H8Z",
  microphone:
    "M12 3a3 3 0 0 1 3 3v6a3 3 0 0 1-6 0V6a3 3 0 0 1 3-3ZM6 11h1.8a4.2 4.2 0 0 0 8.4 0H18a6 6 0 0 1-5 5.9V20h3v1.8H8V20h3v-3.1A6 6 0 0 1 6 11Z",
  close: "m6.4 5 5.6 5.6L17.6 5 19 6.4 13.4 12l5.6 5.6-1.4 1.4-5.6-5.6L6.4 19 5 17.6l5.6-5.6L5 6.4 6.4 5Z",
  retry:
    "M12 5V2L7.5 6.5 12 11V7a5 5 0 1 1-5 5H5a7 7 0 1 0 7-7Z",
  folder: "M3 5h7l2 2h9v12H3V5Zm2 2v10h14V9h-7.8l-2-2H5Z",
  link: "M10.6 13.4a1 1 0 0 1 0-1.4 5 5 0 0 1 0 0l4-4a3 3 0 0 1 4.3 4.2l-2 2-1.4-1.4 2-2a1 1 0 0 0-1.5-1.4l-4 4a1 1 0 0 0 0 1.4l-1.4 1.4Zm2.8-2.8a3 3 0 0 1 0 4.2l-4 4a3 3 0 0 1-4.3-4.2l2-2 1.4 1.4-2 2a1 1 0 0 0 1.5 1.4l4-4a1 1 0 0 0 0-1.4l1.4-1.4Z",
};

export const icon = (path) =>
  make(
    "svg",
    { viewBox: "0 0 24 24", width: 20, height: 20, "aria-hidden": "true", focusable: "false" },
    make("path", { d: path, fill: "currentColor" }),
  );

// A region whose words screen readers say once, when they change.
export const liveRegion = () => {
  const node = make("div", { class: "fr-live", "aria-live": "polite", role: "status" });
  return {
    node,
    announce(words) {
      node.textContent = words;
    },
  };
};

// Whether typing goes into that element.
export const takesText = (node) =>
  Boolean(node) &&
  (node.isContentEditable ||
    node.matches(
      "textarea, select, input:not([type=range], [type=checkbox], [type=radio], [type=button], [type=file])",
    ));

export const isShown = (node) => node.isConnected && node.offsetParent !== null;

// Brings a part's top into view, unless most of it is there already.
export const reveal = (node) => {
  const { top } = node.getBoundingClientRect();
  if (top >= 0 && top < window.innerHeight * 0.6) return;
  node.scrollIntoView({ behavior: "instant", block: "start" });
};

export const stored = (storage, key) => {
  try {
    return window[storage].getItem(key);
  } catch {
    return null; // storage is switched off: the page works, it only forgets
  }
};

export const store = (storage, key, content) => {
  try {
    if (content == null) window[storage].removeItem(key);
    else window[storage].setItem(key, content);
  } catch {
    /* see above */
  }
};
