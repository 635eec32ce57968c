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
  // 6 filters of 28 x 28, and 16 of 10 x 10, each with something to see.
  const filters = await page.locator("#filters canvas").evaluateAll((all) =>
    all.map((canvas) => {
      const { data } = canvas.getContext("2d").getImageData(0, 0, canvas.width, canvas.height);
      return [canvas.width, Math.max(...data.filter((_, index) => index % 4 === 0))];
    }),
  );
  assert.deepEqual(filters.map(([width]) => width), [...Array(6).fill(28), ...Array(16).fill(10)]);
  assert.deepEqual([0, 6].map((first) => Math.max(...filters.slice(first, first + (first ? 16 : 6)).map(([, most]) => most))), [255, 255]);
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
  assert.equal(
    await text(page, "inspected"),
    "12 operators of opset 17, 61,706 parameters, 833,040 floating-point operations a run.",
  );
  await page.getByRole("button", { name: "See where the time goes" }).click();
  await becomes(page, "verdict", /^\d+\.\d\d ms in kernels, .* on google swiftshader/);
  assert.match(await text(page, "operator-heads"), /Kernels/);
  await page.getByRole("button", { name: "Check every operator" }).click();
  await becomes(page, "verdict", /^All 8 operators are within the bounds of a float64 reference, on google swiftshader/);
  assert.match(await text(page, "operators"), /conv1conv2d1 × 6 × 28 × 28[\d.]+right/);
  await fits(page, "model");
  const [download] = await Promise.all([page.waitForEvent("download"), page.getByRole("button", { name: "Download" }).click()]);
  const report = JSON.parse(await readFile(await download.path(), "utf8"));
  assert.equal(report.model, "lenet5.onnx");
  assert.equal(report.times.length, 2);
  assert.equal(report.checks.length, 8);
  assert.equal(report.profile.layers.length, 8);
  await page.locator("#model").setInputFiles(join(root, "models/digits.safetensors"));
  await page.getByRole("button", { name: "Run" }).click();
  await becomes(page, "status", /ONNX model: /);
  await page.close();
});

test("a convolution's numbers are shown, and each is the sum that is written", async () => {
  const page = await visit("convolution");
  const checked = async (count) => {
    await page.locator("main[aria-busy=false]").waitFor();
    assert.match(await text(page, "checked"), new RegExp(`^All ${count} numbers of the output are the sums`));
  };
  await checked(49);
  assert.equal(await text(page, "status"), "Computed on WebGPU.");
  const cells = async (id) => page.locator(`#${id} > *`).allTextContents();
  // The picture's corner, whose outlines' sum is minus all around it.
  assert.match(await text(page, "sum"), /^Row 1, column 1: 0 × -1 \+ .* = -3$/);
  assert.equal((await cells("output"))[0], "-3");
  await page.locator("#output > :nth-child(10)").click();
  assert.match(await text(page, "sum"), /^Row 2, column 3: /);
  assert.equal(await page.locator("#picture > .under").count(), 9);
  // By the keyboard alone.
  await page.locator("#stride").focus();
  await page.keyboard.press("ArrowRight");
  await checked(16);
  for (const mode of ["reflect", "replicate", "circular", "zeros"]) {
    for (const kernel of ["blur", "upright edges", "level edges", "nothing"]) {
      await page.locator("#mode").selectOption(mode);
      await page.locator("#kernel").selectOption(kernel);
      await checked(16);
    }
  }
  // With nothing done to it, every second number of the picture is the output, and the largest of four is pooled.
  assert.deepEqual((await cells("output")).slice(0, 4), ["0", "2", "2", "0"]);
  await page.locator("#pooling").selectOption("largest of 2 × 2");
  await checked(16);
  assert.deepEqual(await cells("pooled"), ["4", "9", "7", "3"]);
  await fits(page, "convolution");
  await page.close();
});

test("the CPU and the GPU are measured on layers of all sizes, and agree", async () => {
  const page = await visit("benchmark");
  await page.getByRole("button", { name: "Measure on this machine" }).click();
  await becomes(page, "status", /^Measured\.$/);
  const rows = await page.locator("#rows tr").allTextContents();
  assert.equal(rows.length, 9);
  for (const row of rows) assert.match(row, /[\d.]+yes$/);
  assert.match(await text(page, "crossover"), /^The (GPU|CPU) is the faster one/);
  assert.equal(await page.locator("#plot polyline").count(), 2);
  await fits(page, "benchmark");
  const [download] = await Promise.all([page.waitForEvent("download"), page.getByRole("button", { name: "Download" }).click()]);
  const report = JSON.parse(await readFile(await download.path(), "utf8"));
  assert.equal(report.measured.length, 9);
  assert.ok(report.measured.every(({ webgpu, cpu, difference }) => webgpu > 0 && cpu > 0 && difference < 1e-4));
  await page.close();
});

test("what was seen once works without a network", async () => {
  const context = await browser.newContext();
  const page = await context.newPage();
  await page.goto(`${server.url}/site/digit.html`);
  await page.evaluate(() => navigator.serviceWorker.ready);
  // Now that it listens, all is fetched once more.
  await page.reload();
  await becomes(page, "status", /^Running on/);
  await context.setOffline(true);
  await page.reload();
  await becomes(page, "status", /^Running on WebGPU/);
  await page.getByRole("button", { name: "Show an example" }).click();
  await becomes(page, "digit", /^2$/);
  await context.close();
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
    const third = await visit("convolution", without);
    await becomes(third, "status", /^Computed on the CPU, since this browser offers no WebGPU here\.$/);
    await becomes(third, "checked", /^All 49 numbers/);
  } finally {
    await without.close();
  }
});
