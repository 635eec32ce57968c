//! Planning takes time in proportion to a graph's operators, whatever its form. By default graphs of 20,000; with
//! `CONVOKE_PLANNING_OPERATORS=200000` what `docs/performance.md` has.

use std::time::{Duration, Instant};

use convoke::graph::{Graph, ValueId};
use convoke::ops::{Binary, Concat, Softmax, Unary};
use convoke::testing;
use convoke::{Backend, Result, Session};

type Form = (&'static str, fn(&mut Graph, ValueId, usize) -> Result<ValueId>);

/// Functions never fuse into one kernel here, since a softmax stands between them.
const FORMS: [Form; 5] = [
    ("one after another", |graph, mut value, count| {
        for index in 0..count / 2 {
            value = graph.node("softmax", Softmax::new(-1), &[value])?;
            value = graph.node("function", [Unary::Tanh, Unary::Neg][index % 2], &[value])?;
        }
        Ok(value)
    }),
    ("with skips", |graph, mut value, count| {
        for _ in 0..count / 2 {
            let changed = graph.node("softmax", Softmax::new(-1), &[value])?;
            value = graph.node("sum", Binary::Add, &[value, changed])?;
        }
        Ok(value)
    }),
    ("a tree", |graph, input, count| {
        let mut level = branches(graph, input, count / 2)?;
        while level.len() > 1 {
            let pairs = level.chunks(2).map(|pair| match *pair {
                [one, other] => graph.node("sum", Binary::Add, &[one, other]),
                _ => Ok(pair[0]),
            });
            level = pairs.collect::<Result<_>>()?;
        }
        Ok(level[0])
    }),
    ("side by side", |graph, input, count| {
        let branches = branches(graph, input, count)?;
        graph.node("joined", Concat::new(0), &branches)
    }),
    ("a fan", |graph, input, count| {
        let outputs = branches(graph, input, count - 1)?;
        for &output in &outputs {
            graph.output(output)?;
        }
        graph.node("last", Softmax::new(-1), &[input])
    }),
];

fn branches(graph: &mut Graph, input: ValueId, count: usize) -> Result<Vec<ValueId>> {
    let branch = |_| graph.node("branch", Softmax::new(-1), &[input]);
    (0..count).map(branch).collect()
}

/// How long a session of such a graph takes to be ready for inputs.
fn planned(form: &Form, count: usize, backend: &Backend) -> Result<Duration> {
    let mut graph = Graph::new();
    let input = graph.input("x");
    let last = form.1(&mut graph, input, count)?;
    graph.output(last)?;
    let begun = Instant::now();
    let session = Session::new(graph, backend)?;
    session.prepare(&[&[1, 4]])?;
    Ok(begun.elapsed())
}

fn operators() -> Result<usize, std::num::ParseIntError> {
    let said = std::env::var("CONVOKE_PLANNING_OPERATORS");
    said.map_or(Ok(20_000), |count| count.parse())
}

/// A quarter of the operators, then all of them: four times as long where planning is linear, sixteen times where it is quadratic.
#[test]
fn planning_grows_as_graphs_do() -> Result<(), Box<dyn std::error::Error>> {
    let count = operators()?;
    let backends = [Some(Backend::cpu()), testing::gpu()?.map(Backend::from)];
    for backend in backends.iter().flatten() {
        for form in &FORMS {
            let (part, whole) = (planned(form, count / 4, backend)?, planned(form, count, backend)?);
            println!(
                "{} on {backend}: {count} operators in {whole:.2?}, a quarter in {part:.2?}",
                form.0
            );
            // A quarter of a second is what another process may take for itself in between.
            let allowed = part * 10 + Duration::from_millis(250);
            assert!(whole < allowed, "{} on {backend}: {whole:?}, and a quarter {part:?}", form.0);
        }
    }
    Ok(())
}
