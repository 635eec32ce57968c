//! Unrolls marked loops of a shader before it is compiled.
//!
//! Accumulators live in registers only where every index is a constant. Drivers unroll some loops, up to limits of
//! their own, and wgpu's guard against endless loops keeps them from most: a register-blocked kernel is ten times
//! slower then. So loops that must disappear say so, and the host writes them out:
//!
//! ```wgsl
//! for (var row = 0u; row < ROWS; row++) { // unroll
//!     ...
//! }
//! ```
//!
//! becomes `{ const row = 0u; ... } { const row = 1u; ... }` and so on. The bound is a constant of the header or a
//! number. The loop ends at the first `}` that is indented like its `for`.

/// Writes out every marked loop. `bound` resolves the constants of the header.
pub(crate) fn unroll(source: &str, bound: &dyn Fn(&str) -> Option<u32>) -> Result<String, String> {
    let lines: Vec<&str> = source.lines().collect();
    let mut output = String::with_capacity(source.len() * 4);
    expand(&lines, bound, &mut output)?;
    Ok(output)
}

fn expand(lines: &[&str], bound: &dyn Fn(&str) -> Option<u32>, output: &mut String) -> Result<(), String> {
    let mut at = 0;
    while at < lines.len() {
        let line = lines[at];
        if !line.trim_end().ends_with("// unroll") {
            output.push_str(line);
            output.push('\n');
            at += 1;
            continue;
        }
        let (name, count) = loop_header(line, bound).ok_or_else(|| format!("not a loop that can be unrolled: {}", line.trim()))?;
        let indent = &line[..line.len() - line.trim_start().len()];
        let body = at + 1;
        let length = lines[body..]
            .iter()
            .position(|line| line.trim_end().strip_prefix(indent) == Some("}"))
            .ok_or_else(|| format!("no end of the loop: {}", line.trim()))?;
        for value in 0..count {
            output.push_str(indent);
            output.push_str("{ const ");
            output.push_str(name);
            output.push_str(" = ");
            output.push_str(&value.to_string());
            output.push_str("u;\n");
            expand(&lines[body..body + length], bound, output)?;
            output.push_str(indent);
            output.push_str("}\n");
        }
        at = body + length + 1;
    }
    Ok(())
}

/// The variable and the number of rounds of `for (var NAME = 0u; NAME < BOUND; NAME++) { // unroll`.
fn loop_header<'a>(line: &'a str, bound: &dyn Fn(&str) -> Option<u32>) -> Option<(&'a str, u32)> {
    let rest = line.trim_start().strip_prefix("for (var ")?;
    let (name, rest) = rest.split_once(" = 0u; ")?;
    let (limit, rest) = rest.strip_prefix(name)?.strip_prefix(" < ")?.split_once("; ")?;
    let rest = rest.strip_prefix(name)?.strip_prefix("++) {")?;
    (rest.trim() == "// unroll").then_some(())?;
    let count = match limit.strip_suffix('u') {
        Some(digits) if digits.bytes().all(|byte| byte.is_ascii_digit()) => digits.parse().ok()?,
        _ => bound(limit)?,
    };
    Some((name, count))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn two(name: &str) -> Option<u32> {
        (name == "TWO").then_some(2)
    }

    #[test]
    fn nested_loops_are_written_out() {
        let source = "a\nfor (var i = 0u; i < TWO; i++) { // unroll\n    for (var j = 0u; j < 1u; j++) { // unroll\n        b[i][j];\n    }\n}\nc\n";
        let unrolled = unroll(source, &two).unwrap();
        let expected = "a\n{ const i = 0u;\n    { const j = 0u;\n        b[i][j];\n    }\n}\n{ const i = 1u;\n    { const j = 0u;\n        b[i][j];\n    }\n}\nc\n";
        assert_eq!(unrolled, expected);
    }

    #[test]
    fn unmarked_loops_stay() {
        let source = "for (var i = 0u; i < n; i++) {\n}\n";
        assert_eq!(unroll(source, &two).unwrap(), source);
    }

    #[test]
    fn a_mark_on_anything_else_is_refused() {
        for line in [
            "while (true) { // unroll",
            "for (var i = 1u; i < TWO; i++) { // unroll",
            "for (var i = 0u; i < MANY; i++) { // unroll",
        ] {
            assert!(unroll(&format!("{line}\n}}\n"), &two).is_err(), "{line}");
        }
        assert!(
            unroll("for (var i = 0u; i < TWO; i++) { // unroll\n", &two)
                .unwrap_err()
                .contains("no end")
        );
    }
}
