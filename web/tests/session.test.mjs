// Sessions and tensors in a page: where they run, what they refuse, and what they give.

import assert from "node:assert/strict";
import { test } from "node:test";

import { launch, open } from "./browser.mjs";
import { started } from "./started.mjs";

const { server, browser, page } = await started();

/** In the page: a session of LeNet-5 with these options, or its error. */
async function made(options) {
  try {
    const session = await convoke.InferenceSession.create("/models/lenet5.onnx", options);
    const { logits } = await session.run({ input: new convoke.Tensor(new Float32Array(784).fill(0.5), [1, 1, 28, 28]) });
    const { backend, device, refusals } = session;
    session.dispose();
    return { backend, device, refusals: refusals.map(({ backend, error }) => [backend, error.code]), logits: [...logits.data] };
  } catch (error) {
    return { name: error.name, code: error.code, message: error.message };
  }
}

test("a session tells what it is of and where it runs", async () => {
  const got = await page.evaluate(async () => {
    const progress = [];
    const session = await convoke.InferenceSession.create("/models/lenet5.onnx", {
      shapes: { input: [2, 1, 28, 28] },
      onProgress: (event) => progress.push(event),
    });
    const { backend, device, inputNames, outputNames, inputMetadata, outputMetadata } = session;
    session.dispose();
    return { backend, device, inputNames, outputNames, inputMetadata, outputMetadata, progress };
  });
  assert.equal(got.backend, "webgpu");
  assert.match(got.device, /^google swiftshader \(software adapter, webgpu\)$/);
  assert.deepEqual(got.inputNames, ["input"]);
  assert.deepEqual(got.outputNames, ["logits"]);
  assert.deepEqual(got.inputMetadata, [{ name: "input", type: "float32", dims: ["batch", 1, 28, 28] }]);
  assert.deepEqual(got.outputMetadata[0].dims.slice(1), [10]);
  const last = (stage) => got.progress.findLast((event) => event.stage === stage);
  for (const stage of ["download", "read", "prepare"]) assert.equal(last(stage).done, last(stage).total, stage);
});

test("the CPU's vectors are the browser's best, or as they are asked for", async () => {
  /** In a new page, perhaps of a browser without relaxed vectors: LeNet-5 on the CPU, or the error. */
  const by = async (relaxedSimd, { entry = "/web/dist/index.js", isThere = true } = {}) => {
    const page = await open(browser, server.url, { load: false });
    const got = await page.evaluate(
      async ([source, relaxedSimd, entry, isThere]) => {
        if (!isThere) WebAssembly.validate = () => false;
        globalThis.convoke = await import(entry);
        convoke.env.relaxedSimd = relaxedSimd;
        return eval(`(${source})`)({ backends: ["cpu"] });
      },
      [made.toString(), relaxedSimd, entry, isThere],
    );
    await page.close();
    return got;
  };
  // A machine that multiplies and adds in one step is a condition of this test.
  const [fused, plain] = ["CPU (1 thread, WebAssembly SIMD with fused multiply-add)", "CPU (1 thread, WebAssembly SIMD)"];
  const [best, asked] = [await by(undefined), await by(true)];
  assert.deepEqual([best.device, asked.device], [fused, fused]);
  assert.deepEqual(best.logits, asked.logits);
  const [unwanted, without] = [await by(false), await by(undefined, { isThere: false })];
  assert.deepEqual([unwanted.device, without.device], [plain, plain]);
  assert.deepEqual(unwanted.logits, without.logits);
  const largest = Math.max(...best.logits.map((logit, index) => Math.abs(logit - unwanted.logits[index])));
  assert.ok(largest > 0 && largest < 1e-4, `${largest}`);

  const missing = await by(true, { isThere: false });
  assert.equal(missing.message, "env.relaxedSimd: expected false, as the browser has no relaxed vectors, but got true");
  const webgpu = { entry: "/web/dist/webgpu/index.js" };
  assert.equal((await by(true, webgpu)).message, "env.relaxedSimd: expected false, as this entry has no CPU backend, but got true");
  assert.equal((await by("yes")).message, 'env.relaxedSimd: expected true or false, but got "yes"');
});

