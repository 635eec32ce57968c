//! Numbers that become smaller.

use crate::reductions::program::{Edit, Program};
use crate::syntax::TokenKind;

/// The value of a number, with WGSL's suffixes; `None` for other words.
pub(super) fn value(text: &str) -> Option<f64> {
    let is_number = text.starts_with(|first: char| first.is_ascii_digit() || first == '.');
    if !is_number {
        return None;
    }
    if let Some(digits) = text.strip_prefix("0x").or_else(|| text.strip_prefix("0X")) {
        return u64::from_str_radix(digits.trim_end_matches(['u', 'i']), 16)
            .ok()
            .map(|bits| bits as f64);
    }
    text.trim_end_matches(['u', 'i', 'f', 'h']).parse().ok()
}

/// The value of a whole decimal number.
pub(super) fn whole(text: &str) -> Option<u64> {
    text.trim_end_matches(['u', 'i']).parse().ok()
}

/// Each number nearer to 0: 0, 1, half of it, three quarters and so on to one less, which finds the least by halving. Hexadecimal ones
/// and fractions become 0, 1 or whole.
pub(super) fn smaller(program: &Program) -> Vec<Edit> {
    let mut edits = Vec::new();
    for (at, token) in program.tokens.iter().enumerate() {
        if token.kind == TokenKind::Number {
            edits.extend(
                smaller_texts(&token.text)
                    .into_iter()
                    .map(|text| Edit::replace(at..at + 1, text)),
            );
        }
    }
    for (at, line) in program.directives.iter().enumerate() {
        let words: Vec<&str> = line.split_whitespace().collect();
        for (place, word) in words.iter().enumerate() {
            for text in smaller_texts(word) {
                let mut words = words.clone();
                words[place] = &text;
                let mut directives = program.directives.clone();
                directives[at] = words.join(" ");
                edits.push(Edit::Directives(directives));
            }
        }
    }
    edits
}

fn smaller_texts(text: &str) -> Vec<String> {
    let Some(value) = value(text) else {
        return Vec::new();
    };
    let suffix = text.trim_start_matches(|character: char| character.is_ascii_digit());
    if let Some(number) = whole(text) {
        return steps(number).into_iter().map(|number| format!("{number}{suffix}")).collect();
    }
    if text.starts_with("0x") || text.starts_with("0X") {
        let suffix = if text.ends_with('u') { "u" } else { "" };
        return [0.0, 1.0]
            .iter()
            .filter(|&&less| less < value)
            .map(|less| format!("{less}{suffix}"))
            .collect();
    }
    let suffix = text.trim_start_matches(|character: char| "0123456789.eE+-".contains(character));
    let mut texts: Vec<String> = [0.0, 1.0, value.trunc()]
        .iter()
        .filter(|&&less| less < value)
        .map(|less| format!("{less:?}{suffix}"))
        .collect();
    texts.dedup();
    texts
}

fn steps(number: u64) -> Vec<u64> {
    let mut steps = vec![0, 1];
    let mut less = number.div_ceil(2);
    while less > 0 {
        steps.push(number - less);
        less /= 2;
    }
    steps.retain(|&step| step < number);
    steps.dedup();
    steps
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_step_down() {
        assert_eq!(smaller_texts("9u"), ["0u", "1u", "4u", "7u", "8u"]);
        assert_eq!(smaller_texts("2"), ["0", "1"]);
        assert_eq!(smaller_texts("0x7fu"), ["0u", "1u"]);
        assert_eq!(smaller_texts("2.5f"), ["0.0f", "1.0f", "2.0f"]);
        assert!(smaller_texts("0").is_empty() && smaller_texts("x").is_empty());
    }
}
