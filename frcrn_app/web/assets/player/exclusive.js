// One player at a time, in every tab of the browser: whoever starts to play silences the others.

const channel = "BroadcastChannel" in window ? new BroadcastChannel("frcrn-player") : null;
const silences = new Set();

const silenceAll = (except) => {
  for (const silence of silences) if (silence !== except) silence();
};
if (channel) channel.onmessage = () => silenceAll();

// Registers what pauses a player; gives what it calls before it plays, and when it is closed.
export const takePart = (silence) => {
  silences.add(silence);
  return {
    claim() {
      silenceAll(silence);
      if (channel) channel.postMessage("plays");
    },
    leave() {
      silences.delete(silence);
    },
  };
};
