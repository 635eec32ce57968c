//! All ways to make a text smaller by one step. None of them knows what is valid: that is asked of each text that comes out.

mod calls;
mod comments;
mod names;
mod numbers;
mod program;
mod removal;
mod unwrapping;
mod values;

pub use program::{Edit, Program, Size};

/// A kind of reductions: its name, and all of that kind in a program, those that take most away first.
pub type Pass = (&'static str, fn(&Program) -> Vec<Edit>);

/// Every kind, coarse ones first.
pub const PASSES: [Pass; 12] = [
    ("items that nothing leads to", removal::unreachable),
    ("items, members, statements, cases", removal::lists),
    ("comments on the dispatch", comments::simpler),
    ("parts of statements and declarations", removal::parts),
    ("statements by what is in them", unwrapping::statements),
    ("values by constants", values::constants),
    ("values by what is in them", values::hoisted),
    ("parameters and arguments", calls::parameters),
    ("calls by what the function does", calls::inlined),
    ("names by what they stand for", names::inlined),
    ("types by what is in them", names::types),
    ("smaller numbers", numbers::smaller),
];
