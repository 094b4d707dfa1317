// Files and folders that were dropped or chosen, as { file, name }: a name has its folders.

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
