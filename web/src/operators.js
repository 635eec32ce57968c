// Operators by themselves, as torch.nn.functional has them.

import { counted, known, pair, sides } from "./checks.js";
import { BACKENDS, opened } from "./device.js";
import { tensor } from "./tensor.js";
import { load, wasm } from "./wasm.js";

export async function conv2d(input, weight, options = {}) {
  known("conv2d", options, ["backend", "bias", "dilation", "groups", "padding", "paddingMode", "stride"]);
  const { bias, stride = 1, padding = 0, paddingMode = "zeros", dilation = 1, groups = 1 } = options;
  counted("conv2d", "groups", groups);
  const inputs = bias === undefined ? [input, weight] : [input, weight, bias];
  const numbers = [pair("conv2d", "stride", stride), padding === "same" ? [] : sides("conv2d", padding)];
  return computed("conv2d", inputs, options, (device) =>
    wasm.conv2d(device, inputs, ...numbers, paddingMode, pair("conv2d", "dilation", dilation), groups),
  );
}

export async function maxPool2d(input, kernelSize, options = {}) {
  known("maxPool2d", options, ["backend", "ceilMode", "dilation", "padding", "stride"]);
  const { stride = kernelSize, padding = 0, dilation = 1, ceilMode = false } = options;
  const numbers = [pair("maxPool2d", "kernelSize", kernelSize), pair("maxPool2d", "stride", stride), sides("maxPool2d", padding)];
  return computed("maxPool2d", [input], options, (device) =>
    wasm.maxPool2d(device, [input], ...numbers, pair("maxPool2d", "dilation", dilation), ceilMode),
  );
}

export async function avgPool2d(input, kernelSize, options = {}) {
  known("avgPool2d", options, ["backend", "ceilMode", "countIncludePad", "padding", "stride"]);
  const { stride = kernelSize, padding = 0, ceilMode = false, countIncludePad = true } = options;
  const numbers = [pair("avgPool2d", "kernelSize", kernelSize), pair("avgPool2d", "stride", stride), sides("avgPool2d", padding)];
  return computed("avgPool2d", [input], options, (device) => wasm.avgPool2d(device, [input], ...numbers, ceilMode, countIncludePad));
}

export async function pad(input, padding, options = {}) {
  known("pad", options, ["backend", "mode", "value"]);
  const { mode = "constant", value = 0 } = options;
  return computed("pad", [input], options, (device) => wasm.pad(device, [input], sides("pad", padding), mode, value));
}

async function computed(what, inputs, { backend = "webgpu" }, run) {
  if (!BACKENDS.includes(backend)) throw new TypeError(`${what}: expected a backend of ${BACKENDS.join(", ")}, but got ${backend}`);
  for (const input of inputs) {
    if (!Array.isArray(input?.dims)) throw new TypeError(`${what}: expected tensors, but got ${input}`);
  }
  await load();
  return tensor(await run(await opened(backend)));
}
