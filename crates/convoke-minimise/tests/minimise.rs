//! The loop, with questions about the text alone: no GPU.

#![expect(clippy::unwrap_used, reason = "a test may fail")]

use std::cell::RefCell;
use std::collections::HashSet;
use std::process::Command;

use convoke_minimise::reductions::{PASSES, Program};
use convoke_minimise::{Error, Outcome, is_valid, minimise};

/// A kernel of the library, as `CONVOKE_DUMP_WGSL` writes it, with how it is dispatched.
const KERNEL: &str = include_str!("data/mean.wgsl");

/// Minimises, and sees that nobody is asked twice, or about a text that naga refuses, and that what comes out is as small as it gets.
fn reduced(text: &str, shows: impl Fn(&str) -> bool) -> Outcome {
    let asked = RefCell::new(HashSet::new());
    let ask = |text: &str| {
        assert!(
            is_valid(text) && asked.borrow_mut().insert(text.to_owned()),
            "asked again or for nothing:\n{text}"
        );
        Ok(shows(text))
    };
    let outcome = minimise(text, is_valid, ask, |_, _| {}).unwrap();
    assert_eq!(outcome.tries, asked.borrow().len());
    assert!(is_valid(&outcome.text) && shows(&outcome.text));
    let least = Program::read(&outcome.text).unwrap();
    for (name, pass) in PASSES {
        for edit in pass(&least) {
            let Ok(smaller) = least.edited(&edit) else { continue };
            let text = smaller.text();
            assert!(
                !(smaller.size() < least.size() && is_valid(&text) && shows(&text)),
                "{name} is left:\n{text}"
            );
        }
    }
    outcome
}

/// What of a text an entry point leads to: else a function that nobody calls would do for any bug.
fn reached(text: &str) -> String {
    let program = Program::read(text).unwrap();
    let (_, unreachable) = PASSES[0];
    let edits = unreachable(&program);
    edits
        .first()
        .map_or(program.text(), |edit| program.edited(edit).unwrap().text())
}

#[test]
fn a_kernel_down_to_the_loop_that_adds() {
    let shows = |text: &str| {
        let text = reached(text);
        let body = text.split("for (").nth(1);
        body.is_some_and(|body| body.contains("+= ")) && text.contains("output[")
    };
    let outcome = reduced(KERNEL, shows);
    let least = "\
@group(0) @binding(0) var<storage, read_write> output: array<f32>;
@compute @workgroup_size(1)
fn main() {
    var at = 0u;
    for (;;) {
        at += 0;
    }
    output[0] = 0;
}
";
    assert_eq!(outcome.text, least, "{outcome:?}");
    assert_eq!(outcome, reduced(KERNEL, shows), "another time");
}

#[test]
fn the_least_number_is_found_by_halving() {
    let text = "@compute @workgroup_size(1) fn main() { for (var i = 0u; i < 98304u; i++) {} }";
    let shows = |text: &str| {
        let bound = text
            .split("i < ")
            .nth(1)
            .and_then(|rest| rest.split('u').next()?.parse::<u32>().ok());
        bound.is_some_and(|bound| bound > 65_535)
    };
    let outcome = reduced(text, shows);
    assert!(outcome.text.contains("i < 65536u;") && outcome.tries < 60, "{outcome:?}");
}

