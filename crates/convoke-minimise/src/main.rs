//! `minimise_wgsl`: cuts a WGSL file down to what a driver still gets wrong, and runs such files.

use std::fs;
use std::io::{self, Write};
use std::path::{Path, PathBuf};
use std::process::{Command, ExitCode};
use std::time::Duration;

use clap::{Args, Parser};
use convoke::Gpu;
use convoke_minimise::sides::{self, Side};
use convoke_minimise::{Case, Error, Result, execute, is_valid, minimise};

/// Cuts a WGSL file down to what a driver still gets wrong, and runs such files.
///
/// Comments at a file's top that begin with `//:` say how it is dispatched: `//: workgroups 1 1 1`, and for each binding what it holds,
/// `//: binding 0 values 3 1.5`, `//: binding 1 random SEED COUNT`, `//: binding 2 zeros COUNT` (or `ones`, `halves`, `count`).
#[derive(Debug, Parser)]
#[command(name = "minimise_wgsl", version)]
enum Arguments {
    /// Make a file as small as it gets with the bug still in it: where two adapters differ, or a command says so.
    Reduce(Reduce),
    /// Run a file on an adapter and print what it writes.
    Run(Run),
    /// Say whether a file gives something else on one adapter than on another, or than it expects: exit status 0 where it does, 1 where
    /// not, 2 where that cannot be told.
    Differ(Differ),
}

#[derive(Debug, Args)]
struct Reduce {
    /// The file.
    file: PathBuf,
    /// Where the smaller file goes; after every step, so that one may stop it at any time.
    #[arg(long, short)]
    out: PathBuf,
    #[command(flatten)]
    sides: Sides,
    /// A command that ends with 0 where the bug still shows in the file whose path is its last argument, instead of two adapters.
    #[arg(last = true, conflicts_with_all = ["on", "against"])]
    command: Vec<String>,
}

#[derive(Debug, Args)]
struct Run {
    /// The file.
    file: PathBuf,
    /// Part of an adapter's name, as for `convoke`; `CONVOKE_ADAPTER` says the same.
    #[arg(long)]
    adapter: Option<String>,
    /// Print the bits of all elements, each binding in a line.
    #[arg(long)]
    bits: bool,
}

#[derive(Debug, Args)]
struct Differ {
    /// The file.
    file: PathBuf,
    #[command(flatten)]
    sides: Sides,
}

#[derive(Debug, Args)]
struct Sides {
    /// Words before a command that have it run on the adapter with the bug; without them, the adapter there is.
    #[arg(long, value_name = "COMMAND", default_value = "")]
    on: String,
    /// The same for another adapter, such as `env VK_DRIVER_FILES=DIR/vk_swiftshader_icd.json`; without it, the file says what it
    /// expects by `//: expect BINDING TYPE NUMBERS`.
    #[arg(long, value_name = "COMMAND")]
    against: Option<String>,
    /// How far apart reals may be, as a part of the larger.
    #[arg(long, default_value_t = 0.0)]
    tolerance: f32,
    /// How long one run on one adapter may take.
    #[arg(long, default_value_t = 20.0, value_parser = seconds)]
    seconds: f32,
}

fn seconds(text: &str) -> std::result::Result<f32, String> {
    let seconds = text
        .parse()
        .ok()
        .filter(|seconds: &f32| Duration::try_from_secs_f32(*seconds).is_ok());
    seconds.ok_or_else(|| "expected seconds".to_owned())
}

impl Sides {
    fn side(&self, command: &str) -> Side {
        Side {
            command: command.split_whitespace().map(str::to_owned).collect(),
            patience: Duration::from_secs_f32(self.seconds),
        }
    }

    /// What differs in a file.
    fn difference(&self, file: &Path) -> Result<Option<String>> {
        let on = self.side(&self.on).execute(file)?;
        match &self.against {
            Some(against) => {
                let against = self.side(against).execute(file)?;
                Ok(sides::difference(&on, &against, self.tolerance))
            }
            None => sides::surprise(&Case::read(&read(file)?)?, &on, self.tolerance),
        }
    }
}

