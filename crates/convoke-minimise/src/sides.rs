//! Two adapters beside one another, or one beside what a file expects.
//!
//! Which drivers there are is decided by the environment before a process starts, so that each adapter has a process of its own. That
//! also ends what a driver never comes back from.

use std::io::Read;
use std::path::Path;
use std::process::{Child, Command, ExitStatus, Stdio};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use crate::case::{Binding, Case, Type};
use crate::error::{Error, Result};
use crate::gpu::Held;

/// A command that runs another on an adapter, and how long that may take: `env VK_DRIVER_FILES=/path/icd.json`.
#[derive(Clone, Debug)]
pub struct Side {
    /// Its words; none is this process's own environment.
    pub command: Vec<String>,
    /// How long a file may take.
    pub patience: Duration,
}

impl Side {
    /// What a file gives there.
    ///
    /// Errors: `Argument` with what the process said where it failed or took too long, `Io` where it could not be started.
    pub fn execute(&self, file: &Path) -> Result<Vec<Held>> {
        let program = std::env::current_exe().map_err(Error::io("finding this program"))?;
        let mut words = self.command.iter();
        let mut command = match words.next() {
            Some(first) => Command::new(first),
            None => Command::new(&program),
        };
        if !self.command.is_empty() {
            command.args(words).arg(&program);
        }
        command.args(["run", "--bits"]).arg(file);
        let output = within(command, self.patience)?;
        output
            .lines()
            .skip(1)
            .map(|line| held(line).ok_or_else(|| unreadable(line)))
            .collect()
    }
}

fn unreadable(line: &str) -> Error {
    Error::Argument(format!("expected a binding's bits, got `{line}`"))
}

/// What a command prints, if it succeeds soon enough.
fn within(mut command: Command, patience: Duration) -> Result<String> {
    let shown = format!("{command:?}");
    command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped());
    let mut child = command.spawn().map_err(Error::io(format!("starting {shown}")))?;
    let output = child.stdout.take().map(listen);
    let complaints = child.stderr.take().map(listen);
    let ended = wait(&mut child, Instant::now() + patience).map_err(Error::io(format!("waiting for {shown}")))?;
    // Whoever was not ended with it may hold its output open, and is not waited for.
    let Some(status) = ended else {
        let seconds = patience.as_secs_f32();
        return Err(Error::Argument(format!("{shown} took more than {seconds} s")));
    };
    if status.success() {
        Ok(heard(output))
    } else {
        let complaints = heard(complaints);
        Err(Error::Argument(format!("{shown} ended with {status}: {}", complaints.trim())))
    }
}

/// How a process ended; `None` where it had to be ended.
fn wait(child: &mut Child, end: Instant) -> std::io::Result<Option<ExitStatus>> {
    loop {
        if let Some(status) = child.try_wait()? {
            return Ok(Some(status));
        }
        if Instant::now() > end {
            child.kill()?;
            child.wait()?;
            return Ok(None);
        }
        std::thread::sleep(Duration::from_millis(2));
    }
}

fn heard(listener: Option<JoinHandle<String>>) -> String {
    listener.and_then(|listener| listener.join().ok()).unwrap_or_default()
}

fn listen(mut stream: impl Read + Send + 'static) -> JoinHandle<String> {
    std::thread::spawn(move || {
        let mut bytes = Vec::new();
        // What came so far counts.
        let _ = stream.read_to_end(&mut bytes);
        String::from_utf8_lossy(&bytes).into_owned()
    })
}

/// A line of `run --bits`: a binding, its type and its words.
pub fn bits(held: &Held) -> String {
    let words: Vec<String> = held.words.iter().map(|word| format!("{word:08x}")).collect();
    format!("{}.{} {} {}", held.binding.0, held.binding.1, held.of.name(), words.join(" "))
}

/// The line read again.
fn held(line: &str) -> Option<Held> {
    let mut words = line.split(' ');
    let (group, number) = words.next()?.split_once('.')?;
    let of = Type::named(words.next()?)?;
    let bits = words
        .filter(|word| !word.is_empty())
        .map(|word| u32::from_str_radix(word, 16).ok());
    Some(Held {
        binding: (group.parse().ok()?, number.parse().ok()?),
        of,
        words: bits.collect::<Option<_>>()?,
    })
}

/// A word as a number.
pub fn number(of: Type, word: u32) -> String {
    match of {
        Type::F32 => format!("{:?}", f32::from_bits(word)),
        Type::I32 => word.cast_signed().to_string(),
        Type::U32 => word.to_string(),
    }
}

