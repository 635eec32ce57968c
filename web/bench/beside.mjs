// convoke beside onnxruntime-web, on the CPU and on WebGPU, in one page by turns: the first answer and steady runs.
//
//   web/build && (cd web/bench && npm ci) && node web/bench/beside.mjs NETWORKS [rounds]
//
// NETWORKS is a folder of folders with a model.onnx of one input [1, 3, 224, 224]. An engine's first answer is what it takes in a new
// page from nothing to the output: its code, the model, compiling, a run; files come from this machine. Answers are compared before
// anything is timed.

import { readdir } from "node:fs/promises";

import { launch, open, serve } from "../tests/browser.mjs";

const [folder, rounds = "10"] = process.argv.slice(2);
if (folder === undefined) throw new Error("expected a folder of networks");
const server = await serve({ "/networks": folder });

/** In the page: what makes each engine and runs it. */
function engines() {
  const data = Float32Array.from({ length: 3 * 224 * 224 }, (_, index) => Math.sin(index) * 2);
  const dims = [1, 3, 224, 224];
  const convokes = (backend) => async (model) => {
    const { InferenceSession, Tensor } = await import("/web/dist/index.js");
    const session = await InferenceSession.create(model, { backends: [backend] });
    const input = { [session.inputNames[0]]: new Tensor("float32", data, dims) };
    return async () => (await session.run(input))[session.outputNames[0]].data;
  };
  const onnxruntimes = (provider, file) => async (model) => {
    const { InferenceSession, Tensor, env } = await import(`/web/bench/node_modules/onnxruntime-web/dist/${file}`);
    env.wasm.wasmPaths = "/web/bench/node_modules/onnxruntime-web/dist/";
    const session = await InferenceSession.create(model, { executionProviders: [provider] });
    const input = { [session.inputNames[0]]: new Tensor("float32", data, dims) };
    return async () => (await session.run(input))[session.outputNames[0]].data;
  };
  globalThis.engines = {
    "convoke cpu": convokes("cpu"),
    "onnxruntime-web wasm": onnxruntimes("wasm", "ort.wasm.min.mjs"),
    "convoke webgpu": convokes("webgpu"),
    "onnxruntime-web webgpu": onnxruntimes("webgpu", "ort.webgpu.min.mjs"),
  };
}

/** In the page: an engine's first answer, and the seconds to it. */
async function first([name, model]) {
  const start = performance.now();
  const run = await engines[name](model);
  const output = await run();
  globalThis.runs = { ...globalThis.runs, [name]: run };
  return { seconds: (performance.now() - start) / 1000, output: Array.from(output) };
}

/** In the page: the seconds of runs of all engines by turns. */
async function steady(rounds) {
  const seconds = {};
  for (let round = 0; round < rounds; round++) {
    for (const [name, run] of Object.entries(runs)) {
      const start = performance.now();
      await run();
      (seconds[name] ??= []).push((performance.now() - start) / 1000);
    }
  }
  return seconds;
}

const middle = (numbers) => [...numbers].sort((a, b) => a - b)[Math.floor(numbers.length / 2)];

for (const network of (await readdir(folder)).sort()) {
  const model = `/networks/${network}/model.onnx`;
  const firsts = {};
  let page;
  // Each first answer in a browser of its own: nothing is compiled yet.
  for (let turn = 0; turn < 3; turn++) {
    const names = ["convoke cpu", "onnxruntime-web wasm", "convoke webgpu", "onnxruntime-web webgpu"];
    for (const name of names) {
      const browser = await launch();
      page = await open(browser, server.url, { load: false });
      await page.evaluate(engines);
      const got = await page.evaluate(first, [name, model]).catch((error) => ({ error }));
      await browser.close();
      if (got.error) {
        firsts[name] ??= { error: got.error.message.split("\n")[0] };
        continue;
      }
      (firsts[name] ??= { seconds: [], output: got.output }).seconds.push(got.seconds);
    }
  }
  const wanted = firsts["onnxruntime-web wasm"].output;
  const largest = Math.max(...wanted.map(Math.abs));
  const browser = await launch();
  page = await open(browser, server.url, { load: false });
  await page.evaluate(engines);
  for (const [name, { error, output }] of Object.entries(firsts)) {
    if (error !== undefined) {
      console.log(`${network}: ${name}: ${error}`);
      continue;
    }
    const worst = Math.max(...output.map((value, index) => Math.abs(value - wanted[index]))) / largest;
    if (!(worst < 1e-4)) throw new Error(`${network}: ${name}: the answer is ${worst} of the largest output off`);
    await page.evaluate(first, [name, model]);
  }
  const seconds = await page.evaluate(steady, Number(rounds));
  for (const [name, runs] of Object.entries(seconds)) {
    const ready = firsts[name].seconds;
    const figures = [Math.min(...ready), middle(ready), Math.min(...runs), middle(runs)].map((value) => value.toFixed(3));
    console.log(`${network}: ${name}: first answer ${figures[0]} s (median ${figures[1]}), run ${figures[2]} s (median ${figures[3]})`);
  }
  await browser.close();
}
server.close();
