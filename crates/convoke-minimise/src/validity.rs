//! Whether a text is valid.

use std::panic;

use wgpu::naga;

/// Whether naga, which every text goes through on its way to a driver, accepts it, and it has something to dispatch.
pub fn is_valid(text: &str) -> bool {
    // A text that naga cannot cope with is no text to go on with.
    panic::catch_unwind(|| validated(text).is_ok_and(|(module, _)| !module.entry_points.is_empty())).unwrap_or(false)
}

/// What naga makes of a text, or why it refuses it.
pub(crate) fn validated(text: &str) -> Result<(naga::Module, naga::valid::ModuleInfo), String> {
    let module = naga::front::wgsl::parse_str(text).map_err(|error| error.emit_to_string(text))?;
    let mut validator = naga::valid::Validator::new(naga::valid::ValidationFlags::all(), naga::valid::Capabilities::all());
    let info = validator.validate(&module).map_err(|error| error.emit_to_string(text))?;
    Ok((module, info))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_entry_point_whose_names_are_known() {
        assert!(is_valid("@compute @workgroup_size(1) fn main() {}"));
        assert!(!is_valid("@compute @workgroup_size(1) fn main() { x = 1; }"));
        assert!(!is_valid("fn main() {}"));
    }
}
