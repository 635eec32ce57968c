//! Rewrites a shader so that some of its bindings are stored as 16-bit floats.
//!
//! Kernels are written for `f32`. Where a binding holds `f16`, every load from it is widened and every store to it narrowed:
//!
//! ```wgsl
//! @group(0) @binding(1) var<storage, read> input: array<f32>;
//! output[at] = input[at] + 1.0;
//! ```
//!
//! becomes, with both bindings in halves, `input: array<f16>` and `output[at] = f16(f32(input[at]) + 1.0);`. What is
//! between, sums above all, stays `f32`. WGSL mixes no types, so that whatever this left out would not compile.

/// Rewrites the bindings of a mask, a bit each from binding 1 on.
pub(crate) fn store_halves(text: &str, mask: u32) -> Result<String, String> {
    let mut text = text.to_owned();
    for binding in (1..=32).filter(|binding| mask & (1 << (binding - 1)) != 0) {
        let declared = Declared::find(&text, binding)?;
        text.replace_range(declared.at.clone(), &declared.narrow);
        text = rewrite(&text, &declared)?;
    }
    Ok(text)
}

/// What a shader declares a binding to be.
struct Declared {
    name: String,
    /// Where the type of its elements stands.
    at: std::ops::Range<usize>,
    /// The type that the kernel computes with, and the one that is stored.
    wide: String,
    narrow: String,
}

impl Declared {
    /// `@binding(1) var<storage, ACCESS> NAME: array<TYPE>;`
    fn find(text: &str, binding: u32) -> Result<Self, String> {
        let find = || {
            let start = text.find(&format!("@binding({binding}) var<storage"))?;
            let name = start + text[start..].find('>')? + 1;
            let colon = name + text[name..].find(": array<")?;
            let kind = colon + ": array<".len();
            let end = kind + text[kind..].find(">;")?;
            Some((text[name..colon].trim().to_owned(), kind..end))
        };
        let (name, at) = find().ok_or_else(|| format!("no array at binding {binding}"))?;
        let mut wide = &text[at.clone()];
        while let Some(meant) = alias(text, wide) {
            wide = meant;
        }
        // Bits that are only moved are moved as the floats that they are.
        let wide = wide.replace("u32", "f16");
        Ok(Self {
            name,
            at,
            narrow: wide.replace("f32", "f16"),
            wide,
        })
    }
}

/// What `alias NAME = TYPE;` says.
fn alias<'a>(text: &'a str, name: &str) -> Option<&'a str> {
    let (_, rest) = text.split_once(&format!("alias {name} = "))?;
    rest.split_once(';').map(|(meant, _)| meant)
}

/// Widens the loads and narrows the stores of one binding.
fn rewrite(text: &str, declared: &Declared) -> Result<String, String> {
    let Declared { name, wide, narrow, .. } = declared;
    let mut output = String::with_capacity(text.len() + 1024);
    let mut rest = text;
    while let Some((before, index, after)) = next_use(rest, name)? {
        output.push_str(before);
        let place = format!("{name}[{}]", rewrite(index, declared)?);
        let follows = after.trim_start();
        if follows.starts_with('=') && !follows.starts_with("==") {
            let (value, later) = follows[1..].split_once(';').ok_or("a store without an end")?;
            let value = rewrite(value.trim(), declared)?;
            output.extend([&place, " = ", narrow, "(", &value, ");"]);
            rest = later;
        } else if ["+=", "-=", "*=", "/="].iter().any(|operator| follows.starts_with(operator)) {
            return Err(format!("{name} is read and written at once"));
        } else {
            output.extend([wide, "(", &place, ")"]);
            rest = after;
        }
    }
    output.push_str(rest);
    Ok(output)
}

/// The text before the next `NAME[INDEX]`, the index, and the text after it.
fn next_use<'a>(text: &'a str, name: &str) -> Result<Option<(&'a str, &'a str, &'a str)>, String> {
    let mut from = 0;
    while let Some(found) = text[from..].find(name) {
        let (start, end) = (from + found, from + found + name.len());
        let is_word = !text[..start].ends_with(|last: char| last.is_alphanumeric() || last == '_' || last == '.');
        if is_word && text[end..].starts_with('[') {
            let mut depth = 0_usize;
            for (at, character) in text[end..].char_indices() {
                match character {
                    '[' => depth += 1,
                    ']' => depth -= 1,
                    _ => {}
                }
                if depth == 0 {
                    let close = end + at;
                    return Ok(Some((&text[..start], &text[end + 1..close], &text[close + 1..])));
                }
            }
            return Err(format!("{name}[ without an end"));
        }
        from = end;
    }
    Ok(None)
}

#[cfg(test)]
mod tests {
    use super::*;

    const KERNEL: &str = "alias Real = vec4<f32>;\n\
        @group(0) @binding(1) var<storage, read> input: array<f32>;   // [n]\n\
        @group(0) @binding(2) var<storage, read> table: array<u32>;\n\
        @group(0) @binding(3) var<storage, read_write> output: array<Real>;\n";

    fn with(body: &str, mask: u32) -> Result<String, String> {
        let text = store_halves(&format!("{KERNEL}{body}"), mask)?;
        Ok(text.lines().skip(4).collect::<Vec<_>>().join("\n"))
    }

    #[test]
    fn loads_are_widened_and_stores_narrowed() {
        for (body, mask, expected) in [
            ("x = input[i];", 1, "x = f32(input[i]);"),
            ("x = input[i];", 4, "x = input[i];"),
            ("x = input[a[i] + input[0]];", 1, "x = f32(input[a[i] + f32(input[0])]);"),
            ("x = my_input[i] + y.input[i];", 1, "x = my_input[i] + y.input[i];"),
            ("output[i] = x;", 4, "output[i] = vec4<f16>(x);"),
            ("output[i] = f(\n  x);\ny;", 4, "output[i] = vec4<f16>(f(\n  x));\ny;"),
            ("if (input[i] == 0.0) {", 1, "if (f32(input[i]) == 0.0) {"),
            (
                "output[i] = Real(input[i]);",
                5,
                "output[i] = vec4<f16>(Real(f32(input[i])));",
            ),
            // What has no numbers is moved.
            ("x = table[i];", 2, "x = f16(table[i]);"),
        ] {
            assert_eq!(with(body, mask).as_deref(), Ok(expected), "{body}");
        }
    }

    #[test]
    fn declarations_say_what_is_stored() {
        let text = store_halves(KERNEL, 5).unwrap();
        assert!(
            text.contains("input: array<f16>;   // [n]") && text.contains("output: array<vec4<f16>>;"),
            "{text}"
        );
        assert!(
            text.contains("table: array<u32>;") && text.contains("alias Real = vec4<f32>;"),
            "{text}"
        );
    }

    #[test]
    fn what_cannot_be_rewritten_is_refused() {
        for (body, mask) in [("output[i] += x;", 4), ("x = input[i;", 1), ("output[i] = x", 4), ("", 8)] {
            assert!(with(body, mask).is_err(), "{body}");
        }
    }
}
