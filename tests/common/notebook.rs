//! The worked example: convolution, padding, striding, pooling and flattening on one 6 x 6 image, cell by cell. Every
//! expected output was printed by PyTorch (`tests/data/notebook.json`).

use convoke::ops::{AvgPool2d, Conv2d, Flatten, MaxPool2d, Op, Pad2d, Reshape};
use convoke::{PaddingMode, testing::compare_exact};
use ndarray::{ArrayD, IxDyn};
use serde_json::Value;

use super::root::root;

/// Whatever runs an operator.
pub(crate) type Run<'a> = &'a dyn Fn(&Op, &[&ArrayD<f32>]) -> Vec<ArrayD<f32>>;

/// Runs every cell and checks what it prints.
pub(crate) fn notebook(run: Run<'_>) {
    let mut book = Book::open();
    let image = array(&book.file["image"]);
    let identity = array(&book.file["identity"]);
    let edge = array(&book.file["edge"]);
    let call = |op: Op, inputs: &[&ArrayD<f32>]| run(&op, inputs).swap_remove(0);

    // A kernel with a one in its middle picks out the interior.
    let convolve = Conv2d::new();
    book.prints(12, &call(convolve.into(), &[&image, &identity]));
    let no_bias = ArrayD::zeros(IxDyn(&[1]));
    book.prints(16, &call(convolve.into(), &[&image, &identity, &no_bias]));
    book.prints(18, &call(convolve.stride(2).into(), &[&image, &identity]));

    // The four ways to continue the image past its edge.
    let pad = |mode: PaddingMode| call(Pad2d::new(1).mode(mode).into(), &[&image]);
    book.prints(19, &pad(PaddingMode::Zeros));
    book.prints(20, &pad(PaddingMode::Zeros));
    book.prints(21, &pad(PaddingMode::Replicate));
    book.prints(22, &pad(PaddingMode::Replicate));
    book.prints(23, &pad(PaddingMode::Reflect));
    book.prints(24, &pad(PaddingMode::Reflect));
    book.prints(25, &pad(PaddingMode::Circular));

    // Padding by hand and then convolving is the same as a convolution that pads.
    let conv_padded = call(convolve.into(), &[&pad(PaddingMode::Zeros), &edge]);
    book.prints(27, &conv_padded);
    book.prints(27, &call(convolve.padding(1).into(), &[&image, &edge]));

    // Pooling: the stride is the kernel size unless it is given.
    book.prints(28, &call(MaxPool2d::new(2).into(), &[&conv_padded]));
    book.prints(29, &call(MaxPool2d::new(4).into(), &[&conv_padded]));
    book.prints(30, &call(AvgPool2d::new(2).into(), &[&conv_padded]));
    book.prints(31, &call(AvgPool2d::new(4).into(), &[&conv_padded]));
    let pooled = call(MaxPool2d::new(2).stride(1).into(), &[&conv_padded]);
    book.prints(32, &pooled);

    // Two ways to one long row.
    book.prints(33, &call(Flatten::default().into(), &[&pooled]));
    book.prints(34, &call(Reshape::new([1, -1]).into(), &[&pooled]));
    book.close();
}

/// The printed outputs, and which of them have been checked.
struct Book {
    file: Value,
    unread: Vec<u64>,
}

impl Book {
    fn open() -> Self {
        let path = root().join("tests/data/notebook.json");
        let text = std::fs::read_to_string(path).expect("the notebook");
        let file: Value = serde_json::from_str(&text).expect("the notebook's JSON");
        let cells = file["cases"].as_array().expect("cells");
        let unread = cells.iter().map(|cell| cell["cell"].as_u64().expect("a number")).collect();
        Self { file, unread }
    }

    fn prints(&mut self, cell: u64, got: &ArrayD<f32>) {
        let cells = self.file["cases"].as_array().expect("cells");
        let case = cells.iter().find(|case| case["cell"] == cell).expect("a cell of this number");
        if let Err(mismatch) = compare_exact(got, &array(&case["expected"])) {
            panic!("cell {cell}, {}: {mismatch}", case["call"]);
        }
        self.unread.retain(|&unread| unread != cell);
    }

    fn close(self) {
        assert!(self.unread.is_empty(), "cells never run: {:?}", self.unread);
    }
}

/// An array from nested lists of numbers.
fn array(nested: &Value) -> ArrayD<f32> {
    let (mut shape, mut level) = (Vec::new(), nested);
    while let Some(list) = level.as_array() {
        shape.push(list.len());
        level = &list[0];
    }
    let mut values = Vec::new();
    collect(nested, &mut values);
    ArrayD::from_shape_vec(IxDyn(&shape), values).expect("lists of equal length")
}

fn collect(nested: &Value, values: &mut Vec<f32>) {
    match nested.as_array() {
        Some(list) => list.iter().for_each(|inner| collect(inner, values)),
        None => values.push(nested.as_f64().expect("a number") as f32),
    }
}
