// The entry without sessions: tensors, and operators by themselves.

export { avgPool2d, conv2d, maxPool2d, pad } from "./operators.js";
export { Tensor } from "./tensor.js";
export { env, load } from "./wasm.js";
import "./convoke_web.js";
