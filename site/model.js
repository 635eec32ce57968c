// A model of the visitor's: what it is, how long it takes on either backend, and whether both say the same.

import { InferenceSession, Tensor, at, failed, fill, told } from "./page.js";

let model;
let picture;
let report;

function choose(file) {
  model = file;
  at("run").disabled = false;
  at("status").classList.remove("wrong");
  at("status").textContent = `${file.name}, ${(file.size / 1e6).toFixed(1)} MB: ready to run.`;
}

at("model").addEventListener("change", ({ target }) => target.files[0] && choose(target.files[0]));
at("sample").addEventListener("click", async () => {
  const response = await fetch("models/lenet5.onnx");
  choose(new File([await response.blob()], "lenet5.onnx"));
});
at("picture").addEventListener("change", ({ target }) => (picture = target.files[0]));
document.addEventListener("dragover", (event) => event.preventDefault());
document.addEventListener("drop", (event) => {
  event.preventDefault();
  for (const file of event.dataTransfer.files) {
    if (file.type.startsWith("image/")) picture = file;
    else choose(file);
  }
});

/** Extents that the file leaves open are 1, and sides of pictures 224. */
function shapeOf({ dims }) {
  if (dims === undefined) throw new Error("this model says nothing of its inputs' shapes");
  return dims.map((dim, axis) => (typeof dim === "number" ? dim : axis >= 2 ? 224 : 1));
}

/** The picture where an input takes one; else numbers that are the same in every run. */
async function tensorFor(input) {
  const dims = shapeOf(input);
  const [, channels, height, width] = dims;
  if (picture && input.type === "float32" && dims.length === 4 && dims[0] === 1 && (channels === 1 || channels === 3)) {
    const bitmap = await createImageBitmap(picture);
    const tensorFormat = channels === 1 ? "GREY" : "RGB";
    return Tensor.fromImage(bitmap, { resizedWidth: width, resizedHeight: height, tensorFormat });
  }
  const size = dims.reduce((size, extent) => size * extent, 1);
  const whole = Array.from({ length: size }, (_, index) => (input.type === "float32" ? Math.abs(Math.sin(index + 1)) : 1));
  return new Tensor(input.type, whole, dims);
}

/** Milliseconds that something takes, and what comes of it. */
async function timed(work) {
  const start = performance.now();
  const result = await work();
  return [performance.now() - start, result];
}

async function measure(backend) {
  const [ready, session] = await timed(() => InferenceSession.create(model, { backends: [backend] }));
  const feeds = {};
  for (const input of session.inputMetadata) feeds[input.name] = await tensorFor(input);
  const [first, outputs] = await timed(() => session.run(feeds));
  const later = [];
  for (let i = 0; i < 10; i++) later.push((await timed(() => session.run(feeds)))[0]);
  const { inputMetadata, outputMetadata } = session;
  const device = told(session);
  session.dispose();
  return { device, ready, first, median: later.sort((a, b) => a - b)[5], outputs, feeds, inputMetadata, outputMetadata };
}

const rounded = (milliseconds) => Number(milliseconds.toFixed(1));

/** The largest difference of two runs' outputs, by the largest output. */
function difference(one, other) {
  let [worst, largest] = [0, 0];
  for (const [name, { data }] of Object.entries(one)) {
    for (let i = 0; i < data.length; i++) {
      const [left, right] = [Number(data[i]), Number(other[name].data[i])];
      if (Object.is(left, right)) continue;
      // NaN stays, and is told of.
      worst = Math.max(worst, Math.abs(left - right));
      largest = Math.max(largest, Math.abs(left));
    }
  }
  return worst === 0 ? 0 : worst / largest;
}

at("run").addEventListener("click", async () => {
  at("run").disabled = true;
  at("status").classList.remove("wrong");
  const results = {};
  const refused = {};
  for (const backend of ["webgpu", "cpu"]) {
    at("status").textContent = `Running on ${backend === "webgpu" ? "the GPU" : "the CPU"} …`;
    try {
      results[backend] = await measure(backend);
    } catch (error) {
      refused[backend] = error;
    }
  }
  at("run").disabled = false;
  const [any] = Object.values(results);
  if (any === undefined) {
    failed(at("status"), refused.cpu);
    at("results").hidden = true;
    return;
  }
  const ran = Object.values(results).map(({ device }) => device);
  const not = Object.entries(refused).map(([backend, { message }]) => `Not on ${backend}: ${message}`);
  at("status").textContent = [`Ran on ${ran.join(" and ")}.`, ...not].join(" ");
  at("results").hidden = false;
  fill(at("values"), [
    ...any.inputMetadata.map(({ name }) => [name, "input", any.feeds[name].toString()]),
    ...any.outputMetadata.map(({ name }) => [name, "output", any.outputs[name].toString()]),
  ]);
  const times = Object.entries(results).map(([backend, { ready, first, median }]) => [backend, ...[ready, first, median].map(rounded)]);
  fill(at("times"), times);
  const { webgpu, cpu } = results;
  const apart = webgpu && cpu ? difference(cpu.outputs, webgpu.outputs) : undefined;
  at("agreement").textContent =
    apart === undefined
      ? "Only one of them ran, so there is nothing to compare."
      : `Their outputs differ by ${apart.toExponential(1)} of the largest one at most.`;
  report = { model: model.name, browser: navigator.userAgent, ran, not, times, difference: apart };
});

at("report").addEventListener("click", () => {
  const link = document.createElement("a");
  link.href = URL.createObjectURL(new Blob([JSON.stringify(report, undefined, 2)], { type: "application/json" }));
  link.download = "convoke-report.json";
  link.click();
  URL.revokeObjectURL(link.href);
});
