// The package's sizes as they are sent, by Brotli's best.

import assert from "node:assert/strict";
import { readdir, readFile } from "node:fs/promises";
import { test } from "node:test";
import { brotliCompressSync, constants } from "node:zlib";

/** The JavaScript that a page loads from a folder of the package. */
async function scripts(folder) {
  const files = await readdir(new URL(`../dist/${folder}`, import.meta.url), { recursive: true });
  // Those of other entries lie beneath.
  const isOwn = (file) => file.endsWith(".js") && (!file.includes("/") || file.startsWith("snippets/"));
  return files.filter(isOwn).map((file) => folder + file);
}

/** With relaxed vectors or without: a page loads one of them. */
const [RELAXED, PLAIN] = ["convoke_web_relaxed.wasm", "convoke_web_bg.wasm"];
const own = await scripts("");
/** What a page loads of the package, and the bytes that it may be. */
const ENTRIES = [
  ["convoke", [...own, RELAXED], 1_100_000],
  ["convoke without relaxed vectors", [...own, PLAIN], 1_100_000],
  ["convoke with threads", [...own, ...(await scripts("threads/")), `threads/${RELAXED}`], 1_100_000],
  ["convoke/webgpu", [...(await scripts("webgpu/")), `webgpu/${PLAIN}`], 700_000],
  ["convoke/operators", [...(await scripts("operators/")), `operators/${RELAXED}`], 500_000],
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
