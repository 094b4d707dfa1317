// Samples as a file.

const PCM_MAX = 32767;

// A 16-bit WAV file of blocks of samples; blocks: [channel arrays, channel arrays, ...].
export const wavOf = (blocks, rate) => {
  const channels = blocks[0].length;
  const frames = blocks.reduce((count, block) => count + block[0].length, 0);
  const bytes = 2 * channels * frames;
  const view = new DataView(new ArrayBuffer(44 + bytes));
  const words = (at, text) => [...text].forEach((c, i) => view.setUint8(at + i, c.charCodeAt(0)));
  words(0, "RIFF");
  view.setUint32(4, 36 + bytes, true);
  words(8, "WAVEfmt ");
  view.setUint32(16, 16, true);
  view.setUint16(20, 1, true); // PCM
  view.setUint16(22, channels, true);
  view.setUint32(24, rate, true);
  view.setUint32(28, 2 * channels * rate, true);
  view.setUint16(32, 2 * channels, true);
  view.setUint16(34, 16, true);
  words(36, "data");
  view.setUint32(40, bytes, true);
  let at = 44;
  for (const block of blocks) {
    for (let frame = 0; frame < block[0].length; frame++) {
      for (let channel = 0; channel < channels; channel++, at += 2) {
        const sample = Math.min(Math.max(block[channel][frame], -1), 1);
        view.setInt16(at, Math.round(sample * PCM_MAX), true);
      }
    }
  }
  return new Blob([view], { type: "audio/wav" });
};
