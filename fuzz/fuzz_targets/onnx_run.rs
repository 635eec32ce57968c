//! Three in four times a model's fields are changed, else bytes.

#![no_main]

use convoke_fuzz::{onnx_run, with_changed_fields};
use libfuzzer_sys::{fuzz_mutator, fuzz_target, fuzzer_mutate};

fuzz_target!(|bytes: &[u8]| onnx_run(bytes));

fuzz_mutator!(|data: &mut [u8], size: usize, max_size: usize, seed: u32| {
    with_changed_fields(data, size, max_size, seed).unwrap_or_else(|| fuzzer_mutate(data, size, max_size))
});
