//! `convoke verify --against`: somebody else's run of a model, tensor by tensor, against the reference.

use std::io::{self, Write};
use std::path::Path;
use std::process::ExitCode;

use convoke::onnx::Model;
use convoke::session::{Judgement, Verdict};
use convoke_cli::dump::Tensors;

use super::outcome::Outcome;

/// Judges each node and says which is wrong, how, and why, as far as that is found out.
pub(super) fn judge(out: &mut dyn Write, model: &Model, tensors: &Tensors, path: &Path) -> Outcome {
    let mut written = Ok(());
    let mut say = |judgement: &Judgement| {
        if written.is_ok() {
            written = tell(out, judgement);
        }
    };
    let judgements = model.judge(&|name| tensors.find(name), &mut say)?;
    written?;
    let count = |is_so: fn(&Verdict) -> bool| judgements.iter().filter(|judgement| is_so(&judgement.verdict)).count();
    let left = count(|verdict| matches!(verdict, Verdict::NotJudged(_)));
    let judged = judgements.len() - left;
    let left = if left > 0 {
        format!("; {left} were not judged")
    } else {
        String::new()
    };
    let first = judgements
        .iter()
        .find(|judgement| matches!(judgement.verdict, Verdict::Wrong { .. }));
    if let Some(Judgement { operator, node, .. }) = first {
        let wrong = count(|verdict| matches!(verdict, Verdict::Wrong { .. }));
        writeln!(
            out,
            "{wrong} of {judged} operators are wrong on the inputs that they were given, first {operator} {node}{left}"
        )?;
        return Ok(ExitCode::FAILURE);
    }
    if judged == 0 {
        return Err(format!("{}: no operator's tensors are there", path.display()).into());
    }
    writeln!(
        out,
        "verified    {judged} operators are within the bounds of the reference{left}"
    )?;
    Ok(ExitCode::SUCCESS)
}

fn tell(out: &mut dyn Write, judgement: &Judgement) -> io::Result<()> {
    let Judgement {
        node,
        operator,
        output,
        verdict,
        ..
    } = judgement;
    match verdict {
        Verdict::Wrong {
            mismatch,
            factor,
            causes,
            ..
        } => {
            write!(out, "WRONG       {operator} {node}, output {output:?}: {mismatch}")?;
            if factor.is_finite() {
                write!(out, ", {factor:.3} times the bound")?;
            }
            writeln!(out)?;
            for cause in causes {
                writeln!(out, "            likely: {cause}")?;
            }
            Ok(())
        }
        Verdict::NotJudged(why) => writeln!(out, "not judged  {operator} {node}: {why}"),
        _ => Ok(()),
    }
}
