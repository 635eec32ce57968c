//! `convoke run --jsonl`: many pictures, a line of JSON for each as its answer comes.

use std::collections::BTreeSet;
use std::io::Write;
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use clap::Args;
use convoke::{Session, TensorView};
use convoke_vision::{Colours, EXTENSIONS, Keep, Labels, Layout, Picture, Placement};
use indicatif::{ProgressBar, ProgressStyle};
use ndarray::ArrayD;
use serde_json::{Value, json};

use super::answers::{Answer, Decode};
use super::outcome::{Outcome, complain, is_quiet};
use super::picture::{Form, PictureOptions};

/// Where `--help` lists the options.
const HEADING: &str = "Many pictures";
/// How the command ends where some pictures had no answer.
const SOME_FAILED: u8 = 3;

/// Pictures by the line.
#[derive(Args, Debug)]
pub(super) struct StreamArguments {
    /// Pictures, folders of them, and patterns such as `photos/*.jpg`, with --jsonl.
    #[arg(value_name = "PICTURE|FOLDER|PATTERN", requires = "jsonl", conflicts_with = "input")]
    sources: Vec<String>,
    /// Write a line of JSON for each picture as its answer comes; one that cannot be read has a line with its `error`, and the
    /// command then ends with 3.
    #[arg(long, help_heading = HEADING, group = "named", requires = "sources", conflicts_with_all = ["output", "digit"])]
    pub(super) jsonl: bool,
    /// What the outputs mean; without it [N, C] are classes and [N, C, H, W] a mask.
    #[arg(long, help_heading = HEADING, value_enum, requires = "jsonl")]
    decode: Option<Decode>,
    /// So many pictures a run, where the model leaves its batch open.
    #[arg(long, help_heading = HEADING, default_value = "8", value_parser = clap::value_parser!(u16).range(1..=1024))]
    batch: u16,
    /// Draw boxes and masks in the pictures and write those into this folder, as PNG.
    #[arg(long, help_heading = HEADING, value_name = "FOLDER", requires = "jsonl")]
    draw: Option<PathBuf>,
    /// Only boxes with a larger score.
    #[arg(long, help_heading = HEADING, value_name = "SCORE", default_value = "0.25")]
    min_score: f32,
    /// Of boxes that overlap by a larger IoU, only the best.
    #[arg(long, help_heading = HEADING, value_name = "IOU", default_value = "0.45")]
    max_iou: f32,
    /// Boxes suppress those of other classes too.
    #[arg(long, help_heading = HEADING)]
    agnostic: bool,
}

/// A picture that waits for its batch.
struct Waiting {
    path: PathBuf,
    read: Result<Read, String>,
}

struct Read {
    prepared: Picture,
    placement: Placement,
}

impl StreamArguments {
    /// The files, in order: those of folders and patterns by their names.
    fn files(&self) -> Result<Vec<PathBuf>, String> {
        let is_picture = |path: &Path| {
            let ending = path.extension().and_then(|ending| ending.to_str()).unwrap_or_default();
            EXTENSIONS.iter().any(|known| known.eq_ignore_ascii_case(ending))
        };
        let mut files = Vec::new();
        for source in &self.sources {
            let path = Path::new(source);
            let found: Vec<PathBuf> = if path.is_dir() {
                let named = |error: std::io::Error| format!("{source}: {error}");
                let entries = path
                    .read_dir()
                    .map_err(named)?
                    .collect::<Result<Vec<_>, _>>()
                    .map_err(named)?;
                entries
                    .into_iter()
                    .map(|entry| entry.path())
                    .filter(|path| is_picture(path))
                    .collect()
            } else if path.exists() || !source.contains(['*', '?', '[']) {
                vec![path.to_owned()]
            } else {
                let matching = glob::glob(source).map_err(|error| format!("{source}: {error}"))?;
                matching.filter_map(Result::ok).filter(|path| path.is_file()).collect()
            };
            if found.is_empty() {
                return Err(format!("{source}: no picture ({})", EXTENSIONS.join(", ")));
            }
            let mut found = found;
            found.sort();
            files.extend(found);
        }
        Ok(files)
    }

    /// Answers all pictures. Ends with 0, or with 3 where some could not be read.
    pub(super) fn run(
        &self,
        out: &mut dyn Write,
        session: &Session,
        form: Form,
        options: &PictureOptions,
        labels: &Labels,
        top: usize,
    ) -> Outcome {
        let files = self.files()?;
        if let Some(folder) = &self.draw {
            std::fs::create_dir_all(folder).map_err(|error| format!("{}: {error}", folder.display()))?;
        }
        let bar = progress(files.len(), "pictures");
        let mut stream = Stream {
            arguments: self,
            out,
            session,
            form,
            options,
            labels,
            top,
            drawn: BTreeSet::new(),
            failed: 0,
        };
        let batch = form.batch.unwrap_or(self.batch.into());
        let mut waiting: Vec<Waiting> = Vec::new();
        for path in files {
            let read = stream.read(&path);
            if is_full(&waiting, batch, &read) {
                bar.inc(stream.answer(std::mem::take(&mut waiting))?);
            }
            waiting.push(Waiting { path, read });
        }
        bar.inc(stream.answer(waiting)?);
        bar.finish_and_clear();
        Ok(if stream.failed > 0 {
            ExitCode::from(SOME_FAILED)
        } else {
            ExitCode::SUCCESS
        })
    }
}

