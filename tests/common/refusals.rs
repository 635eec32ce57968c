//! The calls that PyTorch refuses (`tests/data/errors.json`), and what convoke's refusal of each must say.

use convoke::Result;
use serde_json::Value;

use super::goldens::operator_from;

use super::root::root;

/// One call that PyTorch refuses.
#[derive(Debug)]
pub(crate) struct Refusal {
    /// PyTorch's operator.
    pub(crate) op: String,
    /// PyTorch's call.
    pub(crate) call: String,
    /// PyTorch's message.
    pub(crate) message: String,
    /// What convoke makes of the same arguments.
    pub(crate) result: Result<Vec<Vec<usize>>>,
    /// What convoke's message must contain: the quantity and the numbers.
    pub(crate) says: &'static [&'static str],
}

/// In the order of the file.
const SAYS: [&[&str]; 36] = [
    &["groups=1", "[4, 2, 3, 3]", "2 channels", "got 3"],
    &["padded input size", "(5 x 6)", "kernel size", "(6 x 3)"],
    &["padded input size", "(5 x 6)", "kernel size", "(3 x 7)"],
    &["stride", "(0 x 0)"],
    &["dilation", "(0 x 0)"],
    &["padding must not be negative", "left -1", "bottom -1"],
    &["groups", "got 0"],
    &["groups=3", "divisible by 3", "[4, 1, 3, 3]"],
    &["groups=2", "[4, 3, 3, 3]", "6 channels", "got 3"],
    &["padded input size", "(5 x 6)", "kernel size", "(7 x 7)"],
    &["same", "stride", "(2 x 2)"],
    &["weight must have 4 dimensions", "[4, 3, 3]"],
    &["[4, 3, 3, 3]", "bias", "[4]", "[5]"],
    &["reflect", "smaller than the input width", "(6, 0)", "for 6"],
    &["reflect", "smaller than the input width", "(0, 6)", "for 6"],
    &["reflect", "smaller than the input height", "(5, 0)", "for 5"],
    &["reflect", "smaller than the input height", "(0, 5)", "for 5"],
    &["circular", "at most the input width", "(7, 0)", "for 6"],
    &["circular", "at most the input height", "(0, 6)", "for 5"],
    &["(-4, -4)", "width of 6"],
    &["reflect", "smaller than the input height", "(1, 1)", "for 1"],
    &["padding mode", "nonsense"],
    &["3 numbers", "[1, 1, 1]"],
    &["half of the kernel size", "left 2", "(3 x 3)", "dilation (1 x 1)"],
    &["empty", "(5 x 6)", "(7 x 7)"],
    &["kernel size", "(0 x 0)"],
    &["stride", "(0 x 0)"],
    &["dilation", "(0 x 0)"],
    &["padding must not be negative", "left -1", "bottom -1"],
    &["empty", "(5 x 6)", "(7 x 7)"],
    &["half of the kernel size", "left 2", "(3 x 3)"],
    &["empty", "(5 x 6)", "(7 x 7)"],
    &["kernel size", "(0 x 0)"],
    &["stride", "(0 x 0)"],
    &["divisor", "0"],
    &["[3, 4]", "4 input features", "got 5"],
];

/// Every call in `tests/data/errors.json`.
pub(crate) fn refusals() -> Vec<Refusal> {
    let path = root().join("tests/data/errors.json");
    let text = std::fs::read_to_string(path).expect("the file of refusals");
    let entries: Vec<Value> = serde_json::from_str(&text).expect("a list");
    assert_eq!(
        entries.len(),
        SAYS.len(),
        "a refusal without its line in the table, or the other way round"
    );
    entries
        .iter()
        .zip(SAYS)
        .map(|(entry, says)| {
            let text = |name: &str| entry[name].as_str().expect("a text").to_owned();
            Refusal {
                op: text("op"),
                call: text("call"),
                message: text("message"),
                result: attempt(entry),
                says,
            }
        })
        .collect()
}

fn attempt(entry: &Value) -> Result<Vec<Vec<usize>>> {
    let op = operator_from(entry["op"].as_str().expect("an operator"), &entry["args"])?;
    let shapes: Vec<Vec<usize>> = ["input", "weight", "bias"]
        .iter()
        .filter_map(|role| entry["shapes"].get(role))
        .map(|shape| serde_json::from_value(shape.clone()).expect("a shape"))
        .collect();
    let shapes: Vec<&[usize]> = shapes.iter().map(Vec::as_slice).collect();
    op.output_shapes(&shapes)
}
