// Sessions, by the names that onnxruntime-web has for them.

import { counted, known } from "./checks.js";
import { contentOf } from "./content.js";
import { BACKENDS, describe, failure, opened, validated } from "./device.js";
import { Tensor, tensor, tensorOn } from "./tensor.js";
import { wasm } from "./wasm.js";

/** What a session may be told when it is made. */
const OPTIONS = ["backends", "executionProviders", "externalData", "onProgress", "precision", "preferredOutputLocation", "shapes"];

/** Where outputs may be. */
const LOCATIONS = ["cpu", "gpu-buffer"];

/** What a backend's refusal lets the next in the list try: what it has no kernel or no room for, or that it is not there. */
const LEAVES_IT_TO_OTHERS = ["NoAdapter", "Unsupported", "LimitExceeded"];

/** How many runs a GPU may have before it, whose outputs nobody reads. */
const UNDER_WAY = 3;

/** Milliseconds that a browser's clock tells within a part in twenty: it ticks by up to 0.1. */
const SPAN = 2;

export class InferenceSession {
  #model;
  #network;
  #precision;
  /** Backends that were not tried yet. */
  #left;
  /** What was prepared or is being prepared, by the shapes of the inputs. */
  #prepared = new Map();
  /** What runs with tensors in GPU memory are by, by the shapes of the inputs. */
  #bound = new Map();
  /** When those that were submitted of them are done, the oldest first. */
  #underWay = [];
  #device;
  /** Where outputs are wanted, by their names or all. */
  #locations;
  #disposed = false;

  /** Use `InferenceSession.create`. */
  constructor(model, options) {
    if (wasm === undefined || !(model instanceof wasm.Model)) throw new TypeError("sessions are made by InferenceSession.create");
    this.#model = model;
    this.#precision = options.precision;
    this.#left = options.backends;
    this.#locations = options.preferredOutputLocation;
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
      const { preferredOutputLocation } = rest;
      const named = typeof preferredOutputLocation === "string" ? [] : Object.keys(preferredOutputLocation);
      const unknown = named.find((name) => !session.outputNames.includes(name));
      if (unknown !== undefined) throw namedWrong("outputs", session.outputNames, unknown);
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
    this.#check();
    const isOnGpu = this.backend === "webgpu" && this.#precision === "f32";
    const wanted = new Set(fetches.filter((name) => this.#locationOf(name) === "gpu-buffer"));
    if (isOnGpu && (wanted.size > 0 || inputs.some(isInGpuMemory))) return this.#named(await this.#runThere(inputs, wanted), fetches);
    return this.#named((await this.#network.run(await here(inputs))).map(tensor), fetches);
  }

  /** Runs, and checks each operator by itself: the backend's output against what the reference makes of the backend's inputs. */
  async verify(feeds, options = {}) {
    known("session.verify", options, ["onCheck"]);
    const inputs = await here(await this.#inputs(feeds));
    const checks = [];
    const outputs = await this.#network.verify(inputs, (check) => {
      checks.push(Object.freeze(check));
      options.onCheck?.(check);
    });
    return { ok: checks.every((check) => check.ok), checks, outputs: this.#named(outputs.map(tensor)) };
  }

  /** Measures what runs spend their time on. */
  async profile(feeds, options = {}) {
    known("session.profile", options, ["repetitions"]);
    const { repetitions = 10 } = options;
    counted("session.profile", "repetitions", repetitions);
    return this.#network.profile(await here(await this.#inputs(feeds)), repetitions);
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
      let [together, count] = [0, 0];
      while (together < SPAN) {
        await this.run(feeds);
        count += 1;
        together = performance.now() - start;
      }
      times.push(together / count);
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
    this.#unbind();
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
    const named = outputs.map((output, index) => [this.outputNames[index], output]);
    return Object.fromEntries(named.filter(([name]) => fetches.includes(name)));
  }

  #locationOf(name) {
    return typeof this.#locations === "string" ? this.#locations : (this.#locations[name] ?? "cpu");
  }

  /** A run with tensors in GPU memory: inputs that are there are copied on it, and so are the outputs that are wanted there. */
  #runThere(inputs, wanted) {
    const shapes = inputs.map(({ dims }) => Uint32Array.from(dims));
    const key = JSON.stringify(inputs.map(({ dims }) => dims));
    const bound = this.#bound.get(key) ?? this.#boundTo(shapes);
    this.#bound.set(key, bound);
    // Its buffers are those of one run until the outputs are read.
    const outputs = bound.turn.then(async () => {
      if (this.#underWay.length >= UNDER_WAY) await this.#underWay.shift();
      this.#check();
      return this.#computedThere(bound, inputs, wanted);
    });
    bound.turn = outputs.catch(() => {});
    return outputs;
  }

  /** What runs with inputs of these shapes are by, in GPU memory. */
  #boundTo(shapes) {
    const plan = this.#network.bind(this.#device, shapes);
    return { plan, outputs: plan.outputs(), turn: Promise.resolve() };
  }

