// The entry without sessions: the same names and types.

export { Tensor, avgPool2d, conv2d, env, load, maxPool2d, pad } from "../index.js";
export type {
  Backend,
  ConvokeError,
  DataArrays,
  DataType,
  ImageOptions,
  ImageSource,
  OperatorOptions,
  PaddingMode,
  Pair,
  Sides,
} from "../index.js";
