// Threads of the CPU backend: where a page may share memory with its workers, and only there.

import assert from "node:assert/strict";
import { after, before, test } from "node:test";

import { launch, makeWeights, open, serve } from "./browser.mjs";

let browser, isolated, alone;

before(async () => {
  isolated = await serve({}, { isolated: true });
  alone = await serve();
  browser = await launch();
});

after(async () => {
  await browser?.close();
  isolated?.close();
  alone?.close();
});

/** In a page or a worker: what MobileNetV2 and LeNet-5 give by so many threads, and on what. */
const RUN = async ({ threads, backend, origin, weights }) => {
  const { InferenceSession, Tensor, env } = await import(`${origin}/web/dist/index.js`);
  env.threads = threads;
  try {
    const outputs = [];
    let device;
    for (const [name, externalData] of [
      ["models/lenet5", []],
      ["tests/data/networks/mobilenet_v2", [{ path: "mobilenet_v2.bin", data: weights }]],
    ]) {
      const session = await InferenceSession.create(`${origin}/${name}.onnx`, { backends: [backend], externalData });
      const [input] = session.inputMetadata;
      const dims = input.dims.map((extent) => (typeof extent === "number" ? extent : 3));
      const data = Float32Array.from({ length: dims.reduce((size, extent) => size * extent, 1) }, (_, index) => Math.sin(index));
      for (let run = 0; run < 3; run++) {
        const output = (await session.run({ [input.name]: new Tensor(data, dims) }))[session.outputNames[0]];
        outputs.push(Array.from(new Uint32Array(output.data.buffer)).join(" "));
      }
      device = session.device;
      session.dispose();
    }
    return { device, outputs };
  } catch (error) {
    return { name: error.name, message: error.message };
  }
};

/** In a page: the same in a worker of it. */
const inWorker = async ([source, options]) => {
  const text = `onmessage = async ({ data }) => postMessage(await (${source})(data));`;
  const worker = new Worker(URL.createObjectURL(new Blob([text], { type: "text/javascript" })), { type: "module" });
  try {
    return await new Promise((resolve, reject) => {
      worker.onmessage = ({ data }) => resolve(data);
      worker.onerror = (event) => reject(new Error(event.message));
      worker.postMessage({ ...options, weights: globalThis.weights });
    });
  } finally {
    worker.terminate();
  }
};

/** A page with MobileNetV2's weights, and what runs there. */
async function ran(server, threads, { worker = false, backend = "cpu" } = {}) {
  const page = await open(browser, server.url, { load: false });
  await makeWeights(page, "mobilenet_v2");
  const options = { threads, backend, origin: server.url };
  const got = worker
    ? await page.evaluate(inWorker, [RUN.toString(), options])
    : await page.evaluate(([source, options]) => eval(`(${source})`)({ ...options, weights }), [RUN.toString(), options]);
  await page.close();
  return got;
}

test("an isolated page and a worker of it compute by threads, with the same bits", async () => {
  const one = await ran(isolated, 1);
  assert.match(one.device, /^CPU \(1 thread,/);
  for (const worker of [false, true]) {
    const several = await ran(isolated, 3, { worker });
    assert.match(several.device, /^CPU \(3 threads,/);
    assert.deepEqual(several.outputs, one.outputs);
  }
  const unasked = await ran(isolated, undefined);
  assert.match(unasked.device, /^CPU \([1-8] threads?,/);
  assert.deepEqual(unasked.outputs, one.outputs);
});

test("WebGPU is the same with threads beside it", async () => {
  const [one, several] = [await ran(alone, 1, { backend: "webgpu" }), await ran(isolated, 2, { backend: "webgpu" })];
  assert.match(several.device, /swiftshader/);
  assert.deepEqual(several, one);
});

test("any other page computes by one, and says so where more are asked for", async () => {
  const one = await ran(alone, undefined);
  assert.match(one.device, /^CPU \(1 thread,/);
  assert.deepEqual(await ran(alone, 2), {
    name: "Error",
    message: "env.threads: expected 1 where the page is not cross-origin isolated, but got 2",
  });
  assert.equal((await ran(isolated, 0)).name, "RangeError");
});
