// The package's sizes as they are sent, by Brotli's best.

import assert from "node:assert/strict";
import { readFile } from "node:fs/promises";
import { test } from "node:test";
import { brotliCompressSync, constants } from "node:zlib";

/** What one entry of the package has a page load, and the bytes that it may be. */
const ENTRIES = [
  ["convoke", "", 1_100_000],
  ["convoke/webgpu", "webgpu/", 700_000],
];
const FILES = ["index.js", "convoke_web.js", "convoke_web_bg.wasm"];

for (const [entry, folder, most] of ENTRIES) {
  test(`${entry} is small`, async (t) => {
    const options = { params: { [constants.BROTLI_PARAM_QUALITY]: constants.BROTLI_MAX_QUALITY } };
    let bytes = 0;
    for (const file of FILES) {
      const content = await readFile(new URL(`../dist/${folder}${file}`, import.meta.url));
      bytes += brotliCompressSync(content, options).length;
    }
    t.diagnostic(`${entry}: ${Math.round(bytes / 1000)} kB`);
    assert.ok(bytes < most, `${bytes} bytes`);
  });
}
