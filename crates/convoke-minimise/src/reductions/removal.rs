//! Parts that can be left out.

use std::collections::BTreeSet;

use crate::reductions::program::{Edit, Program};
use crate::syntax::token::words;
use crate::syntax::{Kind, Node};

/// All at once: what no entry point leads to by names.
pub(super) fn unreachable(program: &Program) -> Vec<Edit> {
    let items = &program.tree.children;
    let is_kept = |item: &Node| {
        item.kind == Kind::Directive
            || item
                .parts(Kind::Attribute)
                .any(|attribute| program.name(attribute) == Some("compute"))
    };
    let mut kept: Vec<bool> = items.iter().map(is_kept).collect();
    loop {
        let tokens = items.iter().zip(&kept).filter(|&(_, &is_kept)| is_kept);
        let named: BTreeSet<&str> = tokens
            .flat_map(|(item, _)| words(&program.tokens[item.range.clone()]))
            .collect();
        let reached: Vec<bool> = items
            .iter()
            .zip(&kept)
            .map(|(item, &is_kept)| is_kept || program.name(item).is_some_and(|name| named.contains(name)))
            .collect();
        if reached == kept {
            break;
        }
        kept = reached;
    }
    let removed = items.iter().zip(&kept).filter(|&(_, &is_kept)| !is_kept);
    let changes: Vec<_> = removed.map(|(item, _)| (item.range.clone(), String::new())).collect();
    if changes.is_empty() {
        return Vec::new();
    }
    vec![Edit::Tokens(changes)]
}

/// Of each list as much as possible: all of it, halves, and so on to one after another (Zeller's delta debugging). Lists that hold
/// others come first.
pub(super) fn lists(program: &Program) -> Vec<Edit> {
    let mut edits = Vec::new();
    for node in program.tree.all() {
        let listed: Vec<&Node> = match node.kind {
            Kind::Module | Kind::Block => node.children.iter().collect(),
            Kind::Struct => node.parts(Kind::Member).collect(),
            Kind::Switch => node.parts(Kind::Case).collect(),
            _ => continue,
        };
        let mut size = listed.len();
        while size > 0 {
            // From the end: what stands later rarely has a name that others need.
            edits.extend(listed.rchunks(size).map(|chunk| {
                let ranges = chunk.iter().map(|part| (part.range.clone(), String::new()));
                Edit::Tokens(ranges.collect())
            }));
            size /= 2;
        }
    }
    edits
}

/// What a statement or declaration may do without: `else`, types, first values, attributes, `continuing`, the steps of a `for`, the value
/// of a `return`.
pub(super) fn parts(program: &Program) -> Vec<Edit> {
    let mut edits = Vec::new();
    for node in program.tree.all() {
        match node.kind {
            Kind::Else | Kind::Annotation | Kind::Initializer | Kind::Attribute | Kind::Result => {
                edits.push(Edit::remove(node.range.clone()));
            }
            Kind::Return | Kind::For => {
                let parts = node.children.iter().filter(|part| part.kind != Kind::Block);
                edits.extend(parts.map(|part| Edit::remove(part.range.clone())));
            }
            _ => {}
        }
    }
    edits
}
