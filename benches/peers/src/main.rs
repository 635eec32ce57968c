//! convoke beside other engines: the same cases by turns, in one run, every answer checked; ratios with their spread.
//!
//! `cargo run --release --manifest-path benches/peers/Cargo.toml -- [--filter SUBSTRING] [--rounds N] [--engines a,b]
//! [--json FILE] [MODEL.onnx ...]`. What is inside the timed region stands in the README beside this package's manifest.

mod cases;
mod engines;
mod measure;
mod onnx;
mod report;

use std::error::Error;
use std::path::{Path, PathBuf};

use cases::Case;
use convoke::Gpu;
use engines::Engine;

type Result<T> = std::result::Result<T, Box<dyn Error>>;

const USAGE: &str = "peers [--filter SUBSTRING] [--rounds N] [--engines a,b] [--json FILE] [MODEL.onnx ...]";

struct Arguments {
    filter: String,
    rounds: usize,
    /// Those to run besides convoke; empty means all.
    engines: Vec<String>,
    json: Option<PathBuf>,
    models: Vec<PathBuf>,
}

impl Arguments {
    fn parse() -> Result<Self> {
        let mut parsed = Self {
            filter: String::new(),
            rounds: 15,
            engines: Vec::new(),
            json: None,
            models: Vec::new(),
        };
        let mut arguments = std::env::args().skip(1);
        while let Some(argument) = arguments.next() {
            let mut value = || arguments.next().ok_or(format!("{argument} needs a value; {USAGE}"));
            match argument.as_str() {
                "--filter" => parsed.filter = value()?,
                "--rounds" => parsed.rounds = value()?.parse()?,
                "--engines" => parsed.engines = value()?.split(',').map(str::to_owned).collect(),
                "--json" => parsed.json = Some(value()?.into()),
                flag if flag.starts_with('-') => return Err(format!("unknown argument {flag}; {USAGE}").into()),
                model => parsed.models.push(model.into()),
            }
        }
        if parsed.rounds == 0 {
            return Err("--rounds must be at least 1".into());
        }
        Ok(parsed)
    }

    /// convoke is always there: the others are measured by it.
    fn chosen(&self, gpu: &Gpu) -> Result<Vec<Box<dyn Engine>>> {
        let mut engines = engines::all(gpu);
        let known: Vec<&str> = engines.iter().map(|engine| engine.name()).collect();
        if let Some(unknown) = self.engines.iter().find(|name| !known.contains(&name.as_str())) {
            return Err(format!("unknown engine {unknown}; there are {}", known.join(", ")).into());
        }
        engines.retain(|engine| {
            let name = engine.name();
            self.engines.is_empty() || engines::is_convoke(name) || self.engines.iter().any(|chosen| chosen == name)
        });
        Ok(engines)
    }
}

fn main() -> Result<()> {
    let arguments = Arguments::parse()?;
    let gpu = Gpu::new()?;
    let mut engines = arguments.chosen(&gpu)?;
    let machine = report::Machine::of(&gpu);
    println!("{machine}");
    let mut models = arguments.models;
    let lenet = cases::lenet();
    // A LeNet-5 that is named, prepared for wonnx perhaps, takes the place of convoke's own.
    if models
        .iter()
        .all(|path| cases::network_name(path) != cases::network_name(&lenet))
    {
        models.insert(0, lenet);
    }
    let layers = cases::layers();
    let layers = layers.iter().map(|layer| (layer.name.to_owned(), Source::Layer(layer)));
    let networks = models.iter().map(|path| (cases::network_name(path), Source::Network(path)));
    let mut figures = Vec::new();
    for (name, source) in layers.chain(networks).filter(|(name, _)| name.contains(&arguments.filter)) {
        let case = match source {
            Source::Layer(layer) => Case::layer(layer),
            Source::Network(path) => Case::network(name.clone(), path),
        };
        // One file that cannot be read is no reason to lose the others' figures.
        match case {
            Ok(case) => figures.push(measure::measure(&case, &mut engines, arguments.rounds)),
            Err(error) => {
                println!("\n{name}\n  {error}");
                continue;
            }
        }
        // Printed and written at once, since a whole run takes long.
        figures.last().into_iter().for_each(report::print);
        if let Some(path) = &arguments.json {
            let text = serde_json::to_string_pretty(&report::json(&machine, arguments.rounds, &figures))?;
            std::fs::write(path, text + "\n")?;
        }
    }
    report::print_means(&figures);
    Ok(())
}

/// What a case is made of.
enum Source<'a> {
    Layer(&'a cases::Layer),
    Network(&'a Path),
}
