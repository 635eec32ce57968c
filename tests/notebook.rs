//! The worked example on the reference.

mod common;

use convoke::reference::{self, Answer};

#[test]
fn the_reference_prints_what_the_notebook_prints() {
    common::notebook::notebook(&|op, inputs| {
        let inputs: Vec<Answer> = inputs.iter().map(|input| Answer::exact(input.view())).collect();
        let inputs: Vec<&Answer> = inputs.iter().collect();
        let outputs = reference::run(op, &inputs).expect("a legal call");
        outputs.iter().map(Answer::to_f32).collect()
    });
}
