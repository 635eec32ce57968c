// Tensors that stay in GPU memory between a page's own work and a session's, and pipelines that are compiled several at once.

import assert from "node:assert/strict";
import { test } from "node:test";

import { open } from "./browser.mjs";
import { started } from "./started.mjs";

const { server, browser, page } = await started(ready);

/** In a page: digits of noise, a buffer of the page's with such a digit, LeNet-5 and an attempt's error. */
function ready() {
  globalThis.digit = (seed) => Float32Array.from({ length: 784 }, (_, index) => Math.sin((index + 1) * seed));
  globalThis.held = async (data) => {
    const device = await convoke.env.webgpu.device;
    const buffer = device.createBuffer({ size: data.byteLength, usage: GPUBufferUsage.COPY_SRC | GPUBufferUsage.COPY_DST });
    device.queue.writeBuffer(buffer, 0, data);
    return buffer;
  };
  globalThis.dims = [1, 1, 28, 28];
  globalThis.lenet = (options) => convoke.InferenceSession.create("/models/lenet5.onnx", options);
  globalThis.attempt = async (act) => {
    try {
      await act();
      return "none";
    } catch (error) {
      return `${error.name} ${error.code ?? ""}: ${error.message}`;
    }
  };
}

test("runs take tensors in GPU memory and leave them there, with the same bits", async () => {
  const got = await page.evaluate(async () => {
    const { Tensor } = convoke;
    const [plain, there] = [await lenet(), await lenet({ preferredOutputLocation: "gpu-buffer" })];
    const seeds = [0.3, 0.7, 1.1];
    const wanted = [];
    for (const seed of seeds) wanted.push([...(await plain.run({ input: new Tensor(digit(seed), dims) })).logits.data]);
    const buffers = await Promise.all(seeds.map((seed) => held(digit(seed))));
    let mapped = 0;
    const { mapAsync } = GPUBuffer.prototype;
    GPUBuffer.prototype.mapAsync = function (...args) {
      mapped += 1;
      return mapAsync.apply(this, args);
    };
    // All at once, and the first anew.
    const inputs = [...buffers, buffers[0]].map((buffer) => Tensor.fromGpuBuffer(buffer, { dims }));
    const outputs = await Promise.all(inputs.map(async (input) => (await there.run({ input })).logits));
    GPUBuffer.prototype.mapAsync = mapAsync;
    const told = outputs.map(({ type, dims, location, gpuBuffer }) => [type, dims, location, gpuBuffer.size]);
    const logits = await Promise.all(outputs.map(async (output) => [...(await output.getData())]));
    // Of the page's memory, and to it.
    const up = await there.run({ input: new Tensor(digit(0.7), dims) });
    const down = await plain.run({ input: inputs[1] });
    const both = [[...(await up.logits.getData())], [...down.logits.data], [...(await inputs[1].getData())].length, down.logits.location];
    outputs.forEach((output) => output.dispose());
    // The page's buffers are the page's.
    const kept = [...(await inputs[0].getData())];
    plain.dispose();
    there.dispose();
    return { wanted, mapped, told, logits, both, kept, first: [...digit(0.3)] };
  });
  assert.deepEqual(got.logits, [...got.wanted, got.wanted[0]]);
  assert.equal(got.mapped, 0);
  for (const told of got.told) assert.deepEqual(told, ["float32", [1, 10], "gpu-buffer", 40]);
  assert.deepEqual(got.both, [got.wanted[1], got.wanted[1], 784, "cpu"]);
  assert.deepEqual(got.kept, got.first);
});

test("what checks, measures or runs elsewhere fetches them", async () => {
  const got = await page.evaluate(async () => {
    const input = convoke.Tensor.fromGpuBuffer(await held(digit(0.3)), { dims });
    const [gpu, cpu] = [await lenet(), await lenet({ backends: ["cpu"] })];
    const wanted = (await gpu.run({ input })).logits.data;
    const { ok, outputs } = await gpu.verify({ input });
    const { repetitions } = await gpu.profile({ input }, { repetitions: 2 });
    const other = (await cpu.run({ input })).logits.data;
    gpu.dispose();
    cpu.dispose();
    return { ok, repetitions, apart: [outputs.logits.data, other].map((found) => Math.max(...found.map((x, i) => Math.abs(x - wanted[i])))) };
  });
  assert.deepEqual([got.ok, got.repetitions], [true, 2]);
  for (const apart of got.apart) assert.ok(apart < 1e-5, `${apart}`);
});