/// The first element that differs between what two adapters give, `None` where none does. Reals may be so far apart, as a part of the
/// larger.
pub fn difference(left: &[Held], right: &[Held], tolerance: f32) -> Option<String> {
    if left.len() != right.len() {
        return Some(format!("{} bindings and {}", left.len(), right.len()));
    }
    let mut pairs = left.iter().zip(right);
    pairs.find_map(|(left, right)| apart(left.binding, left.of, &left.words, &right.words, tolerance))
}

/// The first element that is not as the file expects, `None` where all are.
///
/// Errors: `Argument` where the file expects nothing, or more of a binding than there is.
pub fn surprise(case: &Case, got: &[Held], tolerance: f32) -> Result<Option<String>> {
    if case.expected.is_empty() {
        return Err(Error::Argument(
            "expected another adapter, or a file with `//: expect`".to_owned(),
        ));
    }
    for expected in &case.expected {
        let (group, number) = expected.binding;
        let held = got.iter().find(|held| held.binding == expected.binding);
        let words = held.and_then(|held| held.words.get(..expected.words.len())).ok_or_else(|| {
            Error::Argument(format!(
                "expected {} words that the file writes at `@group({group}) @binding({number})`",
                expected.words.len()
            ))
        })?;
        let apart = apart(expected.binding, expected.of, words, &expected.words, tolerance);
        if apart.is_some() {
            return Ok(apart);
        }
    }
    Ok(None)
}

fn apart((group, binding): Binding, of: Type, left: &[u32], right: &[u32], tolerance: f32) -> Option<String> {
    if left.len() != right.len() {
        return Some(format!("{group}.{binding}: {} words and {}", left.len(), right.len()));
    }
    let place = left
        .iter()
        .zip(right)
        .position(|(&left, &right)| !is_near(of, left, right, tolerance))?;
    let shown = |words: &[u32]| number(of, words[place]);
    Some(format!("{group}.{binding}[{place}]: {} and {}", shown(left), shown(right)))
}

fn is_near(of: Type, left: u32, right: u32, tolerance: f32) -> bool {
    if left == right || of != Type::F32 {
        return left == right;
    }
    let (left, right) = (f32::from_bits(left), f32::from_bits(right));
    let is_close = || (left - right).abs() <= tolerance * left.abs().max(right.abs());
    left == right || (left.is_nan() && right.is_nan()) || (left.is_finite() && right.is_finite() && is_close())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn reals(values: &[f32]) -> Held {
        Held {
            binding: (0, 3),
            of: Type::F32,
            words: values.iter().map(|value| value.to_bits()).collect(),
        }
    }

    #[test]
    fn a_line_comes_back() {
        let before = reals(&[1.0, -0.0, f32::NAN]);
        assert_eq!(held(&bits(&before)), Some(before));
        assert_eq!(held(&bits(&reals(&[]))), Some(reals(&[])));
        assert_eq!(held("adapter: x"), None);
    }

    #[test]
    fn the_first_difference_is_named() {
        let differ = |left: &[f32], right: &[f32], tolerance| difference(&[reals(left)], &[reals(right)], tolerance);
        assert_eq!(differ(&[1.0, 2.0], &[1.0, 2.5], 0.1).as_deref(), Some("0.3[1]: 2.0 and 2.5"));
        assert_eq!(differ(&[1.0, 2.0], &[1.0, 2.5], 0.2), None);
        assert_eq!(differ(&[f32::NAN, 0.0], &[-f32::NAN, -0.0], 0.0), None);
        assert_eq!(differ(&[f32::NAN], &[1.0], 0.5).as_deref(), Some("0.3[0]: NaN and 1.0"));
        assert_eq!(differ(&[f32::INFINITY], &[1.0], 0.5).as_deref(), Some("0.3[0]: inf and 1.0"));
        assert_eq!(differ(&[1.0], &[], 0.5).as_deref(), Some("0.3: 1 words and 0"));
    }

    #[test]
    fn what_a_file_expects() {
        let case = Case::read("//: expect 3 f32 1.0 2.0").unwrap();
        let surprise = |values: &[f32]| surprise(&case, &[reals(values)], 0.0);
        assert_eq!(surprise(&[1.0, 2.0, 3.0]).unwrap(), None);
        assert_eq!(surprise(&[1.0, 3.0]).unwrap().as_deref(), Some("0.3[1]: 3.0 and 2.0"));
        assert!(surprise(&[1.0]).is_err());
    }
}
