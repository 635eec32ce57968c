// What all pages have in common: where the package is, and plain words for what went wrong.

import { InferenceSession, Tensor } from "./convoke/index.js";

export { InferenceSession, Tensor };

/** The element of this id. */
export const at = (id) => document.getElementById(id);

/** A session on the GPU, or on the CPU where there is none, which it says in `place`. */
export async function open(source, place, options = {}) {
  place.textContent = "Getting ready …";
  const session = await InferenceSession.create(source, { backends: ["webgpu", "cpu"], ...options });
  place.textContent = `Running on ${told(session)}.`;
  return session;
}

/** Where a session runs, and why not on the GPU. */
export function told(session) {
  if (session.backend === "webgpu") return `WebGPU: ${session.device}`;
  const [refusal] = session.refusals;
  if (refusal === undefined) return session.device;
  const reason = refusal.error.code === "NoAdapter" ? "this browser offers no WebGPU here" : refusal.error.message;
  return `${session.device}, since ${reason}`;
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
