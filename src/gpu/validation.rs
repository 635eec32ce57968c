//! Every kernel with all the constants that lowering gives it, checked without an adapter: the WGSL by naga, pipelines,
//! layouts and bindings on wgpu's noop device, and each host struct and constant against its twin in the shaders.

mod table;

use std::collections::{BTreeSet, HashMap, HashSet};
use std::path::{Path, PathBuf};

use wgpu::naga;

use self::table::{Entry, of_floats, record, table};
use super::{AdapterInfo, DeviceClass};
use crate::environment;
use crate::gpu::device::capabilities::Capabilities;
use crate::gpu::device::context::Context;
use crate::gpu::device::raw_device::RawDevice;
use crate::gpu::plan::executable::Executable;
use crate::gpu::plan::recording::Recording;
use crate::gpu::wgsl::dump;
use crate::gpu::wgsl::imports;
use crate::gpu::wgsl::initial_values::with_initial_values;
use crate::gpu::wgsl::kernel::{Code, Dialect, Kernel, PipelineKey};
use crate::gpu::wgsl::loop_limit::MOST_ROUNDS;
use crate::gpu::wgsl::loop_limit::is_loop;
use crate::gpu::wgsl::parameters::FieldKind;
use crate::gpu::wgsl::storage::Storage;
use crate::{Error, PaddingMode};

fn shaders() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("shaders")
}

/// The pipelines that the table needs, each once.
fn keys() -> Vec<PipelineKey> {
    let entries = table();
    let keys: HashSet<PipelineKey> = entries.iter().flat_map(Entry::keys).cloned().collect();
    keys.into_iter().collect()
}

/// Parses and validates; subgroup operations and 16-bit floats are allowed to the kernels that say they use them.
fn validate(key: &PipelineKey) -> Result<naga::Module, String> {
    let text = key.wgsl(Dialect::Native)?;
    if text.contains("// unroll") {
        return Err("a mark was not unrolled".to_owned());
    }
    validate_text(key, &key.wgsl(Dialect::HiddenUniforms)?)?;
    validate_text(key, &text)
}

fn validate_text(key: &PipelineKey, text: &str) -> Result<naga::Module, String> {
    let module = naga::front::wgsl::parse_str(text).map_err(|error| error.emit_to_string(text))?;
    // Every WebGPU device reads and writes 16-bit floats in words.
    let mut capabilities = naga::valid::Capabilities::SHADER_FLOAT16_IN_FLOAT32;
    capabilities.set(naga::valid::Capabilities::SUBGROUP, key.kernel.source().subgroups);
    capabilities.set(naga::valid::Capabilities::SHADER_FLOAT16, key.stored.contains(&Storage::F16));
    naga::valid::Validator::new(naga::valid::ValidationFlags::all(), capabilities)
        .validate(&module)
        .map_err(|error| error.emit_to_string(text))?;
    Ok(module)
}

/// Checks every pipeline of the table and reports all that fail together.
fn check_all(check: impl Fn(&PipelineKey, &naga::Module) -> Result<(), String>) {
    let keys = keys();
    let failures: Vec<String> = keys
        .iter()
        .filter_map(|key| {
            let outcome = validate(key).and_then(|module| check(key, &module));
            outcome.err().map(|error| format!("{key:?}: {error}"))
        })
        .collect();
    let (failed, all) = (failures.len(), keys.len());
    assert!(failures.is_empty(), "{failed} of {all} pipelines:\n{}", failures.join("\n"));
}

