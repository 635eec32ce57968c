//! Values replaced by smaller ones.

use std::collections::BTreeSet;

use crate::reductions::numbers;
use crate::reductions::program::{Edit, Program};
use crate::syntax::{Kind, Node};

/// What a value may become, whatever its type.
const CONSTANTS: [&str; 8] = ["0", "1", "0u", "1u", "0.0", "1.0", "false", "true"];

/// The most numbers of the text that are tried for each value.
const MOST_NUMBERS: usize = 6;

/// Each value a constant: 0, 1, a bool, or a large number that the text or its comments have already, such as the length of a
/// loop that came out of a buffer.
pub(super) fn constants(program: &Program) -> Vec<Edit> {
    let comments = program.directives.iter().flat_map(|line| line.split_whitespace());
    let texts = program.tokens.iter().map(|token| token.text.as_str()).chain(comments);
    let large = texts.filter_map(numbers::whole).filter(|&number| number > 16);
    let large: BTreeSet<u64> = large.collect();
    let large: Vec<String> = large
        .iter()
        .rev()
        .take(MOST_NUMBERS)
        .map(|number| format!("{number}u"))
        .collect();
    let mut edits = Vec::new();
    for value in outermost_first(program) {
        let range = &value.range;
        let is_number = range.len() == 1 && numbers::value(&program.tokens[range.start].text).is_some();
        // Smaller numbers are another pass.
        if !is_number {
            let all = CONSTANTS.iter().map(|&text| text.to_owned()).chain(large.iter().cloned());
            edits.extend(all.map(|text| Edit::replace(range.clone(), text)));
        }
    }
    edits
}

/// Each value one that it is made of.
pub(super) fn hoisted(program: &Program) -> Vec<Edit> {
    let mut edits = Vec::new();
    for value in outermost_first(program) {
        let parts = value.all().into_iter().skip(1).filter(|part| part.kind.is_expression());
        edits.extend(parts.map(|part| Edit::replace(value.range.clone(), program.text_of(&part.range))));
    }
    edits
}

fn outermost_first(program: &Program) -> impl Iterator<Item = &Node> {
    let is_value = |node: &&Node| node.kind.is_expression() && node.kind != Kind::Attribute;
    program.tree.all().into_iter().filter(is_value)
}
