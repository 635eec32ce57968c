//! One layer: its candidates made ready and checked, measured by turns, and one of them chosen.

use std::time::Instant;

use ndarray::{ArrayD, ArrayViewD};

use super::LEAST_GAIN;
use convoke::gpu::LayerChoice;
use convoke::gpu::{Candidate, CandidateOutcome, Gpu, KernelChoice, TunedLayer, TuningPlan};
use convoke::graph::Graph;
use convoke::reference::Answer;
use convoke::testing::{Random, compare, compare_exact};
use convoke::{Error, Result};
use convoke::{Session, Tensor};
use convoke_bench::{Rule, Summary, Turns};

/// The seconds that a sample takes at least: starting and waiting for it take tens of microseconds.
const SAMPLE: f64 = 1e-3;
/// Runs in a sample at most.
const MOST_RUNS: f64 = 1000.0;
/// Runs that tell whether a candidate is worth measuring, and seconds after which there are no more.
const FIRST_RUNS: usize = 10;
const FIRST_TIME: f64 = 0.1;
/// How many times as long as the fastest a candidate's first runs may take.
const HOPELESS: f64 = 3.0;
/// How well medians need to be known to tell a difference of a few percent.
pub(super) const PRECISION: f64 = 0.01;

/// A candidate that answers right.
struct Ready {
    session: Session,
    answer: Vec<Tensor>,
    /// The least time of its first runs, in seconds.
    first: f64,
}

/// Measures the candidates for a layer.
pub(super) fn tune(gpu: &Gpu, layer: &LayerChoice, max_time: f64, observe: &mut dyn FnMut(&str, f64)) -> Result<TunedLayer> {
    // The part of the layer's progress that checking has.
    const CHECKING: f64 = 0.5;
    let signature = layer.layer;
    let by_rule = layer.choice;
    let mut choices = gpu.kernel_candidates(&signature)?;
    if !choices.contains(&by_rule) {
        choices.insert(0, by_rule);
    }
    observe("the reference", 0.0);
    let (graph, inputs) = problem(layer)?;
    let views: Vec<_> = inputs.iter().map(|input| input.view()).collect();
    // The operator as it stands: passes have been applied.
    let session = Session::builder().backend(gpu.clone()).passes(&[]).build(graph)?;
    let answers = session.answers(&views)?;
    let mut outcomes: Vec<Option<CandidateOutcome>> = Vec::new();
    let mut ready: Vec<Option<Ready>> = Vec::new();
    for (index, &choice) in choices.iter().enumerate() {
        observe(
            &format!("checking {choice}"),
            CHECKING * (1 + index) as f64 / (1 + choices.len()) as f64,
        );
        let plan = TuningPlan {
            layers: vec![TunedLayer::new(signature, choice)],
            ..TuningPlan::new(gpu)
        };
        let (outcome, own) = match session
            .retuned(&plan)
            .and_then(|session| prepare(gpu, session, &views, &answers))
        {
            Ok(Ok(own)) => (None, Some(own)),
            Ok(Err(wrong)) => (Some(CandidateOutcome::Wrong(wrong)), None),
            Err(error @ Error::DeviceLost(_)) => return Err(error),
            Err(error) => (Some(CandidateOutcome::Failed(error.to_string())), None),
        };
        outcomes.push(outcome);
        ready.push(own);
    }
    let fastest = ready.iter().flatten().map(|ready| ready.first).fold(f64::INFINITY, f64::min);
    for ((ready, outcome), &choice) in ready.iter_mut().zip(&mut outcomes).zip(&choices) {
        let hopeless = ready.as_ref().is_some_and(|ready| ready.first > HOPELESS * fastest);
        if hopeless && choice != by_rule {
            // Its memory is free for the others.
            let first = ready.take().map_or(0.0, |ready| ready.first);
            *outcome = Some(measured([first; 4], 1));
        }
    }
    let mut observe_turns = |done: f64| observe("measuring", CHECKING + (1.0 - CHECKING) * done);
    measure(gpu, &ready, &views, &mut outcomes, max_time, &mut observe_turns)?;
    let mut candidates = told(&choices, &outcomes);
    let mut choice = choose(&candidates, by_rule);
    let rule = candidates.iter().find(|candidate| candidate.choice == by_rule);
    let was_measured = rule.is_some_and(|rule| matches!(rule.outcome, CandidateOutcome::Measured { .. }));
    if let Some(winner) = choice
        && winner != by_rule
        && was_measured
    {
        // The fastest of several is often the luckiest: it must win again, against the rule's choice alone.
        for ((&choice, ready), outcome) in choices.iter().zip(&mut ready).zip(&mut outcomes) {
            if choice == by_rule || choice == winner {
                *outcome = None;
            } else {
                *ready = None;
            }
        }
        measure(gpu, &ready, &views, &mut outcomes, max_time, &mut |_| {
            observe("measuring again", 1.0);
        })?;
        candidates = told(&choices, &outcomes);
        let both = candidates
            .iter()
            .filter(|candidate| [by_rule, winner].contains(&candidate.choice));
        choice = choose(&both.cloned().collect::<Vec<_>>(), by_rule);
    }
    let Some(choice) = choice else {
        let tried: Vec<String> = candidates.iter().map(reason).collect();
        return Err(Error::Gpu(format!(
            "no kernel computes the layer {signature} right: {}",
            tried.join("; ")
        )));
    };
    Ok(TunedLayer {
        layer: signature,
        choice,
        by_rule: Some(by_rule),
        candidates,
    })
}

