//! Engines that are programs of their own, asked over a pipe: wonnx (`wonnx/`), and ONNX Runtime and OpenVINO by their Python packages
//! (`python_engine.py`). They take their times themselves.

use std::io::{BufRead, BufReader, Read, Write};
use std::path::{Path, PathBuf};
use std::process::{Child, ChildStdin, ChildStdout, Command, Stdio};
use std::time::Duration;

use convoke::gpu::AdapterInfo;
use ndarray::ArrayD;

use super::{Engine, NOT_LOADED, Run};
use crate::Result;
use crate::cases::Case;

/// An engine as a program, which is started when it is first asked.
pub struct Program {
    name: &'static str,
    command: Command,
    running: Option<Running>,
    /// The names of the loaded case's input and output.
    loaded: Option<(String, String)>,
}

struct Running {
    child: Child,
    requests: ChildStdin,
    answers: BufReader<ChildStdout>,
}

impl Program {
    pub fn wonnx(adapter: &AdapterInfo) -> Self {
        let mut command = Command::new("cargo");
        command
            .args(["run", "--release", "--quiet", "--locked", "--manifest-path"])
            .arg(beside_manifest("wonnx/Cargo.toml"))
            .env("WGPU_ADAPTER_NAME", adapter.name.to_lowercase());
        Self::new("wonnx", command)
    }

    /// An engine with a Python package of this name.
    pub fn python(name: &'static str) -> Self {
        let mut command = Command::new("python3");
        command.arg(beside_manifest("python_engine.py")).arg(name);
        Self::new(name, command)
    }

    fn new(name: &'static str, command: Command) -> Self {
        Self {
            name,
            command,
            running: None,
            loaded: None,
        }
    }

    /// Asks, and gives the answer's fields after `ok`. A program that died is started again for the next case.
    fn ask(&mut self, request: &str, bytes: &[u8]) -> Result<Vec<u64>> {
        if self.running.is_none() {
            self.running = Some(Running::start(&mut self.command)?);
        }
        let running = self.running.as_mut().ok_or("the program did not start")?;
        let line = running.ask(request, bytes).unwrap_or_default();
        let mut fields = line.trim_end_matches('\n').split('\t');
        match fields.next() {
            Some("ok") => Ok(fields.map(str::parse).collect::<std::result::Result<_, _>>()?),
            Some("error") => Err(fields.collect::<Vec<_>>().join(" ").into()),
            _ => {
                self.running = None;
                Err("the program ended without an answer".into())
            }
        }
    }
}

fn beside_manifest(file: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join(file)
}

impl Running {
    fn start(command: &mut Command) -> Result<Self> {
        let mut child = command.stdin(Stdio::piped()).stdout(Stdio::piped()).spawn()?;
        let requests = child.stdin.take().ok_or("no pipe to the program")?;
        let answers = BufReader::new(child.stdout.take().ok_or("no pipe from the program")?);
        Ok(Self {
            child,
            requests,
            answers,
        })
    }

    fn ask(&mut self, request: &str, bytes: &[u8]) -> Result<String> {
        writeln!(self.requests, "{request}")?;
        self.requests.write_all(bytes)?;
        self.requests.flush()?;
        let mut line = String::new();
        self.answers.read_line(&mut line)?;
        Ok(line)
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        // It has nothing to lose; waiting keeps it from staying as a zombie.
        _ = self.child.kill();
        _ = self.child.wait();
    }
}

impl Engine for Program {
    fn name(&self) -> &'static str {
        self.name
    }

    fn load(&mut self, case: &Case) -> Result<Duration> {
        let answer = self.ask(&format!("load\t{}", case.model.len()), &case.model)?;
        self.loaded = Some((case.input_name.clone(), case.output_name.clone()));
        let [nanoseconds] = answer[..] else {
            return Err("not an answer to load".into());
        };
        Ok(Duration::from_nanos(nanoseconds))
    }

    fn run(&mut self, input: &ArrayD<f32>) -> Result<Run> {
        let (from, to) = self.loaded.clone().ok_or(NOT_LOADED)?;
        let bytes: Vec<u8> = input.iter().flat_map(|value| value.to_le_bytes()).collect();
        let answer = self.ask(&format!("run\t{}\t{from}\t{to}", input.len()), &bytes)?;
        let [nanoseconds, numbers] = answer[..] else {
            return Err("not an answer to run".into());
        };
        let running = self.running.as_mut().ok_or("the program ended")?;
        let mut bytes = vec![0; 4 * usize::try_from(numbers)?];
        running.answers.read_exact(&mut bytes)?;
        let output = bytes
            .chunks_exact(4)
            .map(|b| f32::from_le_bytes([b[0], b[1], b[2], b[3]]))
            .collect();
        Ok(Run {
            time: Duration::from_nanos(nanoseconds),
            output,
        })
    }

    fn unload(&mut self) {
        // The program drops its session when it loads the next.
        self.loaded = None;
    }
}
