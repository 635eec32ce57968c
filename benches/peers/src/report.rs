//! What is printed and written: a table a case, geometric means, JSON.

use std::fmt;

use convoke::Gpu;
use serde_json::{Map, Value, json};

use crate::engines::is_convoke;
use crate::measure::{Figures, Outcome};

/// Versions are those of the lock files, so that they are true of what was built.
const LOCKS: [&str; 2] = [include_str!("../Cargo.lock"), include_str!("../wonnx/Cargo.lock")];
const PACKAGES: [&str; 5] = ["convoke", "burn", "wonnx", "tract-onnx", "rten"];

/// Where the figures were taken.
pub struct Machine {
    adapter: String,
    processor: String,
    threads: usize,
}

impl Machine {
    pub fn of(gpu: &Gpu) -> Self {
        let cpuinfo = std::fs::read_to_string("/proc/cpuinfo").unwrap_or_default();
        let model = cpuinfo
            .lines()
            .find_map(|line| line.strip_prefix("model name")?.split_once(": "));
        Self {
            adapter: gpu.info().to_string(),
            processor: model.map_or("unknown processor", |(_, name)| name).to_owned(),
            threads: std::thread::available_parallelism().map_or(0, usize::from),
        }
    }
}

impl fmt::Display for Machine {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let versions: Vec<String> = PACKAGES.map(|name| format!("{name} {}", version(name))).into();
        writeln!(f, "adapter: {}", self.adapter)?;
        writeln!(f, "machine: {}, {} threads", self.processor, self.threads)?;
        write!(f, "engines: {}", versions.join(", "))
    }
}

fn version(package: &str) -> &'static str {
    let heading = format!("name = \"{package}\"\nversion = \"");
    LOCKS
        .iter()
        .find_map(|lock| lock.split_once(&heading)?.1.split('"').next())
        .unwrap_or("unknown")
}

/// Least, quartiles: of times, or of ratios.
struct Spread {
    least: f64,
    first_quartile: f64,
    median: f64,
    third_quartile: f64,
}

impl Spread {
    fn of(values: &[f64]) -> Self {
        let mut sorted = values.to_vec();
        sorted.sort_by(f64::total_cmp);
        // Between the two nearest ranks.
        let quantile = |part: f64| {
            let place = part * (sorted.len() - 1) as f64;
            let (low, high) = (sorted[place.floor() as usize], sorted[place.ceil() as usize]);
            low + (high - low) * place.fract()
        };
        Self {
            least: sorted[0],
            first_quartile: quantile(0.25),
            median: quantile(0.5),
            third_quartile: quantile(0.75),
        }
    }
}

impl Figures {
    fn times(&self, engine: &str) -> Option<&[f64]> {
        self.engines.iter().find_map(|(name, outcome)| match outcome {
            Outcome::Timed { times, .. } if *name == engine => Some(&times[..]),
            _ => None,
        })
    }

    /// The engine's time over the base's, round by round: above 1 the base is faster.
    fn ratio(&self, engine: &str, base: &str) -> Option<Spread> {
        let (times, base) = (self.times(engine)?, self.times(base)?);
        let ratios: Vec<f64> = times.iter().zip(base).map(|(time, base)| time / base).collect();
        Some(Spread::of(&ratios))
    }

    /// The backends of convoke among the engines.
    fn bases(&self) -> Vec<&'static str> {
        self.engines
            .iter()
            .map(|(name, _)| *name)
            .filter(|name| is_convoke(name))
            .collect()
    }
}

/// Prints a case's table.
pub fn print(figures: &Figures) {
    let bases = figures.bases();
    println!("\n{}", figures.case);
    print!("  {:12} {:>10} {:>10} {:>10}", "engine", "first ms", "least ms", "median ms");
    for base in &bases {
        print!("  {:>27}", format!("by {base} [quartiles]"));
    }
    println!();
    for (engine, outcome) in &figures.engines {
        match outcome {
            Outcome::Failed(text) => println!("  {engine:12} {text}"),
            Outcome::Timed { first, times } => {
                let spread = Spread::of(times);
                print!("  {engine:12} {first:10.1} {:10.3} {:10.3}", spread.least, spread.median);
                for base in bases.iter().filter(|base| *base != engine) {
                    let ratio = figures.ratio(engine, base).map_or("-".to_owned(), |ratio| {
                        let Spread {
                            first_quartile,
                            median,
                            third_quartile,
                            ..
                        } = ratio;
                        format!("{median:.3} [{first_quartile:.3}, {third_quartile:.3}]")
                    });
                    print!("  {ratio:>27}");
                }
                println!();
            }
        }
    }
}

