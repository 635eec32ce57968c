//! torchvision's ResNet-18 from its `state_dict` in f32, f16, bf16 and f64, beside PyTorch's outputs.
//!
//!     python tools/make_state_dicts.py --full DIR
//!     cargo run --release --example resnet18 -- DIR

mod network;

use std::path::Path;

use convoke::weights::Weights;
use convoke::{Backend, Session};

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let folder = std::env::args()
        .nth(1)
        .ok_or("the folder that tools/make_state_dicts.py --full wrote is expected")?;
    let folder = Path::new(&folder);
    let answers = Weights::open(folder.join("answers.safetensors"))?;
    let image = answers.tensor("input")?;
    let model = network::resnet18([64, 128, 256, 512], 1000);
    for backend in [Backend::cpu(), Backend::auto()] {
        println!("{backend}");
        for name in ["f32", "f16", "bf16", "f64"] {
            let weights = Weights::open(folder.join(format!("{name}.safetensors")))?;
            let output = Session::new(model.graph(&weights)?, &backend)?
                .run(&[image.view()])?
                .swap_remove(0);
            let want = answers.tensor(name)?;
            let largest = want.iter().fold(0.0_f32, |largest, value| largest.max(value.abs()));
            let differences = output.iter().zip(want).map(|(got, want)| (got - want).abs());
            let worst = differences.fold(0.0_f32, f32::max);
            println!("    {name:<4} differs by {worst:e} at most from PyTorch's outputs of up to {largest}");
        }
    }
    Ok(())
}
