//! Measuring: what is cold once, the check, warm runs by turns, then the parts of a run.

use std::time::Instant;

use ndarray::{ArrayD, ArrayViewD};

use super::case::{Case, Problem};
use super::environment::Environment;
use super::report::{BackendReport, CaseReport, Cold, DeviceTime, Measured, ModelFile, Outcome, PointReport, Report, Split};
use super::statistics::Summary;
use super::turns::{Rule, Turns};
use convoke::Backend;
use convoke::Precision;
use convoke::Result;
use convoke::Session;
use convoke::Tensor;
use convoke::profiling::Profile;
use convoke::testing::compare_exact;

/// A backend to measure.
#[derive(Debug)]
pub struct Opened {
    /// The backend.
    pub backend: Backend,
    precision: Precision,
    kind: String,
    start: f64,
}

impl Opened {
    /// Opens a backend and keeps how long that took. `kind` is what it was asked for by.
    ///
    /// Errors: those of `open`.
    pub fn open(kind: &str, open: impl FnOnce() -> Result<Backend>) -> Result<Self> {
        let start = Instant::now();
        let backend = open()?;
        Ok(Self {
            backend,
            precision: Precision::F32,
            kind: kind.to_owned(),
            start: start.elapsed().as_secs_f64(),
        })
    }

    /// Sets how its sessions store numbers: [`SessionBuilder::precision`](convoke::session::SessionBuilder::precision).
    #[must_use]
    pub fn precision(mut self, precision: Precision) -> Self {
        self.precision = precision;
        self
    }
}

/// How far along a benchmark is.
#[derive(Clone, Debug)]
pub struct Progress {
    /// What is being done, for whom to read.
    pub message: String,
    /// The part of all that is done, from 0 to 1.
    pub done: f64,
}

