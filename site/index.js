// What the visitor's browser can do: its adapter, as far as it tells, and the limits that matter to networks.

import { at, failed, fill } from "./page.js";

const bytes = (count) => (count >= 2 ** 30 ? `${count / 2 ** 30} GiB` : `${count / 2 ** 20} MiB`);

async function rows() {
  const cpu = [
    ["CPU threads", `${navigator.hardwareConcurrency}`],
    ["CPU backend", `WebAssembly, 128-bit vectors, ${crossOriginIsolated ? "several threads" : "one thread, as the page is not isolated"}`],
  ];
  const adapter = await navigator.gpu?.requestAdapter();
  if (!adapter) {
    at("status").textContent =
      navigator.gpu === undefined
        ? "This browser has no WebGPU: networks run on the CPU here."
        : "This browser has WebGPU, but no adapter for it: networks run on the CPU here.";
    return cpu;
  }
  const { info, limits, features } = adapter;
  at("status").textContent = info.isFallbackAdapter
    ? "This browser has WebGPU, played by the CPU: it works, slowly."
    : "This browser has WebGPU.";
  const has = (feature) => (features.has(feature) ? "yes" : "no");
  return [
    ["Maker and family", [info.vendor, info.architecture].filter(Boolean).join(" ") || "not told"],
    ["Name", info.description || info.device || "not told"],
    ["A GPU of its own", info.isFallbackAdapter ? "no, the CPU plays it" : "yes"],
    ["16-bit floats", has("shader-f16")],
    ["Subgroups", features.has("subgroups") ? `yes, of ${info.subgroupMinSize} to ${info.subgroupMaxSize}` : "no"],
    ["Times on the GPU", has("timestamp-query")],
    ["Largest tensor", bytes(Math.min(limits.maxStorageBufferBindingSize, limits.maxBufferSize))],
    ["Invocations in a workgroup", `${limits.maxComputeInvocationsPerWorkgroup}`],
    ["Memory of a workgroup", `${limits.maxComputeWorkgroupStorageSize / 1024} KiB`],
    ...cpu,
  ];
}

try {
  const known = await rows();
  fill(at("adapter"), known);
  at("copy").hidden = false;
  at("copy").addEventListener("click", async () => {
    const text = [navigator.userAgent, ...known.map(([name, value]) => `${name}: ${value}`)].join("\n");
    await navigator.clipboard.writeText(text);
    at("copy").textContent = "Copied";
  });
} catch (error) {
  failed(at("status"), error);
}
