// Sessions and tensors in a page: where they run, what they refuse, and what they give.

import assert from "node:assert/strict";
import { after, before, test } from "node:test";

import { launch, open, serve } from "./browser.mjs";

let server, browser, page;

before(async () => {
  server = await serve();
  browser = await launch();
  page = await open(browser, server.url);
});

after(async () => {
  await browser?.close();
  server?.close();
});

test("LeNet-5 runs on WebGPU", async () => {
  const got = await page.evaluate(async () => {
    const session = await convoke.InferenceSession.create("/models/lenet5.onnx");
    const image = new convoke.Tensor("float32", new Float32Array(2 * 28 * 28).fill(0.5), [2, 1, 28, 28]);
    const outputs = await session.run({ [session.inputNames[0]]: image });
    const output = outputs[session.outputNames[0]];
    const { backend, device, inputNames, outputNames, inputMetadata } = session;
    session.dispose();
    return { backend, device, inputNames, outputNames, inputMetadata, dims: output.dims, data: Array.from(output.data) };
  });
  console.log(got);
  assert.equal(got.backend, "webgpu");
  assert.deepEqual(got.dims, [2, 10]);
});