/// On stderr, where that is a terminal and nobody asked for quiet.
pub(super) fn progress(count: usize, of: &'static str) -> ProgressBar {
    if is_quiet() {
        return ProgressBar::hidden();
    }
    let style = ProgressStyle::with_template(&format!("{{wide_bar}} {{pos}}/{{len}} {of}, {{per_sec}}, {{eta}} left"));
    ProgressBar::new(count as u64).with_style(style.unwrap_or_else(|_| ProgressStyle::default_bar()))
}

/// Whether those that wait are a batch, or the next is of another size.
fn is_full(waiting: &[Waiting], batch: usize, next: &Result<Read, String>) -> bool {
    let size = |read: &Read| (read.prepared.height(), read.prepared.width());
    let mut pictures = waiting.iter().filter_map(|waiting| waiting.read.as_ref().ok());
    let Some(first) = pictures.next() else {
        return false;
    };
    1 + pictures.count() == batch || next.as_ref().is_ok_and(|next| size(next) != size(first))
}

/// What all batches have in common.
struct Stream<'a> {
    arguments: &'a StreamArguments,
    out: &'a mut dyn Write,
    session: &'a Session,
    form: Form,
    options: &'a PictureOptions,
    labels: &'a Labels,
    top: usize,
    drawn: BTreeSet<String>,
    failed: usize,
}

impl Stream<'_> {
    fn read(&self, path: &Path) -> Result<Read, String> {
        let bytes = std::fs::read(path).map_err(|error| error.to_string())?;
        let said = |error: convoke_vision::Error| error.to_string();
        let picture = Picture::read(&bytes, Colours::of(self.form.channels).map_err(said)?).map_err(said)?;
        let (prepared, placement) = self.options.placed(&picture, self.form.height, self.form.width)?;
        Ok(Read { prepared, placement })
    }

    /// Runs a batch and writes a line for each that waited, in order. How many there were.
    fn answer(&mut self, waiting: Vec<Waiting>) -> Result<u64, Box<dyn std::error::Error>> {
        let count = waiting.len() as u64;
        let read = waiting.iter().filter_map(|waiting| waiting.read.as_ref().ok());
        let (pictures, placements): (Vec<Picture>, Vec<Placement>) =
            read.map(|read| (read.prepared.clone(), read.placement)).unzip();
        let mut answers = self.answers(&pictures, &placements)?.into_iter();
        for Waiting { path, read } in waiting {
            let mut line = json!({"file": path.display().to_string()});
            let answered = match read {
                Ok(read) => answers.next().ok_or_else(|| "no answer".to_owned()).and_then(|answer| {
                    self.draw(&path, &answer)?;
                    line["height"] = read.placement.from.0.into();
                    line["width"] = read.placement.from.1.into();
                    Ok(answer)
                }),
                Err(error) => Err(error),
            };
            match answered {
                Ok(answer) => {
                    let (name, list) = answer.json(self.labels);
                    line[name] = list;
                }
                Err(error) => {
                    complain("error", &format!("{}: {error}", path.display()));
                    line["error"] = error.into();
                    self.failed += 1;
                }
            }
            self.write(&line)?;
        }
        Ok(count)
    }

    fn answers(&self, pictures: &[Picture], placements: &[Placement]) -> Result<Vec<Answer>, Box<dyn std::error::Error>> {
        let Some(first) = pictures.first() else {
            return Ok(Vec::new());
        };
        let size = (first.height(), first.width());
        let layout = if self.form.channels_last { Layout::Nhwc } else { Layout::Nchw };
        let input = self.options.batch(pictures, layout)?.into_dyn();
        let outputs = self.session.run_tensors(&[TensorView::from(input.view())])?;
        let outputs: Vec<ArrayD<f32>> = outputs.iter().map(|output| output.to_f32().to_owned()).collect();
        let keep = Keep {
            score: self.arguments.min_score,
            iou: self.arguments.max_iou,
            agnostic: self.arguments.agnostic,
            ..Keep::default()
        };
        Ok(Decode::read(
            self.arguments.decode,
            &outputs,
            size,
            placements,
            &keep,
            self.top,
        )?)
    }

    /// Under the file's own name, with a number where that is taken.
    fn draw(&mut self, path: &Path, answer: &Answer) -> Result<(), String> {
        let Some(folder) = &self.arguments.draw else {
            return Ok(());
        };
        let mut picture = Picture::open(path, Colours::Rgb).map_err(|error| error.to_string())?;
        answer.draw(&mut picture, self.labels)?;
        let stem = path
            .file_stem()
            .map_or_else(|| "picture".into(), |stem| stem.to_string_lossy());
        let mut name = format!("{stem}.png");
        for number in 2.. {
            if self.drawn.insert(name.clone()) {
                break;
            }
            name = format!("{stem}-{number}.png");
        }
        picture.save(folder.join(name)).map_err(|error| error.to_string())
    }

    fn write(&mut self, line: &Value) -> std::io::Result<()> {
        writeln!(self.out, "{line}")?;
        self.out.flush()
    }
}
