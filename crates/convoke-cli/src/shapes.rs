//! `--shape`: shapes of inputs by their names.

use convoke::onnx::Shapes;

use super::reads::Reads;

/// `NAME=1x3x224x224`.
pub(super) fn shape(text: &str) -> Result<(String, Vec<usize>), String> {
    let parse = || {
        let (name, extents) = text.split_once('=')?;
        let extents = extents.split('x').map(|extent| extent.parse().ok()).collect::<Option<_>>()?;
        Some((name.to_owned(), extents))
    };
    parse().ok_or_else(|| "NAME=1x3x224x224 is expected".to_owned())
}

/// What `--shape` gives, of inputs that the model has.
pub(super) fn shapes_of(model: &impl Reads, given: &[(String, Vec<usize>)]) -> Result<Shapes, String> {
    let mut shapes = Shapes::new();
    for (name, extents) in given {
        if model.inputs().iter().all(|info| info.name != *name) {
            return Err(format!("--shape {name}: there is no such input"));
        }
        shapes = shapes.input(name, extents.as_slice());
    }
    Ok(shapes)
}
