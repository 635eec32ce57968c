//! Statements replaced by those in them.

use crate::reductions::program::{Edit, Program};
use crate::syntax::{Kind, Node};

/// What is in a branch, a loop, a case or a block, without it.
pub(super) fn statements(program: &Program) -> Vec<Edit> {
    let mut edits = Vec::new();
    let blocks = program.tree.all().into_iter().filter(|node| node.kind == Kind::Block);
    for statement in blocks.flat_map(|block| &block.children) {
        let texts = contents(program, statement).into_iter();
        edits.extend(texts.map(|text| Edit::replace(statement.range.clone(), text)));
    }
    edits
}

/// The texts that may stand for a statement: of each block in it, of all of them.
fn contents(program: &Program, statement: &Node) -> Vec<String> {
    let inner = |block: &Node| program.text_of(&(block.range.start + 1..block.range.end - 1));
    match statement.kind {
        Kind::Block => {
            // It may have attributes before its brace.
            let ends = statement.children.first().zip(statement.children.last());
            vec![ends.map_or_else(String::new, |(first, last)| {
                program.text_of(&(first.range.start..last.range.end))
            })]
        }
        Kind::If => {
            let mut texts: Vec<String> = statement.parts(Kind::Block).map(&inner).collect();
            for other in statement.parts(Kind::Else).flat_map(|other| &other.children) {
                texts.push(program.text_of(&other.range));
            }
            texts
        }
        Kind::For => {
            let body: String = statement.parts(Kind::Block).map(&inner).collect();
            let first = statement
                .children
                .first()
                .filter(|first| matches!(first.kind, Kind::Variable | Kind::Constant | Kind::Assignment));
            let with_first = first.map(|first| format!("{} ; {body}", program.text_of(&first.range)));
            with_first.into_iter().chain([body.clone()]).collect()
        }
        Kind::While | Kind::Loop | Kind::Continuing => statement.parts(Kind::Block).map(&inner).collect(),
        Kind::Switch => {
            let blocks = statement.parts(Kind::Case).flat_map(|case| case.parts(Kind::Block));
            blocks.map(inner).collect()
        }
        _ => Vec::new(),
    }
}