/// Prints the geometric means of the median ratios over the convolutions of more than one channel.
pub fn print_means(figures: &[Figures]) {
    let means = means(figures);
    if means.is_empty() {
        return;
    }
    println!("\ngeometric means over convolutions of more than one channel");
    for mean in means {
        let Mean {
            engine,
            base,
            value,
            layers,
            of,
        } = mean;
        println!("  {engine:12} {value:10.3} by {base}, over {layers} of {of} layers");
    }
}

struct Mean {
    engine: &'static str,
    base: &'static str,
    value: f64,
    /// Over how many layers, since where one of the two fails there is no ratio.
    layers: usize,
    of: usize,
}

fn means(figures: &[Figures]) -> Vec<Mean> {
    let counting: Vec<&Figures> = figures.iter().filter(|figures| figures.counts).collect();
    let Some(first) = counting.first() else { return Vec::new() };
    let mut means = Vec::new();
    for base in first.bases() {
        for &(engine, _) in first.engines.iter().filter(|(engine, _)| *engine != base) {
            let logarithms: Vec<f64> = counting
                .iter()
                .filter_map(|figures| Some(figures.ratio(engine, base)?.median.ln()))
                .collect();
            if !logarithms.is_empty() {
                means.push(Mean {
                    engine,
                    base,
                    value: (logarithms.iter().sum::<f64>() / logarithms.len() as f64).exp(),
                    layers: logarithms.len(),
                    of: counting.len(),
                });
            }
        }
    }
    means
}

/// Everything, with each round's times.
pub fn json(machine: &Machine, rounds: usize, figures: &[Figures]) -> Value {
    let versions: Map<String, Value> = PACKAGES.iter().map(|&name| (name.to_owned(), version(name).into())).collect();
    let cases: Vec<Value> = figures.iter().map(case).collect();
    let means: Vec<Value> = means(figures)
        .iter()
        .map(|mean| json!({"engine": mean.engine, "base": mean.base, "ratio": mean.value, "layers": mean.layers, "of": mean.of}))
        .collect();
    json!({
        "adapter": machine.adapter,
        "processor": machine.processor,
        "threads": machine.threads,
        "versions": versions,
        "rounds": rounds,
        "cases": cases,
        "geometric_means": means,
    })
}

fn case(figures: &Figures) -> Value {
    let engines: Map<String, Value> = figures
        .engines
        .iter()
        .map(|(engine, outcome)| {
            let value = match outcome {
                Outcome::Failed(text) => json!({"error": text}),
                Outcome::Timed { first, times } => {
                    let spread = Spread::of(times);
                    let ratios: Map<String, Value> = figures
                        .bases()
                        .iter()
                        .filter_map(|base| Some(((*base).to_owned(), quartiles(&figures.ratio(engine, base)?))))
                        .collect();
                    json!({
                        "first_ms": first,
                        "least_ms": spread.least,
                        "median_ms": spread.median,
                        "times_ms": times,
                        "ratio_to": ratios,
                    })
                }
            };
            ((*engine).to_owned(), value)
        })
        .collect();
    json!({"case": figures.case, "engines": engines})
}

fn quartiles(spread: &Spread) -> Value {
    json!({"first_quartile": spread.first_quartile, "median": spread.median, "third_quartile": spread.third_quartile})
}

#[cfg(test)]
mod tests {
    use super::*;

    fn timed(times: &[f64]) -> Outcome {
        Outcome::Timed {
            first: 0.0,
            times: times.to_vec(),
        }
    }

    #[test]
    fn ratios_are_paired_by_round() {
        let figures = Figures {
            case: String::new(),
            counts: true,
            engines: vec![
                ("convoke", timed(&[1.0, 2.0, 4.0])),
                ("other", timed(&[2.0, 6.0, 8.0])),
                ("wrong", Outcome::Failed(String::new())),
            ],
        };
        let ratio = figures.ratio("other", "convoke").unwrap();
        assert_eq!((ratio.first_quartile, ratio.median, ratio.third_quartile), (2.0, 2.0, 2.5));
        assert!(figures.ratio("wrong", "convoke").is_none());
        let means = means(&[figures]);
        assert_eq!(means.len(), 1);
        assert!((means[0].value - 2.0).abs() < 1e-12);
    }

    #[test]
    fn versions_come_from_the_lock_files() {
        assert!(PACKAGES.iter().all(|name| version(name) != "unknown"));
        assert_eq!(version("no such package"), "unknown");
    }
}
