//! The native tests' cases, for the tests in the browser, which hand over the contents of the files.

use convoke::reference::{self, Answer};
use convoke::testing::conformance::{Case, DataSet, Outcome, Tolerance};
use convoke::testing::{compare, compare_exact};
use convoke::{Backend, Precision, Tensor};
use js_sys::{Array, Float32Array, Uint8Array};
use wasm_bindgen::prelude::*;

use crate::device::Device;
use crate::operators::run;
use goldens::cases_in;

#[path = "../../../tests/common/goldens.rs"]
#[expect(clippy::expect_used, clippy::panic, reason = "a broken fixture ends the test")]
mod goldens;
#[path = "../../../tests/common/recipe.rs"]
#[expect(clippy::unwrap_used, reason = "a broken fixture ends the test")]
mod recipe;

/// The names of the files of golden cases.
#[wasm_bindgen(js_name = goldenFiles)]
pub fn golden_files() -> Array {
    goldens::files().map(JsValue::from).collect()
}

/// Runs the golden cases of a file on a device: the names of all, each with what is wrong with it, if anything is.
#[wasm_bindgen(js_name = runGoldens)]
pub async fn run_goldens(device: &Device, file: &str, bytes: &[u8]) -> Array {
    let outcomes = Array::new();
    for case in cases_in(file, bytes) {
        let wrong = check(&device.0, &case).await.err();
        outcomes.push(&Array::of2(&case.name.into(), &wrong.map_or(JsValue::NULL, JsValue::from)));
    }
    outcomes
}

/// Exact cases have PyTorch's bits; the others are within the bound of the reference's float64 values.
async fn check(backend: &Backend, case: &goldens::Case) -> Result<(), String> {
    let text = |error: convoke::Error| error.to_string();
    let tensors: Vec<Tensor> = case.inputs.iter().cloned().map(Tensor::from).collect();
    let outputs = run(backend, &case.op, &tensors).await.map_err(text)?;
    let inputs: Vec<Answer> = case.inputs.iter().map(|input| Answer::exact(input.view())).collect();
    let answers = reference::run(&case.op, &inputs.iter().collect::<Vec<_>>()).map_err(text)?;
    if outputs.len() != case.expected.len() || outputs.len() != answers.len() {
        return Err(format!("expected {} outputs, but got {}", case.expected.len(), outputs.len()));
    }
    for ((output, expected), answer) in outputs.iter().zip(&case.expected).zip(&answers) {
        if case.exact {
            compare_exact(&output.to_f32(), expected).map_err(|mismatch| mismatch.to_string())?;
        }
        compare(output, answer).map_err(|mismatch| mismatch.to_string())?;
    }
    Ok(())
}

/// Runs a case of ONNX's on a device: `["passed"]`, or `"failed"` or `"unsupported"` with the reason. Data sets are arrays of two
/// arrays, of the inputs' files and the outputs'.
#[wasm_bindgen(js_name = runOnnxCase)]
pub async fn run_onnx_case(device: &Device, name: &str, model: &[u8], sets: Vec<Array>) -> Array {
    let files = |set: &Array, which: u32| -> Vec<Vec<u8>> {
        let files = Array::from(&set.get(which));
        files.iter().map(|file| Uint8Array::new(&file).to_vec()).collect()
    };
    let sets = sets.iter().enumerate();
    let sets = sets.map(|(index, set)| DataSet::from_bytes(&format!("test_data_set_{index}"), &files(set, 0), &files(set, 1)));
    let outcome = match Case::from_bytes(name, model, sets) {
        Ok(case) => case.run_in_async(&device.0, Precision::F32, Tolerance::default()).await,
        Err(error) => Outcome::of_error(&error),
    };
    match outcome {
        Outcome::Passed => Array::of1(&"passed".into()),
        Outcome::Failed(message) => Array::of2(&"failed".into(), &message.into()),
        Outcome::Unsupported(message) => Array::of2(&"unsupported".into(), &message.into()),
    }
}

/// The weights that a recipe in `tests/data/networks` describes.
#[wasm_bindgen]
pub fn weights(recipe: &str) -> Uint8Array {
    Uint8Array::from(&recipe::weights(recipe)[..])
}

/// The picture that networks are tested on.
#[wasm_bindgen]
pub fn picture(elements: usize) -> Float32Array {
    Float32Array::from(&recipe::uniform(0, elements, -2.0, 2.0)[..])
}