/// What came of each choice.
fn told(choices: &[KernelChoice], outcomes: &[Option<CandidateOutcome>]) -> Vec<Candidate> {
    let candidates = choices.iter().zip(outcomes).map(|(&choice, outcome)| Candidate {
        choice,
        outcome: outcome
            .clone()
            .unwrap_or_else(|| CandidateOutcome::Failed("no run was measured".to_owned())),
    });
    candidates.collect()
}

fn reason(candidate: &Candidate) -> String {
    match &candidate.outcome {
        CandidateOutcome::Wrong(message) | CandidateOutcome::Failed(message) => format!("{}: {message}", candidate.choice),
        _ => candidate.choice.to_string(),
    }
}

/// The layer by itself, with random numbers, the same in each run.
fn problem(layer: &LayerChoice) -> Result<(Graph, Vec<ArrayD<f32>>)> {
    let (mut graph, mut random, mut inputs) = (Graph::new(), Random::new(7), Vec::new());
    let mut operands = Vec::new();
    for (index, operand) in layer.operands.iter().enumerate() {
        let array = random.reals(&operand.shape);
        if operand.is_constant {
            operands.push(graph.constant(format!("operand {index}"), array));
        } else {
            operands.push(graph.input(format!("operand {index}")));
            inputs.push(array);
        }
    }
    let output = graph.node(&layer.node, layer.op.clone(), &operands)?;
    graph.output(output)?;
    Ok((graph, inputs))
}