/// Whether a kernel keeps the limits that every WebGPU device has, and binds what its source says it does.
fn check_module(key: &PipelineKey, module: &naga::Module) -> Result<(), String> {
    let limits = wgpu::Limits::default();
    let source = key.kernel.source();
    let [entry] = module.entry_points.as_slice() else {
        return Err("not one entry point".to_owned());
    };
    let lanes = key.constant("LANES");
    let [x, y, z] = entry.workgroup_size;
    if lanes != Some(x * y * z) || x * y * z > limits.max_compute_invocations_per_workgroup {
        return Err(format!("a workgroup of {x} x {y} x {z}, LANES {lanes:?}"));
    }
    let (mut shared, mut bindings) = (0, Vec::new());
    for (_, variable) in module.global_variables.iter() {
        let size = module.types[variable.ty].inner.size(module.to_ctx());
        match variable.space {
            naga::AddressSpace::WorkGroup => shared += size,
            naga::AddressSpace::Uniform if size > limits.max_uniform_buffer_binding_size as u32 => {
                return Err(format!("parameters of {size} bytes"));
            }
            _ => {}
        }
        if let Some(binding) = variable.binding {
            let writes =
                matches!(variable.space, naga::AddressSpace::Storage { access } if access.contains(naga::StorageAccess::STORE));
            bindings.push((binding.group, binding.binding, writes));
        }
    }
    if shared > limits.max_compute_workgroup_storage_size {
        return Err(format!("{shared} bytes of workgroup memory"));
    }
    bindings.sort_unstable();
    let last = (source.inputs.len() + source.outputs.len()) as u32;
    let expected: Vec<_> = (0..=last)
        .map(|binding| (0, binding, binding > 0 && !key.only_reads(binding)))
        .collect();
    if bindings != expected || last > limits.max_storage_buffers_per_shader_stage {
        return Err(format!("bindings {bindings:?}, not {expected:?}"));
    }
    Ok(())
}

#[test]
fn every_kernel_with_every_constant_is_valid_and_within_webgpus_limits() {
    check_all(check_module);
}

#[test]
fn the_table_reaches_every_kernel() {
    let reached: HashSet<Code> = keys().into_iter().map(|key| key.kernel).collect();
    let missed: Vec<_> = Kernel::ALL
        .into_iter()
        .filter(|&kernel| !reached.contains(&kernel.into()))
        .collect();
    assert!(missed.is_empty(), "no operator of the table uses {missed:?}");
    // What measures an adapter measures it in f32, whole numbers and bytes are stored in one way, and chains would round less often.
    let of_halves = |key: &PipelineKey| key.stored.contains(&Storage::F16);
    let in_halves: HashSet<Code> = keys().into_iter().filter(of_halves).map(|key| key.kernel).collect();
    let missed: Vec<_> = Kernel::ALL
        .into_iter()
        .filter(|&kernel| !in_halves.contains(&kernel.into()))
        .collect();
    let without_halves = [
        Kernel::CeilingCopy,
        Kernel::CeilingMultiplyAdd,
        Kernel::Chain,
        Kernel::ConvInteger,
        Kernel::MatMulInteger,
        Kernel::PictureLevels,
        Kernel::PictureRows,
        Kernel::PictureStrips,
    ];
    assert_eq!(missed, without_halves);
}

/// Each kernel that computes by tiles, with each tile.
#[test]
fn the_table_reaches_every_tile() {
    let reached: HashSet<_> = keys()
        .iter()
        .filter_map(|key| {
            Some((
                key.constant("TILE_CHANNELS")?,
                key.constant("TILE_POSITIONS")?,
                key.kernel.clone(),
            ))
        })
        .collect();
    let missed: Vec<_> = [(128, 128), (64, 64), (32, 128), (32, 32)]
        .into_iter()
        .flat_map(|(channels, positions)| {
            use Kernel::{Conv2dTiled, Conv2dTiledQuads, GemmTiled, GemmTiledColumns, GemmTiledQuads};
            [Conv2dTiled, Conv2dTiledQuads, GemmTiled, GemmTiledColumns, GemmTiledQuads]
                .map(|kernel| (channels, positions, kernel.into()))
        })
        .filter(|tile| !reached.contains(tile))
        .collect();
    assert!(missed.is_empty(), "no operator of the table uses {missed:?}");
}

#[test]
fn every_shader_file_belongs_to_a_kernel() {
    fn walk(directory: &Path, files: &mut Vec<PathBuf>) {
        for entry in std::fs::read_dir(directory).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() {
                walk(&path, files);
            } else {
                files.push(path);
            }
        }
    }
    let mut files = Vec::new();
    walk(&shaders(), &mut files);
    assert!(files.len() > Kernel::ALL.len() / 2, "only {files:?}");
    let keys = keys();
    let parts: HashSet<&str> = keys
        .iter()
        .flat_map(|key| imports::parts(&key.texts(), key.kernel.source().variants).unwrap())
        .collect();
    for file in files {
        let text = std::fs::read_to_string(&file).unwrap();
        assert!(parts.contains(text.as_str()), "no kernel uses {}", file.display());
    }
}

