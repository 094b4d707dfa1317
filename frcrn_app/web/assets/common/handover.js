// Files that one tab hands to another, which may not have been drawn yet.

let take = null;
const waiting = [];

export const openTab = (name) => document.querySelector(`[role=tab][data-tab-id="${name}"]`)?.click();

// To the batch tab, which comes into view.
export const handOver = (files) => {
  openTab("batch");
  if (take) take(files);
  else waiting.push(...files);
};

export const onHandedOver = (taker) => {
  take = taker;
  if (waiting.length) take(waiting.splice(0));
};
