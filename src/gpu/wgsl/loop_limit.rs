//! Cuts a kernel's loops short after the rounds that were recorded for it, as an adapter would that allows no more. A kernel whose
//! rounds were counted too low gives wrong answers then. For tests only.
//!
//! ```wgsl
//! for (var i = 0u; i < params.count; i++) {
//! ```
//!
//! becomes
//!
//! ```wgsl
//! for (var i = 0u; i < params.count; i++) {
//! if (rounds_taken >= MOST_ROUNDS) { break; }
//! rounds_taken++;
//! ```

/// The rounds that all loops of an invocation may take together. Mesa's llvmpipe leaves every loop of an invocation after so many,
/// in silence; no adapter tells that it does, and a browser does not even name it, so that all are held to it.
pub(crate) const MOST_ROUNDS: u64 = 65_535;

/// The constant of a kernel's header that asks for it, and says after how many rounds.
pub(crate) const CUT_LOOPS: &str = "MOST_ROUNDS";

const COUNTER: &str = "var<private> rounds_taken: u32;\n";
const CUT: &str = "if (rounds_taken >= MOST_ROUNDS) { break; }\nrounds_taken++;\n";

/// Rewrites every loop that was not written out.
pub(crate) fn cut_loops(text: &str) -> String {
    let mut cut = String::new();
    for line in text.lines() {
        cut.push_str(line);
        cut.push('\n');
        if is_loop(line) {
            cut.push_str(CUT);
        }
    }
    // `enable` comes before all else, and declarations may come in any order.
    cut + COUNTER
}

/// Whether a line opens a loop.
pub(crate) fn is_loop(line: &str) -> bool {
    let line = line.trim_start();
    ["for (", "while (", "loop {"].iter().any(|keyword| line.starts_with(keyword))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_loop_is_cut() {
        let text =
            "fn main() {\n    for (var i = 0u; i < n; i++) {\n        while (x > 0u) {\n            x--;\n        }\n    }\n}\n";
        let expected = format!(
            "fn main() {{\n    for (var i = 0u; i < n; i++) {{\n{CUT}        while (x > 0u) {{\n{CUT}            x--;\n        }}\n    }}\n}}\n{COUNTER}"
        );
        assert_eq!(cut_loops(text), expected);
    }
}
