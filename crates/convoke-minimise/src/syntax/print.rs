//! A text of tokens: a statement or a member a line, indented.

use crate::syntax::token::{Token, TokenKind};

/// What stands in brackets or braces.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Inside {
    /// Statements, or cases.
    Block,
    /// Members, a line each.
    Struct,
    /// Values or parameters, or the head of a loop: one line.
    Brackets,
}

/// The text. Its tokens are these again.
pub fn print(tokens: &[Token]) -> String {
    let mut printer = Printer::default();
    for (at, token) in tokens.iter().enumerate() {
        printer.put(at.checked_sub(1).map(|before| &tokens[before]), token);
    }
    printer.end_line();
    printer.text
}

#[derive(Default)]
struct Printer {
    text: String,
    line: String,
    /// How far the line is indented.
    depth: usize,
    inside: Vec<Inside>,
    /// Whether the last token was an operator before a value, such as a minus.
    after_prefix: bool,
}

impl Printer {
    fn put(&mut self, before: Option<&Token>, token: &Token) {
        if matches!(token.text.as_str(), "}" | ")" | "]") || token.kind == TokenKind::TemplateClose {
            self.inside.pop();
        }
        if before.is_some_and(|before| begins_line(before, token)) {
            self.end_line();
        }
        if self.line.is_empty() {
            self.depth = self.inside.iter().filter(|&&inside| inside != Inside::Brackets).count();
        } else if before.is_some_and(|before| self.is_apart(before, token)) {
            self.line.push(' ');
        }
        self.line.push_str(&token.text);
        self.after_prefix = is_prefix(before, token);
        match (token.text.as_str(), self.inside.last()) {
            ("{", _) if self.line.starts_with("struct ") => self.inside.push(Inside::Struct),
            ("{", _) => self.inside.push(Inside::Block),
            ("(" | "[", _) => self.inside.push(Inside::Brackets),
            (";", None | Some(Inside::Block)) | (",", Some(Inside::Struct)) => self.end_line(),
            _ if token.kind == TokenKind::TemplateOpen => self.inside.push(Inside::Brackets),
            _ => {}
        }
    }

    fn end_line(&mut self) {
        if self.line.is_empty() {
            return;
        }
        self.text.push_str(&"    ".repeat(self.depth));
        self.text.push_str(&self.line);
        self.text.push('\n');
        self.line.clear();
    }

    /// Whether a space stands between two tokens of a line.
    fn is_apart(&self, before: &Token, token: &Token) -> bool {
        if matches!(before.kind, TokenKind::TemplateOpen)
            || matches!(token.kind, TokenKind::TemplateOpen | TokenKind::TemplateClose)
        {
            return false;
        }
        // `- -x` and `& &x` are two operators each, `--x` and `&&x` one.
        if self.after_prefix {
            return token.kind == TokenKind::Sign && before.text.ends_with(&token.text);
        }
        if ["(", "[", ".", "@"].iter().any(|sign| before.is(sign)) {
            return false;
        }
        let is_value = ends_value(before);
        !match token.text.as_str() {
            ")" | "]" | "," | ";" | "." | ":" => true,
            "(" => is_value && !is_keyword(before),
            "[" | "++" | "--" => is_value,
            "}" => before.is("{"),
            _ => false,
        }
    }
}

/// Whether a token is the first of its line; statements and members end theirs by themselves.
fn begins_line(before: &Token, token: &Token) -> bool {
    let goes_on = ["{", "else", ";", ",", ")"].iter().any(|sign| token.is(sign));
    match (before.text.as_str(), token.text.as_str()) {
        ("{", "}") => false,
        ("{", _) | (_, "}" | "fn") => true,
        ("}", _) => !goes_on,
        _ => false,
    }
}

fn is_keyword(token: &Token) -> bool {
    ["if", "for", "while", "switch", "return", "case", "else"]
        .iter()
        .any(|word| token.is(word))
}

/// Whether a value may end with the token.
fn ends_value(token: &Token) -> bool {
    match token.kind {
        TokenKind::Word => !is_keyword(token),
        TokenKind::Number | TokenKind::TemplateClose => true,
        TokenKind::TemplateOpen => false,
        TokenKind::Sign => token.text == ")" || token.text == "]",
    }
}

/// Whether it is an operator before a value and none between two.
fn is_prefix(before: Option<&Token>, token: &Token) -> bool {
    let may_be = token.kind == TokenKind::Sign && ["-", "!", "~", "*", "&", "&&", "--"].contains(&token.text.as_str());
    may_be && !before.is_some_and(ends_value)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::syntax::{parse, tokens};

    fn printed(text: &str) -> String {
        print(&tokens(text).unwrap())
    }

    #[test]
    fn a_statement_a_line() {
        let text = "struct P{n:u32,@align(16)x:array<vec4<f32>,6>}@group(0)@binding(1)var<uniform>p:P;
            @compute @workgroup_size(1)fn main(@builtin(workgroup_id)at:vec3<u32>){for(var i=0u;i<p.n;i++){if(!a&&-b<c[i].x){
            f(&d,*e);}else if(x>= - -y){return;}else{}}loop{continuing{break if z;}}switch(q){case 1,2:{}default{g();}}}";
        let expected = "\
struct P {
    n: u32,
    @align(16) x: array<vec4<f32>, 6>
}
@group(0) @binding(1) var<uniform> p: P;
@compute @workgroup_size(1)
fn main(@builtin(workgroup_id) at: vec3<u32>) {
    for (var i = 0u; i < p.n; i++) {
        if (!a && -b < c[i].x) {
            f(&d, *e);
        } else if (x >= - -y) {
            return;
        } else {}
    }
    loop {
        continuing {
            break if z;
        }
    }
    switch (q) {
        case 1, 2: {}
        default {
            g();
        }
    }
}
";
        assert_eq!(printed(text), expected);
        assert_eq!(printed(expected), expected);
    }

    /// Every kernel of the library, though its header is not there, has a tree, and its tokens are the same once it is printed.
    #[test]
    fn every_kernel_comes_back() {
        let mut folders = vec![std::path::PathBuf::from(concat!(
            env!("CARGO_MANIFEST_DIR"),
            "/../../shaders"
        ))];
        let mut kernels = 0;
        while let Some(folder) = folders.pop() {
            for entry in std::fs::read_dir(folder).unwrap() {
                let path = entry.unwrap().path();
                if path.is_dir() {
                    folders.push(path);
                    continue;
                }
                let text = std::fs::read_to_string(&path).unwrap();
                // `#import` is the library's own.
                let lines: Vec<&str> = text.lines().filter(|line| !line.starts_with('#')).collect();
                let before = tokens(&lines.join("\n")).unwrap();
                parse(&before).unwrap_or_else(|error| panic!("{}: {error}", path.display()));
                let after = tokens(&print(&before)).unwrap();
                let texts = |tokens: &[Token]| {
                    tokens
                        .iter()
                        .map(|token| (token.kind, token.text.clone()))
                        .collect::<Vec<_>>()
                };
                assert_eq!(texts(&before), texts(&after), "{}", path.display());
                kernels += 1;
            }
        }
        assert!(kernels > 100, "only {kernels} kernels");
    }
}
