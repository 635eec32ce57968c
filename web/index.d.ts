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
}

/** Where a session runs. */
export type Backend = "webgpu" | "cpu";

/** How far `InferenceSession.create` is. `done` of `total` are bytes, or for `"prepare"` 0 or 1 of 1. */
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
  /** Runs on inputs by their names, and gives all outputs, or those that are named, by theirs. */
  run(feeds: Record<string, Tensor>, fetches?: readonly string[]): Promise<Record<string, Tensor>>;
  /** Makes ready what runs with inputs of these shapes need, so that the first one is as fast as the next. */
  prepare(shapes: Record<string, readonly number[]>): Promise<void>;
  /** Opens the device anew and makes the session ready on it, after an error whose code is `"DeviceLost"`. */
  restore(): Promise<void>;
  /** Frees what the session has. */
  dispose(): void;
  /** `dispose`, by the name that onnxruntime-web has for it. */
  release(): Promise<void>;
}

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
export const env: { wasm?: string | URL | Request | Response | BufferSource | WebAssembly.Module };

/** Loads the WebAssembly, once. Sessions do it by themselves. */
export function load(): Promise<unknown>;
