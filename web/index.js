// The npm package: sessions and tensors by the names that onnxruntime-web has for them, over what is WebAssembly (convoke_web.js,
// which wasm-bindgen makes of crates/convoke-web).

import * as alone from "./convoke_web.js";
import { withThreads } from "./threads.js";

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

/** Where the WebAssembly is, if it is not beside this file, and how many threads the CPU backend has. */
export const env = { wasm: undefined, threads: undefined };

/** The WebAssembly once it is loaded, with threads or without. */
let wasm, ready;

/** Loads the WebAssembly, once: a page may call this early. */
export function load() {
  // A failure, of the network perhaps, is not kept.
  ready ??= loaded().catch((error) => {
    ready = undefined;
    throw error;
  });
  return ready;
}

async function loaded() {
  const threads = threadsWanted();
  const module = threads === 1 ? alone : await withThreads();
  await module.default(env.wasm === undefined ? undefined : { module_or_path: env.wasm });
  if (threads > 1) await module.initThreadPool(threads);
  wasm = module;
}

/** One where no memory can be shared with workers. A page's own thread does not help the others, and waits for them by asking. */
function threadsWanted() {
  const isShared = withThreads !== undefined && globalThis.crossOriginIsolated === true;
  if (env.threads === undefined) {
    if (!isShared || env.wasm !== undefined) return 1;
    const cores = navigator.hardwareConcurrency - (typeof window === "undefined" ? 0 : 1);
    return Math.max(1, Math.min(cores, 8));
  }
  counted("env", "threads", env.threads);
  if (env.threads > 1 && !isShared) {
    throw new Error(`env.threads: expected 1 where the page is not cross-origin isolated, but got ${env.threads}`);
  }
  return env.threads;
}

// ---------------------------------------------------------------------------------------------------------------------------
// Tensors

export class Tensor {
  /** `new Tensor(type, data, dims)`, or `new Tensor(data, dims)` where the array tells the type. */
  constructor(...args) {
    const [type, data, dims] = typeof args[0] === "string" ? args : [typeOf(args[0]), ...args];
    const Elements = ARRAYS[type];
    if (Elements === undefined) {
      throw new TypeError(`tensor: expected one of the types ${Object.keys(ARRAYS).join(", ")}, but got ${JSON.stringify(type)}`);
    }
    this.type = type;
    this.data = elements(type, Elements, data);
    this.dims = Object.freeze(Array.from(dims ?? [this.data.length], (extent) => Number(extent)));
    for (const extent of this.dims) {
      if (!Number.isSafeInteger(extent) || extent < 0) {
        throw new RangeError(`tensor: expected extents of whole numbers from 0, but got [${this.dims}]`);
      }
    }
    this.size = this.dims.reduce((size, extent) => size * extent, 1);
    if (this.size !== this.data.length) {
      throw new RangeError(`tensor: expected ${this.size} elements for the shape [${this.dims}], but got ${this.data.length}`);
    }
    Object.freeze(this);
  }

