// Files that one tab hands to another, which may not have been drawn yet.

import { store, stored } from "./dom.js";

const SHOWN = "frcrn-batch-shown"; // whether the batch was in view when the page was left

let take = null;
const waiting = [];

export const openTab = (name) => document.querySelector(`[role=tab][data-tab-id="${name}"]`)?.click();

// To the batch tab, which comes into view.
export const handOver = (files) => {
  openTab("batch");
  if (take) take(files);
  else waiting.push(...files);
};

// A page that is loaded again shows the batch again.
export const openAgain = () => {
  if (stored("sessionStorage", SHOWN)) openTab("batch");
};
export const rememberShown = (shown) => store("sessionStorage", SHOWN, shown ? "1" : null);

export const onHandedOver = (taker) => {
  take = taker;
  if (waiting.length) take(waiting.splice(0));
};
