//! Which `<` and `>` hold the parameters of a type: template list discovery, as WGSL's specification has it.

use std::collections::BTreeSet;

use crate::syntax::token::{is_word, is_word_start};

/// Where such lists open and close.
#[derive(Debug, Default)]
pub(crate) struct Ends {
    pub(crate) opens: BTreeSet<usize>,
    pub(crate) closes: BTreeSet<usize>,
}

/// A `<` that may open a list, and how many brackets it stands in.
struct Pending {
    at: usize,
    depth: usize,
}

/// Finds them in a text without comments.
pub(crate) fn find(characters: &[char]) -> Ends {
    let mut ends = Ends::default();
    let mut pending: Vec<Pending> = Vec::new();
    let (mut at, mut depth) = (0, 0_usize);
    let is = |at: usize, wanted: char| characters.get(at) == Some(&wanted);
    while let Some(&character) = characters.get(at) {
        if is_word_start(character) {
            at = skip(characters, at, is_word);
            let next = skip(characters, at, char::is_whitespace);
            if is(next, '<') {
                at = next + 1;
                // `<<` and `<=` open nothing.
                if is(at, '<') || is(at, '=') {
                    at += 1;
                } else {
                    pending.push(Pending { at: next, depth });
                }
            }
            continue;
        }
        if character.is_ascii_digit() {
            at = skip(characters, at, is_word);
            continue;
        }
        let closes = |last: &mut Pending| last.depth == depth;
        match character {
            '>' => {
                if let Some(open) = pending.pop_if(closes) {
                    ends.opens.insert(open.at);
                    ends.closes.insert(at);
                } else if is(at + 1, '=') {
                    at += 1;
                }
            }
            '(' | '[' => depth += 1,
            ')' | ']' => {
                pending.retain(|open| open.depth < depth);
                depth = depth.saturating_sub(1);
            }
            '!' | '=' if is(at + 1, '=') => at += 1,
            '=' | ';' | '{' | ':' => {
                depth = 0;
                pending.clear();
            }
            '&' | '|' if is(at + 1, character) => {
                pending.retain(|open| open.depth < depth);
                at += 1;
            }
            _ => {}
        }
        at += 1;
    }
    ends
}

fn skip(characters: &[char], from: usize, accepts: impl Fn(char) -> bool) -> usize {
    let length = characters[from..].iter().take_while(|&&character| accepts(character)).count();
    from + length
}
