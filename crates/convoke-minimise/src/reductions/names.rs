//! Names replaced by what they stand for, and types by those in them.

use std::collections::BTreeSet;
use std::ops::Range;

use crate::reductions::program::{Edit, Program};
use crate::syntax::{Kind, Node, TokenKind};

/// Constants and variables that are their first value, types that are another, places to which another was assigned; each with its
/// declaration, or assignment, gone.
pub(super) fn inlined(program: &Program) -> Vec<Edit> {
    let mut edits = Vec::new();
    for item in &program.tree.children {
        edits.extend(declared(program, item, &program.tree.range));
        for node in item.all().into_iter().skip(1) {
            edits.extend(declared(program, node, &item.range));
            edits.extend(assigned(program, node));
        }
    }
    edits
}

fn declared(program: &Program, node: &Node, scope: &Range<usize>) -> Option<Edit> {
    if !matches!(node.kind, Kind::Alias | Kind::Constant | Kind::Variable) {
        return None;
    }
    let value = node.parts(Kind::Initializer).next()?.children.first()?;
    let mut changes = vec![(node.range.clone(), String::new())];
    changes.extend(replaced(program, program.name(node)?, value, scope));
    Some(Edit::Tokens(changes))
}

/// `a = b;` of two names: `b` wherever `a` was.
fn assigned(program: &Program, node: &Node) -> Option<Edit> {
    let [place, value] = node.children.as_slice() else {
        return None;
    };
    if node.kind != Kind::Assignment || place.kind != Kind::Name || !program.tokens[place.range.end].is("=") {
        return None;
    }
    let name = program.name(place)?;
    let is_declaration = |at: &usize| {
        program
            .tree
            .all()
            .iter()
            .any(|other| other.name == Some(*at) && !other.kind.is_expression())
    };
    let mut changes = vec![(node.range.clone(), String::new())];
    let uses = program
        .uses(name, &program.tree.range)
        .into_iter()
        .filter(|at| !is_declaration(at));
    changes.extend(uses.map(|at| (at..at + 1, bracketed(program, value))));
    Some(Edit::Tokens(changes))
}

pub(super) fn replaced(program: &Program, name: &str, value: &Node, scope: &Range<usize>) -> Vec<(Range<usize>, String)> {
    let text = bracketed(program, value);
    let uses = program.uses(name, scope).into_iter();
    uses.map(|at| (at..at + 1, text.clone())).collect()
}

/// A value that may stand anywhere.
pub(super) fn bracketed(program: &Program, value: &Node) -> String {
    let text = program.text_of(&value.range);
    let is_one = value.kind != Kind::Expression || program.tokens[value.range.start].is("(");
    if is_one { text } else { format!("( {text} )") }
}

/// Vectors and arrays that are one element, everywhere; structs that are their only member.
pub(super) fn types(program: &Program) -> Vec<Edit> {
    let mut edits = Vec::new();
    let mut seen = BTreeSet::new();
    for node in program.tree.all() {
        if node.kind == Kind::Struct {
            edits.extend(only_member(program, node));
        }
        let is_type = node.kind == Kind::Apply
            && program.tokens.get(node.range.start + 1).map(|token| token.kind) == Some(TokenKind::TemplateOpen);
        if is_type && !program.tokens[node.range.end - 1].is(")") && seen.insert(program.text_of(&node.range)) {
            edits.extend(
                node.children
                    .first()
                    .map(|element| everywhere(program, &node.range, &element.range)),
            );
        }
    }
    edits
}

/// A type wherever it stands, as one of its parameters.
fn everywhere(program: &Program, of: &Range<usize>, element: &Range<usize>) -> Edit {
    let (length, text) = (of.len(), program.text_of(element));
    let same = |&at: &usize| program.text_of(&(at..at + length)) == program.text_of(of);
    let places = (0..=program.tokens.len() - length).filter(same);
    Edit::Tokens(places.map(|at| (at..at + length, text.clone())).collect())
}

fn only_member(program: &Program, node: &Node) -> Option<Edit> {
    let members: Vec<&Node> = node.parts(Kind::Member).collect();
    let [member] = members.as_slice() else {
        return None;
    };
    let of = member.parts(Kind::Annotation).next()?.children.first()?;
    let mut changes = vec![(node.range.clone(), String::new())];
    changes.extend(replaced(program, program.name(node)?, of, &program.tree.range));
    let name = program.name(member)?;
    let is_access = |&at: &usize| program.tokens[at].is(".") && program.tokens.get(at + 1).is_some_and(|next| next.is(name));
    changes.extend(
        (0..program.tokens.len())
            .filter(is_access)
            .map(|at| (at..at + 2, String::new())),
    );
    Some(Edit::Tokens(changes))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_was_assigned_stands_for_a_name() {
        let text = "var<private> v: u32; @group(0) @binding(0) var<uniform> p: u32; fn main() { v = p; var o = max(v, 1u); }";
        let program = Program::read(text).unwrap();
        let texts: Vec<String> = inlined(&program)
            .iter()
            .map(|edit| program.edited(edit).unwrap().text())
            .collect();
        let [assigned, declared] = texts.as_slice() else {
            panic!("{texts:?}");
        };
        assert!(assigned.starts_with("var<private> v: u32;") && assigned.ends_with("fn main() {\n    var o = max(p, 1u);\n}\n"));
        assert!(declared.ends_with("fn main() {\n    v = p;\n}\n"), "{declared}");
    }
}
