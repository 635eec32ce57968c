//! How long resizing takes, beside the crate `image`: `cargo run --release --package convoke-vision --example resize`.

use std::time::Instant;

use convoke_vision::{Filter, Layout, Picture, Scaling};
use image::imageops::{self, FilterType};

/// The median of eleven, in milliseconds.
fn median(mut run: impl FnMut()) -> f64 {
    let mut times: Vec<f64> = (0..11)
        .map(|_| {
            let started = Instant::now();
            run();
            started.elapsed().as_secs_f64() * 1e3
        })
        .collect();
    times.sort_by(f64::total_cmp);
    times[5]
}

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let (height, width) = (1080, 1920);
    let levels: Vec<u8> = (0..height * width * 3)
        .map(|index| ((index * 2_654_435_761_usize) >> 13) as u8)
        .collect();
    let picture = Picture::new(height, width, 3, levels.clone())?;
    let other = image::RgbImage::from_raw(width as u32, height as u32, levels).ok_or("a picture")?;
    println!("{width}x{height} to 224x224, three channels, one thread: median of 11, ms");
    for (name, filter, peer) in [
        ("bilinear", Filter::Bilinear, FilterType::Triangle),
        ("bicubic", Filter::Bicubic, FilterType::CatmullRom),
    ] {
        let own = median(|| drop(std::hint::black_box(picture.resized(224, 224, filter))));
        let peer = median(|| drop(std::hint::black_box(imageops::resize(&other, 224, 224, peer))));
        println!("{name}: convoke-vision {own:.2}, image {peer:.2}, ratio {:.2}", peer / own);
    }
    let small = [picture.resized(224, 224, Filter::Bilinear)?];
    let numbers = median(|| drop(std::hint::black_box(Scaling::imagenet().batch(&small, Layout::Nchw))));
    println!("224x224 levels to normalised numbers: {numbers:.2}");
    Ok(())
}
