// The same layers on the CPU and on the GPU, from small to large: where the one overtakes the other on the visitor's machine.

import { InferenceSession, Tensor, at, conv2d, difference, download, failed, fill } from "./page.js";

const CHANNELS = 16;
const SIDES = [8, 16, 32, 64, 128, 256];
const BATCHES = [1, 8, 64];
/** Multiplications of LeNet-5 for one picture. */
const LENET = 416_520;
/** Milliseconds: of all runs together, and of a measurement. */
const ENOUGH = 300;
const SPAN = 2;

const noise = (length, seed) => Float32Array.from({ length }, (_, index) => Math.sin((index + 1) * seed));

/** The median time of runs, in milliseconds, of several at a time where the clock's ticks would show, and what the last gave. */
async function timed(run) {
  let output = await run();
  const times = [];
  for (const start = performance.now(); times.length < 3 || performance.now() - start < ENOUGH; ) {
    const before = performance.now();
    let [together, count] = [0, 0];
    while (together < SPAN) {
      output = await run();
      count += 1;
      together = performance.now() - before;
    }
    times.push(together / count);
  }
  times.sort((one, other) => one - other);
  return { milliseconds: times[times.length >> 1], output };
}

async function layer(side, backend) {
  const input = new Tensor("float32", noise(CHANNELS * side * side, 0.7), [1, CHANNELS, side, side]);
  const weight = new Tensor("float32", noise(CHANNELS * CHANNELS * 9, 0.3), [CHANNELS, CHANNELS, 3, 3]);
  return timed(async () => ({ output: await conv2d(input, weight, { padding: 1, backend }) }));
}

async function network(batch, backend) {
  const session = await InferenceSession.create("models/lenet5.onnx", { backends: [backend] });
  try {
    const input = new Tensor("float32", noise(batch * 784, 0.5), [batch, 1, 28, 28]);
    return await timed(() => session.run({ input }));
  } finally {
    session.dispose();
  }
}

const WORK = [
  ...SIDES.map((side) => ({
    name: `3 × 3 convolution, ${CHANNELS} channels, ${side} × ${side}`,
    multiplications: (CHANNELS * CHANNELS * 9 * side * side) / 1e6,
    run: (backend) => layer(side, backend),
    line: true,
  })),
  ...BATCHES.map((batch) => ({
    name: `LeNet-5, ${batch} at a time`,
    multiplications: (LENET * batch) / 1e6,
    run: (backend) => network(batch, backend),
  })),
];

/** Where a logarithmic scale from `least` to `most` puts a number, between two places. */
function scale(numbers, from, to) {
  const [least, most] = [Math.min(...numbers), Math.max(...numbers)].map(Math.log);
  return (number) => from + ((Math.log(number) - least) / Math.max(most - least, 1e-9)) * (to - from);
}

function drawn(name, attributes, text) {
  const element = document.createElementNS("http://www.w3.org/2000/svg", name);
  for (const [key, value] of Object.entries(attributes)) element.setAttribute(key, value);
  if (text !== undefined) element.textContent = text;
  return element;
}

function plot(measured) {
  const layers = measured.filter(({ line }) => line);
  const times = layers.flatMap(({ webgpu, cpu }) => [webgpu, cpu]).filter((time) => time !== undefined);
  const [x, y] = [scale(layers.map(({ multiplications }) => multiplications), 60, 620), scale(times, 350, 30)];
  const parts = [drawn("line", { x1: 60, y1: 350, x2: 620, y2: 350 }), drawn("line", { x1: 60, y1: 30, x2: 60, y2: 350 })];
  for (const { multiplications } of layers) {
    const text = multiplications < 10 ? multiplications.toFixed(1) : Math.round(multiplications);
    parts.push(drawn("text", { x: x(multiplications), y: 375, "text-anchor": "middle" }, text));
  }
  for (const time of [Math.min(...times), Math.max(...times)]) {
    parts.push(drawn("text", { x: 52, y: y(time) + 5, "text-anchor": "end" }, time.toFixed(1)));
  }
  for (const [backend, label] of [["webgpu", "GPU"], ["cpu", "CPU, dashed"]]) {
    const points = layers.filter((row) => row[backend] !== undefined).map((row) => [x(row.multiplications), y(row[backend])]);
    if (points.length === 0) continue;
    parts.push(drawn("polyline", { class: backend, points: points.map((point) => point.join()).join(" ") }));
    const [left, top] = points.at(-1);
    parts.push(drawn("text", { x: left, y: top - 10, "text-anchor": "end" }, label));
  }
  at("plot").replaceChildren(...parts);
}

/** From which layer on the GPU is the faster one. */
function crossover(measured) {
  const layers = measured.filter(({ line, webgpu, cpu }) => line && webgpu !== undefined && cpu !== undefined);
  if (layers.length === 0) return "Only one of them runs here, so there is nothing to compare.";
  const last = layers.findLastIndex(({ webgpu, cpu }) => webgpu >= cpu);
  if (last === -1) return "The GPU is the faster one everywhere.";
  if (last === layers.length - 1) return "The CPU is the faster one even at the largest layer.";
  return `The GPU is the faster one from ${layers[last + 1].multiplications.toFixed(1)} million multiplications on.`;
}

let report;

at("run").addEventListener("click", async () => {
  at("run").disabled = true;
  at("status").classList.remove("wrong");
  const [measured, not] = [[], {}];
  try {
    for (const { name, multiplications, run, line } of WORK) {
      const [row, outputs] = [{ name, multiplications, line }, []];
      for (const backend of ["webgpu", "cpu"]) {
        at("status").textContent = `${name}, on the ${backend === "cpu" ? "CPU" : "GPU"} …`;
        if (not[backend]) continue;
        try {
          const { milliseconds, output } = await run(backend);
          row[backend] = milliseconds;
          outputs.push(output);
        } catch (error) {
          not[backend] = error.message;
        }
      }
      if (outputs.length === 2) row.difference = difference(...outputs);
      measured.push(row);
    }
    const reasons = Object.entries(not).map(([backend, reason]) => `Not on ${backend}: ${reason}`);
    at("status").textContent = ["Measured.", ...reasons].join(" ");
    at("results").hidden = false;
    const shown = (time) => (time === undefined ? "–" : Number(time.toFixed(2)));
    fill(
      at("rows"),
      measured.map(({ name, multiplications, webgpu, cpu, difference }) => [
        name,
        Number(multiplications.toFixed(2)),
        shown(webgpu),
        shown(cpu),
        difference === undefined ? "–" : difference < 1e-4 ? "yes" : `no: ${difference.toExponential(1)} apart`,
      ]),
    );
    plot(measured);
    at("crossover").textContent = crossover(measured);
    report = { browser: navigator.userAgent, threads: navigator.hardwareConcurrency, date: new Date().toISOString(), measured, not };
  } catch (error) {
    failed(at("status"), error);
  } finally {
    at("run").disabled = false;
  }
});

at("report").addEventListener("click", () => download("convoke-benchmark.json", report));