test("backends are used in the order given, and none in silence", async () => {
  const gpu = await page.evaluate(made, { backends: ["webgpu", "cpu"] });
  assert.deepEqual([gpu.backend, gpu.refusals], ["webgpu", []]);
  const cpu = await page.evaluate(made, { backends: ["cpu", "webgpu"] });
  assert.deepEqual([cpu.backend, cpu.refusals], ["cpu", []]);
  assert.match(cpu.device, /^CPU/);
  gpu.logits.forEach((value, index) => assert.ok(Math.abs(value - cpu.logits[index]) < 1e-5));
  const named = await page.evaluate(made, { executionProviders: [{ name: "wasm" }] });
  assert.equal(named.backend, "cpu");
  const unknown = await page.evaluate(made, { backends: ["webnn"] });
  assert.match(unknown.message, /expected backends of webgpu, cpu, but got \[webnn\]/);
  const misspelt = await page.evaluate(made, { backend: "cpu" });
  assert.match(misspelt.message, /expected options of backends, .*, but got backend/);
});

test("without WebGPU a session is refused, or the CPU's where that is allowed", async () => {
  const without = await launch({ webgpu: false });
  try {
    const page = await open(without, server.url);
    assert.equal(await page.evaluate(() => "gpu" in navigator && navigator.gpu.requestAdapter()), null);
    const refused = await page.evaluate(made, {});
    assert.deepEqual([refused.name, refused.code], ["ConvokeError", "NoAdapter"]);
    assert.match(refused.message, /The browser must support WebGPU/);
    const allowed = await page.evaluate(made, { backends: ["webgpu", "cpu"] });
    assert.deepEqual([allowed.backend, allowed.refusals], ["cpu", [["webgpu", "NoAdapter"]]]);
  } finally {
    await without.close();
  }
});

/** In the page: what a session of a file with these options comes to. */
async function outcome([path, options]) {
  try {
    const session = await convoke.InferenceSession.create(path, options);
    const { backend, refusals } = session;
    session.dispose();
    return { backend, refusals: refusals.map(({ backend, error }) => [backend, error.code, error.message]) };
  } catch (error) {
    return { code: error.code, message: error.message };
  }
}

test("what a backend cannot run is refused with the reason, or the next one's", async () => {
  // Eight axes apart are more than the GPU's kernel of copies has.
  const path = "/web/tests/data/eight_axes.onnx";
  const refused = await page.evaluate(outcome, [path, {}]);
  assert.equal(refused.code, "Unsupported");
  const allowed = await page.evaluate(outcome, [path, { backends: ["webgpu", "cpu"] }]);
  assert.equal(allowed.backend, "cpu");
  assert.deepEqual(allowed.refusals, [["webgpu", "Unsupported", refused.message]]);
  const nowhere = await page.evaluate(outcome, ["/tests/data/onnx_node/test_sequence_insert_at_back/model.onnx", {}]);
  assert.equal(nowhere.code, "Unsupported");
  const halves = await page.evaluate(outcome, ["/models/lenet5.onnx", { precision: "f16" }]);
  assert.equal(halves.code, "Unsupported");
  assert.match(halves.message, /16-bit floats/);
});

test("the entry without the CPU backend says so, and runs on WebGPU", async () => {
  const own = await browser.newPage();
  await own.goto(`${server.url}/web/tests/page.html`);
  await own.evaluate(async () => {
    globalThis.convoke = await import("/web/dist/webgpu/index.js");
  });
  const [gpu, cpu] = [await own.evaluate(made, {}), await own.evaluate(made, { backends: ["cpu"] })];
  await own.close();
  assert.equal(gpu.backend, "webgpu");
  assert.equal(cpu.code, "Unsupported");
  assert.match(cpu.message, /"convoke" has it/);
});

test("what is no model, and what is not there, is an error that says so", async () => {
  const wrong = await page.evaluate(outcome, ["/models/digits.safetensors", {}]);
  assert.equal(wrong.code, "Onnx");
  const missing = await page.evaluate(outcome, ["/models/no.onnx", {}]);
  assert.match(missing.message, /no\.onnx: expected a file, but got status 404/);
});

