// A model of the visitor's: what it is, how long it takes on either backend, and whether both say the same.

import { InferenceSession, Tensor, at, difference, download, failed, fill, told } from "./page.js";

let model;
let picture;
let report;
/** The session that is looked at operator by operator, and its inputs. */
let shown;

function choose(file) {
  model = file;
  at("run").disabled = false;
  at("status").classList.remove("wrong");
  at("status").textContent = `${file.name}, ${(file.size / 1e6).toFixed(1)} MB: ready to run.`;
}

at("model").addEventListener("change", ({ target }) => target.files[0] && choose(target.files[0]));
at("sample").addEventListener("click", async () => {
  const response = await fetch("models/lenet5.onnx");
  choose(new File([await response.blob()], "lenet5.onnx"));
});
at("picture").addEventListener("change", ({ target }) => (picture = target.files[0]));
document.addEventListener("dragover", (event) => event.preventDefault());
document.addEventListener("drop", (event) => {
  event.preventDefault();
  for (const file of event.dataTransfer.files) {
    if (file.type.startsWith("image/")) picture = file;
    else choose(file);
  }
});

/** Extents that the file leaves open are 1, and sides of pictures 224. */
function shapeOf({ dims }) {
  if (dims === undefined) throw new Error("this model says nothing of its inputs' shapes");
  return dims.map((dim, axis) => (typeof dim === "number" ? dim : axis >= 2 ? 224 : 1));
}

/** The picture where an input takes one; else numbers that are the same in every run. */
async function tensorFor(input) {
  const dims = shapeOf(input);
  const [, channels, height, width] = dims;
  if (picture && input.type === "float32" && dims.length === 4 && dims[0] === 1 && (channels === 1 || channels === 3)) {
    const bitmap = await createImageBitmap(picture);
    const tensorFormat = channels === 1 ? "GREY" : "RGB";
    return Tensor.fromImage(bitmap, { resizedWidth: width, resizedHeight: height, tensorFormat });
  }
  const size = dims.reduce((size, extent) => size * extent, 1);
  const whole = Array.from({ length: size }, (_, index) => (input.type === "float32" ? Math.abs(Math.sin(index + 1)) : 1));
  return new Tensor(input.type, whole, dims);
}

/** Milliseconds that something takes, and what comes of it. */
async function timed(work) {
  const start = performance.now();
  const result = await work();
  return [performance.now() - start, result];
}

async function measure(backend) {
  const [ready, session] = await timed(() => InferenceSession.create(model, { backends: [backend] }));
  const feeds = {};
  for (const input of session.inputMetadata) feeds[input.name] = await tensorFor(input);
  const [first, outputs] = await timed(() => session.run(feeds));
  const later = [];
  for (let i = 0; i < 10; i++) later.push((await timed(() => session.run(feeds)))[0]);
  const { inputMetadata, outputMetadata } = session;
  const device = told(session);
  return { session, device, ready, first, median: later.sort((a, b) => a - b)[5], outputs, feeds, inputMetadata, outputMetadata };
}

const rounded = (milliseconds) => Number(milliseconds.toFixed(1));

at("run").addEventListener("click", async () => {
  at("run").disabled = true;
  at("status").classList.remove("wrong");
  const results = {};
  const refused = {};
  for (const backend of ["webgpu", "cpu"]) {
    at("status").textContent = `Running on ${backend === "webgpu" ? "the GPU" : "the CPU"} …`;
    try {
      results[backend] = await measure(backend);
    } catch (error) {
      refused[backend] = error;
    }
  }
  at("run").disabled = false;
  shown?.session.dispose();
  const [any, other] = Object.values(results);
  other?.session.dispose();
  shown = any;
  if (any === undefined) {
    failed(at("status"), refused.cpu);
    at("results").hidden = true;
    return;
  }
  const ran = Object.values(results).map(({ device }) => device);
  const not = Object.entries(refused).map(([backend, { message }]) => `Not on ${backend}: ${message}`);
  at("status").textContent = [`Ran on ${ran.join(" and ")}.`, ...not].join(" ");
  at("results").hidden = false;
  at("inspected").textContent = inspected(any);
  at("verdict").textContent = "";
  for (const id of ["operator-heads", "operators"]) at(id).replaceChildren();
  fill(at("values"), [
    ...any.inputMetadata.map(({ name }) => [name, "input", any.feeds[name].toString()]),
    ...any.outputMetadata.map(({ name }) => [name, "output", any.outputs[name].toString()]),
  ]);
  const times = Object.entries(results).map(([backend, { ready, first, median }]) => [backend, ...[ready, first, median].map(rounded)]);
  fill(at("times"), times);
  const { webgpu, cpu } = results;
  const apart = webgpu && cpu ? difference(cpu.outputs, webgpu.outputs) : undefined;
  at("agreement").textContent =
    apart === undefined
      ? "Only one of them ran, so there is nothing to compare."
      : `Their outputs differ by ${apart.toExponential(1)} of the largest one at most.`;
  report = { model: model.name, browser: navigator.userAgent, ran, not, times, difference: apart };
});

