// Operators by themselves, against sums written out here.

import assert from "node:assert/strict";
import { test } from "node:test";

import { launch, open } from "./browser.mjs";
import { started } from "./started.mjs";

const { server, browser, page } = await started();

const [ROWS, COLUMNS] = [5, 7];
const INPUT = Array.from({ length: 2 * ROWS * COLUMNS }, (_, index) => ((index * 37) % 19) - 9);
const WEIGHT = Array.from({ length: 3 * 2 * 3 * 2 }, (_, index) => ((index * 11) % 7) - 3);
const BIAS = [1, -2, 3];

/** The place that an index outside an axis reads, or none. */
function source(mode, index, extent) {
  if (index >= 0 && index < extent) return index;
  if (mode === "zeros") return undefined;
  if (mode === "replicate") return index < 0 ? 0 : extent - 1;
  if (mode === "circular") return (index + extent) % extent;
  return index < 0 ? -index : 2 * (extent - 1) - index;
}

/** The elements of whole numbers' convolution with stride [2, 1] and dilation [1, 2]. */
function convolved(mode, [left, right, top, bottom]) {
  const at = (channel, row, column) => {
    const [y, x] = [source(mode, row, ROWS), source(mode, column, COLUMNS)];
    return y === undefined || x === undefined ? 0 : INPUT[(channel * ROWS + y) * COLUMNS + x];
  };
  const output = [];
  for (let out = 0; out < 3; out++) {
    for (let row = -top; row + 2 < ROWS + bottom; row += 2) {
      for (let column = -left; column + 2 < COLUMNS + right; column++) {
        let sum = BIAS[out];
        for (let channel = 0; channel < 2; channel++) {
          for (let tap = 0; tap < 6; tap++) {
            sum += WEIGHT[(out * 2 + channel) * 6 + tap] * at(channel, row + (tap >> 1), column + 2 * (tap & 1));
          }
        }
        output.push(sum);
      }
    }
  }
  return output;
}

for (const backend of ["webgpu", "cpu"]) {
  for (const mode of ["zeros", "reflect", "replicate", "circular"]) {
    test(`conv2d with padding of ${mode}, on ${backend}`, async () => {
      const padding = [1, 2, 3, 0];
      const got = await page.evaluate(
        async ([input, weight, bias, options]) => {
          const { Tensor, conv2d } = convoke;
          const x = new Tensor("float32", input, [1, 2, 5, 7]);
          const w = new Tensor("float32", weight, [3, 2, 3, 2]);
          const output = await conv2d(x, w, { ...options, bias: new Tensor("float32", bias) });
          return [output.toString(), [...output.data]];
        },
        [INPUT, WEIGHT, BIAS, { backend, stride: [2, 1], dilation: [1, 2], padding, paddingMode: mode }],
      );
      assert.deepEqual(got, ["float32[1, 3, 3, 8]", convolved(mode, padding)]);
    });
  }

  test(`pools and pads, on ${backend}`, async () => {
    const got = await page.evaluate(async (backend) => {
      const { Tensor, avgPool2d, conv2d, maxPool2d, pad } = convoke;
      const x = new Tensor("float32", Array.from({ length: 12 }, (_, i) => i), [1, 1, 3, 4]);
      const two = new Tensor("float32", [1, 1], [1, 2, 1, 1]);
      const split = new Tensor("float32", [2, 3], [2, 1, 1, 1]);
      const outputs = [
        await maxPool2d(x, 2, { backend }),
        await maxPool2d(x, [3, 1], { backend, stride: 1, padding: [1, 0] }),
        await maxPool2d(x, 2, { backend, ceilMode: true }),
        await avgPool2d(x, 2, { backend, stride: [1, 2], padding: [0, 1], countIncludePad: false }),
        await pad(x, [1, 0, 0, -1], { backend, value: 9 }),
        await pad(x, [0, 2], { backend, mode: "circular" }),
        await conv2d(new Tensor("float32", [5, 7], [1, 2, 1, 1]), split, { backend, groups: 2 }),
        await conv2d(two.reshape([1, 1, 1, 2]), new Tensor("float32", [1, 1, 1], [1, 1, 1, 3]), { backend, padding: "same" }),
      ];
      return outputs.map((output) => [output.toString(), ...output.data]);
    }, backend);
    assert.deepEqual(got, [
      ["float32[1, 1, 1, 2]", 5, 7],
      ["float32[1, 1, 3, 4]", 4, 5, 6, 7, 8, 9, 10, 11, 8, 9, 10, 11],
      ["float32[1, 1, 2, 2]", 5, 7, 9, 11],
      ["float32[1, 1, 2, 3]", 2, 3.5, 5, 6, 7.5, 9],
      ["float32[1, 1, 2, 5]", 9, 0, 1, 2, 3, 9, 4, 5, 6, 7],
      ["float32[1, 1, 3, 8]", 2, 3, 0, 1, 2, 3, 0, 1, 6, 7, 4, 5, 6, 7, 4, 5, 10, 11, 8, 9, 10, 11, 8, 9],
      ["float32[1, 2, 1, 1]", 10, 21],
      ["float32[1, 1, 1, 2]", 2, 2],
    ]);
  });
}