test("inputs and outputs are checked by name, type and shape", async () => {
  const messages = await page.evaluate(async () => {
    const session = await convoke.InferenceSession.create("/models/lenet5.onnx");
    const zeros = (dims) => new convoke.Tensor("float32", new Float32Array(dims.reduce((a, b) => a * b, 1)), dims);
    const image = zeros([1, 1, 28, 28]);
    const attempts = [
      () => session.run({}),
      () => session.run({ input: image, other: image }),
      () => session.run({ input: image }, ["scores"]),
      () => session.run({ input: zeros([1, 3, 28, 28]) }),
      () => session.run({ input: new convoke.Tensor("int32", new Int32Array(784), [1, 1, 28, 28]) }),
    ];
    const messages = [];
    for (const attempt of attempts) messages.push(await attempt().then(() => "none", (error) => error.message));
    // None of it did any harm.
    const { logits } = await session.run({ input: image }, ["logits"]);
    messages.push(logits.toString());
    session.dispose();
    session.dispose();
    messages.push(await session.run({ input: image }).then(() => "none", (error) => error.message));
    return messages;
  });
  const expected = [/got no "input"/, /got "other"/, /got "scores"/, /3/, /i32/, /^float32\[1, 10\]$/, /disposed/];
  assert.equal(messages.length, expected.length);
  messages.forEach((message, index) => assert.match(message, expected[index]));
});

test("runs may overlap, and end though the session is disposed", async () => {
  const got = await page.evaluate(async () => {
    const session = await convoke.InferenceSession.create("/models/lenet5.onnx");
    const image = (value) => new convoke.Tensor("float32", new Float32Array(784).fill(value), [1, 1, 28, 28]);
    const alone = [];
    for (const value of [0, 0.5, 1]) alone.push([...(await session.run({ input: image(value) })).logits.data]);
    const runs = [0, 0.5, 1].map((value) => session.run({ input: image(value) }));
    const together = (await Promise.all(runs)).map(({ logits }) => [...logits.data]);
    const last = session.run({ input: image(1) });
    await Promise.resolve();
    const late = await last.then(({ logits }) => [...logits.data]).finally(() => session.dispose());
    return { alone, together, late };
  });
  assert.deepEqual(got.together, got.alone);
  assert.deepEqual(got.late, got.alone[2]);
});

test("a lost device is an error that says so, and a session is restored on a new one", async () => {
  const own = await open(browser, server.url);
  const got = await own.evaluate(async () => {
    const devices = [];
    const request = GPUAdapter.prototype.requestDevice;
    GPUAdapter.prototype.requestDevice = async function (...args) {
      devices.push(await request.apply(this, args));
      return devices.at(-1);
    };
    const session = await convoke.InferenceSession.create("/models/lenet5.onnx");
    const input = new convoke.Tensor("float32", new Float32Array(784).fill(0.5), [1, 1, 28, 28]);
    const before = [...(await session.run({ input })).logits.data];
    devices[0].destroy();
    await devices[0].lost;
    const failures = [];
    for (let i = 0; i < 2; i++) failures.push(await session.run({ input }).then(() => "none", (error) => error.code));
    await session.restore();
    const restored = [...(await session.run({ input })).logits.data];
    // While a run is under way.
    const run = session.run({ input }).then(() => "none", (error) => error.code);
    await session.prepare({ input: [1, 1, 28, 28] });
    devices[1].destroy();
    const during = await run;
    await devices[1].lost;
    const other = await convoke.InferenceSession.create("/models/lenet5.onnx");
    const { logits } = await other.run({ input });
    return { before, failures, restored, during, other: [...logits.data], opened: devices.length };
  });
  await own.close();
  assert.deepEqual(got.failures, ["DeviceLost", "DeviceLost"]);
  assert.deepEqual(got.restored, got.before);
  // The run was over, or it was lost.
  assert.ok(["none", "DeviceLost"].includes(got.during), got.during);
  assert.deepEqual(got.other, got.before);
  assert.equal(got.opened, 3);
});

