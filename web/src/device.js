// What networks and operators run on: the page's GPU and its CPU.

import { load, wasm } from "./wasm.js";

export const BACKENDS = ["webgpu", "cpu"];

/** The page's one GPU, which sessions share, and its CPU. */
let gpu, cpu;

export async function opened(backend) {
  if (backend === "cpu") return (cpu ??= wasm.Device.cpu());
  const known = gpu;
  const device = await known?.catch(() => undefined);
  // Of several that find none, or a lost one, the first opens another.
  if (gpu === known && (device === undefined || device.isLost())) gpu = wasm.Device.openGpu();
  return gpu;
}

/** The browser's own object of the GPU, which is opened if it is not. */
export async function gpuDevice() {
  await load();
  return (await opened("webgpu")).browserDevice();
}

/** What `act` gives, or what the browser has against what it does on a device. */
export async function validated(device, act) {
  device.pushErrorScope("validation");
  let given;
  try {
    given = act();
  } catch (error) {
    await device.popErrorScope();
    throw error;
  }
  const refusal = await device.popErrorScope();
  if (refusal !== null) throw failure("Gpu", `webgpu: ${refusal.message}`);
  return given;
}

/** An error as WebAssembly throws them. */
export function failure(code, message) {
  return Object.assign(new Error(message), { name: "ConvokeError", code });
}

/** What a device is, for people. Browsers tell a GPU's maker and family, and seldom its name. */
export async function describe(device) {
  const info = device === cpu ? undefined : (await navigator.gpu.requestAdapter())?.info;
  const known = [info?.vendor, info?.architecture].filter(Boolean).join(" ");
  return known === "" ? device.description() : device.description().replace("unnamed adapter", known);
}