fn main() -> ExitCode {
    let ended = match Arguments::parse() {
        Arguments::Reduce(arguments) => reduce(&arguments),
        Arguments::Run(arguments) => run(&arguments),
        Arguments::Differ(arguments) => differ(&arguments),
    };
    ended.unwrap_or_else(|error| {
        // Where stderr is closed nobody can be told.
        let _ = writeln!(io::stderr(), "error: {error}");
        ExitCode::from(2)
    })
}

fn read(file: &Path) -> Result<String> {
    fs::read_to_string(file).map_err(Error::io(file.display().to_string()))
}

fn write(file: &Path, text: &str) -> Result<()> {
    fs::write(file, text).map_err(Error::io(file.display().to_string()))
}

fn say(text: &str) -> Result<()> {
    let written = writeln!(io::stdout(), "{text}");
    written.map_err(Error::io("stdout"))
}

fn reduce(arguments: &Reduce) -> Result<ExitCode> {
    let text = read(&arguments.file)?;
    let candidate = arguments.out.with_extension("candidate.wgsl");
    let shows = |text: &str| {
        write(&candidate, text)?;
        match arguments.command.split_first() {
            Some((program, rest)) => {
                let status = Command::new(program).args(rest).arg(&candidate).status();
                Ok(status.map_err(Error::io(program))?.success())
            }
            // What cannot be told is no bug, or not this one.
            None => Ok(matches!(arguments.sides.difference(&candidate), Ok(Some(_)))),
        }
    };
    if arguments.command.is_empty() {
        // Once more, for its reasons.
        let difference = arguments.sides.difference(&arguments.file)?;
        say(&format!("differs: {}", difference.as_deref().unwrap_or("nothing")))?;
    }
    let reduced = minimise(&text, is_valid, shows, |pass, outcome| {
        let lines = outcome.text.lines().count();
        // Each is written again at the end, where its error counts.
        let _ = write(&arguments.out, &outcome.text);
        let _ = say(&format!("{:5} tries, {lines:4} lines: {pass}", outcome.tries));
    });
    // There is none where nothing was tried.
    let _ = fs::remove_file(&candidate);
    let outcome = reduced?;
    write(&arguments.out, &outcome.text)?;
    say(&format!(
        "{} lines in {}: {} steps, {} tries, {} texts that naga refuses, {} seen before",
        outcome.text.lines().count(),
        arguments.out.display(),
        outcome.steps,
        outcome.tries,
        outcome.invalid,
        outcome.repeated
    ))?;
    Ok(ExitCode::SUCCESS)
}

/// How many elements of a binding are shown.
const SHOWN: usize = 16;

fn run(arguments: &Run) -> Result<ExitCode> {
    let text = read(&arguments.file)?;
    let case = Case::read(&text)?;
    let gpu = match &arguments.adapter {
        Some(name) => Gpu::builder().named(name).build()?,
        None => Gpu::new()?,
    };
    let held = execute(&gpu, &text, &case)?;
    say(&format!("adapter: {}", gpu.info()))?;
    for held in &held {
        if arguments.bits {
            say(&sides::bits(held))?;
            continue;
        }
        let numbers: Vec<String> = held
            .words
            .iter()
            .take(SHOWN)
            .map(|&word| sides::number(held.of, word))
            .collect();
        let more = held.words.len().saturating_sub(SHOWN);
        let rest = if more == 0 {
            String::new()
        } else {
            format!(" and {more} more")
        };
        let (group, binding) = held.binding;
        say(&format!("{group}.{binding} {}: {}{rest}", held.of.name(), numbers.join(" ")))?;
    }
    if !case.expected.is_empty() && !arguments.bits {
        let surprise = sides::surprise(&case, &held, 0.0)?;
        say(&surprise.map_or_else(|| "as expected".to_owned(), |surprise| format!("not as expected: {surprise}")))?;
    }
    Ok(ExitCode::SUCCESS)
}

fn differ(arguments: &Differ) -> Result<ExitCode> {
    let difference = arguments.sides.difference(&arguments.file)?;
    say(&difference
        .as_deref()
        .map_or_else(|| "the same".to_owned(), |difference| format!("differs: {difference}")))?;
    Ok(ExitCode::from(u8::from(difference.is_none())))
}
