//! What is not the same in two certificates.

use std::collections::BTreeSet;

use super::{Certificate, CertifiedKernel, CertifiedOperator, CertifiedTensor};

impl Certificate {
    /// What a repeated run has otherwise, a line each: the model, where it ran, kernels, plan, inputs, outputs, errors. None where all is the
    /// same, errors and outputs to the bit. What the model's file is called is not looked at.
    pub fn differences(&self, repeated: &Self) -> Vec<String> {
        let (own, other) = (&self.subject, &repeated.subject);
        let seed = |seed: Option<u64>| seed.map_or("none".to_owned(), |seed| seed.to_string());
        let mut differences = Vec::new();
        for (what, before, now) in [
            ("model", &own.model, &other.model),
            ("convoke", &own.convoke, &other.convoke),
            ("backend", &own.backend, &other.backend),
            ("driver", &own.driver, &other.driver),
            ("precision", &own.precision, &other.precision),
            ("seed", &seed(own.seed), &seed(other.seed)),
        ] {
            if before != now {
                differences.push(format!("{what}: {before} became {now}"));
            }
        }
        differences.extend(of_tensors("input", &self.inputs, &repeated.inputs));
        differences.extend(of_kernels(&self.kernels, &repeated.kernels));
        differences.extend(of_plans(self, repeated));
        differences.extend(of_operators(&self.operators, &repeated.operators));
        differences.extend(of_tensors("output", &self.outputs, &repeated.outputs));
        differences
    }

    /// Whether another is of the same graph with the same weights.
    pub fn is_of_same_model(&self, other: &Self) -> bool {
        self.subject.model == other.subject.model
    }
}

fn of_tensors(what: &str, before: &[CertifiedTensor], now: &[CertifiedTensor]) -> Vec<String> {
    let mut differences = Vec::new();
    if before.len() != now.len() {
        differences.push(format!("{what}s: {} became {}", before.len(), now.len()));
    }
    for (before, now) in before.iter().zip(now).filter(|(before, now)| before != now) {
        let kind = |tensor: &CertifiedTensor| format!("{:?} {}{:?}", tensor.name, tensor.dtype, tensor.shape);
        differences.push(if kind(before) == kind(now) {
            format!("{what} {:?}: other elements", before.name)
        } else {
            format!("{what} {} became {}", kind(before), kind(now))
        });
    }
    differences
}

/// A kernel that has changed is one of a name that both have, in other words.
fn of_kernels(before: &[CertifiedKernel], now: &[CertifiedKernel]) -> Vec<String> {
    let (before, now): (BTreeSet<_>, BTreeSet<_>) = (before.iter().collect(), now.iter().collect());
    let names = |from: &BTreeSet<&CertifiedKernel>, without: &BTreeSet<&CertifiedKernel>| -> BTreeSet<String> {
        from.difference(without).map(|kernel| kernel.name.clone()).collect()
    };
    let (gone, come) = (names(&before, &now), names(&now, &before));
    let changed = gone
        .intersection(&come)
        .map(|name| format!("kernel {name}: its text has changed"));
    let gone_only = gone
        .difference(&come)
        .map(|name| format!("kernel {name}: does not run any more"));
    let come_only = come
        .difference(&gone)
        .map(|name| format!("kernel {name}: did not run before"));
    changed.chain(gone_only).chain(come_only).collect()
}

fn of_plans(before: &Certificate, now: &Certificate) -> Vec<String> {
    if before.plan.len() != now.plan.len() {
        return vec![format!(
            "plan: of {} layers, and now of {}",
            before.plan.len(),
            now.plan.len()
        )];
    }
    let pairs = before.plan.iter().zip(&now.plan).filter(|(before, now)| before != now);
    pairs
        .map(|(before, now)| {
            format!(
                "plan of {:?}: {} became {} ({:?})",
                before.node, before.choice, now.choice, now.node
            )
        })
        .collect()
}

/// Operators that are others, or are wrong or suspicious and were not; the errors of all others in one line.
fn of_operators(before: &[CertifiedOperator], now: &[CertifiedOperator]) -> Vec<String> {
    if before.len() != now.len() {
        return vec![format!("operators: {} became {}", before.len(), now.len())];
    }
    let mut differences = Vec::new();
    let mut others: Vec<(&CertifiedOperator, &CertifiedOperator)> = Vec::new();
    for (before, now) in before.iter().zip(now).filter(|(before, now)| before != now) {
        let kind = |operator: &CertifiedOperator| format!("{} {:?} {:?}", operator.operator, operator.node, operator.shape);
        match (&before.mismatch, &now.mismatch) {
            _ if kind(before) != kind(now) => differences.push(format!("operator {} became {}", kind(before), kind(now))),
            (None, Some(mismatch)) => differences.push(format!("operator {}: wrong now: {mismatch}", kind(now))),
            (Some(_), None) => differences.push(format!("operator {}: was wrong, and is right now", kind(now))),
            _ if before.is_suspicious != now.is_suspicious => {
                let (was, is) = if now.is_suspicious { ("not ", "") } else { ("", "not ") };
                differences.push(format!("operator {}: was {was}suspicious, and is {is}now", kind(now)));
            }
            _ => others.push((before, now)),
        }
    }
    let part = |operator: &CertifiedOperator| operator.part_of_bound.unwrap_or(f64::INFINITY);
    let apart = |(before, now): &(&CertifiedOperator, &CertifiedOperator)| (part(before) - part(now)).abs();
    if let Some(most) = others.iter().max_by(|left, right| apart(left).total_cmp(&apart(right))) {
        differences.push(format!(
            "errors of {} operators, most of {:?}: {:.2e} of its bound became {:.2e}",
            others.len(),
            most.1.node,
            part(most.0),
            part(most.1)
        ));
    }
    differences
}
