//! What moves elements: joining, cutting, gathering, turning, spreading, scattering, sampling.

use super::common::named;
use crate::model::Attribute::{Int, Ints, Text};
use crate::model::Case;

pub(super) fn cases(c: usize) -> Vec<Case> {
    let mut cases = copies(c);
    cases.extend(by_index(c));
    cases
}

fn copies(c: usize) -> Vec<Case> {
    let x = |name: &str| named(name, c).real("x", &[2, c, 5]);
    let last = c as i64 - 1;
    vec![
        x("concat")
            .real("z", &[2, 3, 5])
            .node("Concat", "x z x", "y", &[("axis", Int(1))])
            .output("y"),
        named("concat_last", c)
            .real("x", &[3, c])
            .real("z", &[3, 2])
            .node("Concat", "z x", "y", &[("axis", Int(-1))])
            .output("y"),
        x("slice_backwards")
            .list("starts", &[last])
            .list("ends", &[-100])
            .list("axes", &[1])
            .list("steps", &[-2])
            .node("Slice", "x starts ends axes steps", "y", &[])
            .output("y"),
        x("split")
            .list("sizes", &[(c as i64 + 1) / 2, c as i64 / 2])
            .node("Split", "x sizes", "y z", &[("axis", Int(1))])
            .output("y")
            .output("z"),
        x("transpose")
            .node("Transpose", "x", "y", &[("perm", Ints(vec![2, 0, 1]))])
            .output("y"),
        named("transpose_channels_last", c)
            .real("x", &[2, c, 3, 5])
            .node("Transpose", "x", "y", &[("perm", Ints(vec![0, 2, 3, 1]))])
            .output("y"),
        named("expand", c)
            .real("x", &[c, 1])
            .list("shape", &[3, c as i64, 5])
            .node("Expand", "x shape", "y", &[])
            .output("y"),
        x("tile")
            .list("repeats", &[1, 3, 2])
            .node("Tile", "x repeats", "y", &[])
            .output("y"),
        named("depth_to_space", c)
            .real("x", &[1, 4 * c, 3, 5])
            .node("DepthToSpace", "x", "y", &[("blocksize", Int(2))])
            .output("y"),
    ]
}

fn by_index(c: usize) -> Vec<Case> {
    let x = |name: &str| named(name, c).real("x", &[2, c, 5]);
    let last = c as i64 - 1;
    vec![
        x("gather")
            .list("indices", &[last, 0, last / 2, -1])
            .node("Gather", "x indices", "y", &[("axis", Int(1))])
            .output("y"),
        x("gather_elements")
            .constant("indices", ndarray::Array3::from_elem((2, 3, 5), last).into_dyn())
            .node("GatherElements", "x indices", "y", &[("axis", Int(1))])
            .output("y"),
        x("scatter_elements")
            .constant("indices", ndarray::Array3::from_elem((2, 1, 5), last).into_dyn())
            .real("updates", &[2, 1, 5])
            .node("ScatterElements", "x indices updates", "y", &[("axis", Int(1))])
            .output("y"),
        x("scatter_elements_add")
            .constant("indices", ndarray::Array3::from_elem((2, 3, 5), last / 2).into_dyn())
            .real("updates", &[2, 3, 5])
            .node(
                "ScatterElements",
                "x indices updates",
                "y",
                &[("axis", Int(1)), ("reduction", Text("add"))],
            )
            .output("y"),
        named("scatter_nd", c)
            .real("x", &[c, 5])
            .constant("indices", ndarray::array![[last]].into_dyn())
            .real("updates", &[1, 5])
            .node("ScatterND", "x indices updates", "y", &[])
            .output("y"),
        named("grid_sample", c)
            .real("x", &[1, c, 5, 7])
            .small("grid", &[1, 3, 4, 2])
            .node("GridSample", "x grid", "y", &[("align_corners", Int(1))])
            .output("y"),
    ]
}
