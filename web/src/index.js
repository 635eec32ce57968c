// The npm package over what is WebAssembly (convoke_web.js, which wasm-bindgen makes of crates/convoke-web).

export { avgPool2d, conv2d, maxPool2d, pad } from "./operators.js";
export { InferenceSession } from "./session.js";
export { Tensor } from "./tensor.js";
export { env, load } from "./wasm.js";
// So that a page that loads the files one by one asks for the largest of them early.
import "./convoke_web.js";
