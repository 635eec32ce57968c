//! Rounds: in each, every engine runs the case once, in an order that changes. Answers are checked first.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::time::Duration;

use convoke::reference::Answer;
use convoke::testing::compare;
use convoke::{Backend, Session};
use ndarray::ArrayD;

use crate::Result;
use crate::cases::Case;
use crate::engines::{Engine, Run, is_convoke};

/// Untimed runs after the first, in which engines may go on tuning.
const WARM_UP: usize = 3;

/// Before each turn.
const REST: Duration = Duration::from_millis(5);

/// How far another engine's answer may be off, in parts of the largest magnitude in the right answer. A padding mode, a
/// stride or a tap taken wrongly is off by a good part of 1; another order of summation, or Winograd's, by less than 1e-4.
const TOLERANCE: f64 = 1e-3;

/// What came of a case.
pub struct Figures {
    pub case: String,
    /// Whether the case counts in the geometric mean.
    pub counts: bool,
    pub engines: Vec<(&'static str, Outcome)>,
}

/// What came of an engine. Times are in milliseconds.
pub enum Outcome {
    Timed {
        /// From the model in memory to the first answer.
        first: f64,
        /// One for each round.
        times: Vec<f64>,
    },
    /// It was not timed, and why.
    Failed(String),
}

/// Measures a case on all engines.
pub fn measure(case: &Case, engines: &mut [Box<dyn Engine>], rounds: usize) -> Figures {
    let want = reference(case);
    let mut outcomes: Vec<Outcome> = engines
        .iter_mut()
        .map(|engine| {
            let first = match &want {
                Ok(want) => guarded(|| first_answers(case, engine.as_mut(), want)),
                Err(error) => Err(format!("no reference: {error}")),
            };
            first.map_or_else(Outcome::Failed, |first| Outcome::Timed {
                first,
                times: Vec::new(),
            })
        })
        .collect();
    for round in 0..rounds {
        for place in order(round, engines.len()) {
            let Outcome::Timed { times, .. } = &mut outcomes[place] else {
                continue;
            };
            match guarded(|| turn(case, engines[place].as_mut())) {
                Ok(run) => times.push(milliseconds(run.time)),
                Err(text) => outcomes[place] = Outcome::Failed(format!("in round {round}: {text}")),
            }
        }
    }
    for engine in engines.iter_mut() {
        engine.unload();
    }
    Figures {
        case: case.name.clone(),
        counts: case
            .layer
            .as_ref()
            .is_some_and(|(layer, _)| layer.is_multi_channel_convolution()),
        engines: engines.iter().map(|engine| engine.name()).zip(outcomes).collect(),
    }
}

/// A timed run after one that is not: it wakes the engine's threads and brings its weights back to the caches. Before both, the threads of
/// the engine before have come to rest, which may look for work for some time.
fn turn(case: &Case, engine: &mut dyn Engine) -> Result<Run> {
    std::thread::sleep(REST);
    engine.run(&case.input)?;
    engine.run(&case.input)
}

/// Rotated by one each round, so that every engine takes every place; backwards in every other cycle, so that it does not
/// always follow the same one.
fn order(round: usize, engines: usize) -> Vec<usize> {
    let mut order: Vec<usize> = (0..engines).map(|place| (place + round) % engines).collect();
    if (round / engines) % 2 == 1 {
        order.reverse();
    }
    order
}

/// The right answer, in `f64`.
fn reference(case: &Case) -> Result<Answer> {
    let session = Session::new(case.graph()?, &Backend::Reference)?;
    let answers = session.answers(&[case.input.view()])?;
    Ok(answers.into_iter().next().ok_or("no output")?)
}

/// Loads, runs, checks and warms up. Gives the milliseconds from the model to the first answer.
fn first_answers(case: &Case, engine: &mut dyn Engine, want: &Answer) -> Result<f64> {
    let loading = engine.load(case)?;
    let run = engine.run(&case.input)?;
    let first = loading + run.time;
    check(run, want, engine.name())?;
    let mut last = None;
    for _ in 0..WARM_UP {
        last = Some(engine.run(&case.input)?);
    }
    // Tuning may have ended with another kernel than the first.
    if let Some(last) = last {
        check(last, want, engine.name())?;
    }
    Ok(milliseconds(first))
}

/// convoke is held to the bound derived from the definition where there is one (products of uncertain numbers, one after another, may
/// leave none), others to a tolerance.
fn check(run: Run, want: &Answer, engine: &str) -> Result<()> {
    let numbers = run.output.len();
    let got = ArrayD::from_shape_vec(want.shape(), run.output)
        .map_err(|_| format!("wrong: {numbers} numbers instead of the shape {:?}", want.shape()))?;
    if is_convoke(engine) && want.bound.iter().all(|bound| bound.is_finite()) {
        return compare(&got, want).map_err(|mismatch| format!("wrong: {mismatch}").into());
    }
    let largest = want.values.iter().fold(0.0_f64, |largest, value| largest.max(value.abs()));
    let differences = || got.iter().zip(&want.values).map(|(&got, want)| (f64::from(got) - want).abs());
    // Counted from those that are right, since NaN is within no tolerance.
    let differing = numbers - differences().filter(|&difference| difference <= TOLERANCE * largest).count();
    if differing == 0 {
        return Ok(());
    }
    let worst = differences().fold(0.0, f64::max);
    Err(
        format!("wrong: {differing} of {numbers} values, off by up to {worst:.3} where the largest magnitude is {largest:.3}")
            .into(),
    )
}

/// The result, or what went wrong in one line, a panic included.
fn guarded<T>(work: impl FnOnce() -> Result<T>) -> std::result::Result<T, String> {
    let text = match catch_unwind(AssertUnwindSafe(work)) {
        Ok(Ok(value)) => return Ok(value),
        Ok(Err(error)) => error.to_string(),
        Err(panic) => {
            let text = panic.downcast_ref::<String>().map(String::as_str);
            let text = text.or_else(|| panic.downcast_ref::<&str>().copied());
            format!("panic: {}", text.unwrap_or("without a message"))
        }
    };
    Err(text.split_whitespace().collect::<Vec<_>>().join(" "))
}

fn milliseconds(time: Duration) -> f64 {
    time.as_secs_f64() * 1e3
}

#[cfg(test)]
mod tests {
    use super::*;

    fn answer(output: Vec<f32>) -> Run {
        Run {
            time: Duration::ZERO,
            output,
        }
    }

    #[test]
    fn each_engine_takes_each_place() {
        for place in 0..5 {
            let mut engines: Vec<usize> = (0..5).map(|round| order(round, 5)[place]).collect();
            engines.sort_unstable();
            assert_eq!(engines, [0, 1, 2, 3, 4]);
        }
        assert_eq!(order(5, 5), [4, 3, 2, 1, 0]);
    }

    #[test]
    fn wrong_answers_are_noticed() {
        let want = Answer::exact(ndarray::array![1.0_f32, -2.0].into_dyn().view());
        for engine in ["convoke", "other"] {
            assert!(check(answer(vec![1.0, -2.0]), &want, engine).is_ok());
            for wrong in [
                vec![1.0, -2.1],
                vec![1.0],
                vec![1.0, f32::NAN],
                vec![f32::NAN, -2.0],
                vec![1.0, f32::INFINITY],
            ] {
                assert!(check(answer(wrong.clone()), &want, engine).is_err(), "{engine}, {wrong:?}");
            }
        }
    }
}
