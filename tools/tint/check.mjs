// Has Tint, Chrome's compiler, judge every .wgsl file of some folders, through Dawn: shader modules and pipelines.
//
//   node check.mjs DIR...
//
// On Dawn's null backend, which checks everything, has every extension and needs no driver.
// Ends with 0 if all are accepted and there is at least one, with 1 otherwise. The last line counts them.
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import process from 'node:process';
import { create, globals } from 'webgpu';

// What kernels may name in a line `enable ...;`, as features of a device.
const EXTENSIONS = ['shader-f16', 'subgroups'];
// Only the first files are shown of those that are refused for one reason.
const SHOWN = 3;

function fail(message) {
  console.error(`tint: ${message}`);
  process.exit(1);
}

function files(folders) {
  const missing = folders.filter((folder) => !existsSync(folder));
  if (folders.length === 0 || missing.length > 0) {
    fail(`expected folders of .wgsl files, got ${missing.join(', ') || 'none'}`);
  }
  // One kernel with the same constants has one name, in whatever folder.
  const texts = new Map();
  for (const folder of folders) {
    for (const name of readdirSync(folder).filter((name) => name.endsWith('.wgsl')).sort()) {
      const text = readFileSync(join(folder, name), 'utf8');
      texts.set(`${name}\n${text}`, { name, text });
    }
  }
  return [...texts.values()];
}

// A device with the extensions. Its limits are those that every WebGPU device has: a kernel that needs more is refused.
async function open() {
  const gpu = create(['backend=null']);
  const adapter = await gpu.requestAdapter();
  if (!adapter) fail('expected the null backend of Dawn, got no adapter');
  const missing = EXTENSIONS.filter((feature) => !adapter.features.has(feature));
  // Texts would be refused for what the device lacks.
  if (missing.length > 0) fail(`expected an adapter with ${missing.join(', ')}, got one without`);
  const device = await adapter.requestDevice({ requiredFeatures: EXTENSIONS });
  // Dawn is gone with its `gpu`, whatever is left of its devices.
  return { gpu, device };
}

// Why a text is refused, with its place; null where it is accepted.
async function refusal(device, text) {
  device.pushErrorScope('validation');
  const module = device.createShaderModule({ code: text });
  const { messages } = await module.getCompilationInfo();
  let reason = null;
  const errors = messages.filter((message) => message.type === 'error');
  if (errors.length > 0) {
    const [{ lineNum, linePos, message }] = errors;
    reason = { message, place: `${lineNum}:${linePos}`, line: text.split('\n')[lineNum - 1]?.trim() ?? '' };
  } else {
    try {
      await device.createComputePipelineAsync({ layout: 'auto', compute: { module, entryPoint: 'main' } });
    } catch (error) {
      reason = { message: error.message.split('\n')[0], place: 'pipeline', line: '' };
    }
  }
  const scoped = await device.popErrorScope();
  if (!reason && scoped) reason = { message: scoped.message.split('\n')[0], place: 'module', line: '' };
  return reason;
}

Object.assign(globalThis, globals);
const texts = files(process.argv.slice(2));
const { gpu, device } = await open();
const reasons = new Map();
let refused = 0;
for (const { name, text } of texts) {
  const reason = await refusal(device, text);
  if (!reason) continue;
  refused += 1;
  const key = `${reason.message}\n    ${reason.line}`;
  reasons.set(key, [...(reasons.get(key) ?? []), `${name}:${reason.place}`]);
}
for (const [reason, places] of reasons) {
  console.error(`tint: refused ${places.length}: ${reason}`);
  for (const place of places.slice(0, SHOWN)) console.error(`    in ${place}`);
  if (places.length > SHOWN) console.error(`    and ${places.length - SHOWN} more`);
}
console.log(`tint: ${texts.length - refused} accepted, ${refused} refused`);
// Dawn's threads would keep the process, and `gpu` is kept until here.
process.exit(gpu && refused === 0 && texts.length > 0 ? 0 : 1);
