// The WebSocket, in a thread of its own: whatever the page draws, no frame waits for it.

const HELLO = { kind: "hello", rate: 16000, frame: 320 };
const MOST_WAITING = 8 * 648; // bytes that are not yet sent; while there are more, frames are dropped

onmessage = ({ data: { address, port } }) => {
  const socket = new WebSocket(address);
  let heard = 0; // number of the newest frame that came back
  socket.binaryType = "arraybuffer";
  socket.onopen = () => socket.send(JSON.stringify(HELLO));
  socket.onclose = () => postMessage({ kind: "closed" });
  socket.onmessage = ({ data: message }) => {
    if (typeof message === "string") {
      const words = JSON.parse(message);
      if (words.kind === "ready") port.postMessage("ready");
      postMessage(words);
      return;
    }
    heard = new DataView(message).getUint32(0, true);
    port.postMessage(message, [message]);
  };
  port.onmessage = ({ data: message }) => {
    if (socket.readyState !== WebSocket.OPEN || socket.bufferedAmount > MOST_WAITING) return;
    new DataView(message).setUint32(4, heard, true);
    socket.send(message);
  };
};
