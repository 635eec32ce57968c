//! The `convoke` command: its arguments, which backend it runs on, and how it ends.

mod against;
mod answers;
mod bench;
mod certify;
mod compile;
mod completions;
mod conformance;
mod devices;
mod digits;
mod fallback;
mod input;
mod inspect;
mod layout;
mod limits;
mod model;
mod onnxruntime;
mod outcome;
mod picture;
mod plan;
mod precision;
mod profile;
mod reads;
mod shapes;
mod stream;
mod subject;
mod suite;
mod table;
mod target;
mod tune;
mod verify;

use std::io::{self, Write};
use std::process::ExitCode;

use clap::error::ErrorKind;
use clap::{CommandFactory, Parser, Subcommand};
use log::LevelFilter;

use outcome::{backend, complain};

/// Convolutional networks on any GPU that WebGPU reaches.
#[derive(Debug, Parser)]
#[command(name = "convoke", version, arg_required_else_help = true)]
struct Arguments {
    /// Where to run: `hardware`, `software`, `cpu`, `any`, or part of an adapter's name; `:1` after it for the second that fits.
    ///
    /// Without it the environment's `CONVOKE_ADAPTER` says the same; without that a real GPU is taken, else the CPU, since software
    /// adapters are slower. `bench`, `profile`, `tune`, `verify` and `--backend gpu` are about adapters and take a software one too.
    /// What is asked for here and not there is an error. `bench` takes several, each with its own `--adapter`.
    #[arg(long, global = true, value_name = "ADAPTER", help_heading = "Global options")]
    adapter: Vec<String>,
    /// Allow more or less than files that nobody trusts may take: `run-seconds`, `planning-seconds`, `loading-seconds`,
    /// `operations`, `nodes`, `host-bytes` or `device-bytes`, each with a number, which may have K, M, G or T after it, or `none`.
    ///
    /// Several at once, or with commas between them; the environment's `CONVOKE_LIMITS` says the same. Commands that measure (`bench`,
    /// `tune`) go by the environment alone.
    #[arg(long, global = true, value_name = "NAME=NUMBER", help_heading = "Global options")]
    limit: Vec<String>,
    /// Log more to stderr; twice for more still.
    #[arg(short, long, global = true, action = clap::ArgAction::Count, help_heading = "Global options")]
    verbose: u8,
    /// Say nothing on stderr but errors: not where it runs, no warnings, no progress.
    #[arg(short, long, global = true, conflicts_with = "verbose", help_heading = "Global options")]
    quiet: bool,
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// List the adapters, and say which one would be chosen and why.
    Devices,
    /// Read handwritten digits with LeNet-5: a test set, or pictures.
    Digits(digits::Arguments),
    /// Run a model from an ONNX file or a compiled one.
    Run(model::RunArguments),
    /// Write a model from an ONNX file as a compiled model, which `run` starts in a fraction of the time.
    Compile(compile::CompileArguments),
    /// Say what an ONNX file holds: inputs, outputs, operators, parameters, work.
    Inspect(inspect::InspectArguments),
    /// Measure what a run of a model from an ONNX file spends its time on, operator by operator.
    Profile(profile::ProfileArguments),
    /// Measure a model from an ONNX file on backends side by side: checked, cold and warm, with a report.
    Bench(bench::BenchArguments),
    /// Measure which kernels are fastest for the layers of a model from an ONNX file on an adapter, and write a plan.
    Tune(tune::TuneArguments),
    /// Check a model from an ONNX file against the reference, operator by operator.
    Verify(verify::VerifyArguments),
    /// Repeat a run of which `verify --certificate` wrote a certificate, and say what differs.
    Certify(certify::CertifyArguments),
    /// Run ONNX's backend test cases: models with inputs and the outputs that they must have.
    Conformance(conformance::ConformanceArguments),
    /// Run operators at the boundaries of loops, workgroups, types and bindings, or write them as ONNX's backend test cases.
    Suite(suite::SuiteArguments),
    /// Write the script that completes this command in a shell.
    Completions(completions::Arguments),
}

/// Runs the command. Ends with 0, with 1 after an error (which went to stderr), or with 2 on wrong usage; `run --jsonl` with 3 where some
/// pictures could not be read, and all with 130 after Ctrl-C.
fn main() -> ExitCode {
    let arguments = Arguments::parse();
    if arguments.quiet {
        outcome::be_quiet();
    }
    log_to_stderr(arguments.verbose, arguments.quiet);
    if let Err(error) = limits::ask(&arguments.limit) {
        Arguments::command().error(ErrorKind::ValueValidation, error).exit();
    }
    limits::hear_interrupts();
    let mut out = io::stdout().lock();
    if arguments.adapter.len() > 1 && !matches!(arguments.command, Command::Bench(_)) {
        let message = "only `bench` takes more than one --adapter";
        Arguments::command().error(ErrorKind::ArgumentConflict, message).exit();
    }
    let adapter = arguments.adapter.first().map(String::as_str);
    let outcome = match &arguments.command {
        Command::Devices => devices::run(&mut out, adapter),
        Command::Run(arguments) => model::run(&mut out, arguments, adapter),
        Command::Compile(arguments) => compile::compile(&mut out, arguments),
        Command::Inspect(arguments) => inspect::inspect(&mut out, arguments),
        Command::Profile(arguments) => profile::profile(&mut out, arguments, adapter),
        Command::Bench(bench) => bench::bench(&mut out, bench, &arguments.adapter),
        Command::Tune(arguments) => tune::tune(&mut out, arguments, adapter),
        Command::Verify(arguments) => verify::verify(&mut out, arguments, adapter),
        Command::Certify(arguments) => certify::certify(&mut out, arguments, adapter),
        Command::Conformance(arguments) => conformance::conformance(&mut out, arguments, adapter),
        Command::Suite(arguments) => suite::suite(&mut out, arguments, adapter),
        Command::Completions(arguments) => completions::completions(&mut out, arguments, Arguments::command()),
        Command::Digits(arguments) => backend(adapter).and_then(|backend| digits::run(&mut out, arguments, &backend)),
    };
    let outcome = outcome.and_then(|code| Ok(out.flush().map(|()| code)?));
    outcome.unwrap_or_else(|error| {
        // Whoever reads the output may stop early, as `head` does.
        let pipe_closed = error
            .downcast_ref::<io::Error>()
            .is_some_and(|error| error.kind() == io::ErrorKind::BrokenPipe);
        if pipe_closed {
            return ExitCode::SUCCESS;
        }
        complain("error", &error);
        if limits::token().is_cancelled() {
            return ExitCode::from(limits::INTERRUPTED_CODE);
        }
        ExitCode::FAILURE
    })
}

/// Logs by the number of `-v`, or as `RUST_LOG` says. Other crates speak one level less than convoke.
fn log_to_stderr(verbose: u8, quiet: bool) {
    let (own, others) = match verbose {
        0 if quiet => (LevelFilter::Error, LevelFilter::Error),
        0 => (LevelFilter::Warn, LevelFilter::Error),
        1 => (LevelFilter::Info, LevelFilter::Warn),
        2 => (LevelFilter::Debug, LevelFilter::Info),
        _ => (LevelFilter::Trace, LevelFilter::Debug),
    };
    env_logger::Builder::new()
        .filter_level(others)
        .filter_module("convoke", own)
        .parse_default_env()
        .init();
}
