//! The loop: reductions one after another, until none is left.

use std::collections::HashMap;

use crate::error::{Error, Result};
use crate::reductions::{PASSES, Pass, Program};

/// What came of it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Outcome {
    /// The smallest text: no single reduction of it is valid and still shows the bug.
    pub text: String,
    /// How often it was asked whether the bug still shows.
    pub tries: usize,
    /// How many texts were not valid, so that nobody was asked.
    pub invalid: usize,
    /// How many had been tried before.
    pub repeated: usize,
    /// How many reductions were kept.
    pub steps: usize,
}

/// Makes a text as small as it gets. `is_valid` is asked first, `shows` (whether the bug still shows) only of valid texts, and of each
/// text once. Both must always say the same of one text; the outcome is then the same every time. `tell` hears of every step, with the
/// name of the reduction.
///
/// Errors: `Syntax` where the text is not WGSL, `Argument` where the bug does not show in it, and those of `shows`.
pub fn minimise(
    text: &str,
    is_valid: impl Fn(&str) -> bool,
    shows: impl FnMut(&str) -> Result<bool>,
    mut tell: impl FnMut(&str, &Outcome),
) -> Result<Outcome> {
    let mut program = Program::read(text)?;
    let mut search = Search {
        is_valid,
        shows,
        tried: HashMap::new(),
        outcome: Outcome {
            text: program.text(),
            tries: 0,
            invalid: 0,
            repeated: 0,
            steps: 0,
        },
    };
    if !search.keeps(&program)? {
        return Err(Error::Argument(
            "the bug does not show in the text as it is, without its comments".to_owned(),
        ));
    }
    loop {
        let steps = search.outcome.steps;
        for pass in PASSES {
            search.exhaust(&mut program, pass, &mut tell)?;
        }
        if search.outcome.steps == steps {
            return Ok(search.outcome);
        }
    }
}

struct Search<V, S> {
    is_valid: V,
    shows: S,
    tried: HashMap<String, bool>,
    outcome: Outcome,
}

impl<V: Fn(&str) -> bool, S: FnMut(&str) -> Result<bool>> Search<V, S> {
    /// Goes through the reductions of one kind once. After one that is kept, those of the new text from the same place on.
    fn exhaust(&mut self, program: &mut Program, (name, pass): Pass, tell: &mut impl FnMut(&str, &Outcome)) -> Result<()> {
        let (mut edits, mut at) = (pass(program), 0);
        while let Some(edit) = edits.get(at) {
            let smaller = program.edited(edit).ok().filter(|edited| edited.size() < program.size());
            match smaller {
                Some(smaller) if self.keeps(&smaller)? => {
                    self.outcome.steps += 1;
                    self.outcome.text = smaller.text();
                    tell(name, &self.outcome);
                    *program = smaller;
                    edits = pass(program);
                }
                _ => at += 1,
            }
        }
        Ok(())
    }

    fn keeps(&mut self, program: &Program) -> Result<bool> {
        let text = program.text();
        if let Some(&known) = self.tried.get(&text) {
            self.outcome.repeated += 1;
            return Ok(known);
        }
        let keeps = if (self.is_valid)(&text) {
            self.outcome.tries += 1;
            (self.shows)(&text)?
        } else {
            self.outcome.invalid += 1;
            false
        };
        self.tried.insert(text, keeps);
        Ok(keeps)
    }
}
