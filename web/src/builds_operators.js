// The WebAssembly that this entry has besides: with relaxed vectors.

export const relaxed = new URL("./convoke_web_relaxed.wasm", import.meta.url);

export const threads = undefined;
