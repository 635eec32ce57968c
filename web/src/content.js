// Files: of an address, or of bytes.

import { load, wasm } from "./wasm.js";

/** Lets the page have its turn. */
const turn = () => globalThis.scheduler?.yield?.() ?? new Promise((resolve) => setTimeout(resolve));

/** Bytes that are copied between two turns. */
const PIECE = 1 << 23;

/** The bytes that were given or that an address has, in WebAssembly's memory. */
export async function contentOf(source, onProgress) {
  if (source instanceof ArrayBuffer) source = new Uint8Array(source);
  if (ArrayBuffer.isView(source)) {
    await load();
    const bytes = new Uint8Array(source.buffer, source.byteOffset, source.byteLength);
    const content = new wasm.Content(bytes.length);
    for (let start = 0; start < bytes.length; start += PIECE) {
      content.append(bytes.subarray(start, start + PIECE));
      await turn();
    }
    return content;
  }
  const [response] = await Promise.all([answerOf(source), load()]);
  // Of a compressed body that is another number, and only a beginning to grow from.
  const total = Number(response.headers.get("content-length") ?? 0);
  const content = new wasm.Content(total);
  for (const reader = response.body.getReader(); ; ) {
    const { done: ended, value } = await reader.read();
    if (ended) return content;
    content.append(value);
    onProgress({ stage: "download", done: content.length, total: Math.max(total, content.length) });
  }
}

async function answerOf(source) {
  if (source instanceof Blob) return new Response(source, { headers: { "content-length": source.size } });
  const response = source instanceof Response ? source : await fetch(source);
  if (!response.ok) throw new Error(`${response.url}: expected a file, but got status ${response.status} ${response.statusText}`);
  return response;
}
