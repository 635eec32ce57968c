// A digit drawn by hand, read by LeNet-5.

import { Tensor, at, failed, open, withOutputs } from "./page.js";

const pad = at("pad");
const pen = pad.getContext("2d", { willReadFrequently: true });
Object.assign(pen, { lineWidth: 22, lineCap: "round", lineJoin: "round", strokeStyle: "#fff" });

/** Strokes of digits, in parts of the field: for those who do not draw. */
const EXAMPLES = [
  [[[0.35, 0.3], [0.5, 0.2], [0.65, 0.3], [0.6, 0.45], [0.35, 0.78], [0.68, 0.78]]],
  [[[0.32, 0.25], [0.66, 0.25], [0.48, 0.8]]],
  [[[0.36, 0.3], [0.5, 0.2], [0.63, 0.32], [0.48, 0.48], [0.65, 0.62], [0.5, 0.8], [0.34, 0.7]]],
  [[[0.4, 0.2], [0.34, 0.55], [0.68, 0.55]], [[0.6, 0.35], [0.6, 0.82]]],
];
let example = 0;

const rows = Array.from({ length: 10 }, (_, digit) => {
  const row = at("scores").insertRow();
  row.insertCell().textContent = digit;
  const meter = document.createElement("meter");
  meter.setAttribute("aria-label", `Chance of ${digit}`);
  row.insertCell().append(meter);
  return meter;
});

/** What the network has after its convolutions, shown below it. */
const FEATURES = { relu1: "first", relu2: "second" };

let session;
try {
  const response = await fetch("models/lenet5.onnx");
  if (!response.ok) throw new Error(`${response.url}: status ${response.status}`);
  const model = withOutputs(new Uint8Array(await response.arrayBuffer()), Object.keys(FEATURES));
  session = await open(model, at("status"), { shapes: { input: [1, 1, 28, 28] } });
} catch (error) {
  failed(at("status"), error);
}

let reading = false;
let again = false;

/** Reads what is drawn; while that is under way one later reading waits. */
async function read() {
  again = true;
  if (reading || session === undefined) return;
  reading = true;
  while (again) {
    again = false;
    const input = centred();
    if (input === undefined) {
      show(undefined);
      continue;
    }
    const start = performance.now();
    const { logits, ...features } = await session.run({ input });
    at("time").textContent = `Read in ${(performance.now() - start).toFixed(1)} ms`;
    show(logits.data, features);
  }
  reading = false;
}

function show(logits, features) {
  const largest = logits && Math.max(...logits);
  const weights = logits ? Array.from(logits, (logit) => Math.exp(logit - largest)) : rows.map(() => 0);
  const sum = weights.reduce((sum, weight) => sum + weight, 0) || 1;
  rows.forEach((meter, digit) => (meter.value = weights[digit] / sum));
  at("digit").textContent = logits ? weights.indexOf(Math.max(...weights)) : "–";
  at("filters").replaceChildren(...Object.entries(features ?? {}).map(([name, { data, dims }]) => planes(FEATURES[name], data, dims)));
}

/** A row of pictures: each filter's output, by the brightest number of all. */
function planes(which, data, [, count, height, width]) {
  const row = document.createElement("div");
  row.className = "filters";
  row.setAttribute("role", "img");
  row.setAttribute("aria-label", `Outputs of the ${which} convolution's ${count} filters`);
  const most = data.reduce((most, value) => Math.max(most, value), Number.MIN_VALUE);
  for (let plane = 0; plane < count; plane++) {
    const picture = Object.assign(document.createElement("canvas"), { width, height });
    const image = new ImageData(width, height);
    for (let i = 0; i < width * height; i++) {
      image.data.fill((255 * data[plane * width * height + i]) / most, 4 * i, 4 * i + 3);
      image.data[4 * i + 3] = 255;
    }
    picture.getContext("2d").putImageData(image, 0, 0);
    row.append(picture);
  }
  return row;
}

/** The drawing as the network learned digits: 28 x 28, the ink 20 high and wide at most, its centre of mass in the middle. */
function centred() {
  const { width, height } = pad;
  const { data } = pen.getImageData(0, 0, width, height);
  let [left, top, right, bottom, mass, x, y] = [width, height, -1, -1, 0, 0, 0];
  for (let row = 0; row < height; row++) {
    for (let column = 0; column < width; column++) {
      const ink = data[4 * (row * width + column)];
      if (ink === 0) continue;
      [left, right] = [Math.min(left, column), Math.max(right, column)];
      [top, bottom] = [Math.min(top, row), Math.max(bottom, row)];
      [mass, x, y] = [mass + ink, x + ink * column, y + ink * row];
    }
  }
  if (mass === 0) return undefined;
  const scale = 20 / Math.max(right - left + 1, bottom - top + 1);
  const small = new OffscreenCanvas(28, 28).getContext("2d", { willReadFrequently: true });
  small.imageSmoothingQuality = "high";
  small.fillRect(0, 0, 28, 28);
  small.drawImage(pad, 14 - (x / mass) * scale, 14 - (y / mass) * scale, width * scale, height * scale);
  return Tensor.fromImage(small.getImageData(0, 0, 28, 28), { tensorFormat: "GREY" });
}

const place = (event) => [(event.offsetX / pad.clientWidth) * pad.width, (event.offsetY / pad.clientHeight) * pad.height];

pad.addEventListener("pointerdown", (event) => {
  pad.setPointerCapture(event.pointerId);
  pen.beginPath();
  pen.moveTo(...place(event));
  pen.lineTo(...place(event));
  pen.stroke();
  read();
});
pad.addEventListener("pointermove", (event) => {
  if (event.buttons === 0) return;
  pen.lineTo(...place(event));
  pen.stroke();
  read();
});

function clear() {
  pen.fillRect(0, 0, pad.width, pad.height);
  read();
}

at("clear").addEventListener("click", clear);
at("example").addEventListener("click", () => {
  clear();
  for (const stroke of EXAMPLES[example]) {
    pen.beginPath();
    stroke.forEach(([x, y]) => pen.lineTo(x * pad.width, y * pad.height));
    pen.stroke();
  }
  example = (example + 1) % EXAMPLES.length;
  read();
});
clear();
