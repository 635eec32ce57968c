//! A text with its structure, how large it is, and what changes it.

use std::cmp::Ordering;
use std::ops::Range;

use crate::case;
use crate::error::Result;
use crate::reductions::numbers;
use crate::syntax::{Node, Token, TokenKind, parse, print, tokens};

/// A text with its structure.
#[derive(Clone, Debug)]
pub struct Program {
    /// The comments that say how it is dispatched.
    pub directives: Vec<String>,
    /// The others are gone.
    pub tokens: Vec<Token>,
    /// The tokens' structure.
    pub tree: Node,
}

impl Program {
    /// Reads a text.
    ///
    /// Errors: `Syntax` where it is not WGSL.
    pub fn read(text: &str) -> Result<Self> {
        let tokens = tokens(text)?;
        let tree = parse(&tokens)?;
        Ok(Self {
            directives: case::directives(text).map(str::to_owned).collect(),
            tokens,
            tree,
        })
    }

    /// The text, printed in one way only.
    pub fn text(&self) -> String {
        let mut lines = self.directives.clone();
        lines.push(print(&self.tokens));
        lines.join("\n")
    }

    /// Some tokens as a text.
    pub(super) fn text_of(&self, range: &Range<usize>) -> String {
        let texts: Vec<&str> = self.tokens[range.clone()].iter().map(|token| token.text.as_str()).collect();
        texts.join(" ")
    }

    /// The name that a node declares or calls.
    pub(super) fn name(&self, node: &Node) -> Option<&str> {
        node.name.map(|at| self.tokens[at].text.as_str())
    }

    /// All places in a range where a name stands, but for those after a point, which are members'.
    pub(super) fn uses(&self, name: &str, within: &Range<usize>) -> Vec<usize> {
        let is_use = |&at: &usize| {
            let is_member = at > 0 && self.tokens[at - 1].is(".");
            self.tokens[at].is(name) && self.tokens[at].kind == TokenKind::Word && !is_member
        };
        within.clone().filter(is_use).collect()
    }

    /// The program after an edit.
    ///
    /// Errors: `Syntax` where it is a program no more.
    pub fn edited(&self, edit: &Edit) -> Result<Self> {
        let body = match edit {
            Edit::Directives(directives) => {
                return Ok(Self {
                    directives: directives.clone(),
                    ..self.clone()
                });
            }
            Edit::Tokens(changes) => self.changed(changes),
        };
        Self::read(&body).map(|program| Self {
            directives: self.directives.clone(),
            ..program
        })
    }

    fn changed(&self, changes: &[Change]) -> String {
        let mut changes: Vec<&Change> = changes.iter().collect();
        // Of two in one place, the one that holds the other.
        changes.sort_by_key(|(range, _)| (range.start, std::cmp::Reverse(range.end)));
        let mut parts = Vec::new();
        let mut at = 0;
        for (range, text) in changes {
            if range.start < at {
                continue;
            }
            parts.push(self.text_of(&(at..range.start)));
            parts.push(text.clone());
            at = range.end;
        }
        parts.push(self.text_of(&(at..self.tokens.len())));
        parts.join(" ")
    }

    /// How large it is.
    pub fn size(&self) -> Size {
        let mut size = Size { weight: 0, numbers: 0.0 };
        let directives = self.directives.iter().flat_map(|line| line.split_whitespace());
        for text in self.tokens.iter().map(|token| token.text.as_str()).chain(directives) {
            let number = numbers::value(text);
            // A number is less than a name; 0 and 1 are less than others, that all may end as these.
            size.weight += match number {
                Some(0.0) => 2,
                Some(1.0) => 3,
                Some(_) => 4,
                None if text == "true" || text == "false" => 3,
                None => 5,
            };
            size.numbers += number.unwrap_or(0.0).abs();
        }
        size
    }
}

/// How large a program is: each step makes it smaller, so that they come to an end.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Size {
    /// Of all tokens.
    pub weight: usize,
    /// The sum of all numbers, which decides between programs of one weight.
    pub numbers: f64,
}

impl PartialOrd for Size {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.weight.cmp(&other.weight).then(self.numbers.total_cmp(&other.numbers)))
    }
}

/// Tokens, and what stands in their place afterwards.
pub(super) type Change = (Range<usize>, String);

/// One step.
#[derive(Clone, Debug)]
pub enum Edit {
    /// Tokens replaced by texts.
    Tokens(Vec<(Range<usize>, String)>),
    /// Other comments on how it is dispatched.
    Directives(Vec<String>),
}

impl Edit {
    /// Removes some tokens.
    pub(super) fn remove(range: Range<usize>) -> Self {
        Self::replace(range, String::new())
    }

    /// Replaces some tokens.
    pub(super) fn replace(range: Range<usize>, text: String) -> Self {
        Self::Tokens(vec![(range, text)])
    }
}
