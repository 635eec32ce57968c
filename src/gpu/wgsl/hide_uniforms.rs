//! Hides from a driver that a kernel's parameters are uniforms.
//!
//! lavapipe writes the values of uniforms into conditions and bounds of loops, to see whether the shader shrinks. Where it
//! does not shrink it may grow, and lavapipe (22.3 at least) takes that for a gain: it makes such a shader anew before
//! every dispatch, 2 ms each time, and keeps all of them. Parameters that come out of a condition on what is known only as
//! the kernel runs are left alone:
//!
//! ```wgsl
//! @group(0) @binding(0) var<uniform> params: Params;
//! fn main(...) {
//! ```
//!
//! becomes
//!
//! ```wgsl
//! @group(0) @binding(0) var<uniform> uniform_params: Params;
//! var<private> params: Params;
//! fn main(...) {
//!     params = uniform_params;
//!     if (workgroup_count.x == 0u) { params = Params(); }
//! ```
//!
//! There always is a workgroup where there is an invocation, so that the condition never holds.

const DECLARED: &str = "var<uniform> params: Params;";
const HIDDEN: &str = "var<uniform> uniform_params: Params;\nvar<private> params: Params;";
const OPENING: &str = "params = uniform_params;\nif (workgroup_count.x == 0u) { params = Params(); }";

/// Rewrites a kernel whose `main` has the builtin `workgroup_count`.
pub(crate) fn hide_parameters(text: &str) -> Result<String, String> {
    let (before, after) = text.split_once(DECLARED).ok_or("no parameters to hide")?;
    let main = after.find("fn main(").ok_or("no main")?;
    let body = after[main..].find(") {\n").ok_or("a main without a body")? + main + ") {\n".len();
    let (head, body) = after.split_at(body);
    Ok([before, HIDDEN, head, OPENING, "\n", body].concat())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn main_begins_with_a_copy() {
        let kernel = "@group(0) @binding(0) var<uniform> params: Params;\n\
            fn helper() { params.a; }\n\
            fn main(\n    @builtin(num_workgroups) workgroup_count: vec3<u32>,\n) {\n    helper();\n}\n";
        let expected = "@group(0) @binding(0) var<uniform> uniform_params: Params;\nvar<private> params: Params;\n\
            fn helper() { params.a; }\n\
            fn main(\n    @builtin(num_workgroups) workgroup_count: vec3<u32>,\n) {\n\
            params = uniform_params;\nif (workgroup_count.x == 0u) { params = Params(); }\n    helper();\n}\n";
        assert_eq!(hide_parameters(kernel).as_deref(), Ok(expected));
    }

    #[test]
    fn what_is_missing_is_told() {
        for (kernel, message) in [
            ("fn main() {\n}", "no parameters to hide"),
            ("var<uniform> params: Params;", "no main"),
            ("var<uniform> params: Params; fn main(", "a main without a body"),
        ] {
            assert_eq!(hide_parameters(kernel), Err(message.to_owned()));
        }
    }
}
