//! A text cut into tokens, without its comments.

use std::collections::BTreeSet;

use crate::error::{Error, Result};
use crate::syntax::template;

/// What a token is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum TokenKind {
    /// A name or a keyword.
    Word,
    /// A number.
    Number,
    /// An operator, bracket or other sign.
    Sign,
    /// The `<` before the parameters of a type.
    TemplateOpen,
    /// The `>` after them.
    TemplateClose,
}

/// One token.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Token {
    /// What it is.
    pub kind: TokenKind,
    /// As it was written.
    pub text: String,
    /// The line it stands in, counted from 1.
    pub line: usize,
}

impl Token {
    /// Whether it is this word or sign, and no end of a type's parameters.
    pub fn is(&self, text: &str) -> bool {
        matches!(self.kind, TokenKind::Word | TokenKind::Sign) && self.text == text
    }
}

/// The signs of more than one character, longer ones first.
const LONG_SIGNS: [&str; 21] = [
    ">>=", "<<=", "->", "&&", "||", "==", "!=", "<=", ">=", "+=", "-=", "*=", "/=", "%=", "&=", "|=", "^=", "<<", ">>", "++", "--",
];

/// The tokens of a text.
///
/// Errors: `Syntax` where a comment has no end.
pub fn tokens(text: &str) -> Result<Vec<Token>> {
    let characters = without_comments(text)?;
    let templates = template::find(&characters);
    let mut tokens = Vec::new();
    let (mut at, mut line) = (0, 1);
    while let Some(&character) = characters.get(at) {
        if character.is_whitespace() {
            line += usize::from(character == '\n');
            at += 1;
            continue;
        }
        let (kind, end) = next(&characters, at, &templates);
        let text = characters[at..end].iter().collect();
        tokens.push(Token { kind, text, line });
        at = end;
    }
    Ok(tokens)
}

fn next(characters: &[char], at: usize, templates: &template::Ends) -> (TokenKind, usize) {
    let while_true = |from: usize, accepts: &dyn Fn(char) -> bool| {
        let length = characters[from..].iter().take_while(|&&character| accepts(character)).count();
        from + length
    };
    let character = characters[at];
    if templates.opens.contains(&at) {
        return (TokenKind::TemplateOpen, at + 1);
    }
    if templates.closes.contains(&at) {
        return (TokenKind::TemplateClose, at + 1);
    }
    if is_word_start(character) {
        return (TokenKind::Word, while_true(at, &is_word));
    }
    let is_fraction = character == '.' && characters.get(at + 1).is_some_and(char::is_ascii_digit);
    if character.is_ascii_digit() || is_fraction {
        return (TokenKind::Number, number_end(characters, at));
    }
    let ends_type = |end: usize| (at..end).any(|place| templates.closes.contains(&place));
    for sign in LONG_SIGNS {
        let end = at + sign.len();
        if characters[at..].iter().take(sign.len()).copied().eq(sign.chars()) && !ends_type(end) {
            return (TokenKind::Sign, end);
        }
    }
    (TokenKind::Sign, at + 1)
}

/// Letters and digits of every base, points, and a sign after an exponent.
fn number_end(characters: &[char], start: usize) -> usize {
    let is_hex = matches!(characters.get(start + 1), Some('x' | 'X'));
    let mut end = start;
    while let Some(&character) = characters.get(end) {
        let before = end.checked_sub(1).map(|before| characters[before]);
        let after_exponent = end > start && matches!((is_hex, before), (false, Some('e' | 'E')) | (true, Some('p' | 'P')));
        if character.is_ascii_alphanumeric() || character == '.' || (after_exponent && matches!(character, '+' | '-')) {
            end += 1;
        } else {
            break;
        }
    }
    end
}

pub(crate) fn is_word_start(character: char) -> bool {
    character.is_alphabetic() || character == '_'
}

pub(crate) fn is_word(character: char) -> bool {
    character.is_alphanumeric() || character == '_'
}

/// The text's characters, with a space for each one of a comment.
fn without_comments(text: &str) -> Result<Vec<char>> {
    let mut characters: Vec<char> = text.chars().collect();
    let mut at = 0;
    while at < characters.len() {
        let end = match (characters[at], characters.get(at + 1)) {
            ('/', Some('/')) => line_end(&characters, at),
            ('/', Some('*')) => block_end(&characters, at)?,
            _ => {
                at += 1;
                continue;
            }
        };
        for character in &mut characters[at..end] {
            if *character != '\n' {
                *character = ' ';
            }
        }
        at = end;
    }
    Ok(characters)
}

fn line_end(characters: &[char], start: usize) -> usize {
    let length = characters[start..].iter().take_while(|&&character| character != '\n').count();
    start + length
}

/// Comments of this kind may hold others.
fn block_end(characters: &[char], start: usize) -> Result<usize> {
    let (mut at, mut depth) = (start, 0_usize);
    while let (Some(first), Some(second)) = (characters.get(at), characters.get(at + 1)) {
        match (first, second) {
            ('/', '*') => depth += 1,
            ('*', '/') => depth -= 1,
            _ => {
                at += 1;
                continue;
            }
        }
        at += 2;
        if depth == 0 {
            return Ok(at);
        }
    }
    let line = 1 + characters[..start].iter().filter(|&&character| character == '\n').count();
    Err(Error::Syntax {
        line,
        expected: "`*/`".to_owned(),
        got: "the end of the text".to_owned(),
    })
}

/// The words of a text.
pub(crate) fn words(tokens: &[Token]) -> BTreeSet<&str> {
    let words = tokens.iter().filter(|token| token.kind == TokenKind::Word);
    words.map(|token| token.text.as_str()).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn texts(text: &str) -> Vec<String> {
        tokens(text).unwrap().into_iter().map(|token| token.text).collect()
    }

    #[test]
    fn signs_numbers_and_comments() {
        assert_eq!(texts("a>>=1u/*x/*y*/*/;//z"), ["a", ">>=", "1u", ";"]);
        assert_eq!(
            texts("x=.5e-3f+0x1.8p+2-0x7fu"),
            ["x", "=", ".5e-3f", "+", "0x1.8p+2", "-", "0x7fu"]
        );
        assert_eq!(texts("a.x--b"), ["a", ".", "x", "--", "b"]);
    }

    #[test]
    fn ends_of_types_are_no_shifts() {
        let all = texts("var x: array<vec4<f32>>=y; if a<b||c>d {}");
        assert_eq!(all[3..10], ["array", "<", "vec4", "<", "f32", ">", ">"]);
        assert_eq!(all[10..], ["=", "y", ";", "if", "a", "<", "b", "||", "c", ">", "d", "{", "}"]);
    }

    #[test]
    fn a_comment_without_an_end_is_an_error() {
        let error = tokens("a\n/* b").unwrap_err().to_string();
        assert_eq!(error, "line 2: expected `*/`, got the end of the text");
    }
}
