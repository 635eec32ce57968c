// What all pages have in common: where the package is, and plain words for what went wrong.

import { InferenceSession, Tensor, avgPool2d, conv2d, maxPool2d, pad } from "./convoke/index.js";

export { InferenceSession, Tensor, avgPool2d, conv2d, maxPool2d, pad };

// What was seen once is there without a network, too.
navigator.serviceWorker?.register("offline.js").catch(() => {});

/** The element of this id. */
export const at = (id) => document.getElementById(id);

/** A session on the GPU, or on the CPU where there is none, which it says in `place`. */
export async function open(source, place, options = {}) {
  place.textContent = "Getting ready …";
  const session = await InferenceSession.create(source, { backends: ["webgpu", "cpu"], ...options });
  place.textContent = `Running on ${told(session)}.`;
  return session;
}

const NO_WEBGPU = "this browser offers no WebGPU here";

/** Where a session runs, and why not on the GPU. */
export function told(session) {
  if (session.backend === "webgpu") return `WebGPU: ${session.device}`;
  const [refusal] = session.refusals;
  if (refusal === undefined) return session.device;
  const reason = refusal.error.code === "NoAdapter" ? NO_WEBGPU : refusal.error.message;
  return `${session.device}, since ${reason}`;
}

/** The backend that single operators run on, said in `place`: the GPU, or the CPU where there is none. */
export async function fallback(place) {
  const one = new Tensor("float32", [1], [1, 1, 1, 1]);
  try {
    await pad(one, 0);
    place.textContent = "Computed on WebGPU.";
    return "webgpu";
  } catch (error) {
    if (error.code !== "NoAdapter") throw error;
    place.textContent = `Computed on the CPU, since ${NO_WEBGPU}.`;
    return "cpu";
  }
}

/** The largest difference of two runs' outputs, by the largest output. */
export function difference(one, other) {
  let [worst, largest] = [0, 0];
  for (const [name, { data }] of Object.entries(one)) {
    for (let i = 0; i < data.length; i++) {
      const [left, right] = [Number(data[i]), Number(other[name].data[i])];
      if (Object.is(left, right)) continue;
      // NaN stays, and is told of.
      worst = Math.max(worst, Math.abs(left - right));
      largest = Math.max(largest, Math.abs(left));
    }
  }
  return worst === 0 ? 0 : worst / largest;
}

/** Hands the visitor a file of what was measured. */
export function download(name, report) {
  const link = document.createElement("a");
  link.href = URL.createObjectURL(new Blob([JSON.stringify(report, undefined, 2)], { type: "application/json" }));
  link.download = name;
  link.click();
  URL.revokeObjectURL(link.href);
}

/** Shows an error where it will be read. */
export function failed(place, error) {
  place.textContent = error.message;
  place.classList.add("wrong");
}

/** A table's rows, of texts; numbers are set as such. */
export function fill(body, rows) {
  body.replaceChildren(
    ...rows.map(([head, ...cells]) => {
      const row = document.createElement("tr");
      const first = document.createElement("th");
      first.scope = "row";
      first.textContent = head;
      row.append(first);
      for (const cell of cells) {
        const data = document.createElement("td");
        data.textContent = typeof cell === "number" ? cell.toLocaleString("en") : cell;
        if (typeof cell === "number") data.className = "number";
        row.append(data);
      }
      return row;
    }),
  );
}

/**
 * An ONNX model with more outputs: values that it computes, by their names. In Protocol Buffers' format what is appended is merged, here
 * entries of the graph (field 7) that name outputs (field 12).
 */
export function withOutputs(model, names) {
  const field = (number, content) => [(number << 3) | 2, content.length, ...content];
  const text = new TextEncoder();
  const added = names.flatMap((name) => field(7, field(12, field(1, [...text.encode(name)]))));
  const bytes = new Uint8Array(model.length + added.length);
  bytes.set(model);
  bytes.set(added, model.length);
  return bytes;
}
