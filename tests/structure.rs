//! The floors of the house: what every file of the library imports, read from its `use` lines and paths. Arrows go down, and files
//! that import one another are neighbours, three at most.

#![expect(clippy::unwrap_used, reason = "a test may fail")]

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::Path;

/// From the bottom up. A module imports those on its own floor and below.
const FLOORS: [&[&str]; 7] = [
    &[
        "buffers",
        "cancel",
        "clock",
        "dtype",
        "environment",
        "error",
        "json_file",
        "lock",
        "padding",
        "precision",
        "shape",
        "tensor",
        "content",
        "digest",
        "elsewhere",
        "turn",
        "room",
        "whole_file",
    ],
    &["ops"],
    &["graph"],
    &["weights", "nn", "onnx", "compiled", "profiling", "engine", "limits"],
    &["reference", "cpu", "gpu"],
    &["session"],
    &["testing"],
];

/// The rooms of `gpu`, likewise.
const ROOMS: [&[&str]; 8] = [
    &["wgsl"],
    &["device"],
    &["choose"],
    &["plan"],
    &["lower"],
    &["eager", "builder"],
    &["roofline", "tuning", "picture"],
    &["engine"],
];

/// The path of a module, without `crate`.
type Module = Vec<String>;

/// A name with the path that it stands for.
type Names = BTreeMap<String, Vec<String>>;

struct File {
    /// What it imports, and what it names by a path.
    paths: Vec<Vec<String>>,
    /// What others find here that stands elsewhere.
    reexports: Names,
}

type Arrows<'a> = BTreeMap<&'a Module, BTreeSet<&'a Module>>;

fn arrows(files: &BTreeMap<Module, File>) -> Arrows<'_> {
    let mut arrows = Arrows::new();
    for (module, file) in files {
        let targets = file.paths.iter().filter_map(|path| resolve(files, module, path, 0));
        arrows.insert(module, targets.filter(|&target| target != module).collect());
    }
    arrows
}