#[test]
fn a_broken_kernel_fails_the_validation() {
    // LANES is missing; then it is there.
    let broken = PipelineKey::new(Kernel::Softmax, [("IS_LOG", 0)]);
    assert!(validate(&broken).unwrap_err().contains("LANES"));
    let whole = PipelineKey::new(Kernel::Softmax, [("LANES", 64), ("IS_LOG", 0)]);
    let module = validate(&whole).unwrap();
    assert_eq!(check_module(&whole, &module), Ok(()));
    // Another kernel's bindings, and a workgroup over the limit.
    let other = PipelineKey::new(Kernel::PRelu, [("LANES", 64)]);
    assert!(check_module(&other, &module).unwrap_err().contains("bindings"));
    let wide = PipelineKey::new(Kernel::Softmax, [("LANES", 512), ("IS_LOG", 0)]);
    let module = validate(&wide).unwrap();
    assert!(check_module(&wide, &module).unwrap_err().contains("512"));
}

/// Any input may lie in one buffer with an output, and is then bound as the output is.
#[test]
fn every_kernel_can_have_its_inputs_writable() {
    for mut key in keys() {
        key.writable = (1 << key.kernel.source().inputs.len()) - 1;
        let outcome = validate(&key).and_then(|module| check_module(&key, &module));
        assert!(outcome.is_ok(), "{key:?}: {outcome:?}");
    }
}

/// A loop that was not counted could take any number of rounds.
#[test]
fn rounds_are_recorded_of_every_kernel_with_loops() {
    let mut failures = BTreeSet::new();
    for entry in table() {
        for dispatch in entry.recording.once.iter().chain(&entry.recording.every) {
            let has_loops = dispatch.key.wgsl(Dialect::Native).unwrap().lines().any(is_loop);
            if has_loops != (dispatch.rounds > 0) || dispatch.rounds > MOST_ROUNDS {
                failures.insert(format!(
                    "{:?}: {} rounds, in {}",
                    dispatch.key.kernel, dispatch.rounds, entry.name
                ));
            }
        }
    }
    let failures: Vec<_> = failures.into_iter().collect();
    assert!(failures.is_empty(), "{}", failures.join("\n"));
}

/// Texts for browsers are those that naga accepts, but for a line that names the subgroups' extension and initial values that are
/// written out. Where
/// `CONVOKE_DUMP_BROWSER_WGSL` names a directory they are written there, for a browser's compiler to check (`tools/tint`):
/// every kernel as it is bound most often, and with all inputs writable.
#[test]
fn browsers_get_the_same_texts_with_extensions_named_and_values_written_out() {
    let directory = environment::dump_browser_wgsl().map(PathBuf::from);
    for key in keys() {
        let writable = (1 << key.kernel.source().inputs.len()) - 1;
        for key in [PipelineKey { writable, ..key.clone() }, key] {
            let (native, browser) = (key.wgsl(Dialect::Native).unwrap(), key.wgsl(Dialect::Browser).unwrap());
            let extension = if native.contains("subgroup") {
                "enable subgroups;\n"
            } else {
                ""
            };
            assert_eq!(browser, format!("{extension}{}", with_initial_values(&native)), "{key:?}");
            if let Some(directory) = &directory {
                dump::write_for_browsers(directory, &key).unwrap();
            }
        }
    }
}

/// A neighbourhood of so many channels is one invocation's, which nothing cuts up.
#[test]
fn what_cannot_be_cut_up_is_refused_by_name() {
    let mut recording = Recording::by_rules(&add().capabilities);
    let wide = crate::ops::LocalResponseNorm::new(140_001);
    let outcome = record(&wide.into(), &of_floats(&[vec![1, 70_000, 1, 1]]), &mut recording);
    assert!(
        matches!(
            outcome,
            Err(Error::LimitExceeded {
                operator: "local_response_norm",
                needed: 70_000,
                limit: MOST_ROUNDS,
                ..
            })
        ),
        "{outcome:?}"
    );
}

/// A context on a device that validates everything and computes nothing.
fn noop() -> Context {
    let (device, queue) = wgpu::Device::noop(&wgpu::DeviceDescriptor {
        label: Some("noop"),
        required_features: wgpu::Features::SUBGROUP | wgpu::Features::SHADER_F16,
        required_limits: wgpu::Limits::default(),
        ..Default::default()
    });
    let info = wgpu::AdapterInfo::new(wgpu::DeviceType::Cpu, wgpu::Backend::Noop);
    let info = AdapterInfo::new(&info, device.features(), device.limits());
    Context::new(RawDevice::new(device, queue, info))
}

