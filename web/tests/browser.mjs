// A browser with WebGPU on its software adapter, and a server of the repository's files for it.

import { createReadStream } from "node:fs";
import { stat } from "node:fs/promises";
import { createServer } from "node:http";
import { extname, join, normalize } from "node:path";
import { fileURLToPath } from "node:url";

import { chromium } from "playwright-core";

/** The repository. */
export const root = fileURLToPath(new URL("../..", import.meta.url));

const TYPES = {
  ".css": "text/css",
  ".html": "text/html; charset=utf-8",
  ".js": "text/javascript",
  ".json": "application/json",
  ".mjs": "text/javascript",
  ".svg": "image/svg+xml",
  ".wasm": "application/wasm",
};

/** What a page is served with that may share memory with its workers. */
const ISOLATED = {
  "cross-origin-embedder-policy": "require-corp",
  "cross-origin-opener-policy": "same-origin",
};

/** Serves the repository's files, and `folders` of others by the beginnings of their addresses. */
export async function serve(folders = {}, { isolated = false } = {}) {
  const server = createServer(async (request, response) => {
    const path = normalize(decodeURIComponent(new URL(request.url, "http://localhost").pathname));
    const elsewhere = Object.keys(folders).find((start) => path.startsWith(start));
    const file = elsewhere === undefined ? join(root, path) : join(folders[elsewhere], path.slice(elsewhere.length));
    const found = await stat(file).catch(() => undefined);
    if (!found?.isFile()) {
      response.writeHead(404).end();
      return;
    }
    response.writeHead(200, {
      "content-type": TYPES[extname(file)] ?? "application/octet-stream",
      "content-length": found.size,
      ...(isolated ? ISOLATED : {}),
    });
    createReadStream(file).pipe(response);
  });
  await new Promise((resolve) => server.listen(0, "localhost", resolve));
  return { url: `http://localhost:${server.address().port}`, close: () => server.close() };
}

/** Debian's Chromium, or the one that CHROMIUM names; `webgpu: false` has it without WebGPU. */
export function launch({ webgpu = true } = {}) {
  const gpu = ["--enable-unsafe-webgpu", "--use-webgpu-adapter=swiftshader", "--enable-features=Vulkan,WebGPU"];
  return chromium.launch({
    executablePath: process.env.CHROMIUM ?? "/usr/bin/chromium",
    args: ["--headless=new", "--no-sandbox", "--enable-precise-memory-info", ...(webgpu ? gpu : ["--disable-features=WebGPU"])],
  });
}

/** A page that has the package as `convoke`, unless it is not to be loaded, and whose errors end the test. */
export async function open(browser, url, { load = true } = {}) {
  const page = await browser.newPage();
  page.on("pageerror", (error) => {
    throw error;
  });
  if (process.env.CONVOKE_WEB_LOG) page.on("console", (message) => console.log(`page: ${message.text()}`));
  await page.goto(`${url}/web/tests/page.html`);
  if (load) {
    await page.evaluate(async () => {
      globalThis.convoke = await import("/web/dist/index.js");
    });
  }
  return page;
}

/** Has a page make the weights of one of the tests' networks, as `weights`. */
export function makeWeights(page, name) {
  return page.evaluate(async (name) => {
    const tests = await import("/web/tests/dist/convoke_web.js");
    await tests.default();
    globalThis.weights = tests.weights(await (await fetch(`/tests/data/networks/${name}.weights`)).text());
  }, name);
}
