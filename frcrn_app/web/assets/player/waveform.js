// The waveform of both versions on one scale; the one that is not heard stays visible behind.

const BAR = 3; // pixels from one bar to the next
const LEAST_SCALE = 0.02; // of full scale: silence is not drawn as if it were loud
const BEHIND = 0.32; // opacity of the version that is not heard

const largest = (peaks, bar, bars) => {
  const from = Math.floor((bar * peaks.length) / bars);
  const to = Math.max(from + 1, Math.floor(((bar + 1) * peaks.length) / bars));
  let peak = 0;
  for (let i = from; i < to && i < peaks.length; i++) peak = Math.max(peak, peaks[i]);
  return peak;
};

// peaks: { original, cleaned }, of equal lengths; strength: share of the cleaned one in its mix.
export const paintWaveform = (canvas, peaks, active, strength) => {
  const { clientWidth: width, clientHeight: height } = canvas.parentNode;
  if (!width) return;
  const density = window.devicePixelRatio || 1;
  canvas.width = width * density;
  canvas.height = height * density;
  const context = canvas.getContext("2d");
  context.scale(density, density);
  const colours = getComputedStyle(canvas);
  const versions = {
    original: peaks.original,
    cleaned: peaks.cleaned.map((peak, i) => strength * peak + (1 - strength) * peaks.original[i]),
  };
  const loudest = Math.max(LEAST_SCALE, ...peaks.original, ...peaks.cleaned);
  const bars = Math.floor(width / BAR);
  const other = active === "cleaned" ? "original" : "cleaned";
  for (const name of [other, active]) {
    context.fillStyle = colours.getPropertyValue(`--fr-${name}`);
    context.globalAlpha = name === active ? 1 : BEHIND;
    for (let bar = 0; bar < bars; bar++) {
      const tall = Math.max(1.5, (largest(versions[name], bar, bars) / loudest) * (height - 8));
      context.beginPath();
      context.roundRect(bar * BAR + 0.5, (height - tall) / 2, 2, tall, 1);
      context.fill();
    }
  }
};
