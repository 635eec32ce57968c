//! `convoke certify`: a run of which there is a certificate, repeated; and what differs.

use std::io::Write;
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use clap::Args;
use convoke::Fallback;
use convoke::session::Certificate;

use super::input::InputArguments;
use super::model::Kind;
use super::outcome::Outcome;
use super::plan::PlanArguments;
use super::subject::{File, Subject};
use super::verify::{chosen, tell};

/// A certificate, and where its run is repeated.
#[derive(Debug, Args)]
pub(super) struct CertifyArguments {
    /// What `verify --certificate` wrote.
    #[arg(long, value_name = "CERTIFICATE.json")]
    replay: PathBuf,
    /// The ONNX file, or what `compile` made of one, where it is not where the certificate says.
    model: Option<PathBuf>,
    #[command(flatten)]
    inputs: InputArguments,
    #[command(flatten)]
    plan: PlanArguments,
    /// Where to run; `--adapter` says more.
    #[arg(long, value_enum, default_value = "auto")]
    backend: Kind,
    /// Read tensors in other files from this folder; otherwise from the model's own, and from nowhere else.
    #[arg(long, value_name = "FOLDER")]
    external_data: Option<PathBuf>,
    /// Fail where an operator is suspicious, too.
    #[arg(long)]
    strict: bool,
}

/// Repeats a run and says what is not as it was. Exit status 1 if the model or what it read is another, or an operator is not within its
/// bounds; whatever else differs (adapter, kernels, errors within bounds) is said and no failure.
pub(super) fn certify(out: &mut dyn Write, arguments: &CertifyArguments, adapter: Option<&str>) -> Outcome {
    let certificate = Certificate::open(&arguments.replay)?;
    let path = match (&arguments.model, &certificate.subject.file) {
        (Some(path), _) => path.as_path(),
        (None, Some(file)) => Path::new(file),
        (None, None) => return Err("the certificate names no file: the model is expected as an argument".into()),
    };
    let file = File {
        path,
        external_data: arguments.external_data.as_deref(),
        precision: certificate.subject.precision.parse()?,
        fallback: Fallback::Never,
    };
    let start = || arguments.plan.apply(chosen(arguments.backend, adapter)?);
    let model = Subject::open(file, start)?;
    let feeds = arguments
        .inputs
        .repeating(&certificate, &model)
        .prepare(&model, Some("random"))?;
    let (session, _) = model.session(start)?;
    let (checks, repeated) = session.certify(&feeds.only()?, &mut |_| ())?;
    let repeated = repeated.about(certificate.subject.file.clone(), feeds.seed());
    let differences = certificate.differences(&repeated);
    for difference in &differences {
        writeln!(out, "DIFFERS     {difference}")?;
    }
    let verdict = tell(out, &checks, arguments.strict)?;
    if certificate.subject.model != repeated.subject.model {
        writeln!(out, "not repeated: the model is another")?;
        return Ok(ExitCode::FAILURE);
    }
    if certificate.inputs != repeated.inputs {
        writeln!(out, "not repeated: what the model read is not the same")?;
        return Ok(ExitCode::FAILURE);
    }
    match differences.len() {
        0 => writeln!(out, "repeated    everything is the same, to the bit")?,
        count => writeln!(out, "repeated    with {count} differences")?,
    }
    Ok(verdict)
}