/// Makes everything that a run needs, encodes the run and submits it.
fn run(context: &Context, recording: &Recording) -> crate::Result<()> {
    let executable = Executable::new(context, recording, |_| Ok(()))?;
    let mut encoder = context.encoder("validation");
    executable.encode(context, false, &mut encoder)?;
    context.submit(encoder);
    context.check()
}

#[test]
fn every_recording_makes_pipelines_layouts_and_bindings() {
    let context = noop();
    let mut failures = Vec::new();
    let (mut entries, mut dispatches) = (0, 0);
    for entry in table() {
        entries += 1;
        dispatches += entry.keys().count();
        if let Err(error) = run(&context, &entry.recording) {
            failures.push(format!("{}: {error}", entry.name));
        }
    }
    assert!(
        failures.is_empty(),
        "{} of {entries}:\n{}",
        failures.len(),
        failures.join("\n")
    );
    assert!(dispatches > entries / 2 && context.pipelines.len() == keys().len());
}

/// A recording of one dispatch with two inputs.
fn add() -> Recording {
    let capabilities = Capabilities::plain(DeviceClass::Software, false);
    let mut recording = Recording::by_rules(&capabilities);
    record(
        &crate::ops::Binary::Add.into(),
        &of_floats(&[vec![3, 5], vec![3, 5]]),
        &mut recording,
    )
    .unwrap();
    recording
}

#[test]
fn a_broken_recording_is_an_error_and_no_panic() {
    let context = noop();
    run(&context, &add()).unwrap();
    let mut lacks_an_input = add();
    lacks_an_input.every[0].inputs.pop();
    let mut lacks_parameters = add();
    lacks_parameters.every[0].parameters.truncate(16);
    let mut lacks_a_constant = add();
    lacks_a_constant.every[0].key.constants.pop();
    let mut has_too_many_workgroups = add();
    has_too_many_workgroups.every[0].workgroups = [65_536, 1, 1];
    for (name, recording) in [
        ("input", lacks_an_input),
        ("parameters", lacks_parameters),
        ("constant", lacks_a_constant),
        ("workgroups", has_too_many_workgroups),
    ] {
        let outcome = run(&context, &recording);
        assert!(
            matches!(outcome, Err(Error::Gpu(_) | Error::Internal(_))),
            "{name}: {outcome:?}"
        );
    }
    // An error is reported once, and the device goes on.
    run(&context, &add()).unwrap();
}

#[test]
fn host_parameters_lie_as_the_shaders_have_them() {
    let keys: HashMap<Code, PipelineKey> = keys().into_iter().map(|key| (key.kernel.clone(), key)).collect();
    for kernel in Kernel::ALL {
        let module = validate(&keys[&kernel.into()]).unwrap();
        let parameters = module.types.iter().find(|(_, kind)| kind.name.as_deref() == Some("Params"));
        let Some((
            _,
            naga::Type {
                inner: naga::TypeInner::Struct { members, span },
                ..
            },
        )) = parameters
        else {
            panic!("{kernel:?} has no struct Params");
        };
        let shader: Vec<(&str, usize)> = members
            .iter()
            .map(|member| (member.name.as_deref().unwrap_or_default(), member.offset as usize))
            .collect();
        let layout = kernel.source().parameters;
        let named = layout.fields.iter().filter(|field| field.kind != FieldKind::Unused);
        let host: Vec<_> = named.map(|field| (field.name, field.offset)).collect();
        assert_eq!(host, shader, "{kernel:?}: name and offset of each field");
        assert_eq!(layout.size, *span as usize, "{kernel:?}: size");
    }
}

/// The `const NAME = 1u;` lines of a file.
fn constants(path: &str) -> BTreeSet<(String, u32)> {
    let text = std::fs::read_to_string(shaders().join(path)).unwrap();
    text.lines()
        .filter_map(|line| {
            let (name, value) = line.strip_prefix("const ")?.strip_suffix("u;")?.split_once(" = ")?;
            Some((name.replace('_', ""), value.parse().ok()?))
        })
        .collect()
}

#[test]
fn padding_modes_have_the_shaders_numbers() {
    let codes = PaddingMode::ALL.map(|mode| (mode.name().to_uppercase(), mode.code()));
    assert_eq!(constants("shared/padding.wgsl"), BTreeSet::from(codes));
}
