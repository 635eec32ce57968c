//! The header of a kernel's text: what its declaration and the host say about it. The body has `run(workgroup, lane)`.
//!
//! Some drivers must not see that parameters are uniforms. lavapipe writes the values of uniforms into conditions and bounds
//! of loops, to see whether the shader shrinks. Where it does not shrink it may grow, and lavapipe (22.3 at least) takes that
//! for a gain: it makes such a shader anew before every dispatch, 2 ms each time, and keeps all of them. Parameters that come
//! out of a condition on what is known only as the kernel runs are left alone.

use std::fmt::Write as _;

use crate::gpu::wgsl::kernel::{Dialect, PipelineKey};
use crate::gpu::wgsl::parameters::{Field, Layout};
use crate::gpu::wgsl::storage::Storage;

const PARAMETERS: &str = "@group(0) @binding(0) var<uniform> params: Params;\n";
const HIDDEN_PARAMETERS: &str = "@group(0) @binding(0) var<uniform> uniform_params: Params;\nvar<private> params: Params;\n";

const MAIN: &str = "@compute @workgroup_size(LANES)
fn main(
    @builtin(workgroup_id) workgroup: vec3<u32>,
    @builtin(num_workgroups) workgroups: vec3<u32>,
    @builtin(local_invocation_index) lane: u32,
) {
";
/// There always is a workgroup where there is an invocation, so that the condition never holds.
const HIDE: &str = "    params = uniform_params;\n    if (workgroups.x == 0u) { params = Params(); }\n";
/// The host folds more than 65,535 workgroups into two dimensions.
const RUN: &str = "    run(workgroup.y * workgroups.x + workgroup.x, lane);\n}\n";

/// All that comes before the body.
pub(crate) fn header(key: &PipelineKey, dialect: Dialect) -> Result<String, String> {
    let layout = key.kernel.source().parameters;
    let hides = dialect == Dialect::HiddenUniforms;
    let parts: [&str; 10] = [
        &extensions(key, dialect),
        &constants(&key.constants),
        &parameters(&layout),
        if hides { HIDDEN_PARAMETERS } else { PARAMETERS },
        &bindings(key)?,
        "\n",
        MAIN,
        if hides { HIDE } else { "" },
        RUN,
        "\n",
    ];
    Ok(parts.concat())
}

/// The `enable` lines. naga does not know the subgroups' extension by name and rejects the line.
fn extensions(key: &PipelineKey, dialect: Dialect) -> String {
    let subgroups = key.kernel.source().subgroups && dialect == Dialect::Browser;
    let f16 = key.stored.contains(&Storage::F16);
    let lines = [(subgroups, "enable subgroups;\n"), (f16, "enable f16;\n")];
    lines
        .into_iter()
        .filter_map(|(is_used, line)| is_used.then_some(line))
        .collect()
}

fn constants(constants: &[(&'static str, u32)]) -> String {
    let lines = constants
        .iter()
        .map(|(name, value)| format!("const {name}: u32 = {value}u;\n"));
    lines.collect()
}

fn parameters(layout: &Layout<'_>) -> String {
    let fields: String = layout.fields.iter().map(field).collect();
    format!("struct Params {{\n{fields}}}\n")
}

/// A field with what is said about it, or nothing where the text has none.
fn field(field: &Field) -> String {
    let said = match field.docs {
        [] => String::new(),
        docs => format!(" //{}", docs.concat().replace('`', "")),
    };
    let kind = field.kind.wgsl();
    kind.map_or_else(String::new, |kind| format!("    {}: {kind},{said}\n", field.name))
}

/// The arrays, each with the function that loads or stores.
fn bindings(key: &PipelineKey) -> Result<String, String> {
    let source = key.kernel.source();
    let mut lines = String::new();
    for (index, binding) in source.inputs.iter().chain(source.outputs).enumerate() {
        let (number, storage) = (index as u32 + 1, key.stored.get(index).copied().unwrap_or_default());
        let access = if key.only_reads(number) { "read" } else { "read_write" };
        let (name, stored) = (binding.name, binding.stored(storage)?);
        let _ = writeln!(
            lines,
            "@group(0) @binding({number}) var<storage, {access}> {name}: array<{stored}>;"
        );
        lines += &if index < source.inputs.len() {
            binding.load(storage)?
        } else {
            binding.store(storage)?
        };
    }
    Ok(lines)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::gpu::wgsl::kernel::Kernel;

    fn key() -> PipelineKey {
        PipelineKey {
            stored: vec![Storage::F16, Storage::Words],
            ..PipelineKey::new(Kernel::Softmax, [("LANES", 8), ("IS_LOG", 0)])
        }
    }

    #[test]
    fn a_header_says_what_the_kernel_declares() {
        let expected = "enable f16;
const LANES: u32 = 8u;
const IS_LOG: u32 = 0u;
struct Params {
    extent: u32, // along the axis
    inner: u32, // elements after the axis: the distance between neighbours along it
    rows: u32, // outer * inner
}
@group(0) @binding(0) var<uniform> params: Params;
@group(0) @binding(1) var<storage, read> input: array<f16>;
fn load_input(i: u32) -> f32 { return f32(input[i]); }
@group(0) @binding(2) var<storage, read_write> output: array<f32>;
fn store_output(i: u32, x: f32) { output[i] = x; }

@compute @workgroup_size(LANES)
fn main(
    @builtin(workgroup_id) workgroup: vec3<u32>,
    @builtin(num_workgroups) workgroups: vec3<u32>,
    @builtin(local_invocation_index) lane: u32,
) {
    run(workgroup.y * workgroups.x + workgroup.x, lane);
}

";
        assert_eq!(header(&key(), Dialect::Native).as_deref(), Ok(expected));
    }

    #[test]
    fn hidden_parameters_are_a_copy() {
        let text = header(&key(), Dialect::HiddenUniforms).unwrap();
        let opening = ") {\n    params = uniform_params;\n    if (workgroups.x == 0u) { params = Params(); }\n    run(";
        assert!(text.contains(HIDDEN_PARAMETERS) && text.contains(opening), "{text}");
    }

    #[test]
    fn inputs_may_be_bound_as_outputs_are() {
        let writable = PipelineKey { writable: 1, ..key() };
        let text = header(&writable, Dialect::Native).unwrap();
        assert!(
            text.contains("@binding(1) var<storage, read_write> input: array<f16>;"),
            "{text}"
        );
    }
}