function inspected({ session, feeds }) {
  const dims = Object.fromEntries(Object.entries(feeds).map(([name, { dims }]) => [name, dims]));
  try {
    const { opset, parameters, flops, operators } = session.inspect(dims);
    const [numbers, work] = [parameters, flops].map((number) => number.toLocaleString("en"));
    return `${operators.length} operators of opset ${opset}, ${numbers} parameters, ${work} floating-point operations a run.`;
  } catch (error) {
    return error.message;
  }
}

/** Has a button do something that takes a while, and says what went wrong. */
function does(id, doing, work) {
  at(id).addEventListener("click", async () => {
    at(id).disabled = true;
    at("verdict").classList.remove("wrong");
    at("verdict").textContent = doing;
    try {
      await work(shown);
    } catch (error) {
      failed(at("verdict"), error);
    } finally {
      at(id).disabled = false;
    }
  });
}

function operators(heads, rows) {
  const cells = heads.map((text) => {
    const head = document.createElement("th");
    head.scope = "col";
    head.textContent = text;
    return head;
  });
  const row = document.createElement("tr");
  row.append(...cells);
  at("operator-heads").replaceChildren(row);
  fill(at("operators"), rows);
}

const percent = (part) => Number((100 * part).toFixed(1));

does("verify", "Checking …", async ({ session, feeds }) => {
  const seen = [];
  const onCheck = ({ node }) => (at("verdict").textContent = `Checked ${seen.push(node)}: ${node} …`);
  const { ok, checks } = await session.verify(feeds, { onCheck });
  const verdict = ({ ok, suspicious, error }) => (ok ? (suspicious ? "suspicious" : "right") : `wrong: ${error}`);
  operators(
    ["Node", "Operator", "Output", "Of its bound, %", "Verdict"],
    checks.map((check) => [check.node, check.operator, check.dims.join(" × "), percent(check.partOfBound), verdict(check)]),
  );
  at("verdict").classList.toggle("wrong", !ok);
  at("verdict").textContent = ok
    ? `All ${checks.length} operators are within the bounds of a float64 reference, on ${session.device}.`
    : `${checks.filter((check) => !check.ok).length} of ${checks.length} operators are wrong, on ${session.device}.`;
  report.checks = checks;
});

does("profile", "Measuring …", async ({ session, feeds }) => {
  const profile = await session.profile(feeds);
  const layers = profile.layers.filter(({ milliseconds }) => milliseconds > 0).sort((a, b) => b.milliseconds - a.milliseconds);
  operators(
    ["Node", "Operator", "Kernels", "Time, ms", "Share, %", "Of the ceiling, %"],
    layers.map(({ node, operator, kernels, milliseconds, share, efficiency }) => [
      node,
      operator,
      kernels.join(", "),
      Number(milliseconds.toFixed(3)),
      percent(share),
      percent(efficiency),
    ]),
  );
  at("verdict").textContent = `${profile.kernels.toFixed(2)} ms in kernels, ${profile.run.toFixed(2)} ms a run, by ${profile.timing}, on ${session.device}.`;
  report.profile = profile;
});

at("report").addEventListener("click", () => download("convoke-report.json", report));
