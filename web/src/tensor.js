// Tensors, by the names that onnxruntime-web has for them.

import { known } from "./checks.js";
import { gpuDevice, validated } from "./device.js";

/** The typed array that holds elements of each type. */
const ARRAYS = {
  float32: Float32Array,
  float16: Uint16Array,
  int64: BigInt64Array,
  int32: Int32Array,
  uint8: Uint8Array,
  int8: Int8Array,
  bool: Uint8Array,
};

/** The types whose elements are in GPU memory what they are in the page's. */
const IN_GPU_MEMORY = ["float32", "int32"];

/** Elements in GPU memory, in a buffer that goes with the tensor where a run has made it. */
class GpuElements {
  constructor(buffer, isOwn) {
    this.buffer = buffer;
    this.isOwn = isOwn;
  }
}

export class Tensor {
  #data;
  #gpu;

  /** `new Tensor(type, data, dims)`, or `new Tensor(data, dims)` where the array tells the type. */
  constructor(...args) {
    const [type, data, dims] = typeof args[0] === "string" ? args : [typeOf(args[0]), ...args];
    const Elements = ARRAYS[type];
    if (Elements === undefined) {
      throw new TypeError(`tensor: expected one of the types ${Object.keys(ARRAYS).join(", ")}, but got ${JSON.stringify(type)}`);
    }
    this.type = type;
    if (data instanceof GpuElements) this.#gpu = data;
    else this.#data = elements(type, Elements, data);
    this.location = this.#gpu === undefined ? "cpu" : "gpu-buffer";
    this.dims = Object.freeze(Array.from(dims ?? [this.data.length], (extent) => Number(extent)));
    for (const extent of this.dims) {
      if (!Number.isSafeInteger(extent) || extent < 0) {
        throw new RangeError(`tensor: expected extents of whole numbers from 0, but got [${this.dims}]`);
      }
    }
    this.size = this.dims.reduce((size, extent) => size * extent, 1);
    if (this.#gpu === undefined && this.size !== this.data.length) {
      throw new RangeError(`tensor: expected ${this.size} elements for the shape [${this.dims}], but got ${this.data.length}`);
    }
    Object.freeze(this);
  }

