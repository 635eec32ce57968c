// What a program in TypeScript may write, and what its compiler must refuse. It is compiled, and never run.

import { type ConvokeError, InferenceSession, Tensor, conv2d, env, maxPool2d, pad } from "../src/index.js";

export async function classify(picture: ImageBitmap): Promise<Float32Array> {
  const session = await InferenceSession.create("model.onnx", {
    backends: ["webgpu", "cpu"],
    externalData: [{ path: "model.onnx.data", data: "weights.bin" }],
    precision: "f16",
    shapes: { input: [1, 3, 224, 224] },
    onProgress: ({ stage, done, total }) => console.log(stage, done / total),
  });
  const input = Tensor.fromImage(picture, { resizedWidth: 224, resizedHeight: 224, mean: [0.485, 0.456, 0.406], std: 0.2 });
  const ids = new Tensor("int64", [1n, 2n], [1, 2]);
  const first: bigint | undefined = ids.data[0];
  console.log(first, session.backend, session.refusals.map(({ error }: { error: ConvokeError }) => error.code));
  const { output } = await session.run({ input });
  session.dispose();
  if (output?.type !== "float32") throw new Error(`expected float32, but got ${output}`);
  return (output as Tensor<"float32">).data;
}

export async function prove(session: InferenceSession, input: Tensor): Promise<string[]> {
  const { ok, checks } = await session.verify({ input }, { onCheck: (check) => console.log(check.node, check.partOfBound) });
  const { layers } = await session.profile({ input }, { repetitions: 3 });
  const { median } = await session.bench({ input });
  console.log(ok, median, session.inspect({ input: [1, 3, 224, 224] }).operators.length, layers.map((layer) => layer.share));
  return checks.map((check) => check.error ?? "");
}

export async function edges(picture: Tensor<"float32">, weight: Tensor<"float32">): Promise<Tensor<"float32">> {
  const found = await conv2d(picture, weight, { padding: "same", paddingMode: "reflect", backend: "cpu" });
  return pad(await maxPool2d(found, 2, { stride: [2, 1] }), [1, 1, 0, 0], { mode: "circular" });
}

export async function drawn(frame: GPUBuffer): Promise<GPUBuffer> {
  const session = await InferenceSession.create("model.onnx", { preferredOutputLocation: { mask: "gpu-buffer" } });
  const input = Tensor.fromGpuBuffer(frame, { dims: [1, 3, 224, 224] });
  const { mask } = await session.run({ input });
  const device: GPUDevice = await env.webgpu.device;
  device.queue.submit([]);
  console.log((await input.getData()).length, mask?.location);
  if (mask === undefined) throw new Error("expected a mask");
  return mask.gpuBuffer;
}

// @ts-expect-error elements that are not in GPU memory what they are in the page's
void Tensor.fromGpuBuffer({} as GPUBuffer, { dataType: "int64", dims: [1] });
// @ts-expect-error a padding mode of another name
void conv2d(new Tensor("float32", [1], [1, 1, 1, 1]), new Tensor("float32", [1], [1, 1, 1, 1]), { paddingMode: "mirror" });
// @ts-expect-error a misspelt option
void InferenceSession.create("model.onnx", { backend: "cpu" });
// @ts-expect-error an unknown backend
void InferenceSession.create("model.onnx", { backends: ["webnn"] });
// @ts-expect-error an array of another type
void new Tensor("float32", new Int32Array(1), [1]);
// @ts-expect-error sessions are made by create
void new InferenceSession();
