//! A text's structure: nodes that stand for ranges of its tokens.

use std::ops::Range;

/// What a node is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Kind {
    /// The whole text: items.
    Module,
    /// `enable`, `requires` or `diagnostic`.
    Directive,
    /// `alias NAME = TYPE;`
    Alias,
    /// `const NAME = VALUE;`, `let` and `override` likewise.
    Constant,
    /// `var NAME`, of the module or of a function.
    Variable,
    /// `struct NAME { MEMBERS }`
    Struct,
    /// A member of a struct, with the comma after it.
    Member,
    /// `fn NAME(PARAMETERS) -> TYPE BLOCK`
    Function,
    /// A parameter of a function, with the comma after it.
    Parameter,
    /// `@NAME(VALUES)`
    Attribute,
    /// `: TYPE` of a declaration.
    Annotation,
    /// `= VALUE` of a declaration.
    Initializer,
    /// `-> TYPE` of a function.
    Result,
    /// `{ STATEMENTS }`
    Block,
    /// `if CONDITION BLOCK`, and perhaps an `Else`.
    If,
    /// `else` and an `If` or a `Block`.
    Else,
    /// `for (...) BLOCK`: the statements of its head and, last, the block.
    For,
    /// `while CONDITION BLOCK`
    While,
    /// `loop BLOCK`
    Loop,
    /// `continuing BLOCK`
    Continuing,
    /// `switch VALUE { CASES }`
    Switch,
    /// `case VALUES: BLOCK` or `default: BLOCK`
    Case,
    /// `return VALUE;`
    Return,
    /// `PLACE = VALUE;`, with or without an operator.
    Assignment,
    /// A call, or a place that goes up or down by one, as a statement.
    Call,
    /// Whatever else a statement may be: `break;`, `discard;`, `;`, `const_assert`.
    Other,
    /// An expression of operators, brackets, places, arguments or members.
    Expression,
    /// A call in an expression, or a type with parameters; the name stands first, the arguments follow.
    Apply,
    /// A name alone.
    Name,
    /// A number, `true` or `false`.
    Literal,
}

impl Kind {
    /// Whether it stands for a value or a type.
    pub fn is_expression(self) -> bool {
        matches!(self, Self::Expression | Self::Apply | Self::Name | Self::Literal)
    }
}

/// A part of a text.
#[derive(Clone, Debug)]
pub struct Node {
    /// What it is.
    pub kind: Kind,
    /// Its tokens.
    pub range: Range<usize>,
    /// The token with the name that it declares, or calls.
    pub name: Option<usize>,
    /// Its parts, in order.
    pub children: Vec<Node>,
}

impl Node {
    /// This node and all below it, each before its parts.
    pub fn all(&self) -> Vec<&Node> {
        let mut all = Vec::new();
        let mut left = vec![self];
        while let Some(node) = left.pop() {
            all.push(node);
            left.extend(node.children.iter().rev());
        }
        all
    }

    /// Its parts of a kind.
    pub fn parts(&self, kind: Kind) -> impl Iterator<Item = &Node> {
        self.children.iter().filter(move |child| child.kind == kind)
    }
}
