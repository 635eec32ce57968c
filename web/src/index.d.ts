/** The type of a tensor's elements. */
export type DataType = "float32" | "float16" | "int64" | "int32" | "uint8" | "int8" | "bool";

/** The array that holds elements of each type: 16-bit floats as their bits, bools as 0 and 1. */
export interface DataArrays {
  float32: Float32Array;
  float16: Uint16Array;
  int64: BigInt64Array;
  int32: Int32Array;
  uint8: Uint8Array;
  int8: Int8Array;
  bool: Uint8Array;
}

/** What `Tensor.fromImage` reads. */
export type ImageSource =
  | ImageData
  | ImageBitmap
  | HTMLImageElement
  | HTMLVideoElement
  | HTMLCanvasElement
  | OffscreenCanvas
  | VideoFrame;

/** Where a file's content comes from: its address, or the content itself. */
export type Content = string | URL | Request | Response | ArrayBuffer | ArrayBufferView | Blob;

/** How a picture becomes a tensor. */
export interface ImageOptions {
  /** The width to scale to; the picture's own if absent. */
  resizedWidth?: number;
  /** The height to scale to; the picture's own if absent. */
  resizedHeight?: number;
  /** The channels and their order, `"RGB"` if absent. `"GREY"` is luma by Rec. 601. */
  tensorFormat?: "RGB" | "BGR" | "GREY";
  /** What is subtracted from values of 0 to 1: a number, or one for each channel; 0 if absent. */
  mean?: number | readonly number[];
  /** What is divided by after that: a number, or one for each channel; 1 if absent. */
  std?: number | readonly number[];
}

/** Elements of one type in a shape. Read-only but for the elements themselves. */
export class Tensor<T extends DataType = DataType> {
  /** Elements of a named type. A plain array is converted, but for 16-bit floats. */
  constructor(type: T, data: DataArrays[T] | readonly (number | bigint | boolean)[], dims?: readonly number[]);
  /** Elements of the type that the array is of: one of bytes holds `uint8`, one of booleans `bool`. */
  constructor(data: DataArrays[T] | readonly boolean[], dims?: readonly number[]);
  readonly type: T;
  /** Where the elements are: in the page's memory or in the GPU's. */
  readonly location: "cpu" | "gpu-buffer";
  /** The elements. Throws where they are in GPU memory. */
  readonly data: DataArrays[T];
  readonly dims: readonly number[];
  /** How many elements it has. */
  readonly size: number;
  /** The same elements in another shape; both tensors have them. */
  reshape(dims: readonly number[]): Tensor<T>;
  /** A picture as a tensor [1, channels, height, width] of `(value / 255 - mean) / std`. */
  static fromImage(image: ImageSource, options?: ImageOptions): Tensor<"float32">;
  /** The inverse of `fromImage`: a tensor [1, 1 or 3, height, width] as a picture. */
  toImageData(options?: Pick<ImageOptions, "mean" | "std">): ImageData;
  /** Type and shape, `float32[1, 3, 224, 224]`. */
  toString(): string;
  /** A tensor whose elements are the first of a buffer of `env.webgpu.device`, which has the usage `COPY_SRC` and stays the caller's. */
  static fromGpuBuffer<T extends "float32" | "int32" = "float32">(
    buffer: GPUBuffer,
    options: { dataType?: T; dims: readonly number[] },
  ): Tensor<T>;
  /** The buffer that the elements lie in from its first byte on. Throws where they are in the page's memory. */
  readonly gpuBuffer: GPUBuffer;
  /** The elements, which are copied where they are in GPU memory. */
  getData(): Promise<DataArrays[T]>;
  /** Frees the GPU memory of a tensor that a run has made; nothing for others. */
  dispose(): void;
}

/** Where a session runs. */
export type Backend = "webgpu" | "cpu";

/** How far `InferenceSession.create` is. `done` of `total` are bytes, or for `"prepare"` kernels that are compiled, and all else as one. */
export interface Progress {
  stage: "download" | "read" | "prepare";
  done: number;
  total: number;
}

export interface SessionOptions {
  /**
   * The backends that may be used, the first one that is there and takes the model first; `["webgpu"]` if absent. With that alone
   * a page without WebGPU, or a model that it cannot run, is an error, never a slower session in silence.
   */
  backends?: readonly Backend[];
  /** The same by the names of onnxruntime-web, whose `"wasm"` is the CPU. */
  executionProviders?: readonly (Backend | "wasm" | { name: Backend | "wasm" })[];
  /** How numbers are stored on a GPU, `"f32"` if absent; `"f16"` is refused where the GPU has no 16-bit floats. */
  precision?: "f32" | "f16";
  /**
   * Where outputs are put, all or each by its name; `"cpu"`, in the page's memory, if absent. In the GPU's they are tensors of float32 or
   * int32, which the caller disposes of; for that `backends` is `["webgpu"]`, and `precision` is `"f32"`.
   */
  preferredOutputLocation?: Tensor["location"] | Record<string, Tensor["location"]>;
  /** The shapes of inputs whose extents the file leaves open: with all known, `create` makes ready what the first run needs. */
  shapes?: Record<string, readonly number[]>;
  /** Files that a model's tensors lie in, by their locations in the model. */
  externalData?: readonly { path: string; data: Content }[];
  /** Hears how far it is. */
  onProgress?: (progress: Progress) => void;
}

