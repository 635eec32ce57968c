//! How a file is dispatched, said by comments at its top that begin with `//:`.
//!
//! ```wgsl
//! //: workgroups 1 1 1
//! //: binding 0 values 3 98304 98304.0
//! //: binding 1 random 7 98304
//! //: binding 2 zeros 3
//! //: expect 2 f32 0.5 0.5 0.5
//! //: wrong on llvmpipe 22.3.6
//! //: right on SwiftShader
//! ```
//!
//! A binding is a number, after the group's and a point where that is not 0. Numbers with a point are `f32`, others `u32` or, with a
//! minus, `i32`; `random SEED COUNT` are reals from -1 to 1, `count COUNT` is 0, 1, 2 ... as `u32`, `ones COUNT` and `halves COUNT`
//! are 1.0 and 0.5. What is expected of a binding is a type and the numbers that it begins with.

use std::collections::BTreeMap;

use crate::error::{Error, Result};

/// What such comments begin with.
pub const MARK: &str = "//:";

/// A binding: its group and its number.
pub type Binding = (u32, u32);

/// The type of what a binding holds, as far as one needs it to compare and to print.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Type {
    /// `f32`
    F32,
    /// `i32`
    I32,
    /// `u32`, and whatever else has 32 bits.
    U32,
}

/// What a binding has to begin with.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Expected {
    /// Whose it is.
    pub binding: Binding,
    /// How to read it.
    pub of: Type,
    /// Its bits.
    pub words: Vec<u32>,
}

/// How a file is dispatched, and what it should give.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Case {
    /// How many workgroups there are in each dimension.
    pub workgroups: [u32; 3],
    /// What each binding holds at first: words of 32 bits.
    pub bindings: BTreeMap<Binding, Vec<u32>>,
    /// What bindings hold at last.
    pub expected: Vec<Expected>,
    /// Adapters that give something else: words that are all in an adapter's description.
    pub wrong_on: Vec<String>,
    /// Adapters that do not, likewise.
    pub right_on: Vec<String>,
}

/// The most words that a comment may ask for: 1 GiB.
const MOST_WORDS: usize = 1 << 28;

impl Case {
    /// What a file says.
    ///
    /// Errors: `Directive` where a comment with the mark is none of those above.
    pub fn read(text: &str) -> Result<Self> {
        let mut case = Self {
            workgroups: [1, 1, 1],
            bindings: BTreeMap::new(),
            expected: Vec::new(),
            wrong_on: Vec::new(),
            right_on: Vec::new(),
        };
        for line in directives(text) {
            let wrong = |expected: &str| Error::Directive {
                line: line.to_owned(),
                expected: expected.to_owned(),
            };
            let words: Vec<&str> = line[MARK.len()..].split_whitespace().collect();
            match words.as_slice() {
                ["workgroups", sizes @ ..] => {
                    let sizes = sizes.iter().map(|size| size.parse().ok()).collect::<Option<Vec<u32>>>();
                    let three = sizes.and_then(|sizes| sizes.try_into().ok());
                    case.workgroups = three.ok_or_else(|| wrong("three whole numbers"))?;
                }
                ["binding", at, fill @ ..] => {
                    let at = binding(at).ok_or_else(|| wrong("a binding's number, such as 2 or 0.2"))?;
                    let held = words_of(fill).ok_or_else(|| {
                        wrong("`zeros`, `ones`, `halves` or `count` and how many, `random SEED COUNT`, or `values` and numbers")
                    })?;
                    case.bindings.insert(at, held);
                }
                ["expect", at, of, numbers @ ..] => {
                    let found = binding(at).zip(Type::named(of)).zip(values(numbers));
                    let ((binding, of), words) =
                        found.ok_or_else(|| wrong("a binding's number, `f32`, `i32` or `u32`, and numbers"))?;
                    case.expected.push(Expected { binding, of, words });
                }
                ["wrong", "on", adapter @ ..] if !adapter.is_empty() => case.wrong_on.push(adapter.join(" ")),
                ["right", "on", adapter @ ..] if !adapter.is_empty() => case.right_on.push(adapter.join(" ")),
                _ => return Err(wrong("`workgroups`, `binding`, `expect`, `wrong on` or `right on`")),
            }
        }
        Ok(case)
    }

    /// Whether the file says that an adapter of this description gives something else than what is expected, or that it does not;
    /// `None` where it says neither.
    pub fn is_wrong_on(&self, adapter: &str) -> Option<bool> {
        let adapter = adapter.to_lowercase();
        let names = |names: &[String]| {
            let has_all = |name: &String| name.to_lowercase().split_whitespace().all(|word| adapter.contains(word));
            names.iter().any(has_all)
        };
        if names(&self.wrong_on) {
            Some(true)
        } else {
            names(&self.right_on).then_some(false)
        }
    }
}

