// What the native tests run, in a page: PyTorch's golden cases and ONNX's node cases by the same code compiled to WebAssembly,
// the networks and LeNet-5 through the package.

import assert from "node:assert/strict";
import { readFile, readdir } from "node:fs/promises";
import { join } from "node:path";
import { after, before, test } from "node:test";

import { launch, open, root, serve } from "./browser.mjs";

let server, browser;
/** A page whose vectors are relaxed, and one without those. */
const pages = {};

before(async () => {
  server = await serve();
  browser = await launch();
  for (const vectors of ["relaxed", "plain"]) {
    const page = await open(browser, server.url);
    await page.evaluate(async (vectors) => {
      convoke.env.relaxedSimd = vectors === "relaxed";
      const tests = await import("/web/tests/dist/convoke_web.js");
      await tests.default(vectors === "relaxed" ? { module_or_path: "/web/tests/dist/convoke_web_relaxed.wasm" } : undefined);
      globalThis.tests = tests;
      globalThis.devices = { cpu: tests.Device.cpu() };
      if (vectors === "relaxed") devices.webgpu = await tests.Device.openGpu();
      globalThis.bytes = async (path) => {
        const response = await fetch(path);
        if (!response.ok) throw new Error(`${path}: ${response.status}`);
        return new Uint8Array(await response.arrayBuffer());
      };
    }, vectors);
    pages[vectors] = page;
  }
});

after(async () => {
  await browser?.close();
  server?.close();
});

for (const [backend, vectors] of [
  ["webgpu", "relaxed"],
  ["cpu", "relaxed"],
  ["cpu", "plain"],
]) {
  const page = () => pages[vectors];
  const which = backend === "cpu" ? `cpu, ${vectors} vectors` : backend;

  test(`golden cases: ${which}`, async (t) => {
    const outcomes = await page().evaluate(async (backend) => {
      const outcomes = [];
      for (const file of tests.goldenFiles()) {
        const cases = await bytes(`/tests/data/${file}.safetensors`);
        outcomes.push(...(await tests.runGoldens(devices[backend], file, cases)));
      }
      return outcomes;
    }, backend);
    const wrong = outcomes.filter(([, message]) => message !== null);
    t.diagnostic(`${outcomes.length - wrong.length} of ${outcomes.length} golden cases pass: ${which}`);
    assert.deepEqual(wrong, []);
    // Fewer would have been lost on the way.
    assert.ok(outcomes.length >= 628, `only ${outcomes.length} cases`);
  });

  test(`ONNX's cases: ${which}`, async (t) => {
    const data = join(root, "tests/data");
    const cases = [];
    for (const folder of ["onnx_node", "onnx_sets", "quantised"]) cases.push(...(await casesIn(join(data, folder))));
    const unsupported = await reasons(join(data, "onnx_node/unsupported.txt"));
    const outcomes = await page().evaluate(runCases, [backend, cases]);
    const wrong = [];
    let passed = 0;
    for (const [index, [outcome, message]] of outcomes.entries()) {
      const { name } = cases[index];
      const reason = unsupported.get(name) ?? (backend === "webgpu" ? unsupported.get(`gpu/${name}`) : undefined);
      if (outcome === "passed" && reason === undefined) passed += 1;
      // A case that is listed must be refused for the reason that the list gives.
      else if (outcome !== "unsupported" || reason === undefined || !message.split(/\s+/).join(" ").includes(reason)) {
        wrong.push([name, outcome, message, reason]);
      }
    }
    t.diagnostic(`${passed} of ${cases.length} ONNX cases pass: ${which}`);
    assert.deepEqual(wrong, []);
    assert.ok(passed >= 1908, `only ${passed} cases`);
  });
}

const NETWORKS = [
  "resnet18",
  "resnet50",
  "mobilenet_v2",
  "mobilenet_v3_large",
  "squeezenet1_1",
  "vgg11",
  "densenet121",
  "googlenet",
  "shufflenet_v2_x1_0",
  "efficientnet_b0",
  "unet",
  "deeplabv3_resnet50",
];

for (const name of NETWORKS) {
  for (const backend of ["webgpu", "cpu"]) {
    test(`${name} is ONNX Runtime's: ${backend}`, async (t) => {
      const got = await pages.relaxed.evaluate(runNetwork, [backend, name]);
      t.diagnostic(`${name}: ${got.worst} of the largest output at most, ready and run in ${got.seconds.toFixed(1)} s: ${backend}`);
      assert.equal(got.backend, backend);
      // Both compute in float32.
      assert.ok(got.worst < 2e-5, `${got.worst}`);
    });
  }
}