/** An input or output as the file declares it. */
export interface ValueMetadata {
  readonly name: string;
  /** Absent for a type that convoke does not have. */
  readonly type?: DataType;
  /** Numbers, names of extents that are open, or neither; absent where not even their number is declared. */
  readonly dims?: readonly (number | string | undefined)[];
}

/** A model made ready to run, any number of times. Made by `InferenceSession.create`. */
export class InferenceSession {
  private constructor();
  /**
   * Makes a session of an ONNX file: of its address, or of its content.
   *
   * Rejected with a `ConvokeError` where the file is no model, no backend is there, or none runs the model.
   */
  static create(source: Content, options?: SessionOptions): Promise<InferenceSession>;
  /** Where it runs. Where extents are open, a run may still find that the backend refuses them, and go on to the next one allowed. */
  readonly backend: Backend;
  /** What it runs on, for people. */
  readonly device: string;
  /** The backends that were tried before, each with why it was not used. */
  readonly refusals: readonly { backend: Backend; error: ConvokeError }[];
  readonly inputNames: readonly string[];
  readonly outputNames: readonly string[];
  readonly inputMetadata: readonly ValueMetadata[];
  readonly outputMetadata: readonly ValueMetadata[];
  /**
   * Runs on inputs by their names, and gives all outputs, or those that are named, by theirs. Inputs in GPU memory are used there on
   * WebGPU with numbers stored as f32, and fetched otherwise.
   */
  run(feeds: Record<string, Tensor>, fetches?: readonly string[]): Promise<Record<string, Tensor>>;
  /**
   * Runs, and checks each operator by itself: what the backend made of the operator's inputs against what a float64 reference makes of
   * the same inputs, within a bound that is derived from the rounding of every step. All intermediate results are kept, so this is slow.
   */
  verify(feeds: Record<string, Tensor>, options?: { onCheck?: (check: Check) => void }): Promise<Verification>;
  /** Measures what runs spend their time on: the least of so many (10 if absent) for each operator. Browsers round times. */
  profile(feeds: Record<string, Tensor>, options?: { repetitions?: number }): Promise<Profile>;
  /**
   * Times so many whole runs (20 if absent), inputs written and outputs read, after one that warms up. Browsers round times: runs of less
   * than 2 ms are timed several at a time, and count as one.
   */
  bench(feeds: Record<string, Tensor>, options?: { runs?: number }): Promise<Benchmark>;
  /** What the model computes for inputs of these shapes: those that the file leaves open must be given. Throws a `ConvokeError`. */
  inspect(shapes?: Record<string, readonly number[]>): Inspection;
  /** Makes ready what runs with inputs of these shapes need, so that the first one is as fast as the next. */
  prepare(shapes: Record<string, readonly number[]>): Promise<void>;
  /** Opens the device anew and makes the session ready on it, after an error whose code is `"DeviceLost"`. */
  restore(): Promise<void>;
  /** Frees what the session has. */
  dispose(): void;
  /** `dispose`, by the name that onnxruntime-web has for it. */
  release(): Promise<void>;
}

/** An operator that `verify` checked. */
export interface Check {
  readonly node: string;
  /** By its PyTorch name. */
  readonly operator: string;
  /** The shape of its first output. */
  readonly dims: readonly number[];
  /** Whether all elements are within their bounds. */
  readonly ok: boolean;
  /** The first element that is not, and what it should be. */
  readonly error?: string;
  /** How much of its bound the worst element takes up, those that came as NaN or infinite left out: 0 where all are exact. */
  readonly partOfBound: number;
  /** Whether errors are within the bounds and yet larger than random rounding would explain. */
  readonly suspicious: boolean;
}

export interface Verification {
  /** Whether all operators are. */
  ok: boolean;
  /** In the order that they run; those that the passes left. */
  checks: Check[];
  outputs: Record<string, Tensor>;
}

/** Where a run's time goes; all times in milliseconds. */
export interface Profile {
  /** What times were measured by. */
  timing: string;
  repetitions: number;
  layers: LayerProfile[];
  /** All kernel calls, each by itself. */
  kernels: number;
  /** All kernel calls together, until they are done. */
  dispatches: number;
  /** A whole run, with inputs written and outputs read. */
  run: number;
  /** The device's measured ceilings: 10^9 floating-point operations, and bytes, a second. */
  gflops: number;
  gbs: number;
}

