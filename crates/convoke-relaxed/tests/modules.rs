//! Modules in the text format, written with relaxed and with plain vectors.

#![expect(clippy::unwrap_used, reason = "a test may fail")]

use convoke_relaxed::Vectors::{Plain, Relaxed};
use convoke_relaxed::{Error, with};

/// A module's text, as bytes.
fn module(text: &str) -> Vec<u8> {
    wat::parse_str(text).unwrap()
}

/// A module of one function with these locals and this body.
fn function(locals: &str, body: &str) -> Vec<u8> {
    module(&format!(
        "(module (func (param v128 i32 v128) (result v128) {locals} {body}))"
    ))
}

#[test]
fn multiplies_and_adds_in_one_step_or_in_two() {
    let text = |body: &str| {
        format!(
            r#"(module
                (import "page" "count" (func (param i64 i64)))
                (func $one (param i32) (result i32) local.get 0)
                (func (export "fused") (param v128 i32 v128) (result v128) (local f32 f64) {body})
                (memory 1) (data (i32.const 8) "kept"))"#
        )
    };
    let operands = "local.get 0 local.get 2 (i32x4.splat (call $one (local.get 1)))";
    let fused = module(&text(&format!(
        "{operands} f32x4.relaxed_madd local.get 2 local.get 0 f32x4.relaxed_madd"
    )));
    let two = "local.set 5 f32x4.mul local.get 5 f32x4.add";
    let split = module(&text(&format!(
        "(local v128 v128) {operands} {two} local.get 2 local.get 0 {two}"
    )));
    assert_eq!(with(Relaxed, &fused).unwrap(), fused);
    assert_eq!(with(Plain, &fused).unwrap(), split);
}

#[test]
fn says_what_becomes_of_a_nan() {
    for (relaxed, exact) in [("f32x4.relaxed_min", "f32x4.pmin"), ("f32x4.relaxed_max", "f32x4.pmax")] {
        let expected = function("", &format!("local.get 0 local.get 2 {exact}"));
        let relaxed = function("", &format!("local.get 0 local.get 2 {relaxed}"));
        for vectors in [Relaxed, Plain] {
            assert_eq!(with(vectors, &relaxed).unwrap(), expected);
        }
    }
    for (relaxed, exact) in [("f64x2.relaxed_min", "f64x2.pmin"), ("f64x2.relaxed_max", "f64x2.pmax")] {
        let body = format!(
            "local.get 0 local.get 2 local.set 4 local.tee 3 local.get 4 {exact}
             local.get 4 local.get 3 local.get 3 f64x2.eq v128.bitselect"
        );
        let expected = function("(local v128 v128)", &body);
        let relaxed = function("", &format!("local.get 0 local.get 2 {relaxed}"));
        for vectors in [Relaxed, Plain] {
            assert_eq!(with(vectors, &relaxed).unwrap(), expected);
        }
    }
}

#[test]
fn leaves_a_plain_module_as_it_is() {
    let module = function("(local i64)", "local.get 0 local.get 2 f32x4.max");
    for vectors in [Relaxed, Plain] {
        assert_eq!(with(vectors, &module).unwrap(), module);
    }
}

#[test]
fn refuses_what_it_has_nothing_for() {
    let dot = function("", "local.get 0 local.get 2 i16x8.relaxed_dot_i8x16_i7x16_s");
    for vectors in [Relaxed, Plain] {
        let error = with(vectors, &dot).unwrap_err();
        assert_eq!(
            error.to_string(),
            "expected no relaxed instructions but multiply-add, min and max, got I16x8RelaxedDotI8x16I7x16S"
        );
    }
}

#[test]
fn refuses_what_is_no_module() {
    assert!(matches!(with(Plain, b"not WebAssembly"), Err(Error::Module(_))));
    let whole = function("", "local.get 0");
    assert!(with(Plain, &whole[..whole.len() - 1]).is_err());
}