#[test]
fn arrows_of_the_library_go_down() {
    let files = files("src");
    assert!(files.len() > 150, "only {} files", files.len());
    let arrows = arrows(&files);
    let mut wrong = Vec::new();
    for (&from, targets) in &arrows {
        for &to in targets {
            let is_up = match (floor(&FLOORS, from, 0), floor(&FLOORS, to, 0)) {
                (Some(own), Some(other)) if own == other && from.first() == to.first() && from[0] == "gpu" => {
                    matches!((floor(&ROOMS, from, 1), floor(&ROOMS, to, 1)), (Some(own), Some(other)) if own < other)
                }
                (Some(own), Some(other)) => own < other || (own == other && own == 4 && from[0] != to[0]),
                (None, _) if from.is_empty() => false,
                (own, _) => panic!(
                    "{} imports {}: {} is on no floor",
                    show(from),
                    show(to),
                    if own.is_none() { show(from) } else { show(to) }
                ),
            };
            if is_up {
                wrong.push(format!("up: {} imports {}", show(from), show(to)));
            }
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[test]
fn circles_of_files_are_small() {
    let mut wrong = Vec::new();
    let crates = ["bench", "cli", "digits", "minimise", "suite", "tune"].map(|name| format!("crates/convoke-{name}/src"));
    for source in crates.iter().map(String::as_str).chain(["src"]) {
        let files = files(source);
        for circle in circles(&arrows(&files)) {
            let rooms: BTreeSet<&[String]> = circle.iter().map(|module| room(&files, module)).collect();
            if circle.len() > 3 || rooms.len() > 1 {
                let names: Vec<_> = circle.iter().map(|module| show(module)).collect();
                wrong.push(format!("{source}: {}", names.join(", ")));
            }
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

fn show(module: &[String]) -> String {
    if module.is_empty() {
        "lib".to_owned()
    } else {
        module.join("/")
    }
}

/// The directory of a module's file.
fn room<'a>(files: &BTreeMap<Module, File>, module: &'a Module) -> &'a [String] {
    let has_children = files
        .keys()
        .any(|other| other.len() > module.len() && other.starts_with(module));
    if has_children {
        module
    } else {
        &module[..module.len().saturating_sub(1)]
    }
}

fn floor(floors: &[&[&str]], module: &[String], place: usize) -> Option<usize> {
    let name = module.get(place)?;
    floors.iter().position(|floor| floor.contains(&name.as_str()))
}

/// The files of a crate, without those of tests.
fn files(source: &str) -> BTreeMap<Module, File> {
    let source = Path::new(env!("CARGO_MANIFEST_DIR")).join(source);
    let mut files = BTreeMap::new();
    let mut left = vec![source.clone()];
    while let Some(folder) = left.pop() {
        for entry in fs::read_dir(&folder).unwrap() {
            let path = entry.unwrap().path();
            let name = path.file_name().unwrap().to_string_lossy().into_owned();
            if path.is_dir() {
                if name != "tests" && name != "validation" {
                    left.push(path);
                }
                continue;
            }
            if path.extension() != Some("rs".as_ref()) || ["tests.rs", "validation.rs"].contains(&name.as_str()) {
                continue;
            }
            let relative = path.strip_prefix(&source).unwrap().with_extension("");
            let mut module: Module = relative.iter().map(|part| part.to_string_lossy().into_owned()).collect();
            if ["mod", "lib", "main"].contains(&module.last().unwrap().as_str()) {
                module.pop();
            }
            let text = without_tests(&fs::read_to_string(&path).unwrap());
            files.insert(module, read(&text));
        }
    }
    files
}

/// Without comments and test modules.
fn without_tests(text: &str) -> String {
    let mut lines = text.lines();
    let mut kept = String::new();
    while let Some(line) = lines.next() {
        let indent = &line[..line.len() - line.trim_start().len()];
        if ["#[cfg(test)]", "#[cfg(all(test"]
            .iter()
            .any(|start| line.trim().starts_with(start))
        {
            let item = lines.find(|line| !line.trim().starts_with("#["));
            if item.is_some_and(|item| item.ends_with('{')) {
                let end = format!("{indent}}}");
                while lines.next().is_some_and(|line| line != end) {}
            }
            continue;
        }
        kept.push_str(line.split("//").next().unwrap());
        kept.push('\n');
    }
    kept
}

fn read(text: &str) -> File {
    let (mut paths, mut reexports) = (Vec::new(), Names::new());
    let mut rest = String::new();
    let mut left = text;
    // `use` lines, and what is left without them.
    while let Some(start) = find_use(left) {
        let end = start + left[start..].find(';').unwrap();
        let line_start = left[..start].rfind('\n').map_or(0, |place| place + 1);
        let is_public = left[line_start..start].trim_start().starts_with("pub");
        rest.push_str(&left[..line_start]);
        let tree: String = left[start + "use ".len()..end]
            .split_whitespace()
            .collect::<Vec<_>>()
            .join(" ");
        let mut leaves = Vec::new();
        split(&tree, &mut Vec::new(), &mut leaves);
        for (path, name) in leaves {
            if is_public {
                reexports.insert(name, path);
            } else {
                paths.push(path);
            }
        }
        left = &left[end + 1..];
    }
    rest.push_str(left);
    // Paths that stand in the code: from the crate or a module above, or through a child.
    for word in rest.split(|c: char| !(c.is_alphanumeric() || c == '_' || c == ':')) {
        let path: Vec<String> = word.split("::").map(str::to_owned).collect();
        let is_path = path.len() > 1 && path.iter().all(|part| !part.is_empty() && !part.contains(':'));
        if is_path && path[0].starts_with(|c: char| c.is_lowercase()) && path[0] != "self" {
            paths.push(path);
        }
    }
    File { paths, reexports }
}

fn find_use(text: &str) -> Option<usize> {
    let is_start = |place: usize| {
        let line = text[..place].rsplit('\n').next().unwrap_or_default().trim();
        line.is_empty() || (line.starts_with("pub") && !line.contains([' ', '{']))
    };
    text.match_indices("use ")
        .map(|(place, _)| place)
        .find(|&place| is_start(place))
}

/// The leaves of a `use` tree, each with the name that it has here.
fn split(tree: &str, before: &mut Vec<String>, leaves: &mut Vec<(Vec<String>, String)>) {
    let tree = tree.trim();
    if let Some(open) = tree.find('{') {
        let own = tree[..open].split("::").map(str::trim).filter(|part| !part.is_empty());
        let length = before.len();
        before.extend(own.map(str::to_owned));
        let (mut depth, mut start) = (0, open + 1);
        for (place, c) in tree.char_indices().skip(open) {
            depth += i32::from(c == '{') - i32::from(c == '}');
            if (c == ',' && depth == 1) || depth == 0 {
                split(&tree[start..place], before, leaves);
                start = place + 1;
            }
        }
        before.truncate(length);
    } else if !tree.is_empty() {
        let (path, name) = tree.split_once(" as ").unwrap_or((tree, ""));
        let path: Vec<String> = before.iter().cloned().chain(path.split("::").map(str::to_owned)).collect();
        let name = if name.is_empty() { path.last().unwrap() } else { name };
        leaves.push((path.clone(), name.to_owned()));
    }
}

/// The file that a path leads to, by way of what is re-exported; nothing where that is another crate's.
fn resolve<'a>(files: &'a BTreeMap<Module, File>, module: &Module, path: &[String], depth: usize) -> Option<&'a Module> {
    let mut absolute: Module = match path[0].as_str() {
        "crate" => Vec::new(),
        "super" => module[..module.len().checked_sub(1)?].to_vec(),
        first => {
            let mut child = module.clone();
            child.push(first.to_owned());
            files.contains_key(&child).then_some(child)?
        }
    };
    for part in &path[1..] {
        match part.as_str() {
            "super" => drop(absolute.pop()),
            part => absolute.push(part.to_owned()),
        }
    }
    let (target, file) = (0..=absolute.len())
        .rev()
        .find_map(|length| files.get_key_value(&absolute[..length]))?;
    match absolute.get(target.len()).and_then(|name| file.reexports.get(name)) {
        Some(other) if depth < 9 => resolve(files, target, other, depth + 1).or(Some(target)),
        _ => Some(target),
    }
}

/// Files that reach one another.
fn circles<'a>(arrows: &Arrows<'a>) -> Vec<Vec<&'a Module>> {
    let reached = |from: &'a Module| {
        let (mut seen, mut left) = (BTreeSet::new(), vec![from]);
        while let Some(module) = left.pop() {
            left.extend(arrows[module].iter().filter(|&&next| seen.insert(next)));
        }
        seen
    };
    let reached: BTreeMap<&Module, BTreeSet<&Module>> = arrows.keys().map(|&module| (module, reached(module))).collect();
    let mut circles: BTreeSet<Vec<&Module>> = BTreeSet::new();
    for (&module, others) in &reached {
        let circle: Vec<&Module> = others
            .iter()
            .copied()
            .filter(|other| reached[other].contains(module))
            .collect();
        if circle.len() > 1 {
            circles.insert(circle);
        }
    }
    circles.into_iter().collect()
}
