//! Handwritten digits read by LeNet-5: `cargo run --release --example digits [IMAGE.png ...]`.
//!
//! Loads weights, makes a session on the best backend, runs a batch and compares it with the reference.

use std::error::Error;
use std::time::Instant;

use convoke::weights::Weights;
use convoke::{Backend, Session};
use convoke_digits::{self as digits, TestSet};
use ndarray::{Array2, Axis};

const MODELS: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/models");

fn main() -> Result<(), Box<dyn Error>> {
    let weights = Weights::open(format!("{MODELS}/lenet5.safetensors"))?;
    let model = digits::lenet5().graph(&weights)?;
    let backend = Backend::auto();
    let session = Session::new(model.clone(), &backend)?;
    println!("running on {backend}");

    let pictures: Vec<String> = std::env::args().skip(1).collect();
    if !pictures.is_empty() {
        for path in pictures {
            let grey = image::open(&path).map_err(|error| format!("{path}: {error}"))?.into_luma8();
            let size = (grey.height() as usize, grey.width() as usize);
            let input = digits::scan(&Array2::from_shape_vec(size, grey.into_raw())?)?;
            let logits = session.run(&[input.view().into_dyn()])?;
            print!("{}", digits::draw(&input));
            println!("{path} is read as {}", digits::classes(&logits[0])[0]);
        }
        return Ok(());
    }

    let test_set = TestSet::open(format!("{MODELS}/digits.safetensors"))?;
    // The first run compiles the kernels; from then on they are there.
    timed("first run", &session, &test_set)?;
    let read = timed("later runs", &session, &test_set)?;
    let reference = Session::new(model, &Backend::Reference)?;
    let wanted = timed("reference", &reference, &test_set)?;

    let labels = test_set.labels.iter().copied().map(usize::from);
    let right = read.iter().zip(labels).filter(|(read, label)| *read == label).count();
    println!("accuracy: {right} of {}", read.len());
    println!("the reference reads the same: {}", read == wanted);
    for (index, digit) in read.iter().enumerate().take(3) {
        print!("{}", digits::draw(&test_set.images.select(Axis(0), &[index])));
        println!("is read as {digit}");
    }
    Ok(())
}

/// Reads all images in one batch and prints the time for each.
fn timed(what: &str, session: &Session, test_set: &TestSet) -> Result<Vec<usize>, Box<dyn Error>> {
    let start = Instant::now();
    let logits = session.run(&[test_set.images.view().into_dyn()])?;
    let time = start.elapsed() / test_set.labels.len() as u32;
    println!("{what}: {time:.1?} per image");
    Ok(digits::classes(&logits[0]))
}
