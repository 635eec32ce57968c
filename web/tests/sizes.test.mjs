// The package's sizes as they are sent, by Brotli's best.

import assert from "node:assert/strict";
import { readdir, readFile } from "node:fs/promises";
import { test } from "node:test";
import { brotliCompressSync, constants } from "node:zlib";

/** What a page loads of the package, and the bytes that it may be. */
const SCRIPTS = ["index.js", "threads.js", "convoke_web.js"];
const THREADS = await readdir(new URL("../dist/threads", import.meta.url), { recursive: true });
const ENTRIES = [
  ["convoke", [...SCRIPTS, "convoke_web_bg.wasm"], 1_100_000],
  ["convoke with threads", [...SCRIPTS, ...THREADS.filter((file) => /\.(js|wasm)$/.test(file)).map((file) => `threads/${file}`)], 1_100_000],
  ["convoke/webgpu", [...SCRIPTS, "convoke_web_bg.wasm"].map((file) => `webgpu/${file}`), 700_000],
];

for (const [entry, files, most] of ENTRIES) {
  test(`${entry} is small`, async (t) => {
    const options = { params: { [constants.BROTLI_PARAM_QUALITY]: constants.BROTLI_MAX_QUALITY } };
    let bytes = 0;
    for (const file of files) {
      const content = await readFile(new URL(`../dist/${file}`, import.meta.url));
      bytes += brotliCompressSync(content, options).length;
    }
    t.diagnostic(`${entry}: ${Math.round(bytes / 1000)} kB`);
    assert.ok(bytes < most, `${bytes} bytes`);
  });
}
