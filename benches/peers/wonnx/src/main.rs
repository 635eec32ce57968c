//! wonnx as a program that is asked over its standard input: to load a model, to run it. Times are taken here, so that the
//! pipe is in none of them.
//!
//! Requests, fields apart by tabs, then raw bytes (numbers are little-endian `f32`):
//!
//! | request | bytes after it | answer |
//! |---|---|---|
//! | `load`, bytes | the ONNX model | `ok`, nanoseconds |
//! | `run`, numbers, input's name, output's name | the input | `ok`, nanoseconds, numbers; then the output |
//!
//! Either may be answered by `error` and its text.

use std::collections::HashMap;
use std::error::Error;
use std::io::{BufRead, Read, Write};
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::time::{Duration, Instant};

use wonnx::Session;
use wonnx::utils::{InputTensor, OutputTensor};

type Result<T> = std::result::Result<T, Box<dyn Error>>;

fn main() -> Result<()> {
    let (mut requests, mut answers) = (std::io::stdin().lock(), std::io::stdout().lock());
    // A panic is an answer like any other error.
    std::panic::set_hook(Box::new(|_| ()));
    let mut session = None;
    let mut line = String::new();
    while requests.read_line(&mut line)? > 0 {
        let fields: Vec<&str> = line.trim_end_matches('\n').split('\t').collect();
        match fields[..] {
            ["load", bytes] => {
                let mut model = vec![0; bytes.parse()?];
                requests.read_exact(&mut model)?;
                session = None;
                match guarded(|| load(&model)) {
                    Ok((loaded, time)) => {
                        session = Some(loaded);
                        writeln!(answers, "ok\t{}", time.as_nanos())?;
                    }
                    Err(text) => writeln!(answers, "error\t{text}")?,
                }
            }
            ["run", numbers, input, output] => {
                let mut bytes = vec![0; 4 * numbers.parse::<usize>()?];
                requests.read_exact(&mut bytes)?;
                let data: Vec<f32> = bytes
                    .chunks_exact(4)
                    .map(|b| f32::from_le_bytes([b[0], b[1], b[2], b[3]]))
                    .collect();
                match guarded(|| run(session.as_ref().ok_or("no model is loaded")?, &data, input, output)) {
                    Ok((values, time)) => {
                        writeln!(answers, "ok\t{}\t{}", time.as_nanos(), values.len())?;
                        let bytes: Vec<u8> = values.iter().flat_map(|value| value.to_le_bytes()).collect();
                        answers.write_all(&bytes)?;
                    }
                    Err(text) => writeln!(answers, "error\t{text}")?,
                }
            }
            _ => return Err(format!("not a request: {line}").into()),
        }
        answers.flush()?;
        line.clear();
    }
    Ok(())
}

fn load(model: &[u8]) -> Result<(Session, Duration)> {
    let start = Instant::now();
    let session = pollster::block_on(Session::from_bytes(model))?;
    Ok((session, start.elapsed()))
}

/// From the input in memory to the output in memory.
fn run(session: &Session, data: &[f32], input: &str, output: &str) -> Result<(Vec<f32>, Duration)> {
    let inputs = HashMap::from([(input.to_owned(), InputTensor::from(data))]);
    let start = Instant::now();
    let mut outputs = pollster::block_on(session.run(&inputs))?;
    let time = start.elapsed();
    match outputs.remove(output) {
        Some(OutputTensor::F32(values)) => Ok((values, time)),
        Some(_) => Err(format!("{output} is not f32").into()),
        None => Err(format!("no output {output}").into()),
    }
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
