//! A frame of 1080p made an input of 224x224: by the `image` crate and ndarray, by `convoke-vision`, both on the host, and by the GPU.
//!
//! `cargo bench --bench pictures` prints least and median times of rounds by turns. A picture that is in a texture already needs no
//! upload, which is therefore timed apart.
#![expect(clippy::expect_used, reason = "a broken bench ends the run")]

use std::time::{Duration, Instant};

use convoke::gpu::{PictureLayout, PictureOptions, PixelFormat};
use convoke::{Gpu, Result};
use convoke_vision::{Filter, Layout, Picture, Scaling};
use image::RgbImage;
use image::imageops::FilterType;
use ndarray::{Array4, ArrayD};

const WIDTH: usize = 1920;
const HEIGHT: usize = 1080;
const SIDE: usize = 224;
const ROUNDS: usize = 40;
const MEAN: [f32; 3] = convoke_vision::IMAGENET_MEAN;
const STD: [f32; 3] = convoke_vision::IMAGENET_STD;

/// What people write today.
fn by_image(frame: &RgbImage) -> Array4<f32> {
    let resized = image::imageops::resize(frame, SIDE as u32, SIDE as u32, FilterType::Triangle);
    Array4::from_shape_fn((1, 3, SIDE, SIDE), |(_, channel, y, x)| {
        let level = f32::from(resized.get_pixel(x as u32, y as u32)[channel]);
        (level / 255.0 - MEAN[channel]) / STD[channel]
    })
}

fn timed<T>(work: impl FnOnce() -> T) -> (Duration, T) {
    let begun = Instant::now();
    let made = work();
    (begun.elapsed(), made)
}

fn submit(gpu: &Gpu, encode: impl FnOnce(&mut wgpu::CommandEncoder) -> Result<()>) -> Result<()> {
    let mut encoder = gpu
        .device()
        .create_command_encoder(&wgpu::CommandEncoderDescriptor::default());
    encode(&mut encoder)?;
    gpu.queue().submit([encoder.finish()]);
    gpu.wait()
}

fn main() {
    let gpu = Gpu::new().expect("an adapter");
    let ceilings = gpu.ceilings().expect("measured ceilings");
    let level = |y: usize, x: usize, channel: usize| ((x * (3 + channel)) ^ (y * 7)) as u8;
    let pixels = |channels: usize| -> Vec<u8> {
        let places =
            (0..HEIGHT * WIDTH).flat_map(|place| (0..channels).map(move |channel| (place / WIDTH, place % WIDTH, channel)));
        places.map(|(y, x, channel)| level(y, x, channel)).collect()
    };
    let frame = RgbImage::from_raw(WIDTH as u32, HEIGHT as u32, pixels(3)).expect("a whole frame");
    let picture = Picture::new(HEIGHT, WIDTH, 3, pixels(3)).expect("a whole frame");
    let rgba = pixels(4);
    let scaling = Scaling::imagenet();
    let by_vision = || {
        let resized = picture.resized(SIDE, SIDE, Filter::Bilinear).expect("a smaller picture");
        scaling.batch(&[resized], Layout::Nchw).expect("a batch of one")
    };

    let tensor = gpu.upload(&ArrayD::<f32>::zeros(vec![1, 3, SIDE, SIDE])).expect("a tensor");
    let options = PictureOptions::new().normalize(MEAN.to_vec(), STD.to_vec());
    let layout = PictureLayout::new(PixelFormat::Rgba8, HEIGHT, WIDTH);
    let input = gpu.picture_input(layout, &options, &tensor, 0).expect("the way of the frame");
    let upload = || {
        input.write(&rgba).expect("an upload");
        submit(&gpu, |_| Ok(())).expect("a submission");
    };
    let by_gpu = || submit(&gpu, |encoder| input.encode(encoder)).expect("a submission");

    // The same picture, as far as their arithmetic is the same.
    upload();
    by_gpu();
    let planes: ArrayD<f32> = tensor.read().expect("the planes");
    let apart = |other: &Array4<f32>| {
        planes
            .iter()
            .zip(other)
            .fold(0.0, |most: f32, (one, other)| most.max((one - other).abs()))
    };
    println!(
        "largest difference from convoke-vision {:.1e}, from image {:.1e}",
        apart(&by_vision()),
        apart(&by_image(&frame))
    );

    let mut times: [(&str, Vec<Duration>); 4] = [
        "image and ndarray",
        "convoke-vision",
        "GPU: upload",
        "GPU: resize and normalise",
    ]
    .map(|name| (name, Vec::new()));
    for _ in 0..ROUNDS {
        times[0].1.push(timed(|| by_image(&frame)).0);
        times[1].1.push(timed(by_vision).0);
        times[2].1.push(timed(upload).0);
        times[3].1.push(timed(by_gpu).0);
    }
    let bytes = (HEIGHT * WIDTH * 4 + 3 * SIDE * SIDE * 4) as f64;
    println!(
        "{}: copying {:.1} GB/s, at which a frame in and planes out take {:.2} ms",
        gpu.info(),
        ceilings.gbs,
        bytes / ceilings.gbs * 1e-6
    );
    for (name, times) in &mut times {
        times.sort_unstable();
        println!("{name:28} least {:8.2?}, median {:8.2?}", times[0], times[ROUNDS / 2]);
    }
}