test("the package works in a worker", async () => {
  const got = await page.evaluate(async () => {
    const source = `
      import { InferenceSession, Tensor } from "${location.origin}/web/dist/index.js";
      const session = await InferenceSession.create("${location.origin}/models/lenet5.onnx");
      const { logits } = await session.run({ input: new Tensor("float32", new Float32Array(784), [1, 1, 28, 28]) });
      postMessage([session.backend, logits.toString()]);
    `;
    const worker = new Worker(URL.createObjectURL(new Blob([source], { type: "text/javascript" })), { type: "module" });
    const answer = await new Promise((resolve, reject) => {
      worker.onmessage = (event) => resolve(event.data);
      worker.onerror = (event) => reject(new Error(event.message));
    });
    worker.terminate();
    return answer;
  });
  assert.deepEqual(got, ["webgpu", "float32[1, 10]"]);
});

test("tensors hold what they say, and refuse what they cannot", async () => {
  const got = await page.evaluate(() => {
    const { Tensor } = convoke;
    const told = (make) => {
      try {
        return make().toString();
      } catch (error) {
        return error.message;
      }
    };
    return [
      () => new Tensor(new Float32Array(6), [2, 3]),
      () => new Tensor("int64", [1, 2n, 3]),
      () => new Tensor([true, false]),
      () => new Tensor("float16", new Uint16Array(4), [2, 2]).reshape([4]),
      () => new Tensor("float32", [1, 2], [3]),
      () => new Tensor("float64", [1]),
      () => new Tensor("float32", new Int32Array(1)),
      () => new Tensor("float32", [1], [-1]),
      () => new Tensor("string"),
    ].map(told);
  });
  assert.deepEqual(got.slice(0, 4), ["float32[2, 3]", "int64[3]", "bool[2]", "float16[4]"]);
  const expected = [/expected 3 elements/, /"float64"/, /expected a Float32Array/, /expected extents/, /"string"/];
  expected.forEach((pattern, index) => assert.match(got[4 + index], pattern));
});

test("pictures become tensors, and tensors pictures", async () => {
  const got = await page.evaluate(async () => {
    const { Tensor } = convoke;
    const pixels = Uint8ClampedArray.from({ length: 4 * 6 }, (_, index) => (index % 4 === 3 ? 255 : 10 * index));
    const image = new ImageData(pixels, 3, 2);
    const rgb = Tensor.fromImage(image, { mean: [0.1, 0.2, 0.3], std: [0.5, 0.25, 2] });
    const bgr = Tensor.fromImage(image, { tensorFormat: "BGR" });
    const grey = Tensor.fromImage(await createImageBitmap(image), { tensorFormat: "GREY" });
    const scaled = Tensor.fromImage(image, { resizedWidth: 7, resizedHeight: 5 });
    const back = rgb.toImageData({ mean: [0.1, 0.2, 0.3], std: [0.5, 0.25, 2] });
    return {
      rgb: [rgb.toString(), rgb.data[0], rgb.data[6], rgb.data[12]],
      bgr: [bgr.data[0], bgr.data[12]],
      grey: [grey.toString(), grey.data[1]],
      scaled: scaled.toString(),
      back: [...back.data],
      pixels: [...pixels],
    };
  });
  const close = (value, expected) => assert.ok(Math.abs(value - expected) < 1e-6, `${value}, not ${expected}`);
  assert.equal(got.rgb[0], "float32[1, 3, 2, 3]");
  [(0 - 0.1) / 0.5, (10 / 255 - 0.2) / 0.25, (20 / 255 - 0.3) / 2].forEach((value, index) => close(got.rgb[1 + index], value));
  [20 / 255, 0].forEach((value, index) => close(got.bgr[index], value));
  assert.equal(got.grey[0], "float32[1, 1, 2, 3]");
  close(got.grey[1], (0.299 * 40 + 0.587 * 50 + 0.114 * 60) / 255);
  assert.equal(got.scaled, "float32[1, 3, 5, 7]");
  assert.deepEqual(got.back, got.pixels);
});