/** In the page: how far a network's outputs are from those wanted, by the largest of them. */
async function runNetwork([backends, name]) {
  const data = "/tests/data/networks";
  const recipe = new TextDecoder().decode(await bytes(`${data}/${name}.weights`));
  const weights = tests.weights(recipe);
  const start = performance.now();
  const session = await convoke.InferenceSession.create(`${data}/${name}.onnx`, {
    backends: [backends],
    externalData: [{ path: `${name}.bin`, data: weights }],
  });
  const [input] = session.inputMetadata;
  const picture = tests.picture(input.dims.reduce((size, extent) => size * extent, 1));
  const outputs = await session.run({ [input.name]: new convoke.Tensor("float32", picture, input.dims) });
  const seconds = (performance.now() - start) / 1000;
  const { data: got } = outputs[session.outputNames[0]];
  const { backend } = session;
  session.dispose();
  // A .npy file is a header, whose length stands in two bytes, and the numbers.
  const file = await bytes(`${data}/${name}.npy`);
  const want = new Float32Array(file.slice(10 + file[8] + 256 * file[9]).buffer);
  if (got.length !== want.length) throw new Error(`${got.length} numbers, not ${want.length}`);
  const largest = want.reduce((largest, value) => Math.max(largest, Math.abs(value)), 0);
  // The largest of differences one of which is NaN is NaN.
  const worst = want.reduce((worst, value, index) => Math.max(worst, Math.abs(value - got[index])), 0) / largest;
  return { backend, worst, seconds };
}

for (const [backend, vectors] of [
  ["webgpu", "relaxed"],
  ["cpu", "relaxed"],
  ["cpu", "plain"],
]) {
  test(`LeNet-5 gives PyTorch's classes: ${backend}, ${vectors} vectors`, async (t) => {
    const { device, same, right, worst, count } = await pages[vectors].evaluate(readDigits, backend);
    t.diagnostic(`${same} of ${count} digits as PyTorch reads them, ${right} right, logits within ${worst} of its: ${device}`);
    assert.equal(count, 360);
    assert.equal(same, 360);
    assert.equal(right, 359);
  });
}

/** In the page: LeNet-5 on the digits that it was not trained on. */
async function readDigits(backend) {
  const file = await bytes("/models/digits.safetensors");
  const length = Number(new DataView(file.buffer).getBigUint64(0, true));
  const header = JSON.parse(new TextDecoder().decode(file.subarray(8, 8 + length)));
  const part = (name) => file.slice(...header[name].data_offsets.map((offset) => 8 + length + offset)).buffer;
  const session = await convoke.InferenceSession.create("/models/lenet5.onnx", { backends: [backend] });
  const [count, height, width] = header.images.shape;
  const pixels = Float32Array.from(new Uint8Array(part("images")), (value) => value / 255);
  const images = new convoke.Tensor("float32", pixels, [count, 1, height, width]);
  const { logits } = await session.run({ input: images });
  const { device } = session;
  session.dispose();
  const [wanted, labels] = [new Float32Array(part("logits")), new Uint8Array(part("labels"))];
  const best = (scores, image) => {
    const row = Array.from(scores.subarray(10 * image, 10 * image + 10));
    return row.indexOf(Math.max(...row));
  };
  const all = Array.from(labels.keys());
  return {
    device,
    count: labels.length,
    same: all.filter((image) => best(logits.data, image) === best(wanted, image)).length,
    right: all.filter((image) => best(logits.data, image) === labels[image]).length,
    worst: wanted.reduce((worst, value, index) => Math.max(worst, Math.abs(value - logits.data[index])), 0),
  };
}

/** In the page: the outcome of each case. */
async function runCases([backend, cases]) {
  const outcomes = [];
  for (const { name, folder, sets } of cases) {
    const contents = (stem, files) => Promise.all(files.map((file) => bytes(`${folder}/${stem}/${file}`)));
    const model = await bytes(`${folder}/model.onnx`);
    const data = await Promise.all(
      sets.map(async ({ set, inputs, outputs }) => [await contents(set, inputs), await contents(set, outputs)]),
    );
    outcomes.push(await tests.runOnnxCase(devices[backend], name, model, data));
  }
  return outcomes;
}

/** The cases in a folder and below it, by their names, with the files of their data sets. */
async function casesIn(folder) {
  const entries = await readdir(folder, { withFileTypes: true });
  const names = entries.filter((entry) => entry.isDirectory()).map((entry) => entry.name);
  const found = [];
  if (entries.some((entry) => entry.name === "model.onnx")) {
    const sets = names.filter((name) => name.startsWith("test_data_set_")).sort();
    const files = async (set) => {
      const all = await readdir(join(folder, set));
      const of = (kind) => all.filter((file) => file.startsWith(`${kind}_`)).length;
      const numbered = (kind) => Array.from({ length: of(kind) }, (_, index) => `${kind}_${index}.pb`);
      return { set, inputs: numbered("input"), outputs: numbered("output") };
    };
    const path = `/${folder.slice(root.length)}`;
    found.push({ name: folder.split("/").at(-1), folder: path, sets: await Promise.all(sets.map(files)) });
  }
  for (const name of names.sort()) found.push(...(await casesIn(join(folder, name))));
  return found;
}

/** What is not supported, with the reasons. */
async function reasons(path) {
  const lines = (await readFile(path, "utf8")).split("\n").filter((line) => line !== "" && !line.startsWith("#"));
  return new Map(lines.map((line) => [line.slice(0, line.indexOf(": ")), line.slice(line.indexOf(": ") + 2)]));
}
