// The WebAssembly of the entry, and the settings that say which and how.

import * as alone from "./convoke_web.js";
import * as builds from "./builds.js";
import { counted } from "./checks.js";
import { gpuDevice } from "./device.js";

/** Where the WebAssembly is, if it is not beside this file; the threads and vectors of the CPU backend; and the page's GPU. */
export const env = {
  wasm: undefined,
  threads: undefined,
  relaxedSimd: undefined,
  webgpu: {
    get device() {
      return gpuDevice();
    },
  },
};

/** The WebAssembly once it is loaded, with threads or without. */
export let wasm;

let ready;

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
  const relaxed = relaxedSimdWanted() ? (threads === 1 ? builds.relaxed : builds.threads.relaxed) : undefined;
  const module = threads === 1 ? alone : await builds.threads.load();
  const path = env.wasm ?? relaxed;
  await module.default(path === undefined ? undefined : { module_or_path: path });
  if (threads > 1) await module.initThreadPool(threads);
  wasm = module;
}

/** One where no memory can be shared with workers. A page's own thread does not help the others, and waits for them by asking. */
function threadsWanted() {
  const isShared = builds.threads !== undefined && globalThis.crossOriginIsolated === true;
  if (env.threads === undefined) {
    if (!isShared || env.wasm !== undefined) return 1;
    const cores = navigator.hardwareConcurrency - (typeof window === "undefined" ? 0 : 1);
    return Math.max(1, Math.min(cores, 8));
  }
  counted("env", "threads", env.threads);
  if (env.threads > 1 && !isShared) {
    const where = builds.threads === undefined ? "in this entry" : "where the page is not cross-origin isolated";
    throw new Error(`env.threads: expected 1 ${where}, but got ${env.threads}`);
  }
  return env.threads;
}

/** Unless they are said to be unwanted, where the browser has them. */
function relaxedSimdWanted() {
  if (env.relaxedSimd !== undefined && typeof env.relaxedSimd !== "boolean") {
    throw new TypeError(`env.relaxedSimd: expected true or false, but got ${JSON.stringify(env.relaxedSimd)}`);
  }
  const isThere = builds.relaxed !== undefined && WebAssembly.validate(RELAXED_MADD);
  if (env.relaxedSimd === true && !isThere) {
    const which = builds.relaxed === undefined ? "this entry has no CPU backend" : "the browser has no relaxed vectors";
    throw new Error(`env.relaxedSimd: expected false, as ${which}, but got true`);
  }
  return env.relaxedSimd ?? isThere;
}

/** A module of one function that multiplies and adds: `local.get 0, local.get 0, local.get 0, f32x4.relaxed_madd`. */
const RELAXED_MADD = Uint8Array.of(
  ...[0, 97, 115, 109, 1, 0, 0, 0, 1, 6, 1, 96, 1, 123, 1, 123, 3, 2, 1, 0],
  ...[10, 13, 1, 11, 0, 32, 0, 32, 0, 32, 0, 253, 133, 2, 11],
);
