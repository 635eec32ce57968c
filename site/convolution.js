// A convolution and a pooling with every number to be seen: computed by convoke, and written out here once more.

import { Tensor, at, avgPool2d, conv2d, failed, fallback, maxPool2d, pad } from "./page.js";

/** The picture: a digit's stroke, 7 x 7. */
const SIDE = 7;
const PICTURE = [
  0, 0, 2, 4, 2, 0, 0,
  0, 3, 9, 9, 9, 3, 0,
  0, 2, 4, 1, 9, 5, 0,
  0, 0, 1, 6, 9, 2, 0,
  0, 1, 7, 9, 3, 0, 0,
  0, 5, 9, 9, 9, 6, 1,
  0, 1, 3, 3, 3, 2, 0,
];

/** What a tap of a kernel is, so far from its middle. */
const KERNELS = {
  "outlines": (row, column, size) => (row === 0 && column === 0 ? size * size - 1 : -1),
  "upright edges": (row, column) => Math.sign(column),
  "level edges": (row) => Math.sign(row),
  "blur": (row, column, size) => 1 / (size * size),
  "nothing": (row, column) => (row === 0 && column === 0 ? 1 : 0),
};
const MODES = ["zeros", "reflect", "replicate", "circular"];
const POOLINGS = { none: undefined, "largest of 2 × 2": maxPool2d, "mean of 2 × 2": avgPool2d };

for (const [id, names] of [["kernel", Object.keys(KERNELS)], ["mode", MODES], ["pooling", Object.keys(POOLINGS)]]) {
  at(id).replaceChildren(...names.map((name) => new Option(name)));
}

/** Up to three places, and no more than there are. */
const short = (number) => String(Number(number.toFixed(3)));

/** A square of numbers; `cell` makes what shows one. */
function grid(id, numbers, columns, cell = () => document.createElement("span")) {
  at(id).style.gridTemplateColumns = `repeat(${columns}, auto)`;
  at(id).replaceChildren(
    ...Array.from(numbers, (number, index) => {
      const place = cell(Math.floor(index / columns), index % columns);
      place.textContent = short(number);
      return place;
    }),
  );
}

function settings() {
  const size = Number(at("size").value);
  const [stride, padding] = [Number(at("stride").value), Number(at("padding").value)];
  for (const id of ["size", "stride", "padding"]) at(`${id}-value`).textContent = at(id).value;
  const middle = (size - 1) >> 1;
  const tap = KERNELS[at("kernel").value];
  const taps = Array.from({ length: size * size }, (_, index) => tap(Math.floor(index / size) - middle, (index % size) - middle, size));
  return { size, stride, padding, mode: at("mode").value, taps, pool: POOLINGS[at("pooling").value] };
}

/** The products of one output, from the padded picture. */
function products({ size, stride, taps }, padded, row, column) {
  const [width] = padded.dims.slice(-1);
  return taps.map((tap, index) => {
    const place = (row * stride + Math.floor(index / size)) * width + column * stride + (index % size);
    return { tap, pixel: padded.data[place], place };
  });
}

const total = (terms) => terms.reduce((sum, { tap, pixel }) => sum + tap * pixel, 0);
const agree = (one, other) => Math.abs(one - other) <= 1e-5 * Math.max(1, Math.abs(one));

let backend;
let chosen = [0, 0];
let latest = 0;

/** The picture, the kernel and what comes of them, by convoke. */
async function compute(now) {
  const picture = new Tensor("float32", PICTURE, [1, 1, SIDE, SIDE]);
  const kernel = new Tensor("float32", now.taps, [1, 1, now.size, now.size]);
  const padded = await pad(picture, now.padding, { mode: now.mode, backend });
  const { stride, padding, mode: paddingMode } = now;
  const output = await conv2d(picture, kernel, { stride, padding, paddingMode, backend });
  const [rows, columns] = output.dims.slice(2);
  const pooled = now.pool && rows > 1 && columns > 1 ? await now.pool(output, 2, { backend }) : undefined;
  return { padded, output, pooled };
}

async function update() {
  const now = settings();
  const turn = ++latest;
  const main = document.querySelector("main");
  main.ariaBusy = "true";
  at("status").classList.remove("wrong");
  try {
    const { padded, output, pooled } = await compute(now);
    // Another slider was moved meanwhile.
    if (turn === latest) show(now, padded, output, pooled);
  } catch (error) {
    failed(at("status"), error);
  }
  if (turn === latest) main.ariaBusy = "false";
}

function show(now, padded, output, pooled) {
  const [rows, columns] = output.dims.slice(2);
  chosen = [Math.min(chosen[0], rows - 1), Math.min(chosen[1], columns - 1)];
  const inside = (index) => index >= now.padding && index < now.padding + SIDE;
  grid("picture", padded.data, padded.dims[3], (row, column) => {
    const cell = document.createElement("span");
    if (!inside(row) || !inside(column)) cell.className = "outside";
    return cell;
  });
  grid("taps", now.taps, now.size);
  grid("output", output.data, columns, (row, column) => {
    const cell = document.createElement("button");
    cell.type = "button";
    cell.addEventListener("click", () => choose(row, column));
    return cell;
  });
  at("pooled-figure").hidden = pooled === undefined;
  if (pooled) grid("pooled", pooled.data, pooled.dims[3]);

  const choose = (row, column) => {
    chosen = [row, column];
    const terms = products(now, padded, row, column);
    const under = new Set(terms.map(({ place }) => place));
    [...at("picture").children].forEach((cell, index) => cell.classList.toggle("under", under.has(index)));
    [...at("output").children].forEach((cell, index) => cell.setAttribute("aria-pressed", index === row * columns + column));
    const written = terms.filter(({ tap }) => tap !== 0).map(({ tap, pixel }) => `${short(pixel)} × ${short(tap)}`);
    at("sum").textContent = `Row ${row + 1}, column ${column + 1}: ${written.join(" + ")} = ${short(total(terms))}`;
  };
  choose(...chosen);

  const wrong = Array.from(output.data).filter((number, index) => {
    const terms = products(now, padded, Math.floor(index / columns), index % columns);
    return !agree(number, total(terms));
  });
  at("checked").classList.toggle("wrong", wrong.length > 0);
  at("checked").textContent =
    wrong.length === 0
      ? `All ${output.size} numbers of the output are the sums, added up here once more.`
      : `${wrong.length} of ${output.size} numbers of the output are not the sums, added up here once more.`;
}

for (const id of ["kernel", "size", "stride", "padding", "mode", "pooling"]) at(id).addEventListener("input", update);
try {
  backend = await fallback(at("status"));
  await update();
} catch (error) {
  failed(at("status"), error);
}