/// What reductions are for: a text, what must stay in it, and what is left of it.
const REDUCTIONS: &[(&str, &str, &str)] = &[
    (
        "//: workgroups 9 1 1\n//: binding 0 values 7 8\n// no\n@group(0) @binding(0) var<storage> a: u32; fn main() { _ = a; }",
        "values",
        "//: binding 0 values 0 fn main() {}",
    ),
    (
        "var<private> o: f32; fn main() { g(2.0); } fn g(x: f32) { o = fma(x, x, 1.0); }",
        "fma(",
        "var<private> o: f32; fn main() { o = fma(0, 0, 0.0); }",
    ),
    (
        "fn main() { var o = 1.0; o = g(2.0) + g(3.0); } fn g(x: f32) -> f32 { return fma(x, x, 1.0); }",
        "fma(",
        "fn main() { var o = 0.0; o = fma(0, 0, 0.0); }",
    ),
    (
        "fn main() { var o = g(2.0); } fn g(x: f32) -> f32 { let y = x; return fma(y, y, 1.0); }",
        "fma(",
        "fn main() { var o = fma(0, 0, 0.0); }",
    ),
    (
        "fn main() { g(2.0, 1u); g(2.0, 2u); } fn g(x: f32, n: u32) { if (n > 1u) { h(); } } fn h() { while true { } }",
        "while",
        "fn main() { while true {} }",
    ),
    (
        "const N = 5u; alias real = f32; fn main() { let x = real(N); var y: real = x; y = sqrt(y); }",
        "sqrt(",
        "fn main() { var y = 0.0; y = sqrt(0); }",
    ),
    (
        "struct P { n: u32, m: u32 } @group(0) @binding(0) var<uniform> p: P; fn main() { var x = min(p.m, 7u); }",
        "min(p",
        "@group(0) @binding(0) var<uniform> p: u32; fn main() { var x = min(p, 0u); }",
    ),
    (
        "var<private> v: vec4<f32>; fn main() { v = vec4<f32>(1.0); v = v * v; }",
        "v * v",
        "var<private> v: f32; fn main() { v = v * v; }",
    ),
    (
        "fn main() { var x = 1; switch x { case 1, 2: { loop { x++; if x > 9 { break; } continuing { x += 2; } } } default: { } } }",
        "x++",
        "fn main() { var x = 0; x++; }",
    ),
    (
        "fn main() { var x = 1; if x > 2 { x = 3; } else if x > 1 { x = 5; } else { x = max(x, 4); } }",
        "max(",
        "fn main() { var x = 0; x = max(0, 0); }",
    ),
];

#[test]
fn every_reduction_has_a_use() {
    for (text, stays, left) in REDUCTIONS {
        let text = text.replace("fn main(", "@compute @workgroup_size(64) fn main(");
        let outcome = reduced(&text, |text| reached(text).contains(stays));
        let words: Vec<&str> = outcome.text.split_whitespace().collect();
        assert_eq!(
            words.join(" ").replace("@compute @workgroup_size(1) ", ""),
            *left,
            "of {text}"
        );
    }
}

#[test]
fn what_shows_no_bug_is_refused() {
    let text = "@compute @workgroup_size(1) fn main() {}";
    let refused = minimise(text, is_valid, |_| Ok(false), |_, _| {});
    assert!(
        matches!(&refused, Err(Error::Argument(message)) if message.contains("does not show")),
        "{refused:?}"
    );
    let refused = minimise("fn main( {}", is_valid, |_| Ok(true), |_, _| {});
    assert!(matches!(refused, Err(Error::Syntax { line: 1, .. })), "{refused:?}");
    // What the question fails with comes back.
    let failed = minimise(text, is_valid, |_| Err(Error::Argument("no disk".to_owned())), |_, _| {});
    assert!(
        matches!(&failed, Err(Error::Argument(message)) if message == "no disk"),
        "{failed:?}"
    );
}

/// The command, with another command for a question.
#[test]
fn a_command_is_asked() {
    let folder = std::env::temp_dir().join(format!("minimise_wgsl-{}", std::process::id()));
    std::fs::create_dir_all(&folder).unwrap();
    let (file, out) = (folder.join("kernel.wgsl"), folder.join("least.wgsl"));
    std::fs::write(&file, KERNEL).unwrap();
    let reduce = |question: &[&str]| {
        let mut command = Command::new(env!("CARGO_BIN_EXE_minimise_wgsl"));
        command
            .arg("reduce")
            .arg(&file)
            .arg("--out")
            .arg(&out)
            .arg("--")
            .args(question);
        command.output().unwrap()
    };
    let reduced = reduce(&["grep", "-q", "exp("]);
    let said = String::from_utf8_lossy(&reduced.stdout).into_owned();
    let left = std::fs::read_to_string(&out).unwrap();
    assert!(
        reduced.status.success()
            && said
                .lines()
                .last()
                .unwrap()
                .starts_with(&format!("{} lines in ", left.lines().count())),
        "{said}"
    );
    assert!(left.lines().count() < 8 && left.contains("exp("), "{left}");
    assert_eq!(std::fs::read_dir(&folder).unwrap().count(), 2, "nothing else is left behind");
    let refused = reduce(&["grep", "-q", "no such text"]);
    assert_eq!(refused.status.code(), Some(2));
    assert!(
        String::from_utf8_lossy(&refused.stderr).contains("the bug does not show"),
        "{refused:?}"
    );
    std::fs::remove_dir_all(folder).unwrap();
}