  /** The same elements in another shape; both tensors have them. */
  reshape(dims) {
    const reshaped = new Tensor(this.type, this.#gpu ?? this.#data, dims);
    if (reshaped.size === this.size) return reshaped;
    throw new RangeError(`tensor: expected a shape of ${this.size} elements, but got [${reshaped.dims}]`);
  }

  /** The elements, of a tensor in the page's memory. */
  get data() {
    if (this.#gpu === undefined) return this.#data;
    throw new Error("tensor: expected one in the page's memory, but this is in the GPU's: await getData()");
  }

  /** The elements, wherever they are. */
  async getData() {
    if (this.#gpu === undefined) return this.#data;
    const device = await gpuDevice();
    const bytes = 4 * this.size;
    const staging = device.createBuffer({ size: Math.max(bytes, 4), usage: GPUBufferUsage.MAP_READ | GPUBufferUsage.COPY_DST });
    try {
      await validated(device, () => {
        const encoder = device.createCommandEncoder();
        encoder.copyBufferToBuffer(this.#gpu.buffer, 0, staging, 0, bytes);
        device.queue.submit([encoder.finish()]);
      });
      await staging.mapAsync(GPUMapMode.READ);
      return new ARRAYS[this.type](staging.getMappedRange().slice(0, bytes));
    } finally {
      staging.destroy();
    }
  }

  /** The buffer, of a tensor in GPU memory. */
  get gpuBuffer() {
    if (this.#gpu !== undefined) return this.#gpu.buffer;
    throw new Error("tensor: expected one in GPU memory, but this is in the page's");
  }

  /** A tensor whose elements are the first of a buffer of `env.webgpu.device`. */
  static fromGpuBuffer(buffer, options) {
    known("Tensor.fromGpuBuffer", options, ["dataType", "dims"]);
    const { dataType = "float32", dims } = options;
    if (!IN_GPU_MEMORY.includes(dataType)) {
      throw new TypeError(`Tensor.fromGpuBuffer: expected a dataType of ${IN_GPU_MEMORY.join(", ")}, but got ${dataType}`);
    }
    if (!(buffer instanceof GPUBuffer)) throw new TypeError(`Tensor.fromGpuBuffer: expected a GPUBuffer, but got ${buffer}`);
    if (!Array.isArray(dims)) throw new TypeError(`Tensor.fromGpuBuffer: expected dims, but got ${dims}`);
    const tensor = new Tensor(dataType, new GpuElements(buffer, false), dims);
    if (4 * tensor.size > buffer.size) {
      throw new RangeError(`Tensor.fromGpuBuffer: expected ${4 * tensor.size} bytes for ${tensor}, but got ${buffer.size}`);
    }
    if ((buffer.usage & GPUBufferUsage.COPY_SRC) === 0) {
      throw new TypeError("Tensor.fromGpuBuffer: expected a buffer that can be copied from (GPUBufferUsage.COPY_SRC)");
    }
    return tensor;
  }

  /** Frees the GPU memory of a tensor that a run has made. */
  dispose() {
    if (this.#gpu?.isOwn) this.#gpu.buffer.destroy();
  }

  /** A picture as a tensor [1, channels, height, width] of float32, (value / 255 - mean) / std for each channel. */
  static fromImage(image, options = {}) {
    known("Tensor.fromImage", options, ["resizedWidth", "resizedHeight", "tensorFormat", "mean", "std"]);
    const { tensorFormat = "RGB", mean = 0, std = 1 } = options;
    const planes = PLANES[tensorFormat];
    if (planes === undefined) {
      throw new TypeError(`Tensor.fromImage: expected a tensorFormat of ${Object.keys(PLANES).join(", ")}, but got ${tensorFormat}`);
    }
    const pixels = pixelsOf(image, options.resizedWidth, options.resizedHeight);
    const area = pixels.width * pixels.height;
    const data = new Float32Array(planes.length * area);
    planes.forEach((weights, plane) => {
      const [average, deviation] = [channel("mean", mean, plane, planes.length), channel("std", std, plane, planes.length)];
      const weighted = weights.map((weight) => weight / (255 * deviation));
      const shift = average / deviation;
      for (let i = 0; i < area; i++) {
        const [red, green, blue] = [pixels.data[4 * i], pixels.data[4 * i + 1], pixels.data[4 * i + 2]];
        data[plane * area + i] = red * weighted[0] + green * weighted[1] + blue * weighted[2] - shift;
      }
    });
    return new Tensor("float32", data, [1, planes.length, pixels.height, pixels.width]);
  }

  /** The inverse of `fromImage`: a tensor [1, 1 or 3, height, width] of float32 as a picture. */
  toImageData({ mean = 0, std = 1 } = {}) {
    const [images, planes, height, width] = this.dims;
    if (this.type !== "float32" || this.dims.length !== 4 || images !== 1 || (planes !== 1 && planes !== 3)) {
      throw new TypeError(`toImageData: expected float32[1, 1 or 3, height, width], but got ${this}`);
    }
    const image = new ImageData(width, height);
    for (let i = 0; i < width * height; i++) {
      for (let plane = 0; plane < 3; plane++) {
        const own = planes === 1 ? 0 : plane;
        const value = this.data[own * width * height + i] * channel("std", std, own, planes) + channel("mean", mean, own, planes);
        // The array of an ImageData rounds, and keeps to 0 to 255.
        image.data[4 * i + plane] = 255 * value;
      }
      image.data[4 * i + 3] = 255;
    }
    return image;
  }

  toString() {
    return `${this.type}[${this.dims.join(", ")}]`;
  }
}

/** What each plane of a format has of red, green and blue. Grey is luma by Rec. 601, as Pillow's "L". */
const [RED, GREEN, BLUE] = [
  [1, 0, 0],
  [0, 1, 0],
  [0, 0, 1],
];
const PLANES = { RGB: [RED, GREEN, BLUE], BGR: [BLUE, GREEN, RED], GREY: [[0.299, 0.587, 0.114]] };

function typeOf(data) {
  if (Array.isArray(data) && typeof data[0] === "boolean") return "bool";
  // Of types that share an array the first is meant that holds numbers as they are.
  const type = ["float32", "int64", "int32", "uint8", "int8"].find((type) => data instanceof ARRAYS[type]);
  if (type !== undefined) return type;
  if (isHalves(data)) return "float16";
  throw new TypeError("tensor: the type cannot be told from what was given: name it, as in new Tensor(\"float32\", data, dims)");
}

const isHalves = (data) => typeof Float16Array !== "undefined" && data instanceof Float16Array;

function elements(type, Elements, data) {
  if (type === "float16" && isHalves(data)) return new Uint16Array(data.buffer, data.byteOffset, data.length);
  if (data instanceof Elements) return data;
  if (type !== "float16" && Array.isArray(data)) {
    const convert = { int64: BigInt, bool: (value) => (value ? 1 : 0) }[type] ?? Number;
    return Elements.from(data, convert);
  }
  throw new TypeError(`tensor: expected a ${Elements.name} for ${type}, but got ${data?.constructor?.name ?? data}`);
}

function channel(what, given, plane, planes) {
  if (typeof given === "number") return given;
  if (given?.length === planes) return given[plane];
  throw new TypeError(`expected ${what} to be a number or one for each of ${planes} channels, but got ${given}`);
}

/** The pixels of whatever a canvas draws, scaled by the browser where another size is asked for. */
function pixelsOf(image, width, height) {
  const [ownWidth, ownHeight] = [
    image.videoWidth ?? image.displayWidth ?? image.naturalWidth ?? image.width,
    image.videoHeight ?? image.displayHeight ?? image.naturalHeight ?? image.height,
  ];
  width ??= ownWidth;
  height ??= ownHeight;
  if (!(width > 0 && height > 0)) throw new RangeError(`Tensor.fromImage: expected a picture, but got one of ${width} x ${height}`);
  if (image instanceof ImageData) {
    if (width === image.width && height === image.height) return image;
    const whole = canvas(image.width, image.height);
    whole.putImageData(image, 0, 0);
    image = whole.canvas;
  }
  const context = canvas(width, height);
  context.imageSmoothingQuality = "high";
  context.drawImage(image, 0, 0, width, height);
  return context.getImageData(0, 0, width, height);
}

function canvas(width, height) {
  return new OffscreenCanvas(width, height).getContext("2d", { willReadFrequently: true });
}

/** A tensor in GPU memory, which it is to be written to yet. */
export function tensorOn(device, type, dims) {
  const size = Math.max(4 * dims.reduce((size, extent) => size * extent, 1), 4);
  const usage = GPUBufferUsage.STORAGE | GPUBufferUsage.COPY_SRC | GPUBufferUsage.COPY_DST;
  return new Tensor(type, new GpuElements(device.createBuffer({ label: "convoke.output", size, usage }), true), dims);
}

/** What WebAssembly gives, as a tensor. */
export const tensor = ([type, data, dims]) => new Tensor(type, data, dims);
