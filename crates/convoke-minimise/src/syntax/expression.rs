//! The tree of a text's expressions and types.

use crate::error::Result;
use crate::syntax::parse::{Parser, node};
use crate::syntax::token::TokenKind;
use crate::syntax::tree::{Kind, Node};

/// The operators between two values, those that bind least first.
const OPERATORS: [&[&str]; 10] = [
    &["||"],
    &["&&"],
    &["|"],
    &["^"],
    &["&"],
    &["==", "!="],
    &["<", ">", "<=", ">="],
    &["<<", ">>"],
    &["+", "-"],
    &["*", "/", "%"],
];

impl Parser<'_> {
    /// A value or a type.
    pub(super) fn expression(&mut self) -> Result<Node> {
        self.within(|parser| parser.operators(0))
    }

    fn operators(&mut self, level: usize) -> Result<Node> {
        let Some(signs) = OPERATORS.get(level) else {
            return self.prefixed();
        };
        let start = self.at;
        let mut left = self.operators(level + 1)?;
        while signs.iter().any(|sign| self.is(sign) && self.kind() == Some(TokenKind::Sign)) {
            self.at += 1;
            let right = self.operators(level + 1)?;
            left = node(Kind::Expression, start..self.at, None, vec![left, right]);
        }
        Ok(left)
    }

    fn prefixed(&mut self) -> Result<Node> {
        let start = self.at;
        if ["-", "!", "~", "*", "&"].iter().any(|sign| self.take(sign)) {
            let value = self.within(Self::prefixed)?;
            return Ok(node(Kind::Expression, start..self.at, None, vec![value]));
        }
        // `&&x` is no "and" here.
        if self.take("&&") || self.take("--") {
            let value = self.within(Self::prefixed)?;
            return Ok(node(Kind::Expression, start..self.at, None, vec![value]));
        }
        self.suffixed()
    }

    fn suffixed(&mut self) -> Result<Node> {
        let start = self.at;
        let mut value = self.primary()?;
        loop {
            let mut children = vec![value];
            if self.take("[") {
                children.push(self.expression()?);
                self.expect("]")?;
            } else if self.is(".") {
                self.at += 2;
                if self.tokens.get(self.at - 1).map(|token| token.kind) != Some(TokenKind::Word) {
                    self.at = (self.at - 1).min(self.tokens.len());
                    return Err(self.error("the name of a member"));
                }
            } else {
                return Ok(children.swap_remove(0));
            }
            value = node(Kind::Expression, start..self.at, None, children);
        }
    }

    fn primary(&mut self) -> Result<Node> {
        let start = self.at;
        if self.take("(") {
            let value = self.expression()?;
            self.expect(")")?;
            return Ok(node(Kind::Expression, start..self.at, None, vec![value]));
        }
        match self.kind() {
            Some(TokenKind::Number) => {
                self.at += 1;
                Ok(node(Kind::Literal, start..self.at, None, Vec::new()))
            }
            Some(TokenKind::Word) if self.take("true") || self.take("false") => {
                Ok(node(Kind::Literal, start..self.at, None, Vec::new()))
            }
            Some(TokenKind::Word) => {
                self.at += 1;
                self.applied(start)
            }
            _ => Err(self.error("a value or a type")),
        }
    }

    /// After a name: its parameters, and its arguments.
    fn applied(&mut self, name: usize) -> Result<Node> {
        let mut children = Vec::new();
        if self.kind() == Some(TokenKind::TemplateOpen) {
            self.at += 1;
            while self.kind() != Some(TokenKind::TemplateClose) {
                children.push(self.expression()?);
                if !self.take(",") && self.kind() != Some(TokenKind::TemplateClose) {
                    return Err(self.error("`,` or `>`"));
                }
            }
            self.at += 1;
            // The type, beside what it is applied to.
            if self.is("(") {
                children = vec![node(Kind::Apply, name..self.at, Some(name), children)];
            }
        }
        if self.is("(") {
            children.extend(self.arguments()?);
        }
        let kind = if self.at == name + 1 { Kind::Name } else { Kind::Apply };
        Ok(node(kind, name..self.at, Some(name), children))
    }

    /// Values in brackets.
    pub(super) fn arguments(&mut self) -> Result<Vec<Node>> {
        self.expect("(")?;
        let mut arguments = Vec::new();
        while !self.take(")") {
            arguments.push(self.expression()?);
            if !self.take(",") && !self.is(")") {
                return Err(self.error("`,` or `)`"));
            }
        }
        Ok(arguments)
    }
}