export interface LayerProfile {
  node: string;
  operator: string;
  /** The shape of its first output. */
  dims: number[];
  /** The names of its kernels. */
  kernels: string[];
  milliseconds: number;
  /** Its part of all kernels' time, from 0 to 1. */
  share: number;
  flops: number;
  bytes: number;
  /** How near it is to the least time that the ceilings allow, which is 1. */
  efficiency: number;
}

/** Times of whole runs in milliseconds. */
export interface Benchmark {
  backend: Backend;
  device: string;
  runs: number;
  least: number;
  median: number;
  p90: number;
}

/** What a model computes for certain shapes of its inputs, before any pass. */
export interface Inspection {
  /** The version of ONNX's operators that it is written for. */
  opset: number;
  /** How many numbers its weights have. */
  parameters: number;
  /** Floating-point operations of convolutions and matrix products. */
  flops: number;
  operators: { node: string; operator: string; inputs: TensorInfo[]; outputs: TensorInfo[] }[];
}

export interface TensorInfo {
  type: DataType;
  dims: number[];
}

/** What stands outside an input, by the names of `torch.nn.Conv2d`. */
export type PaddingMode = "zeros" | "reflect" | "replicate" | "circular";
/** One number for rows and columns, or `[rows, columns]`. */
export type Pair = number | readonly [number, number];
/** For all sides, `[rows, columns]`, or `[left, right, top, bottom]` as in `torch.nn.functional.pad`. */
export type Sides = Pair | readonly [number, number, number, number];

/** Where an operator runs: `"webgpu"` if absent. */
export interface OperatorOptions {
  backend?: Backend;
}

/**
 * `torch.nn.functional.conv2d` of an input [N, C, H, W] and a weight [C_out, C / groups, KH, KW], with a padding mode as
 * `torch.nn.Conv2d` has it. Rejected with a `ConvokeError` where shapes or numbers do not fit.
 */
export function conv2d(
  input: Tensor<"float32">,
  weight: Tensor<"float32">,
  options?: OperatorOptions & {
    /** [C_out]. */
    bias?: Tensor<"float32">;
    stride?: Pair;
    padding?: Sides | "same";
    paddingMode?: PaddingMode;
    dilation?: Pair;
    groups?: number;
  },
): Promise<Tensor<"float32">>;

/** `torch.nn.functional.max_pool2d` of [N, C, H, W]; the stride is the kernel's size if absent. */
export function maxPool2d(
  input: Tensor<"float32">,
  kernelSize: Pair,
  options?: OperatorOptions & { stride?: Pair; padding?: Sides; dilation?: Pair; ceilMode?: boolean },
): Promise<Tensor<"float32">>;

/** `torch.nn.functional.avg_pool2d` of [N, C, H, W]; the stride is the kernel's size if absent. */
export function avgPool2d(
  input: Tensor<"float32">,
  kernelSize: Pair,
  options?: OperatorOptions & { stride?: Pair; padding?: Sides; ceilMode?: boolean; countIncludePad?: boolean },
): Promise<Tensor<"float32">>;

/** `torch.nn.functional.pad` of the last two axes; constant numbers, 0 if absent, may be negative and crop. */
export function pad(
  input: Tensor<"float32">,
  padding: Sides,
  options?: OperatorOptions & { mode?: PaddingMode | "constant"; value?: number },
): Promise<Tensor<"float32">>;

/** An error of the library's, with its kind. */
export interface ConvokeError extends Error {
  name: "ConvokeError";
  code:
    | "InvalidArgument"
    | "Unsupported"
    | "NoAdapter"
    | "LimitExceeded"
    | "OverLimit"
    | "OutOfMemory"
    | "DeviceLost"
    | "Gpu"
    | "Weights"
    | "Onnx"
    | "Internal";
}

/** Where the WebAssembly is, if it is not beside the package's JavaScript: set it before anything else. */
export const env: {
  wasm?: string | URL | Request | Response | BufferSource | WebAssembly.Module;
  /**
   * How many threads the CPU backend computes with: 1, or more where the page is cross-origin isolated, so that workers share its
   * memory; then, if absent, as many as the machine has, but for the page's own, and 8 at most. With `wasm` set it is 1 if absent, and
   * for more that must be the WebAssembly of `threads/`.
   */
  threads?: number;
  /**
   * Whether the CPU backend multiplies and adds in one step (relaxed SIMD), rounding once where the machine does: if absent, where the
   * browser can. With `wasm` set that file decides.
   */
  relaxedSimd?: boolean;
  /** The page's GPU that sessions run on, which is opened if it is not: for buffers of the page's own. */
  readonly webgpu: { readonly device: Promise<GPUDevice> };
};

/** Loads the WebAssembly, once. Sessions do it by themselves. */
export function load(): Promise<unknown>;