  /** The same elements in another shape; both tensors have them. */
  reshape(dims) {
    return new Tensor(this.type, this.data, dims);
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

// ---------------------------------------------------------------------------------------------------------------------------
// Sessions

const BACKENDS = ["webgpu", "cpu"];

/** What a backend's refusal lets the next in the list try: what it has no kernel or no room for, or that it is not there. */
const LEAVES_IT_TO_OTHERS = ["NoAdapter", "Unsupported", "LimitExceeded"];

/** The page's one GPU, which sessions share, and its CPU. */
let gpu, cpu;

async function opened(backend) {
  if (backend === "cpu") return (cpu ??= wasm.Device.cpu());
  const known = gpu;
  const device = await known?.catch(() => undefined);
  // Of several that find none, or a lost one, the first opens another.
  if (gpu === known && (device === undefined || device.isLost())) gpu = wasm.Device.openGpu();
  return gpu;
}

/** What a device is, for people. Browsers tell a GPU's maker and family, and seldom its name. */
async function describe(device) {
  const info = device === cpu ? undefined : (await navigator.gpu.requestAdapter())?.info;
  const known = [info?.vendor, info?.architecture].filter(Boolean).join(" ");
  return known === "" ? device.description() : device.description().replace("unnamed adapter", known);
}

export class InferenceSession {
  #model;
  #network;
  #precision;
  /** Backends that were not tried yet. */
  #left;
  /** What was prepared or is being prepared, by the shapes of the inputs. */
  #prepared = new Map();
  #disposed = false;

  /** Use `InferenceSession.create`. */
  constructor(model, options) {
    if (wasm === undefined || !(model instanceof wasm.Model)) throw new TypeError("sessions are made by InferenceSession.create");
    this.#model = model;
    this.#precision = options.precision;
    this.#left = options.backends;
    /** Backends that were tried before the one that is used, each with its error. */
    this.refusals = [];
  }

  /** A session of a model: of a file's address, or of its content. */
  static async create(source, options = {}) {
    const { shapes = {}, externalData = [], onProgress = () => {}, ...rest } = checked(options);
    const files = externalData.map(({ data }) => contentOf(data, () => {}));
    const [content, external] = await Promise.all([contentOf(source, onProgress), Promise.all(files)]);
    const total = content.length;
    onProgress({ stage: "read", done: 0, total });
    const paths = externalData.map(({ path }) => String(path));
    const session = new InferenceSession(await wasm.Model.read(content, paths, external), rest);
    onProgress({ stage: "read", done: total, total });
    try {
      await session.#open();
      const dims = session.inputMetadata.map((input) => shapeOf(input, shapes));
      if (dims.every(Boolean)) await session.#prepare(dims, onProgress);
    } catch (error) {
      session.dispose();
      throw error;
    }
    return session;
  }

  get inputNames() {
    return this.inputMetadata.map((input) => input.name);
  }

  get outputNames() {
    return this.outputMetadata.map((output) => output.name);
  }

  /** Runs on tensors by the names of the inputs; gives outputs by theirs, all or those that are named. */
  async run(feeds, fetches = this.outputNames) {
    this.#check();
    for (const name of fetches) {
      if (!this.outputNames.includes(name)) throw namedWrong("outputs", this.outputNames, name);
    }
    const inputs = await this.#inputs(feeds);
    return this.#named(await this.#network.run(inputs), fetches);
  }

  /** Runs, and checks each operator by itself: the backend's output against what the reference makes of the backend's inputs. */
  async verify(feeds, options = {}) {
    known("session.verify", options, ["onCheck"]);
    const inputs = await this.#inputs(feeds);
    const checks = [];
    const outputs = await this.#network.verify(inputs, (check) => {
      checks.push(Object.freeze(check));
      options.onCheck?.(check);
    });
    return { ok: checks.every((check) => check.ok), checks, outputs: this.#named(outputs) };
  }

  /** Measures what runs spend their time on. */
  async profile(feeds, options = {}) {
    known("session.profile", options, ["repetitions"]);
    const { repetitions = 10 } = options;
    counted("session.profile", "repetitions", repetitions);
    return this.#network.profile(await this.#inputs(feeds), repetitions);
  }

  /** Times whole runs, after a first one that warms up. */
  async bench(feeds, options = {}) {
    known("session.bench", options, ["runs"]);
    const { runs = 20 } = options;
    counted("session.bench", "runs", runs);
    await this.run(feeds);
    const times = [];
    while (times.length < runs) {
      const start = performance.now();
      await this.run(feeds);
      times.push(performance.now() - start);
    }
    times.sort((one, other) => one - other);
    const at = (part) => times[Math.min(runs - 1, Math.floor(part * runs))];
    return { backend: this.backend, device: this.device, runs, least: times[0], median: at(0.5), p90: at(0.9) };
  }

  /** What the model computes for inputs of these shapes; those that the file leaves open must be among them. */
  inspect(shapes = {}) {
    this.#check();
    const dims = this.inputMetadata.map((input) => {
      const known = shapeOf(input, shapes);
      if (known === undefined) throw new Error(`session.inspect: expected the shape of input ${JSON.stringify(input.name)}, which is open`);
      return Uint32Array.from(known);
    });
    return { opset: this.#model.opset(), parameters: this.#model.parameters(), ...this.#network.inspect(dims) };
  }

  /** Makes ready what runs with inputs of these shapes need, so that the first is as fast as the next. */
  async prepare(shapes) {
    this.#check();
    await this.#prepare(inOrder(this.inputNames, shapes));
  }

  /** The same session on a device that is opened anew, where the old one was lost. */
  async restore() {
    this.#check();
    this.#left = [this.backend, ...this.#left];
    await this.#open();
  }

  /** Frees what the session has. Runs that are under way end as they would. */
  dispose() {
    this.#disposed = true;
    this.#network?.free();
    this.#model?.free();
    this.#network = this.#model = undefined;
  }

  /** `dispose`, by the name that onnxruntime-web has for it. */
  async release() {
    this.dispose();
  }

  /** The inputs in their order, with all made ready that runs with them need. */
  async #inputs(feeds) {
    this.#check();
    const inputs = inOrder(this.inputNames, feeds);
    await this.#prepare(inputs.map((input) => input.dims));
    return inputs;
  }

  #named(outputs, fetches = this.outputNames) {
    const named = outputs.map((output, index) => [this.outputNames[index], tensor(output)]);
    return Object.fromEntries(named.filter(([name]) => fetches.includes(name)));
  }

  #check() {
    if (this.#disposed) throw new Error("session: it was disposed");
  }

  /** The model on the first backend that is left and takes it. */
  async #open() {
    for (;;) {
      const backend = this.#left.shift();
      try {
        const device = await opened(backend);
        const network = new wasm.Network(this.#model, device, this.#precision);
        this.#network?.free();
        this.#network = network;
        this.#prepared.clear();
        this.backend = backend;
        this.device = await describe(device);
        this.inputMetadata = network.inputs().map(metadata);
        this.outputMetadata = network.outputs().map(metadata);
        return;
      } catch (error) {
        this.#refused(backend, error);
      }
    }
  }

