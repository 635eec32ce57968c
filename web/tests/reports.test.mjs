// What a page can prove and measure: models checked operator by operator, profiles, times, and what a model is made of.

import assert from "node:assert/strict";
import { test } from "node:test";

import { open } from "./browser.mjs";
import { started } from "./started.mjs";

const { server, browser, page } = await started(ready);

/** In a page: a session of LeNet-5, and its input. */
function ready() {
  globalThis.lenet = (backend) => convoke.InferenceSession.create("/models/lenet5.onnx", { backends: [backend] });
  globalThis.input = new convoke.Tensor("float32", Float32Array.from({ length: 784 }, (_, i) => Math.sin(i)), [1, 1, 28, 28]);
}

const NODES = ["conv1", "pool1", "conv2", "pool2", "conv3", "flat", "linear1", "logits"];

for (const backend of ["webgpu", "cpu"]) {
  test(`every operator is checked as it is computed, on ${backend}`, async () => {
    const { verified, told, ran } = await page.evaluate(async (backend) => {
      const session = await lenet(backend);
      const told = [];
      const verified = await session.verify({ input }, { onCheck: ({ node }) => told.push(node) });
      const ran = [...(await session.run({ input })).logits.data];
      session.dispose();
      return { verified: { ...verified, outputs: [...verified.outputs.logits.data] }, told, ran };
    }, backend);
    assert.equal(verified.ok, true);
    assert.deepEqual(told, verified.checks.map(({ node }) => node));
    assert.deepEqual(told, NODES);
    assert.deepEqual(verified.checks[0].dims, [1, 6, 28, 28]);
    const parts = verified.checks.map(({ partOfBound }) => partOfBound);
    assert.ok(parts[0] > 0 && parts.every((part) => part < 1), `${parts}`);
    verified.outputs.forEach((output, index) => assert.ok(Math.abs(output - ran[index]) < 1e-5));
  });

  test(`a profile has the time of each operator, on ${backend}`, async () => {
    const profile = await page.evaluate(async (backend) => {
      const session = await lenet(backend);
      // Other runs may be under way.
      const [profile] = await Promise.all([session.profile({ input }, { repetitions: 3 }), session.run({ input })]);
      session.dispose();
      return profile;
    }, backend);
    assert.match(profile.timing, backend === "cpu" ? /after each operator/ : /timestamps|submitted alone/);
    assert.equal(profile.repetitions, 3);
    assert.deepEqual(profile.layers.map(({ node }) => node), NODES);
    assert.equal(profile.layers[0].flops, 2 * 6 * 28 * 28 * 25);
    assert.ok(profile.layers[0].kernels.length > 0);
    assert.ok(profile.gflops > 0.1 && profile.gbs > 0.1, `${profile.gflops}, ${profile.gbs}`);
    const shares = profile.layers.reduce((sum, { share }) => sum + share, 0);
    assert.ok(profile.kernels === 0 || Math.abs(shares - 1) < 1e-9, `${shares}`);
    assert.ok(profile.run > 0 && profile.dispatches > 0);
  });
}

test("a kernel that computes something else is found, and named", async () => {
  const own = await open(browser, server.url);
  await own.evaluate(ready);
  const checks = await own.evaluate(async () => {
    const make = GPUDevice.prototype.createShaderModule;
    GPUDevice.prototype.createShaderModule = function (descriptor) {
      const isPool = descriptor.label?.includes("pool2d");
      return make.call(this, isPool ? { ...descriptor, code: descriptor.code.replaceAll("max(", "min(") } : descriptor);
    };
    const session = await lenet("webgpu");
    const { ok, checks } = await session.verify({ input });
    return [ok, ...checks.filter((check) => !check.ok)];
  });
  await own.close();
  const [ok, ...wrong] = checks;
  assert.equal(ok, false);
  assert.deepEqual(wrong.map(({ node }) => node), ["pool1", "pool2"]);
  assert.match(wrong[0].error, /^1176 of 1176 elements differ; /);
});

test("whole runs are timed", async () => {
  const { least, median, p90, runs, backend } = await page.evaluate(async () => {
    const session = await lenet("cpu");
    return session.bench({ input }, { runs: 7 });
  });
  assert.deepEqual([runs, backend], [7, "cpu"]);
  assert.ok(least > 0 && least <= median && median <= p90);
});

test("a model tells what it computes", async () => {
  const [told, open] = await page.evaluate(async () => {
    const session = await lenet("cpu");
    let message;
    try {
      session.inspect();
    } catch (error) {
      message = error.message;
    }
    return [session.inspect({ input: [4, 1, 28, 28] }), message];
  });
  assert.match(open, /expected the shape of input "input", which is open/);
  assert.equal(told.parameters, 61_706);
  assert.equal(told.flops, 4 * 2 * 416_520);
  assert.deepEqual(told.operators.slice(0, 2).map(({ operator }) => operator), ["conv2d", "relu"]);
  assert.deepEqual(told.operators[0].inputs[1], { type: "float32", dims: [6, 1, 5, 5] });
  assert.deepEqual(told.operators.at(-1).outputs, [{ type: "float32", dims: [4, 10] }]);
});

test("what is asked for wrongly is refused", async () => {
  const messages = await page.evaluate(async () => {
    const session = await lenet("cpu");
    const attempts = [
      () => session.verify({ input }, { oncheck: () => {} }),
      () => session.verify({}),
      () => session.profile({ input }, { repetitions: 0 }),
      () => session.bench({ input }, { runs: 1.5 }),
      () => session.inspect({ input: [1, 3, 28, 28] }),
    ];
    const messages = [];
    for (const attempt of attempts) {
      messages.push(await Promise.resolve().then(attempt).then(() => "none", (error) => error.message));
    }
    return messages;
  });
  const expected = [/got oncheck/, /got no "input"/, /repetitions to be whole and at least 1, but got 0/, /runs to be whole/, /\[1, 3, 28, 28\]|channels/];
  expected.forEach((pattern, index) => assert.match(messages[index], pattern));
});
