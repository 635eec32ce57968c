//! Functions with fewer parameters, and calls replaced by what the function does.

use std::ops::Range;

use crate::reductions::names::{bracketed, replaced};
use crate::reductions::program::{Edit, Program};
use crate::syntax::{Kind, Node, TokenKind};

/// Each parameter, with what calls give for it. In the function, the first call's argument stands for it.
pub(super) fn parameters(program: &Program) -> Vec<Edit> {
    let mut edits = Vec::new();
    for function in program.tree.parts(Kind::Function) {
        let calls = calls(program, function);
        for (place, parameter) in function.parts(Kind::Parameter).enumerate() {
            let mut changes = vec![(parameter.range.clone(), String::new())];
            let given = calls.iter().filter_map(|call| arguments(program, call).nth(place));
            let given: Vec<&Node> = given.collect();
            changes.extend(
                given
                    .iter()
                    .map(|argument| (with_comma(program, &argument.range), String::new())),
            );
            let mut substituted = changes.clone();
            edits.push(Edit::Tokens(changes));
            if let (Some(argument), Some(name)) = (given.first(), program.name(parameter)) {
                substituted.extend(replaced(program, name, argument, &function.range));
                edits.push(Edit::Tokens(substituted));
            }
        }
    }
    edits
}

/// The functions of one call, and those that only return a value: what they do, where they are called.
pub(super) fn inlined(program: &Program) -> Vec<Edit> {
    let mut edits = Vec::new();
    for function in program.tree.parts(Kind::Function) {
        let calls = calls(program, function);
        let Some(block) = function.parts(Kind::Block).next() else {
            continue;
        };
        if let [statement] = block.children.as_slice()
            && statement.kind == Kind::Return
            && let Some(value) = statement.children.first()
        {
            edits.push(by_value(program, function, &calls, value));
        }
        if let [call] = calls.as_slice() {
            edits.extend(by_statements(program, function, call, block));
        }
    }
    edits
}

/// `( value )`, with arguments for parameters, for each call.
fn by_value(program: &Program, function: &Node, calls: &[&Node], value: &Node) -> Edit {
    let mut changes = vec![(function.range.clone(), String::new())];
    for call in calls {
        let mut text = format!(" {} ", bracketed(program, value));
        for (parameter, argument) in function.parts(Kind::Parameter).zip(arguments(program, call)) {
            if let Some(name) = program.name(parameter) {
                // Tokens are apart by one space each.
                text = text
                    .split(' ')
                    .map(|word| {
                        if word == name {
                            bracketed(program, argument)
                        } else {
                            word.to_owned()
                        }
                    })
                    .collect::<Vec<_>>()
                    .join(" ");
            }
        }
        changes.push((call.range.clone(), text));
    }
    Edit::Tokens(changes)
}

/// The statement with the call: `{ let parameter = argument; ... }`, and the value that the last one returns where the call was.
fn by_statements(program: &Program, function: &Node, call: &Node, block: &Node) -> Option<Edit> {
    let statement = statement_of(program, call)?;
    let lets = function
        .parts(Kind::Parameter)
        .zip(arguments(program, call))
        .filter_map(|(parameter, argument)| {
            let name = program.name(parameter)?;
            Some(format!("let {name} = {} ;", program.text_of(&argument.range)))
        });
    let lets: String = lets.collect();
    let inner = block.range.start + 1..block.range.end - 1;
    let mut changes = vec![(function.range.clone(), String::new())];
    if statement.kind == Kind::Call {
        changes.push((statement.range.clone(), format!("{{ {lets} {} }}", program.text_of(&inner))));
        return Some(Edit::Tokens(changes));
    }
    let last = block.children.last().filter(|last| last.kind == Kind::Return)?;
    let before = program.text_of(&(inner.start..last.range.start));
    let at = statement.range.start;
    changes.push((at..at, format!("{lets} {before}")));
    changes.push((call.range.clone(), bracketed(program, last.children.first()?)));
    Some(Edit::Tokens(changes))
}

/// The statement of a block that a node is in.
fn statement_of<'a>(program: &'a Program, node: &Node) -> Option<&'a Node> {
    let holds = |other: &&Node| other.range.start <= node.range.start && node.range.end <= other.range.end;
    let blocks = program.tree.all().into_iter().filter(|block| block.kind == Kind::Block);
    blocks.flat_map(|block| &block.children).rfind(holds)
}

fn calls<'a>(program: &'a Program, function: &Node) -> Vec<&'a Node> {
    let all = program.tree.all().into_iter();
    all.filter(|node| node.kind == Kind::Apply && program.name(node) == program.name(function))
        .collect()
}

/// What a call gives, without the type that it may have in front.
fn arguments<'a>(program: &'a Program, call: &'a Node) -> impl Iterator<Item = &'a Node> {
    let has_type = program.tokens.get(call.range.start + 1).map(|token| token.kind) == Some(TokenKind::TemplateOpen);
    call.children.iter().skip(usize::from(has_type))
}

/// An argument with the comma after it or, where it is the last, before it.
fn with_comma(program: &Program, range: &Range<usize>) -> Range<usize> {
    if program.tokens.get(range.end).is_some_and(|next| next.is(",")) {
        return range.start..range.end + 1;
    }
    let has_comma = range.start > 0 && program.tokens[range.start - 1].is(",");
    range.start - usize::from(has_comma)..range.end
}