test("what cannot be in GPU memory is refused", async () => {
  const errors = await page.evaluate(async () => {
    const { Tensor } = convoke;
    const { COPY_SRC, COPY_DST } = GPUBufferUsage;
    const device = await convoke.env.webgpu.device;
    const [plain, there] = [await lenet(), await lenet({ preferredOutputLocation: { logits: "gpu-buffer" } })];
    const buffer = await held(digit(0.3));
    const own = () => Tensor.fromGpuBuffer(buffer, { dims });
    const foreign = await (await navigator.gpu.requestAdapter()).requestDevice();
    const elsewhere = foreign.createBuffer({ size: 784 * 4, usage: COPY_SRC });
    const gone = await held(digit(0.3));
    gone.destroy();
    const { logits } = await there.run({ input: own() });
    logits.dispose();
    const of = (buffer) => Tensor.fromGpuBuffer(buffer, { dims });
    const errors = {
      preferred: await attempt(() => lenet({ preferredOutputLocation: "gpu" })),
      output: await attempt(() => lenet({ preferredOutputLocation: { scores: "gpu-buffer" } })),
      backends: await attempt(() => lenet({ backends: ["webgpu", "cpu"], preferredOutputLocation: "gpu-buffer" })),
      precision: await attempt(() => lenet({ precision: "f16", preferredOutputLocation: "gpu-buffer" })),
      type: await attempt(() => Tensor.fromGpuBuffer(buffer, { dataType: "int64", dims })),
      size: await attempt(() => Tensor.fromGpuBuffer(buffer, { dims: [2, 1, 28, 28] })),
      usage: await attempt(() => of(device.createBuffer({ size: 784 * 4, usage: COPY_DST }))),
      buffer: await attempt(() => of(new ArrayBuffer(784 * 4))),
      dims: await attempt(() => Tensor.fromGpuBuffer(buffer, {})),
      data: await attempt(() => own().data),
      page: await attempt(() => new Tensor(new Float32Array(1)).gpuBuffer),
      reshaped: await attempt(() => own().reshape([2, 1, 28, 28])),
      foreign: await attempt(() => there.run({ input: of(elsewhere) })),
      fetched: await attempt(() => of(elsewhere).getData()),
      gone: await attempt(() => plain.run({ input: of(gone) })),
      disposed: await attempt(() => logits.getData()),
      input: await attempt(() => there.run({ input: Tensor.fromGpuBuffer(buffer, { dataType: "int32", dims }) })),
    };
    // None of them is in the way of what is right.
    const { logits: right } = await there.run({ input: own() });
    errors.right = await attempt(() => right.getData());
    plain.dispose();
    there.dispose();
    return errors;
  });
  const expected = {
    preferred: /^TypeError : InferenceSession.create: expected a preferredOutputLocation of cpu, gpu-buffer, but got gpu$/,
    output: /^Error : session: expected outputs logits, but got "scores"$/,
    backends: /^TypeError : .*expected backends of webgpu alone and a precision of f32.* but got \[webgpu,cpu\] and f32$/,
    precision: /but got \[webgpu\] and f16$/,
    type: /^TypeError : Tensor.fromGpuBuffer: expected a dataType of float32, int32, but got int64$/,
    size: /^RangeError : .*expected 6272 bytes for float32\[2, 1, 28, 28\], but got 3136$/,
    usage: /COPY_SRC/,
    buffer: /expected a GPUBuffer, but got/,
    dims: /expected dims, but got undefined$/,
    data: /await getData\(\)$/,
    page: /^Error : tensor: expected one in GPU memory/,
    reshaped: /^RangeError : tensor: expected a shape of 784 elements, but got \[2,1,28,28\]$/,
    foreign: /^ConvokeError Gpu: webgpu: .*[Bb]uffer/,
    fetched: /^ConvokeError Gpu: webgpu: .*[Bb]uffer/,
    gone: /^ConvokeError Gpu: webgpu: .*[Bb]uffer.*destroyed/,
    disposed: /^ConvokeError Gpu: webgpu: .*[Bb]uffer.*destroyed/,
    input: /^ConvokeError InvalidArgument: session: expected float32 for input 0, but got int32$/,
    right: /^none$/,
  };
  assert.deepEqual(Object.keys(errors), Object.keys(expected));
  for (const [name, pattern] of Object.entries(expected)) assert.match(errors[name], pattern, name);
});

test("what was in a lost device's memory is lost, and the session goes on with another", async () => {
  const own = await open(browser, server.url);
  await own.evaluate(ready);
  const [before, lost, after] = await own.evaluate(async () => {
    const { Tensor } = convoke;
    const session = await lenet({ preferredOutputLocation: "gpu-buffer" });
    const logits = async () => {
      const { logits } = await session.run({ input: Tensor.fromGpuBuffer(await held(digit(0.3)), { dims }) });
      return [...(await logits.getData())];
    };
    const before = await logits();
    const input = Tensor.fromGpuBuffer(await held(digit(0.3)), { dims });
    const device = await convoke.env.webgpu.device;
    device.destroy();
    await device.lost;
    const lost = await attempt(() => session.run({ input }));
    await session.restore();
    return [before, lost, await logits()];
  });
  await own.close();
  assert.match(lost, /^ConvokeError DeviceLost: /);
  assert.deepEqual(after, before);
});

test("pipelines are compiled several at once, before they are needed", async () => {
  const own = await open(browser, server.url);
  await own.evaluate(ready);
  const got = await own.evaluate(async () => {
    const called = { createComputePipeline: 0, createComputePipelineAsync: 0 };
    let [waiting, most] = [0, 0];
    for (const name of Object.keys(called)) {
      const make = GPUDevice.prototype[name];
      GPUDevice.prototype[name] = function (descriptor) {
        called[name] += 1;
        const made = make.call(this, descriptor);
        if (name === "createComputePipelineAsync") {
          most = Math.max(most, ++waiting);
          made.finally(() => (waiting -= 1));
        }
        return made;
      };
    }
    const progress = [];
    const session = await lenet({
      shapes: { input: dims },
      onProgress: ({ stage, done, total }) => stage === "prepare" && progress.push([done, total]),
    });
    const prepared = { ...called };
    await session.run({ input: new convoke.Tensor(digit(0.3), dims) });
    return { prepared, called, most, progress };
  });
  await own.close();
  assert.equal(got.prepared.createComputePipeline, 0);
  assert.ok(got.prepared.createComputePipelineAsync > 2 && got.most > 2, JSON.stringify(got));
  assert.deepEqual(got.called, got.prepared);
  const kernels = got.prepared.createComputePipelineAsync;
  assert.deepEqual(got.progress, [[0, 1], ...Array.from({ length: kernels + 1 }, (_, index) => [index + 1, kernels + 1])]);
});