  /** Plans for these shapes, once however many ask for them. */
  async #prepare(shapes, onProgress = () => {}) {
    const key = JSON.stringify(shapes);
    const prepared = this.#prepared.get(key) ?? this.#plan(shapes, onProgress);
    this.#prepared.set(key, prepared);
    try {
      await prepared;
    } catch (error) {
      this.#prepared.delete(key);
      throw error;
    }
  }

  /** Plans for these shapes, on another backend where the one that is used refuses them. */
  async #plan(shapes, onProgress) {
    for (;;) {
      try {
        onProgress({ stage: "prepare", done: 0, total: 1 });
        await this.#network.prepare(shapes.map((dims) => Uint32Array.from(dims)));
        onProgress({ stage: "prepare", done: 1, total: 1 });
        return;
      } catch (error) {
        this.#refused(this.backend, error);
        await this.#open();
      }
    }
  }

  /** Notes a refusal; the last one is the caller's. */
  #refused(backend, error) {
    if (this.#left.length === 0 || !LEAVES_IT_TO_OTHERS.includes(error.code)) throw error;
    this.refusals.push({ backend, error });
  }
}

/** What WebAssembly gives, as a tensor. */
const tensor = ([type, data, dims]) => new Tensor(type, data, dims);

// ---------------------------------------------------------------------------------------------------------------------------
// Operators by themselves, as torch.nn.functional has them

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

/** A number for rows and one for columns. */
function pair(what, name, given) {
  const both = typeof given === "number" ? [given, given] : Array.from(given);
  if (both.length !== 2) throw new TypeError(`${what}: expected ${name} to be a number or [rows, columns], but got [${both}]`);
  both.forEach((number) => whole(what, name, number, 0));
  return both;
}

/** Left, right, top and bottom: of one number, of [rows, columns], or of all four. */
function sides(what, given) {
  const all = typeof given === "number" ? [given, given] : Array.from(given);
  if (all.length !== 2 && all.length !== 4) {
    throw new TypeError(`${what}: expected padding to be a number, [rows, columns] or [left, right, top, bottom], but got [${all}]`);
  }
  const four = all.length === 4 ? all : [all[1], all[1], all[0], all[0]];
  four.forEach((number) => whole(what, "padding", number, -Infinity));
  return four;
}

const counted = (what, name, number) => whole(what, name, number, 1);

function whole(what, name, number, least) {
  if (!Number.isSafeInteger(number) || number < least) {
    throw new RangeError(`${what}: expected ${name} to be whole${least === -Infinity ? "" : ` and at least ${least}`}, but got ${number}`);
  }
}

function checked(options) {
  known("InferenceSession.create", options, ["backends", "executionProviders", "externalData", "onProgress", "precision", "shapes"]);
  const asked = options.backends ?? options.executionProviders ?? ["webgpu"];
  // What onnxruntime-web calls them.
  const backends = asked.map((backend) => backend?.name ?? backend).map((name) => (name === "wasm" ? "cpu" : name));
  if (backends.length === 0 || !backends.every((name) => BACKENDS.includes(name))) {
    throw new TypeError(`InferenceSession.create: expected backends of ${BACKENDS.join(", ")}, but got [${backends}]`);
  }
  return { ...options, backends, precision: options.precision ?? "f32" };
}

/** Refuses options that nobody reads: a misspelt one would be as good as none. */
function known(what, options, names) {
  const unknown = Object.keys(options).find((name) => !names.includes(name));
  if (unknown !== undefined) throw new TypeError(`${what}: expected options of ${names.join(", ")}, but got ${unknown}`);
}

function metadata([name, type, dims]) {
  return Object.freeze({ name, type: type ?? undefined, dims: dims === null ? undefined : dims.map((dim) => dim ?? undefined) });
}

/** The extents of an input, where the file or the caller gives them all. */
function shapeOf(input, shapes) {
  const dims = shapes[input.name] ?? input.dims;
  return dims?.every((dim) => typeof dim === "number") ? dims : undefined;
}

function inOrder(names, given) {
  for (const name of Object.keys(given)) {
    if (!names.includes(name)) throw namedWrong("inputs", names, name);
  }
  return names.map((name) => {
    if (given[name] === undefined) throw new Error(`session: expected inputs ${names.join(", ")}, but got no ${JSON.stringify(name)}`);
    return given[name];
  });
}

function namedWrong(what, names, name) {
  return new Error(`session: expected ${what} ${names.join(", ")}, but got ${JSON.stringify(name)}`);
}

/** Lets the page have its turn. */
const turn = () => globalThis.scheduler?.yield?.() ?? new Promise((resolve) => setTimeout(resolve));

/** Bytes that are copied between two turns. */
const PIECE = 1 << 23;

/** The bytes that were given or that an address has, in WebAssembly's memory. */
async function contentOf(source, onProgress) {
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
