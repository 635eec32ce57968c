//! The parts that a kernel's text is made of.
//!
//! A file says at its top which parts of `shaders/shared` it needs, `#import shared/padding`. Where a part has variants,
//! `#import shared/strip_*`, the kernel's declaration chooses one of them, and `single` is meant where it chooses none.

/// The files of `shaders/shared`.
macro_rules! shared {
    ($($name:literal)+) => {
        &[$(($name, include_str!(concat!(env!("CARGO_MANIFEST_DIR"), "/shaders/shared/", $name, ".wgsl")))),+]
    };
}

const SHARED: &[(&str, &str)] = shared!(
    "angle" "arc" "attention" "blocked_sum" "decay" "division" "epilogue" "error_function" "exponential" "factors_single" "factors_whole" "floating_point" "fmod" "gates" "hyperbolic_tangent" "indices_dropped" "indices_stored" "kept_axes" "keys_broadcast" "keys_plain" "lanes_single" "lanes_subgroup" "layer_norm" "lines" "logarithm" "logistic" "order" "padding" "picture_pixel" "pool_taps" "pool_window" "product" "rank" "reals_quads" "reals_single" "reduced_axes" "reduction" "reduction_quads" "reduction_single" "special" "spread_broadcast" "spread_plain" "strip_quads" "strip_single" "tap_source" "terms_quads" "terms_single" "tile_columns" "tile_rows" "tiles" "top_k" "vectors_padded" "vectors_whole" "width_quads" "width_single" "window_taps" "winograd_large" "winograd_small"
);

const IMPORT: &str = "#import shared/";

/// Several texts with those of all that they import before them, each once.
pub(crate) fn with_imports(texts: &[&str], variants: &[&str]) -> Result<String, String> {
    let parts = parts(texts, variants)?;
    let lines = parts.iter().flat_map(|part| part.lines());
    let code = lines.filter(|line| !line.starts_with(IMPORT));
    Ok(code.flat_map(|line| [line, "\n"]).collect())
}

/// The texts and the files that they import, each after those that it imports itself.
pub(crate) fn parts<'a>(texts: &[&'a str], variants: &[&str]) -> Result<Vec<&'a str>, String> {
    let mut parts = Vec::new();
    let mut names = Vec::new();
    for text in texts {
        add(text, variants, &mut names, &mut parts)?;
    }
    match variants.iter().find(|variant| !names.iter().any(|name| name == *variant)) {
        Some(variant) => Err(format!("shared/{variant} is chosen and not imported")),
        None => Ok(parts),
    }
}

/// Adds a file after those that it imports and that `names` has not yet.
fn add<'a>(file: &'a str, variants: &[&str], names: &mut Vec<String>, parts: &mut Vec<&'a str>) -> Result<(), String> {
    for name in file.lines().filter_map(|line| line.strip_prefix(IMPORT)) {
        let name = chosen(name, variants);
        if names.contains(&name) {
            continue;
        }
        let part = SHARED.iter().find(|(known, _)| *known == name);
        let (_, part) = part.ok_or_else(|| format!("there is no shared/{name}"))?;
        names.push(name);
        add(part, variants, names, parts)?;
    }
    parts.push(file);
    Ok(())
}

/// The part that an import means.
fn chosen(name: &str, variants: &[&str]) -> String {
    let Some(family) = name.strip_suffix('*') else {
        return name.to_owned();
    };
    let own = variants.iter().find(|variant| variant.starts_with(family));
    own.map_or_else(|| format!("{family}single"), |own| (*own).to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn opening(part: &str) -> &str {
        part.lines().next().unwrap_or_default()
    }

    #[test]
    fn parts_come_once_and_after_what_they_import() {
        let file = "// file\n#import shared/width_*\n#import shared/epilogue\n#import shared/product\nfn run() {}\n";
        let parts = parts(&[file], &["width_quads"]).unwrap();
        let names = parts
            .iter()
            .map(|part| SHARED.iter().find(|(_, text)| text == part).map(|(name, _)| *name));
        let names: Vec<_> = names.map(|name| name.unwrap_or("file")).collect();
        assert_eq!(names, ["reals_single", "width_quads", "epilogue", "product", "file"]);
        let text = with_imports(&[file], &["width_quads"]).unwrap();
        assert!(text.starts_with(opening(parts[0])) && text.ends_with("// file\nfn run() {}\n") && !text.contains(IMPORT));
    }

    #[test]
    fn what_is_not_there_is_told() {
        for (file, variants, message) in [
            ("#import shared/nonsense\n", &[][..], "there is no shared/nonsense"),
            ("#import shared/strip_*\n", &["strip_odd"], "there is no shared/strip_odd"),
            (
                "#import shared/strip_*\n",
                &["reals_quads"],
                "shared/reals_quads is chosen and not imported",
            ),
        ] {
            assert_eq!(parts(&[file], variants).err().as_deref(), Some(message));
        }
    }
}
