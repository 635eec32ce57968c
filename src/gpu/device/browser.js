// The browser's own objects of the devices that convoke opens. wgpu makes all that it uses itself, one call after another; pipelines that
// are compiled several at once, and buffers that are the page's, it is lent where it asks for new ones.

/** By number: a device, what was made of it last, by the names of the calls, and what is lent to the next call. */
const devices = [];

/** What adapters did before they were listened to. */
let requestDevice;

/** Listens for the device that is asked for next, until `heard`: its number. */
export function listen() {
  const number = devices.push(undefined) - 1;
  requestDevice = GPUAdapter.prototype.requestDevice;
  GPUAdapter.prototype.requestDevice = async function (descriptor) {
    const device = await requestDevice.call(this, descriptor);
    devices[number] = watched(device);
    device.lost.then(() => delete devices[number]);
    return device;
  };
  return number;
}

export function heard() {
  GPUAdapter.prototype.requestDevice = requestDevice;
}

function watched(device) {
  const watched = { device };
  const make = (name, descriptor) => Object.getPrototypeOf(device)[name].call(device, descriptor);
  for (const name of ["createPipelineLayout", "createShaderModule"]) {
    device[name] = (descriptor) => (watched[name] = make(name, descriptor));
  }
  for (const name of ["createBuffer", "createComputePipeline"]) {
    device[name] = (descriptor) => {
      const { lent } = watched;
      watched.lent = undefined;
      return lent ?? make(name, descriptor);
    };
  }
  return watched;
}

/** The device itself, until it is lost. */
export function device(number) {
  return devices[number]?.device;
}

/** A promise of a pipeline of the module and the layout that were made last. */
export function compiled(number, label) {
  const { device, createPipelineLayout: layout, createShaderModule: module } = devices[number];
  return device.createComputePipelineAsync({ label, layout, compute: { module, entryPoint: "main" } });
}

/** What the next call for a buffer or a pipeline gives. */
export function lend(number, object) {
  if (devices[number] !== undefined) devices[number].lent = object;
}