/// Runs a candidate for the first times; in place of one that answers wrong, how it does.
fn prepare(gpu: &Gpu, session: Session, views: &[ArrayViewD<'_, f32>], answers: &[Answer]) -> Result<Result<Ready, String>> {
    let resident = session.resident(views)?;
    resident.run()?;
    let answer = resident.read()?;
    for (got, want) in answer.iter().zip(answers) {
        if let Err(mismatch) = compare(got, want) {
            return Ok(Err(mismatch.to_string()));
        }
    }
    let (mut first, mut all) = (f64::INFINITY, 0.0);
    for _ in 0..FIRST_RUNS {
        let start = Instant::now();
        resident.run()?;
        gpu.wait()?;
        let seconds = start.elapsed().as_secs_f64();
        (first, all) = (first.min(seconds), all + seconds);
        if all > FIRST_TIME {
            break;
        }
    }
    drop(resident);
    Ok(Ok(Ready { session, answer, first }))
}

/// Measures by turns who is ready, and checks that answers are what they were. `outcomes` has those of the others already.
fn measure(
    gpu: &Gpu,
    ready: &[Option<Ready>],
    views: &[ArrayViewD<'_, f32>],
    outcomes: &mut [Option<CandidateOutcome>],
    max_time: f64,
    observe: &mut dyn FnMut(f64),
) -> Result<()> {
    let count = ready.iter().flatten().count();
    let rule = Rule {
        precision: PRECISION,
        max_time: max_time / count.max(1) as f64,
    };
    let mut turns = Turns::new(ready.len(), rule);
    let mut residents = Vec::new();
    for (lane, ready) in ready.iter().enumerate() {
        if ready.is_none() {
            turns.give_up(lane);
        }
        let resident = ready.as_ref().map(|ready| Ok((ready, ready.session.resident(views)?)));
        residents.push(resident.transpose()?);
    }
    while let Some(lane) = turns.next_lane() {
        let Some((ready, resident)) = &residents[lane] else { continue };
        observe((0..residents.len()).map(|lane| turns.progress(lane)).fold(0.0, f64::max));
        let runs = (SAMPLE / ready.first).ceil().clamp(1.0, MOST_RUNS);
        let start = Instant::now();
        let run = resident.run_times(runs as usize).and_then(|()| gpu.wait());
        // All of its time counts against the limit; what is told is the time of a run.
        turns.record(lane, start.elapsed().as_secs_f64());
        match run {
            Ok(()) => {}
            Err(error @ Error::DeviceLost(_)) => return Err(error),
            Err(error) => {
                turns.give_up(lane);
                outcomes[lane] = Some(CandidateOutcome::Failed(error.to_string()));
            }
        }
    }
    for (lane, resident) in residents.iter().enumerate() {
        let (Some((ready, resident)), None) = (resident, &outcomes[lane]) else {
            continue;
        };
        let same = resident
            .read()?
            .iter()
            .zip(&ready.answer)
            .try_for_each(|(got, first)| compare_exact(got, first));
        outcomes[lane] = match (same, turns.outcome(lane)) {
            (Err(mismatch), _) => Some(CandidateOutcome::Wrong(format!(
                "not the same answer in every run: {mismatch}"
            ))),
            (Ok(()), None) => None,
            (Ok(()), Some((summary, _))) => {
                let runs = (SAMPLE / ready.first).ceil().clamp(1.0, MOST_RUNS);
                Some(summarised(&summary, runs))
            }
        };
    }
    Ok(())
}

/// The time of a run, of which a sample had so many.
fn summarised(summary: &Summary, runs: f64) -> CandidateOutcome {
    let range = summary.range();
    let seconds = [summary.least, summary.median, range.low, range.high].map(|seconds| seconds / runs);
    measured(seconds, summary.count)
}

/// Least, median and interval from seconds to microseconds, to the hundredth.
fn measured(seconds: [f64; 4], samples: usize) -> CandidateOutcome {
    let [least, median, low, high] = seconds.map(|seconds| (seconds * 1e8).round() / 100.0);
    CandidateOutcome::Measured {
        least,
        median,
        interval: [low, high],
        samples,
    }
}

/// The rule's choice, unless it is wrong or another is faster beyond the noise; none where nothing was measured.
fn choose(candidates: &[Candidate], by_rule: KernelChoice) -> Option<KernelChoice> {
    let times = |candidate: &Candidate| match candidate.outcome {
        CandidateOutcome::Measured {
            least, median, interval, ..
        } => Some((candidate.choice, [least, median], interval)),
        _ => None,
    };
    let measured = || candidates.iter().filter_map(times);
    let fastest = |choices: &mut dyn Iterator<Item = (KernelChoice, [f64; 2], [f64; 2])>| {
        let fastest = choices.min_by(|(_, [_, left], _), (_, [_, right], _)| left.total_cmp(right));
        fastest.map(|(choice, ..)| choice)
    };
    let Some((_, rule, [rule_low, _])) = measured().find(|(choice, ..)| *choice == by_rule) else {
        return fastest(&mut measured());
    };
    // Noise makes runs longer and never shorter: what is faster is so in its least time as well.
    let gains = |own: [f64; 2]| own.iter().zip(rule).all(|(own, rule)| *own <= (1.0 - LEAST_GAIN) * rule);
    let mut faster = measured().filter(|&(_, own, [_, high])| high < rule_low && gains(own));
    Some(fastest(&mut faster).unwrap_or(by_rule))
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A choice with its median and interval, whose lower end is its least; none for one that is wrong.
    type Tried = (&'static str, Option<(f64, [f64; 2])>);

    fn chosen(candidates: &[Tried]) -> Option<String> {
        let candidates: Vec<Candidate> = candidates
            .iter()
            .map(|(choice, times)| Candidate {
                choice: choice.parse().unwrap(),
                outcome: match *times {
                    Some((median, interval)) => CandidateOutcome::Measured {
                        least: interval[0],
                        median,
                        interval,
                        samples: 10,
                    },
                    None => CandidateOutcome::Wrong("it differs".to_owned()),
                },
            })
            .collect();
        choose(&candidates, "direct".parse().unwrap()).map(|choice| choice.to_string())
    }

    #[test]
    fn the_rules_choice_is_kept_unless_another_is_faster_beyond_the_noise() {
        let rule = ("direct", Some((100.0, [95.0, 105.0])));
        let kept = Some("direct".to_owned());
        assert_eq!(chosen(&[rule]), kept);
        // Faster, but their intervals overlap.
        assert_eq!(chosen(&[rule, ("gemm", Some((80.0, [60.0, 96.0])))]), kept);
        // Faster for certain, but by too little.
        let steady = ("direct", Some((100.0, [99.9, 100.1])));
        assert_eq!(chosen(&[steady, ("gemm", Some((98.0, [97.9, 98.1])))]), kept);
        // Faster for certain, but not in its least time.
        let lucky = ("direct", Some((100.0, [90.0, 105.0])));
        assert_eq!(chosen(&[lucky, ("gemm", Some((89.0, [88.0, 89.5])))]), kept);
        // The fastest of those that are faster for certain.
        let others = [
            rule,
            ("gemm", Some((80.0, [60.0, 96.0]))),
            ("gemm_broadcast", Some((90.0, [89.0, 91.0]))),
            ("depthwise", Some((85.0, [84.0, 86.0]))),
        ];
        assert_eq!(chosen(&others).as_deref(), Some("depthwise"));
    }

    #[test]
    fn what_is_wrong_does_not_win_even_by_rule() {
        let slow = ("gemm", Some((900.0, [800.0, 1000.0])));
        assert_eq!(chosen(&[("direct", None), slow]).as_deref(), Some("gemm"));
        assert_eq!(
            chosen(&[("direct", Some((900.0, [1.0, 2.0]))), ("gemm", None)]).as_deref(),
            Some("direct")
        );
        assert_eq!(chosen(&[("direct", None), ("gemm", None)]), None);
    }
}
