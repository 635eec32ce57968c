// The site's pages by clicks. CONVOKE_WEB_SCREENSHOTS=DIR has pictures of them written there, at the widths of a phone and a desk.

import assert from "node:assert/strict";
import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { after, before, test } from "node:test";

import { launch, root, serve } from "./browser.mjs";

const WIDTHS = { phone: { width: 390, height: 844 }, desk: { width: 1280, height: 800 } };

let server, browser;

before(async () => {
  // As `web/build site` puts them together.
  server = await serve({ "/site/convoke/": join(root, "web/dist"), "/site/models/": join(root, "models") });
  browser = await launch();
});

after(async () => {
  await browser?.close();
  server?.close();
});

async function visit(name, visitors = browser) {
  const page = await visitors.newPage({ viewport: WIDTHS.phone });
  page.on("pageerror", (error) => {
    throw error;
  });
  await page.goto(`${server.url}/site/${name}.html`);
  return page;
}

const text = (page, id) => page.locator(`#${id}`).textContent();

/** Waits until an element's text is as it must be. */
async function becomes(page, id, pattern) {
  await page.waitForFunction(
    ([id, source]) => new RegExp(source).test(document.getElementById(id).textContent),
    [id, pattern.source],
    { timeout: 30_000 },
  );
}

/** Nothing is cut off or has to be scrolled to sideways, at either width. */
async function fits(page, name) {
  for (const [kind, size] of Object.entries(WIDTHS)) {
    await page.setViewportSize(size);
    const wide = await page.evaluate(() => document.documentElement.scrollWidth - document.documentElement.clientWidth);
    assert.ok(wide <= 0, `${name} is ${wide} pixels too wide on a ${kind}`);
    const folder = process.env.CONVOKE_WEB_SCREENSHOTS;
    if (folder) await page.screenshot({ path: join(folder, `${name}-${kind}.png`), fullPage: true });
  }
}

test("the first page tells what the browser can do", async () => {
  const page = await visit("index");
  await becomes(page, "status", /^This browser has WebGPU, played by the CPU/);
  assert.match(await text(page, "adapter"), /Maker and familygoogle swiftshader/);
  await fits(page, "index");
  await page.close();
});

test("a digit that is drawn is read, and cleared", async () => {
  const page = await visit("digit");
  await becomes(page, "status", /^Running on WebGPU: google swiftshader/);
  // The examples in their order.
  for (const digit of ["2", "7", "3", "4"]) {
    await page.getByRole("button", { name: "Show an example" }).click();
    await becomes(page, "digit", new RegExp(`^${digit}$`));
  }
  await fits(page, "digit");
  await page.getByRole("button", { name: "Clear" }).click();
  await becomes(page, "digit", /^–$/);
  // One by the mouse: a stroke down.
  const box = await page.locator("#pad").boundingBox();
  await page.mouse.move(box.x + box.width / 2, box.y + box.height * 0.2);
  await page.mouse.down();
  await page.mouse.move(box.x + box.width / 2, box.y + box.height * 0.8, { steps: 8 });
  await page.mouse.up();
  await becomes(page, "digit", /^1$/);
  await page.close();
});

test("a model runs on both backends, which agree", async () => {
  const page = await visit("model");
  assert.ok(await page.getByRole("button", { name: "Run" }).isDisabled());
  await page.getByRole("button", { name: "or use LeNet-5" }).click();
  await becomes(page, "status", /^lenet5.onnx, 0.2 MB/);
  await page.locator("#picture").setInputFiles(join(root, "examples/digits/6.png"));
  await page.getByRole("button", { name: "Run" }).click();
  await becomes(page, "status", /^Ran on WebGPU: google swiftshader .* and CPU/);
  assert.match(await text(page, "values"), /inputinputfloat32\[1, 1, 28, 28\]logitsoutputfloat32\[1, 10\]/);
  const [, apart] = /differ by (\S+) of/.exec(await text(page, "agreement"));
  assert.ok(Number(apart) < 1e-5, apart);
  await fits(page, "model");
  const [download] = await Promise.all([page.waitForEvent("download"), page.getByRole("button", { name: "Download" }).click()]);
  const report = JSON.parse(await readFile(await download.path(), "utf8"));
  assert.equal(report.model, "lenet5.onnx");
  assert.equal(report.times.length, 2);
  await page.locator("#model").setInputFiles(join(root, "models/digits.safetensors"));
  await page.getByRole("button", { name: "Run" }).click();
  await becomes(page, "status", /ONNX model: /);
  await page.close();
});

test("without WebGPU the pages say so and go on", async () => {
  const without = await launch({ webgpu: false });
  try {
    const first = await visit("index", without);
    await becomes(first, "status", /no adapter for it: networks run on the CPU here/);
    const page = await visit("digit", without);
    await becomes(page, "status", /^Running on CPU .*, since this browser offers no WebGPU here\.$/);
    await page.getByRole("button", { name: "Show an example" }).click();
    await becomes(page, "digit", /^2$/);
  } finally {
    await without.close();
  }
});
