//! Writes out the initial values of variables, for browsers.
//!
//! ```wgsl
//! var sums: array<f32, 4>;
//! ```
//!
//! becomes
//!
//! ```wgsl
//! var sums: array<f32, 4> = array<f32, 4>();
//! ```
//!
//! A variable in a loop is 0 at the beginning of every round, whether a text says so or not. In Chrome 156 on `SwiftShader` it keeps
//! what it had in the round before, unless the text does.

/// Rewrites every declaration of a function's variable that has a type and no value.
pub(crate) fn with_initial_values(text: &str) -> String {
    let mut written = String::new();
    for line in text.lines() {
        match declared_type(line) {
            Some((declaration, kind, rest)) => written.extend([declaration, " = ", kind, "();", rest]),
            None => written.push_str(line),
        }
        written.push('\n');
    }
    written
}

/// The line up to its semicolon, the type, and what stands after the semicolon. A kernel's own variables say where they live,
/// `var<workgroup>`, and are none.
fn declared_type(line: &str) -> Option<(&str, &str, &str)> {
    let (declaration, rest) = line.split_once(';')?;
    let (_, kind) = declaration.trim_start().strip_prefix("var ")?.split_once(": ")?;
    (!kind.contains('=')).then_some((declaration, kind, rest))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn variables_without_a_value_get_their_types() {
        let text = "var<workgroup> tile: array<f32, 64>;\nfn main() {\n    var sums: array<f32, 4>; // four\n    var x: u32 = 1u;\n    var y = 2u;\n    for (var i = 0u; i < 3u; i++) {}\n}\n";
        let expected = text.replace("sums: array<f32, 4>;", "sums: array<f32, 4> = array<f32, 4>();");
        assert_eq!(with_initial_values(text), expected);
    }
}