  async #computedThere({ plan, outputs }, inputs, wanted) {
    const device = this.#device.browserDevice();
    if (device === undefined) throw failure("DeviceLost", "the device was lost: restore() opens another, without what was in its memory");
    const isWanted = (index) => wanted.has(this.outputNames[index]);
    const made = outputs.map(([type, dims], index) => (isWanted(index) ? tensorOn(device, type, dims) : undefined));
    try {
      const read = await validated(device, () => {
        const run = plan.begin();
        try {
          inputs.forEach((input, index) => {
            if (isInGpuMemory(input)) run.take(index, input.type, input.gpuBuffer);
            else run.upload(index, input);
          });
          run.encode();
          made.forEach((output, index) => output && run.give(index, output.gpuBuffer));
        } catch (error) {
          run.free();
          throw error;
        }
        return { outputs: run.submit() };
      });
      this.#underWay.push(device.queue.onSubmittedWorkDone().catch(() => {}));
      return (await read.outputs).map((output, index) => made[index] ?? tensor(output));
    } catch (error) {
      made.forEach((output) => output?.dispose());
      throw error;
    }
  }

  #unbind() {
    for (const { plan } of this.#bound.values()) plan.free();
    this.#bound.clear();
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
        this.#unbind();
        this.#network?.free();
        this.#network = network;
        this.#device = device;
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
        let total = 1;
        onProgress({ stage: "prepare", done: 0, total });
        const extents = shapes.map((dims) => Uint32Array.from(dims));
        await this.#network.prepare(extents, (done, kernels) => {
          // Then there are only buffers to be made.
          total = kernels + 1;
          onProgress({ stage: "prepare", done, total });
        });
        onProgress({ stage: "prepare", done: total, total });
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

function checked(options) {
  known("InferenceSession.create", options, OPTIONS);
  const asked = options.backends ?? options.executionProviders ?? ["webgpu"];
  // What onnxruntime-web calls them.
  const backends = asked.map((backend) => backend?.name ?? backend).map((name) => (name === "wasm" ? "cpu" : name));
  if (backends.length === 0 || !backends.every((name) => BACKENDS.includes(name))) {
    throw new TypeError(`InferenceSession.create: expected backends of ${BACKENDS.join(", ")}, but got [${backends}]`);
  }
  const { precision = "f32", preferredOutputLocation = "cpu" } = options;
  const locations = typeof preferredOutputLocation === "string" ? [preferredOutputLocation] : Object.values(preferredOutputLocation);
  const unknown = locations.find((location) => !LOCATIONS.includes(location));
  if (unknown !== undefined) {
    throw new TypeError(`InferenceSession.create: expected a preferredOutputLocation of ${LOCATIONS.join(", ")}, but got ${unknown}`);
  }
  if (locations.includes("gpu-buffer") && (backends.some((name) => name !== "webgpu") || precision !== "f32")) {
    const what = `backends of webgpu alone and a precision of f32 for outputs in GPU memory`;
    throw new TypeError(`InferenceSession.create: expected ${what}, but got [${backends}] and ${precision}`);
  }
  return { ...options, backends, precision, preferredOutputLocation };
}

const isInGpuMemory = (tensor) => tensor.location === "gpu-buffer";

/** Tensors in the page's memory. */
function here(tensors) {
  const fetched = async (tensor) => (isInGpuMemory(tensor) ? new Tensor(tensor.type, await tensor.getData(), tensor.dims) : tensor);
  return Promise.all(tensors.map(fetched));
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
