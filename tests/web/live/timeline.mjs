// The live tab's jitter buffer and resampler under networks that are made up: prints what was heard.

const [, , folder] = process.argv;
const { Resampler } = await import(`${folder}/resampler.js`);
const { FRAME, Timeline } = await import(`${folder}/timeline.js`);

const RATE = 16000;
const BLOCK = 40; // samples that the sound device asks for
const LATE = 2; // frames that the network behind the server keeps
const tone = (sample) => Math.sin((2 * Math.PI * 300 * sample) / RATE);

// latency(now): samples on the way. lost(frame). The cleaned version is half of the original.
const hear = ({ seconds = 16, latency = () => 160, lost = () => false }) => {
  const timeline = new Timeline();
  const onTheWay = [];
  const heard = [[], []];
  const delays = [];
  let sent = 0;
  let last = 0;
  for (let now = 0; now < seconds * RATE; now += BLOCK) {
    timeline.capture(Float32Array.from({ length: BLOCK }, (_, i) => tone(now + i)));
    for (; (sent + 1) * FRAME <= timeline.captured; sent++) {
      if (sent < LATE || lost(sent - LATE)) continue;
      last = Math.max(last, now + latency(now));
      onTheWay.push([last, sent - LATE]);
    }
    while (onTheWay.length && onTheWay[0][0] <= now) {
      const [, number] = onTheWay.shift();
      const samples = Float32Array.from({ length: FRAME }, (_, i) => tone(number * FRAME + i) / 2);
      timeline.arrive(number, samples);
    }
    const pair = [new Float32Array(BLOCK), new Float32Array(BLOCK)];
    timeline.read(...pair);
    pair.forEach((block, i) => heard[i].push(...block));
    if (now % RATE === 0) delays.push(timeline.delay / RATE);
  }
  const steps = heard[0].slice(1).map((sample, i) => Math.abs(sample - heard[0][i]));
  return {
    delays,
    gaps: timeline.gaps,
    lost: timeline.lost,
    largestStep: steps.reduce((most, step) => Math.max(most, step), 0),
    apart: heard[1].filter((sample, i) => Math.abs(sample - heard[0][i] / 2) > 1e-3).length,
  };
};

// Signal-to-noise ratio in dB of two tones that go to 16 kHz and back.
const roundTrip = (rate) => {
  const sound = (i) => 0.3 * Math.sin((2 * Math.PI * 440 * i) / rate) + 0.2 * Math.sin((2 * Math.PI * 3000 * i) / rate);
  const [down, up] = [new Resampler(rate, RATE), new Resampler(RATE, rate)];
  const back = [];
  for (let at = 0; at < rate; at += 128) {
    back.push(...up.push(down.push(Float32Array.from({ length: 128 }, (_, i) => sound(at + i)))));
  }
  let [signal, noise] = [0, 0];
  for (let i = 600; i < back.length - 600; i++) {
    signal += sound(i) ** 2;
    noise += (sound(i) - back[i]) ** 2;
  }
  return 10 * Math.log10(signal / (noise + 1e-12));
};

const stall = (from, to) => (now) => Math.max(160, now > from * RATE ? to * RATE - now : 0);
const random = (() => {
  let state = 1;
  return () => (state = (state * 48271) % 2147483647) / 2147483647;
})();
console.log(
  JSON.stringify({
    steady: hear({}),
    jitter: hear({ latency: () => 160 + 640 * random() }),
    slow_at_first: hear({ latency: (now) => (now < 5 * RATE ? 3200 : 160) }),
    stalled: hear({ latency: stall(5, 8) }),
    hiccups: hear({ seconds: 150, latency: (now) => Math.max(160, 800 - (now % (15 * RATE))) }),
    lossy: hear({ lost: (number) => number % 50 === 7 }),
    round_trip: Object.fromEntries([8000, 16000, 22050, 44100, 48000, 96000].map((rate) => [rate, roundTrip(rate)])),
  }),
);
