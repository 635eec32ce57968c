//! WGSL as far as one has to know it to take things out of a text: tokens, a tree over them, and a text of them again.

mod expression;
mod parse;
mod print;
mod template;
pub(crate) mod token;
mod tree;

pub use parse::parse;
pub use print::print;
pub use token::{Token, TokenKind, tokens};
pub use tree::{Kind, Node};