/// The comments of a text that say how it is dispatched.
pub fn directives(text: &str) -> impl Iterator<Item = &str> {
    text.lines().map(str::trim).filter(|line| line.starts_with(MARK))
}

fn binding(text: &str) -> Option<Binding> {
    let (group, number) = text.split_once('.').unwrap_or(("0", text));
    Some((group.parse().ok()?, number.parse().ok()?))
}

impl Type {
    /// The type of this name.
    pub(crate) fn named(name: &str) -> Option<Self> {
        [Self::F32, Self::I32, Self::U32].into_iter().find(|of| of.name() == name)
    }

    /// Its name in WGSL.
    pub fn name(self) -> &'static str {
        match self {
            Self::F32 => "f32",
            Self::I32 => "i32",
            Self::U32 => "u32",
        }
    }
}

fn words_of(fill: &[&str]) -> Option<Vec<u32>> {
    let count = |text: &str| text.parse().ok().filter(|&count| count <= MOST_WORDS);
    match *fill {
        ["zeros", length] => Some(vec![0; count(length)?]),
        ["ones", length] => Some(vec![1.0_f32.to_bits(); count(length)?]),
        ["halves", length] => Some(vec![0.5_f32.to_bits(); count(length)?]),
        ["count", length] => Some((0..count(length)? as u32).collect()),
        ["random", seed, length] => Some(random(seed.parse().ok()?, count(length)?)),
        ["values", ref numbers @ ..] => values(numbers),
        _ => None,
    }
}

fn values(numbers: &[&str]) -> Option<Vec<u32>> {
    numbers.iter().map(|number| word(number)).collect()
}

/// The bits of a number.
fn word(number: &str) -> Option<u32> {
    if let Some(digits) = number.strip_prefix("0x") {
        return u32::from_str_radix(digits, 16).ok();
    }
    let real = || number.parse::<f32>().ok().map(f32::to_bits);
    number
        .parse()
        .ok()
        .or_else(|| number.parse::<i32>().ok().map(i32::cast_unsigned))
        .or_else(real)
}

/// Reals from -1 to 1 in steps of 2^-23.
fn random(seed: u64, count: usize) -> Vec<u32> {
    let mut state = seed;
    let mut next = || {
        // SplitMix64 (Steele, Lea and Flood 2014).
        state = state.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut mixed = state;
        mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        mixed ^ (mixed >> 31)
    };
    let real = |bits: u64| (bits >> 40) as f32 / 8_388_608.0 - 1.0;
    (0..count).map(|_| real(next()).to_bits()).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn all_that_a_file_says() {
        let text = "//: workgroups 2 1 3\n//: binding 0 values 3 -1 1.5 0x10\n  //: binding 2.1 count 3\n//: expect 0 i32 4 -5\n\
            //: wrong on llvmpipe 22.3.6\n//: right on SwiftShader\n// nothing\nfn f() {}\n";
        let case = Case::read(text).unwrap();
        assert_eq!(case.workgroups, [2, 1, 3]);
        assert_eq!(case.bindings[&(0, 0)], [3, u32::MAX, 1.5_f32.to_bits(), 16]);
        assert_eq!(case.bindings[&(2, 1)], [0, 1, 2]);
        assert_eq!(case.expected[0].words, [4, (-5_i32).cast_unsigned()]);
        assert_eq!(case.is_wrong_on("LLVMpipe (Mesa 22.3.6)"), Some(true));
        assert_eq!(case.is_wrong_on("llvmpipe (Mesa 25.0.7)"), None);
        assert_eq!(case.is_wrong_on("SwiftShader Device"), Some(false));
    }

    #[test]
    fn random_reals_are_between_minus_one_and_one_and_no_two_alike() {
        let reals: Vec<f32> = random(3, 1000).into_iter().map(f32::from_bits).collect();
        assert!(reals.iter().all(|real| (-1.0..1.0).contains(real)));
        let mut sorted = reals;
        sorted.sort_by(f32::total_cmp);
        sorted.dedup();
        assert!(
            sorted.len() > 990 && sorted[0] < -0.9 && sorted[sorted.len() - 1] > 0.9,
            "{}",
            sorted.len()
        );
    }

    #[test]
    fn what_is_none_of_them_is_refused() {
        for line in [
            "//: workgroups 1 1",
            "//: binding x zeros 3",
            "//: binding 0 zeros 99999999999",
            "//: expect 0 f64 1",
            "//: wrong on",
        ] {
            let error = Case::read(line).unwrap_err().to_string();
            assert!(error.starts_with(&format!("`{line}`: expected ")), "{error}");
        }
    }
}
