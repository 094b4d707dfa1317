// Files and folders that were dropped or chosen, as { file, name }: a name has its folders.

import { isShown } from "./dom.js";

const entriesOf = (reader) => new Promise((resolve, reject) => reader.readEntries(resolve, reject));
const fileOf = (entry) => new Promise((resolve, reject) => entry.file(resolve, reject));

const walk = async (entry, folder, found) => {
  const name = `${folder}${entry.name}`;
  if (entry.isFile) {
    found.push({ file: await fileOf(entry), name });
    return;
  }
  const reader = entry.createReader();
  // A reader gives a hundred at a time, and nothing once it is through.
  for (let entries = await entriesOf(reader); entries.length; entries = await entriesOf(reader)) {
    for (const inner of entries) await walk(inner, `${name}/`, found);
  }
};

// Files may be dropped anywhere on the page while `root` is in sight; `cover` then lies over it.
// take(transfer): of each drop, while its event is handled.
export const takeDrops = (root, cover, take) => {
  const carriesFile = (event) =>
    isShown(root) && [...(event.dataTransfer?.types ?? [])].includes("Files");
  document.addEventListener("dragover", (event) => {
    if (!carriesFile(event)) return;
    event.preventDefault();
    cover.hidden = false;
  });
  document.addEventListener("dragleave", (event) => {
    if (!event.relatedTarget) cover.hidden = true;
  });
  document.addEventListener("drop", (event) => {
    cover.hidden = true;
    if (!carriesFile(event)) return;
    event.preventDefault();
    take(event.dataTransfer);
  });
};

// What a drop brings: to be called while the event is handled.
export const dropped = (transfer) => {
  const entries = [...transfer.items].map((item) => item.webkitGetAsEntry?.()).filter(Boolean);
  if (!entries.length) return Promise.resolve(chosen(transfer.files));
  const all = async () => {
    const found = [];
    for (const entry of entries) await walk(entry, "", found).catch(() => {}); // left meanwhile
    return found;
  };
  return all();
};

// Whether a drop is more than one file: several, a folder or an archive.
export const isMany = (transfer) =>
  transfer.files.length > 1 ||
  [...transfer.items].some((item) => item.webkitGetAsEntry?.()?.isDirectory) ||
  isArchive(transfer.files[0]?.name ?? "");

export const isArchive = (name) => name.toLowerCase().endsWith(".zip");

export const chosen = (files) =>
  [...files].map((file) => ({ file, name: file.webkitRelativePath || file.name }));
