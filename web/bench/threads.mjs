// The CPU backend by one thread and by two, in workers of an isolated page, by turns.
//
//   web/build && node web/bench/threads.mjs NETWORKS [rounds]
//
// NETWORKS is a folder of folders with a model.onnx of one input [1, 3, 224, 224].

import { readdir } from "node:fs/promises";

import { launch, open, serve } from "../tests/browser.mjs";

const [folder, rounds = "25"] = process.argv.slice(2);
if (folder === undefined) throw new Error("expected a folder of networks");
const server = await serve({ "/networks": folder }, { isolated: true });
const browser = await launch();

/** A worker's code: makes a session, and answers each message with the milliseconds of a run. */
const WORKER = async ({ origin, name, threads }) => {
  const { InferenceSession, Tensor, env } = await import(`${origin}/web/dist/index.js`);
  env.threads = threads;
  const session = await InferenceSession.create(`${origin}/networks/${name}/model.onnx`, { backends: ["cpu"] });
  const data = Float32Array.from({ length: 3 * 224 * 224 }, (_, index) => Math.sin(index));
  const feeds = { [session.inputNames[0]]: new Tensor(data, [1, 3, 224, 224]) };
  await session.run(feeds);
  return async () => {
    const start = performance.now();
    await session.run(feeds);
    return performance.now() - start;
  };
};

/** In the page: so many runs by one thread and by two, by turns. */
const measured = async ([source, name, rounds]) => {
  const text = `let run; onmessage = async ({ data }) => postMessage(await (run?.() ?? (${source})(data).then((made) => { run = made; })));`;
  const asked = (worker, message) =>
    new Promise((resolve, reject) => {
      worker.onmessage = ({ data }) => resolve(data);
      worker.onerror = (event) => reject(new Error(event.message));
      worker.postMessage(message);
    });
  const workers = [];
  for (const threads of [1, 2]) {
    const worker = new Worker(URL.createObjectURL(new Blob([text], { type: "text/javascript" })), { type: "module" });
    await asked(worker, { origin: location.origin, name, threads });
    workers.push({ threads, worker, times: [] });
  }
  for (let round = 0; round < rounds; round++) for (const { worker, times } of workers) times.push(await asked(worker));
  for (const { worker } of workers) worker.terminate();
  return workers.map(({ threads, times }) => ({ threads, times: times.sort((one, other) => one - other) }));
};

for (const name of (await readdir(folder)).sort()) {
  const page = await open(browser, server.url, { load: false });
  for (const { threads, times } of await page.evaluate(measured, [WORKER.toString(), name, Number(rounds)])) {
    const [least, median] = [times[0], times[times.length >> 1]].map((time) => time.toFixed(1));
    console.log(`${name}: ${threads} ${threads === 1 ? "thread" : "threads"}: ${least} ms (median ${median})`);
  }
  await page.close();
}
await browser.close();
server.close();
