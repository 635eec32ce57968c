//! Functions of three elements by their definitions.

use super::answer::Answer;
use super::elementwise::of_elements;
use super::number::Number;
use crate::error::Result;
use crate::ops::Ternary;

pub(super) fn ternary(op: Ternary, inputs: [&Answer; 3]) -> Result<Answer> {
    of_elements(
        op.name(),
        inputs,
        |elements| Some(of_floats(op, elements)),
        |elements| Some(of_whole(op, elements)),
    )
}

/// Of whole numbers, or of bools as 0 and 1.
fn of_whole(op: Ternary, [a, b, c]: [i128; 3]) -> i128 {
    match op {
        Ternary::Clamp => a.max(b).min(c),
        Ternary::Where if a == 0 => c,
        Ternary::Where => b,
    }
}

fn of_floats(op: Ternary, [a, b, c]: [Number; 3]) -> Number {
    match op {
        // One of the three, whichever: none moves by more than the largest error.
        Ternary::Clamp => {
            let bound = a.bound.max(b.bound).max(c.bound);
            let nan = [a, b, c].iter().map(|x| x.value).find(|value| value.is_nan());
            Number::new(nan.unwrap_or_else(|| a.value.max(b.value).min(c.value)), bound)
        }
        Ternary::Where => {
            let chosen = if a.value == 0.0 { c } else { b };
            // Where the condition is not sure it may be either.
            let other = (b.value - c.value).abs() + b.bound.max(c.bound);
            Number::new(chosen.value, if a.bound > 0.0 { other } else { chosen.bound })
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_condition_that_is_not_sure_chooses_by_its_value() {
        let choose = |condition| {
            let condition = Number::new(condition, 1.0);
            of_floats(Ternary::Where, [condition, Number::exact(1.0), Number::exact(3.0)])
        };
        assert_eq!((choose(0.0).value, choose(0.0).bound), (3.0, 2.0));
        assert_eq!((choose(1.0).value, choose(1.0).bound), (1.0, 2.0));
    }
}
