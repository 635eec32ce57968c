//! Comments on how a file is dispatched: fewer of them, and buffers of fewer or simpler numbers.

use crate::reductions::program::{Edit, Program};

/// Without each comment; with zeros for what a binding holds; with fewer numbers at the end.
pub(super) fn simpler(program: &Program) -> Vec<Edit> {
    let mut edits = Vec::new();
    for (at, line) in program.directives.iter().enumerate() {
        let mut without = program.directives.clone();
        without.remove(at);
        edits.push(Edit::Directives(without));
        edits.extend(simpler_lines(line).into_iter().map(|line| {
            let mut directives = program.directives.clone();
            directives[at] = line;
            Edit::Directives(directives)
        }));
    }
    edits
}

fn simpler_lines(line: &str) -> Vec<String> {
    let words: Vec<&str> = line.split_whitespace().collect();
    match words.as_slice() {
        [mark, "binding", binding, "values", numbers @ ..] => {
            let mut lines = vec![format!("{mark} binding {binding} zeros {}", numbers.len())];
            let mut fewer = numbers.len() / 2;
            while fewer > 0 {
                let left = numbers[..numbers.len() - fewer].join(" ");
                lines.push(format!("{mark} binding {binding} values {left}"));
                fewer /= 2;
            }
            lines
        }
        [mark, "binding", binding, _, .., count] => vec![format!("{mark} binding {binding} zeros {count}")],
        _ => Vec::new(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn buffers_become_simpler() {
        let lines = simpler_lines("//: binding 0.1 values 5 6 7 8");
        let all = [
            "//: binding 0.1 zeros 4",
            "//: binding 0.1 values 5 6",
            "//: binding 0.1 values 5 6 7",
        ];
        assert_eq!(lines, all);
        assert_eq!(simpler_lines("//: binding 2 random 7 9"), ["//: binding 2 zeros 9"]);
        assert!(simpler_lines("//: workgroups 1 1 1").is_empty());
    }
}
