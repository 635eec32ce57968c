//! The tree of a text's items and statements.

use std::ops::Range;

use crate::error::{Error, Result};
use crate::syntax::token::{Token, TokenKind};
use crate::syntax::tree::{Kind, Node};

/// How deep blocks and brackets may stand in one another: far deeper than any kernel's, and no danger to the stack.
const DEEPEST: usize = 200;

/// The tree of a text.
///
/// Errors: `Syntax` where something else should stand, or blocks and brackets stand in one another deeper than 200.
pub fn parse(tokens: &[Token]) -> Result<Node> {
    let mut parser = Parser { tokens, at: 0, depth: 0 };
    let mut items = Vec::new();
    while parser.at < tokens.len() {
        items.push(parser.item()?);
    }
    Ok(node(Kind::Module, 0..tokens.len(), None, items))
}

pub(super) fn node(kind: Kind, range: Range<usize>, name: Option<usize>, children: Vec<Node>) -> Node {
    Node {
        kind,
        range,
        name,
        children,
    }
}

pub(super) struct Parser<'a> {
    pub(super) tokens: &'a [Token],
    pub(super) at: usize,
    depth: usize,
}

impl Parser<'_> {
    pub(super) fn is(&self, text: &str) -> bool {
        self.tokens.get(self.at).is_some_and(|token| token.is(text))
    }

    pub(super) fn kind(&self) -> Option<TokenKind> {
        self.tokens.get(self.at).map(|token| token.kind)
    }

    pub(super) fn take(&mut self, text: &str) -> bool {
        let is_there = self.is(text);
        self.at += usize::from(is_there);
        is_there
    }

    pub(super) fn expect(&mut self, text: &str) -> Result<()> {
        if self.take(text) {
            Ok(())
        } else {
            Err(self.error(&format!("`{text}`")))
        }
    }

    pub(super) fn error(&self, expected: &str) -> Error {
        let last = self.tokens.last().map_or(1, |token| token.line);
        let (line, got) = match self.tokens.get(self.at) {
            Some(token) => (token.line, format!("`{}`", token.text)),
            None => (last, "the end of the text".to_owned()),
        };
        Error::Syntax {
            line,
            expected: expected.to_owned(),
            got,
        }
    }

    /// Goes one level down.
    pub(super) fn within<T>(&mut self, parse: impl FnOnce(&mut Self) -> Result<T>) -> Result<T> {
        if self.depth == DEEPEST {
            return Err(self.error(&format!("blocks and brackets in one another at most {DEEPEST} deep")));
        }
        self.depth += 1;
        let parsed = parse(self);
        self.depth -= 1;
        parsed
    }

    fn word(&mut self) -> Result<usize> {
        if self.kind() == Some(TokenKind::Word) {
            self.at += 1;
            Ok(self.at - 1)
        } else {
            Err(self.error("a name"))
        }
    }

    fn item(&mut self) -> Result<Node> {
        let start = self.at;
        let mut children = self.attributes()?;
        if ["enable", "requires", "diagnostic"].iter().any(|word| self.is(word)) {
            while !self.take(";") {
                self.token()?;
            }
            return Ok(node(Kind::Directive, start..self.at, None, children));
        }
        let (kind, name) = if self.take("struct") {
            let name = self.word()?;
            children.extend(self.members()?);
            (Kind::Struct, name)
        } else if self.take("fn") {
            let name = self.word()?;
            children.extend(self.function()?);
            (Kind::Function, name)
        } else if let Some((kind, name)) = self.declaration(&mut children)? {
            self.expect(";")?;
            (kind, name)
        } else {
            let mut other = self.other()?;
            other.range.start = start;
            return Ok(other);
        };
        Ok(node(kind, start..self.at, Some(name), children))
    }

    fn token(&mut self) -> Result<()> {
        if self.at == self.tokens.len() {
            return Err(self.error("`;`"));
        }
        self.at += 1;
        Ok(())
    }

    pub(super) fn attributes(&mut self) -> Result<Vec<Node>> {
        let mut attributes = Vec::new();
        while self.is("@") {
            let start = self.at;
            self.at += 1;
            let name = self.word()?;
            let values = if self.is("(") { self.arguments()? } else { Vec::new() };
            attributes.push(node(Kind::Attribute, start..self.at, Some(name), values));
        }
        Ok(attributes)
    }

    /// `let`, `var`, `const`, `override` or `alias`, without its `;`.
    fn declaration(&mut self, children: &mut Vec<Node>) -> Result<Option<(Kind, usize)>> {
        let kind = if self.take("var") {
            if self.kind() == Some(TokenKind::TemplateOpen) {
                while self.kind() != Some(TokenKind::TemplateClose) {
                    self.token()?;
                }
                self.at += 1;
            }
            Kind::Variable
        } else if self.take("alias") {
            Kind::Alias
        } else if ["let", "const", "override"].iter().any(|word| self.take(word)) {
            Kind::Constant
        } else {
            return Ok(None);
        };
        let name = self.word()?;
        children.extend(self.annotation()?);
        let start = self.at;
        if self.take("=") {
            let value = self.expression()?;
            children.push(node(Kind::Initializer, start..self.at, None, vec![value]));
        }
        Ok(Some((kind, name)))
    }

    fn annotation(&mut self) -> Result<Option<Node>> {
        let start = self.at;
        if !self.take(":") {
            return Ok(None);
        }
        let of = self.expression()?;
        Ok(Some(node(Kind::Annotation, start..self.at, None, vec![of])))
    }

    fn members(&mut self) -> Result<Vec<Node>> {
        self.expect("{")?;
        let members = self.listed(Kind::Member, "}")?;
        self.take(";");
        Ok(members)
    }

    /// Names with types, each with the comma after it, up to a bracket.
    fn listed(&mut self, kind: Kind, end: &str) -> Result<Vec<Node>> {
        let mut parts = Vec::new();
        while !self.take(end) {
            let start = self.at;
            let mut children = self.attributes()?;
            let name = self.word()?;
            children.extend(self.annotation()?);
            if !self.take(",") && !self.is(end) {
                return Err(self.error(&format!("`,` or `{end}`")));
            }
            parts.push(node(kind, start..self.at, Some(name), children));
        }
        Ok(parts)
    }

    fn function(&mut self) -> Result<Vec<Node>> {
        self.expect("(")?;
        let mut parts = self.listed(Kind::Parameter, ")")?;
        let start = self.at;
        if self.take("->") {
            let mut of = self.attributes()?;
            of.push(self.expression()?);
            parts.push(node(Kind::Result, start..self.at, None, of));
        }
        parts.extend(self.attributes()?);
        parts.push(self.block()?);
        Ok(parts)
    }

    fn block(&mut self) -> Result<Node> {
        let start = self.at;
        self.expect("{")?;
        let statements = self.within(|parser| {
            let mut statements = Vec::new();
            while !parser.take("}") {
                statements.push(parser.statement()?);
            }
            Ok(statements)
        })?;
        Ok(node(Kind::Block, start..self.at, None, statements))
    }

    fn statement(&mut self) -> Result<Node> {
        let start = self.at;
        let mut children = self.attributes()?;
        if self.is("{") {
            let mut block = self.block()?;
            block.range.start = start;
            return Ok(block);
        }
        let kind = if self.take("if") {
            children.extend(self.branch()?);
            Kind::If
        } else if self.take("for") {
            children.extend(self.for_head()?);
            children.push(self.block()?);
            Kind::For
        } else if self.take("while") {
            children.push(self.expression()?);
            children.push(self.block()?);
            Kind::While
        } else if self.take("loop") {
            children.extend(self.attributes()?);
            children.push(self.block()?);
            Kind::Loop
        } else if self.take("continuing") {
            children.extend(self.attributes()?);
            children.push(self.block()?);
            Kind::Continuing
        } else if self.take("switch") {
            children.extend(self.cases()?);
            Kind::Switch
        } else {
            let mut simple = self.simple()?;
            self.expect(";")?;
            simple.range = start..self.at;
            return Ok(simple);
        };
        Ok(node(kind, start..self.at, None, children))
    }

    /// After `if`.
    fn branch(&mut self) -> Result<Vec<Node>> {
        let mut parts = vec![self.expression()?, self.block()?];
        let start = self.at;
        if self.take("else") {
            let inner = self.at;
            let other = if self.take("if") {
                let parts = self.within(Self::branch)?;
                node(Kind::If, inner..self.at, None, parts)
            } else {
                self.block()?
            };
            parts.push(node(Kind::Else, start..self.at, None, vec![other]));
        }
        Ok(parts)
    }

    fn for_head(&mut self) -> Result<Vec<Node>> {
        let mut parts = Vec::new();
        self.expect("(")?;
        if !self.is(";") {
            parts.push(self.simple()?);
        }
        self.expect(";")?;
        if !self.is(";") {
            parts.push(self.expression()?);
        }
        self.expect(";")?;
        if !self.is(")") {
            parts.push(self.simple()?);
        }
        self.expect(")")?;
        Ok(parts)
    }

    /// After `switch`.
    fn cases(&mut self) -> Result<Vec<Node>> {
        let mut parts = vec![self.expression()?];
        parts.extend(self.attributes()?);
        self.expect("{")?;
        while !self.take("}") {
            let start = self.at;
            let mut children = Vec::new();
            if !self.take("default") {
                self.expect("case")?;
                while !self.is(":") && !self.is("{") {
                    if !self.take("default") {
                        children.push(self.expression()?);
                    }
                    self.take(",");
                }
            }
            self.take(":");
            children.push(self.block()?);
            parts.push(node(Kind::Case, start..self.at, None, children));
        }
        Ok(parts)
    }

    /// A statement without its `;`.
    fn simple(&mut self) -> Result<Node> {
        let start = self.at;
        let mut children = Vec::new();
        if let Some((kind, name)) = self.declaration(&mut children)? {
            return Ok(node(kind, start..self.at, Some(name), children));
        }
        if self.take("return") {
            if !self.is(";") {
                children.push(self.expression()?);
            }
            return Ok(node(Kind::Return, start..self.at, None, children));
        }
        if ["break", "continue", "discard", "const_assert", ";"]
            .iter()
            .any(|word| self.is(word))
        {
            return self.other();
        }
        let place = self.expression()?;
        let name = place.name;
        children.push(place);
        if self.take("++") || self.take("--") {
            return Ok(node(Kind::Call, start..self.at, None, children));
        }
        if ["=", "+=", "-=", "*=", "/=", "%=", "&=", "|=", "^=", "<<=", ">>="]
            .iter()
            .any(|sign| self.take(sign))
        {
            children.push(self.expression()?);
            return Ok(node(Kind::Assignment, start..self.at, None, children));
        }
        Ok(node(Kind::Call, start..self.at, name, children))
    }

    /// What needs no structure, up to its `;`; of the module's, with it.
    fn other(&mut self) -> Result<Node> {
        let start = self.at;
        let mut children = Vec::new();
        if self.take("break") {
            if self.take("if") {
                children.push(self.expression()?);
            }
        } else if self.take("const_assert") {
            children.push(self.expression()?);
        } else if !self.take("continue") && !self.take("discard") && !self.is(";") {
            return Err(self.error("a declaration or a statement"));
        }
        Ok(node(Kind::Other, start..self.at, None, children))
    }
}