/// Measures all cases on all backends, one case after another, the backends by turns. An answer that is wrong is refused and
/// has no times; what cannot run says why.
pub fn measure(
    mut environment: Environment,
    model: Option<ModelFile>,
    cases: &[Case<'_>],
    backends: &[Opened],
    rule: Rule,
    observer: &mut dyn FnMut(Progress),
) -> Report {
    let points: usize = cases.iter().map(|case| case.sizes.len()).sum();
    let labels = labels(backends);
    let mut before = 0_usize;
    let mut reports = Vec::new();
    for case in cases {
        let mut measured = Vec::new();
        for &size in &case.sizes {
            let mut observe = |step: &str, done: f64| {
                let sized = case.sweep.map(|sweep| format!(", {} {size}", sweep.name()));
                observer(Progress {
                    message: format!("{}{}: {step}", case.name, sized.unwrap_or_default()),
                    done: (before as f64 + done) / points as f64,
                });
            };
            measured.push(point(case, size, backends, &labels, rule, &mut observe));
            before += 1;
        }
        reports.push(CaseReport {
            name: case.name.clone(),
            description: case.description.clone(),
            sweep: case.sweep,
            read: case.read,
            points: measured,
        });
    }
    environment.finish();
    let backends = backends.iter().zip(labels).map(|(opened, label)| BackendReport {
        kind: opened.kind.clone(),
        label,
        description: opened.backend.to_string(),
        start: opened.start,
    });
    Report {
        format: Report::FORMAT.to_owned(),
        environment,
        rule,
        model,
        backends: backends.collect(),
        cases: reports,
    }
}

/// Names that differ: one adapter may be there through two APIs.
fn labels(backends: &[Opened]) -> Vec<String> {
    let mut labels: Vec<String> = Vec::new();
    for opened in backends {
        let name = match &opened.backend {
            Backend::Gpu(gpu) => gpu.info().name.clone(),
            other => other.to_string(),
        };
        let name = match opened.precision {
            Precision::F32 => name,
            other => format!("{name} in {other}"),
        };
        let again = labels
            .iter()
            .filter(|label| **label == name || label.starts_with(&format!("{name} #")))
            .count();
        labels.push(if again == 0 { name } else { format!("{name} #{}", again + 1) });
    }
    labels
}

/// A backend that is ready and answered right.
struct Ready {
    session: Session,
    cold: Cold,
    answer: Vec<Tensor>,
}

/// Why a backend is not measured. What is an error to others is a result here: other sizes and backends go on.
impl From<convoke::Error> for Outcome {
    fn from(error: convoke::Error) -> Self {
        Self::Failed {
            message: error.to_string(),
        }
    }
}

/// The part of a point's progress bar that checking has.
const CHECKING: f64 = 0.4;

fn point(
    case: &Case<'_>,
    size: usize,
    backends: &[Opened],
    labels: &[String],
    rule: Rule,
    observe: &mut dyn FnMut(&str, f64),
) -> PointReport {
    observe("making the graph", 0.0);
    let problem = match case.problem(size) {
        Ok(problem) => problem,
        Err(error) => {
            return PointReport {
                size,
                inputs: Vec::new(),
                flops: 0,
                outcomes: backends
                    .iter()
                    .map(|_| Outcome::Failed {
                        message: error.to_string(),
                    })
                    .collect(),
            };
        }
    };
    let views: Vec<_> = problem.inputs.iter().map(|input| input.view()).collect();
    let mut ready = Vec::new();
    for (index, (opened, label)) in backends.iter().zip(labels).enumerate() {
        observe(&format!("checking {label}"), CHECKING * index as f64 / backends.len() as f64);
        ready.push(prepare(&problem, &views, opened));
    }
    let mut turns = Turns::new(backends.len(), rule);
    let mut failures: Vec<Option<Outcome>> = (0..backends.len()).map(|_| None).collect();
    let mut last: Vec<Option<Vec<Tensor>>> = (0..backends.len()).map(|_| None).collect();
    for (lane, ready) in ready.iter().enumerate() {
        if ready.is_err() {
            turns.give_up(lane);
        }
    }
    while let Some(lane) = turns.next_lane() {
        let Ok(ready) = &ready[lane] else { continue };
        let part = (0..backends.len()).map(|lane| turns.progress(lane)).fold(0.0, f64::max);
        observe(&format!("running on {}", labels[lane]), CHECKING + (1.0 - CHECKING) * part);
        let start = Instant::now();
        match ready.session.run_tensors(&views) {
            Ok(outputs) => {
                turns.record(lane, start.elapsed().as_secs_f64());
                last[lane] = Some(outputs);
            }
            Err(error) => {
                turns.give_up(lane);
                failures[lane] = Some(error.into());
            }
        }
    }
    let flops = flops(&problem);
    let mut outcomes = Vec::new();
    for (lane, ready) in ready.into_iter().enumerate() {
        observe(&format!("taking a run of {} apart", labels[lane]), 0.98);
        let outcome = match (failures[lane].take(), ready) {
            (Some(failure), _) | (None, Err(failure)) => failure,
            (None, Ok(ready)) => finish(&ready, &turns, lane, last[lane].as_deref(), &views, &backends[lane].backend)
                .unwrap_or_else(|failure| failure),
        };
        outcomes.push(outcome);
    }
    PointReport {
        size,
        inputs: problem.inputs.iter().map(|input| input.shape().to_vec()).collect(),
        flops,
        outcomes,
    }
}

fn flops(problem: &Problem) -> u64 {
    let shapes: Vec<&[usize]> = problem.inputs.iter().map(ArrayD::shape).collect();
    problem
        .graph
        .multiply_adds(&shapes)
        .map_or(0, |count| count.saturating_mul(2))
}

/// Seconds since then, and from now on.
fn lap(start: &mut Instant) -> f64 {
    let now = Instant::now();
    let seconds = now.duration_since(*start).as_secs_f64();
    *start = now;
    seconds
}

/// Makes a backend ready and checks its answer; what is cold is timed on the way, and forgotten where the answer is wrong.
fn prepare(problem: &Problem, views: &[ArrayViewD<'_, f32>], opened: &Opened) -> Result<Ready, Outcome> {
    let (graph, backend) = (problem.graph.clone(), &opened.backend);
    let mut start = Instant::now();
    let session = Session::builder()
        .backend(backend.clone())
        .precision(opened.precision)
        .build(graph)?;
    let in_session = lap(&mut start);
    let (first, plan) = match backend {
        Backend::Gpu(gpu) => {
            let resident = session.resident(views)?;
            let plan = lap(&mut start);
            resident.run()?;
            gpu.wait()?;
            (resident.read()?, plan)
        }
        _ => (session.run_tensors(views)?, 0.0),
    };
    let cold = Cold {
        graph: problem.seconds,
        session: in_session,
        plan,
        first_run: lap(&mut start),
    };
    let answer = check(&session, views, first, backend)?;
    // What the first run warmed, the check may have pushed out of caches.
    same(&session, &session.run_tensors(views)?, &answer)?;
    Ok(Ready { session, cold, answer })
}

/// The answer, if it is right.
fn check(session: &Session, views: &[ArrayViewD<'_, f32>], first: Vec<Tensor>, backend: &Backend) -> Result<Vec<Tensor>, Outcome> {
    if !matches!(backend, Backend::Reference) {
        // Operator by operator, which is sharper than whole networks can be, and gives what is wrong a name. The first run used
        // memory more sparingly than the one that is checked: it must have given the same bits.
        let (checks, outputs) = session.verified(views)?;
        for check in checks {
            if let Some(mismatch) = check.mismatch {
                return Err(Outcome::Refused {
                    layer: check.node,
                    operator: check.operator.to_owned(),
                    message: mismatch.to_string(),
                });
            }
        }
        same(session, &first, &outputs)?;
    }
    Ok(first)
}

/// Refuses an answer that is not to the bit the one that was checked.
fn same(session: &Session, got: &[Tensor], checked: &[Tensor]) -> Result<(), Outcome> {
    for (index, (got, checked)) in got.iter().zip(checked).enumerate() {
        compare_exact(got, checked)
            .map_err(|mismatch| refused(session, index, &format!("not the answer that was checked: {mismatch}")))?;
    }
    Ok(())
}

fn refused(session: &Session, output: usize, message: &str) -> Outcome {
    Outcome::Refused {
        layer: session
            .outputs()
            .get(output)
            .map(|info| info.name.clone())
            .unwrap_or_default(),
        operator: "the whole run".to_owned(),
        message: message.to_owned(),
    }
}

/// Runs that are taken apart.
const SPLIT_RUNS: usize = 7;

/// Checks the last answer, then takes runs apart.
fn finish(
    ready: &Ready,
    turns: &Turns,
    lane: usize,
    last: Option<&[Tensor]>,
    views: &[ArrayViewD<'_, f32>],
    backend: &Backend,
) -> Result<Outcome, Outcome> {
    let session = &ready.session;
    same(session, last.unwrap_or_default(), &ready.answer)?;
    let Some((warm, stop)) = turns.outcome(lane) else {
        return Err(Outcome::Failed {
            message: "no run was measured".to_owned(),
        });
    };
    // As many as a second has, so that slow ones do not take forever.
    let runs = ((1.0 / warm.median.max(1e-9)) as usize).clamp(1, SPLIT_RUNS);
    let split = match backend {
        Backend::Gpu(_) => Some(split(session, views, backend, runs)?),
        _ => None,
    };
    // The reference has no kernels.
    let device = match backend {
        Backend::Reference => None,
        _ => Some(device_time(&session.profile(views, runs)?)),
    };
    Ok(Outcome::Measured(Box::new(Measured {
        warm,
        stop,
        cold: ready.cold,
        split,
        device,
    })))
}

/// The parts of a run on a GPU, each waited for.
fn split(session: &Session, views: &[ArrayViewD<'_, f32>], backend: &Backend, runs: usize) -> Result<Split> {
    let mut parts = [const { Vec::new() }; 4];
    for _ in 0..runs {
        let mut start = Instant::now();
        let resident = session.resident(views)?;
        parts[0].push(lap(&mut start));
        resident.run()?;
        parts[1].push(lap(&mut start));
        if let Backend::Gpu(gpu) = backend {
            gpu.wait()?;
        }
        parts[2].push(lap(&mut start));
        drop(resident.read()?);
        parts[3].push(lap(&mut start));
    }
    let median = |part: usize| Summary::new(&parts[part]).map_or(0.0, |summary| summary.median);
    Ok(Split {
        upload: median(0),
        dispatch: median(1),
        wait: median(2),
        read_back: median(3),
    })
}

fn device_time(profile: &Profile) -> DeviceTime {
    let seconds = profile.kernels().as_secs_f64();
    let floor: f64 = profile.layers.iter().map(|layer| profile.floor(layer)).sum();
    DeviceTime {
        seconds,
        timing: profile.timing.to_string(),
        bytes: profile.layers.iter().fold(0, |sum, layer| sum.saturating_add(layer.bytes)),
        ceiling_gflops: profile.ceilings.gflops,
        ceiling_gbs: profile.ceilings.gbs,
        of_ceiling: if seconds > 0.0 { floor / seconds } else { 0.0 },
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use convoke::ops::{Conv2d, Unary};

    fn quick() -> Rule {
        Rule {
            precision: 0.5,
            max_time: 0.02,
        }
    }

    fn reference() -> Opened {
        Opened::open("reference", || Ok(Backend::Reference)).unwrap()
    }

    #[test]
    fn labels_are_told_apart() {
        assert_eq!(labels(&[reference(), reference()]), ["CPU (reference)", "CPU (reference) #2"]);
    }

    #[test]
    fn cases_are_measured_and_what_cannot_run_says_why() {
        let cases = [
            Case::operator("relu", Unary::Relu, &[&[1, 2, 3, 4]]),
            Case::operator("too small", Conv2d::new(), &[&[1, 2, 3, 4], &[1, 2, 7, 7]]),
        ];
        let mut seen = Vec::new();
        let report = measure(Environment::read(), None, &cases, &[reference()], quick(), &mut |progress| {
            seen.push(progress.done);
        });
        let measured = report.cases[0].points[0].outcomes[0].measured().unwrap();
        assert!(measured.warm.count >= 1 && measured.warm.median > 0.0 && measured.device.is_none());
        match &report.cases[1].points[0].outcomes[0] {
            Outcome::Failed { message } => assert!(message.contains("conv2d"), "{message}"),
            other => panic!("{other:?}"),
        }
        assert!(report.has_failed());
        assert!(
            seen.is_sorted() && seen.iter().all(|done| (0.0..=1.0).contains(done)),
            "{seen:?}"
        );
        let read = Report::from_json(&report.to_json().unwrap()).unwrap();
        assert_eq!(read, report);
    }

    #[test]
    fn an_answer_that_is_not_the_checked_one_is_refused() {
        let mut graph = convoke::graph::Graph::new();
        let input = graph.input("input");
        let active = graph.node("active", Unary::Relu, &[input]).unwrap();
        graph.output(active).unwrap();
        let session = Session::new(graph, &Backend::Reference).unwrap();
        let right = vec![Tensor::from(ndarray::arr1(&[1.0_f32, 2.0]))];
        let wrong = vec![Tensor::from(ndarray::arr1(&[1.0_f32 + f32::EPSILON, 2.0]))];
        same(&session, &right, &right).unwrap();
        match same(&session, &wrong, &right) {
            Err(Outcome::Refused { layer, message, .. }) => assert!(layer == "active" && message.contains("[0]"), "{message}"),
            other => panic!("{other:?}"),
        }
    }
}