test("the entry without ONNX computes the same", async () => {
  const bare = await open(browser, server.url, { load: false });
  const got = await bare.evaluate(
    async ([input, weight]) => {
      const [whole, alone] = [await import("/web/dist/index.js"), await import("/web/dist/operators/index.js")];
      const pooled = async ({ Tensor, conv2d, maxPool2d }, backend) => {
        const tensors = [new Tensor("float32", input, [1, 2, 5, 7]), new Tensor("float32", weight, [3, 2, 3, 2])];
        return [...(await maxPool2d(await conv2d(...tensors, { padding: 1, paddingMode: "circular", backend }), 2, { backend })).data];
      };
      const outputs = [];
      for (const backend of ["webgpu", "cpu"]) outputs.push([await pooled(whole, backend), await pooled(alone, backend)]);
      return { outputs, names: Object.keys(alone).sort() };
    },
    [INPUT, WEIGHT],
  );
  await bare.close();
  for (const [whole, alone] of got.outputs) assert.deepEqual(alone, whole);
  assert.ok(got.outputs[0][0].length > 0);
  assert.deepEqual(got.names, ["Tensor", "avgPool2d", "conv2d", "env", "load", "maxPool2d", "pad"]);
});

test("what does not fit is refused, and where an operator runs is never chosen in silence", async () => {
  const got = await page.evaluate(async () => {
    const { Tensor, conv2d, maxPool2d, pad } = convoke;
    const x = new Tensor("float32", new Float32Array(12), [1, 1, 3, 4]);
    const w = new Tensor("float32", new Float32Array(8), [1, 2, 2, 2]);
    const attempts = [
      () => conv2d(x, w),
      () => conv2d(x, w, { strides: 2 }),
      () => conv2d(x, w, { stride: [1, 1, 1] }),
      () => conv2d(x, x, { stride: 0 }),
      () => conv2d(x, w, { paddingMode: "mirror" }),
      () => maxPool2d(x, 9),
      () => pad(x, 5, { mode: "reflect" }),
      () => pad(x, 1, { backend: "webnn" }),
      () => conv2d(x, new Float32Array(4)),
    ];
    const messages = [];
    for (const attempt of attempts) messages.push(await Promise.resolve().then(attempt).then(() => "none", (error) => error.message));
    return messages;
  });
  const expected = [/conv2d: /, /got strides/, /stride to be a number or \[rows, columns\]/, /stride/, /"mirror"/, /max_pool2d: /, /pad: /, /pad: expected a backend of webgpu, cpu, but got webnn/, /conv2d: expected tensors, but got 0,0,0,0/];
  expected.forEach((pattern, index) => assert.match(got[index], pattern));
  const without = await launch({ webgpu: false });
  try {
    const own = await open(without, server.url);
    const [code, value] = await own.evaluate(async () => {
      const one = new convoke.Tensor("float32", [4], [1, 1, 1, 1]);
      const refused = await convoke.pad(one, 0).catch((error) => error.code);
      return [refused, (await convoke.pad(one, 0, { backend: "cpu" })).data[0]];
    });
    assert.deepEqual([code, value], ["NoAdapter", 4]);
  } finally {
    await without.close();
  }
});
