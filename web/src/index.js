// The npm package over what is WebAssembly (convoke_web.js, which wasm-bindgen makes of crates/convoke-web).

export { InferenceSession } from "./session.js";
export * from "./index_operators.js";
