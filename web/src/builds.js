// The WebAssembly that this entry has besides: with relaxed vectors, and with memory that it shares with workers.

export const relaxed = new URL("./convoke_web_relaxed.wasm", import.meta.url);

export const threads = {
  load: () => import("./threads/convoke_web.js"),
  relaxed: new URL("./threads/convoke_web_relaxed.wasm", import.meta.url),
};
