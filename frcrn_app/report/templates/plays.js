// Cards to listen to: all versions of a file play at once and one of them is heard, so that
// switching keeps the position to the sample. Without this script each version has its own player.
let context;
let playing = null;

const decoded = async (audio) => {
  const answer = await fetch(audio.src);
  return context.decodeAudioData(await answer.arrayBuffer());
};

const set_up = (card) => {
  const audios = [...card.querySelectorAll("audio")];
  const versions = [...card.querySelectorAll("input[type=radio]")];
  const button = card.querySelector("button");
  const slider = card.querySelector("input[type=range]");
  const clock = card.querySelector("output");
  let buffers = null;
  let voices = [];
  let began = 0;
  let position = 0;

  const length = () => Number(slider.max);
  const now = () => (playing === stop ? context.currentTime - began : position);
  const show = () => {
    slider.value = now();
    clock.textContent = `${now().toFixed(1)} s`;
    if (playing !== stop) return;
    if (now() >= length()) {
      stop();
      position = 0;
      show();
    } else requestAnimationFrame(show);
  };
  const hear = () => {
    voices.forEach(({ gain }, place) => {
      gain.gain.setTargetAtTime(versions[place].checked ? 1 : 0, context.currentTime, 0.004);
    });
  };
  const label = (playing_now) => {
    button.textContent = playing_now ? button.dataset.pause : button.dataset.play;
  };
  function stop() {
    if (playing !== stop) return;
    position = Math.min(now(), length());
    playing = null;
    for (const { source } of voices) source.stop();
    voices = [];
    label(false);
  }
  const play = async () => {
    context ??= new AudioContext();
    await context.resume();
    buffers ??= await Promise.all(audios.map(decoded));
    playing?.();
    const start = context.currentTime + 0.03;
    began = start - position;
    voices = buffers.map((buffer, place) => {
      const source = new AudioBufferSourceNode(context, { buffer });
      const gain = new GainNode(context, { gain: versions[place].checked ? 1 : 0 });
      source.connect(gain).connect(context.destination);
      source.start(start, position);
      return { source, gain };
    });
    playing = stop;
    label(true);
    show();
  };

  button.addEventListener("click", () => (playing === stop ? stop() : play()));
  for (const version of versions) version.addEventListener("change", hear);
  slider.addEventListener("input", () => {
    const at = Number(slider.value);
    const goes_on = playing === stop;
    stop();
    position = at;
    if (goes_on) play();
    else show();
  });
  card.classList.add("ready");
};

if (window.AudioContext) document.querySelectorAll(".play").forEach(set_up);
