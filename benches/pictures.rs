//! A picture of 1080p made a network's input of 224 x 224, normalised: by the crates image and ndarray, by convoke-vision, and on the
//! device, from the host's bytes and from bytes that are there: `cargo bench --bench pictures`
//!
//! By turns, after a first round that is not counted; median and least of 31, in milliseconds.
#![expect(clippy::expect_used, reason = "a broken bench ends the run")]

use std::hint::black_box;
use std::time::Instant;

use convoke::Gpu;
use convoke::gpu::{Filter, PictureLayout, PictureOptions, PixelFormat};
use convoke::testing::Random;
use convoke_vision::{Layout, Picture, Scaling};
use image::imageops::{self, FilterType};
use ndarray::{Array4, ArrayD};

const SIZE: [usize; 2] = [1080, 1920];
const SIDE: usize = 224;
const ROUNDS: usize = 31;
const MEAN: [f32; 3] = [0.485, 0.456, 0.406];
const STD: [f32; 3] = [0.229, 0.224, 0.225];

type Way<'a> = (&'static str, Box<dyn FnMut() + 'a>);

/// Bytes of a picture that is smooth with noise in it.
fn levels(channels: usize) -> Vec<u8> {
    let mut random = Random::new(1);
    let [height, width] = SIZE;
    let level = |index: usize| (index / channels % width / 10 + index / channels / width / 12) % 200 + random.below(50);
    (0..height * width * channels).map(level).map(|level| level as u8).collect()
}

fn by_image(picture: &image::RgbImage) -> Array4<f32> {
    let small = imageops::resize(picture, SIDE as u32, SIDE as u32, FilterType::Triangle);
    Array4::from_shape_fn((1, 3, SIDE, SIDE), |(_, channel, y, x)| {
        (f32::from(small.get_pixel(x as u32, y as u32)[channel]) / 255.0 - MEAN[channel]) / STD[channel]
    })
}

fn by_vision(picture: &Picture) -> Array4<f32> {
    let small = picture
        .resized(SIDE, SIDE, convoke_vision::Filter::Bilinear)
        .expect("a picture");
    Scaling::imagenet().batch(&[small], Layout::Nchw).expect("a batch")
}

fn main() {
    let [height, width] = SIZE;
    let gpu = Gpu::new().expect("an adapter");
    let (rgb, rgba) = (levels(3), levels(4));
    let for_image = image::RgbImage::from_raw(width as u32, height as u32, rgb.clone()).expect("a picture");
    let for_vision = Picture::new(height, width, 3, rgb.clone()).expect("a picture");
    let options = PictureOptions::new().filter(Filter::Bilinear).normalize(MEAN, STD);
    let tensor = gpu.upload(&ArrayD::<f32>::zeros(vec![1, 3, SIDE, SIDE])).expect("a tensor");
    let input = |format| {
        let layout = PictureLayout::new(format, height, width);
        gpu.picture_input(layout, &options, &tensor, 0).expect("a picture's input")
    };
    let (of_rgb, of_rgba) = (input(PixelFormat::Rgb8), input(PixelFormat::Rgba8));
    let run = |input: &convoke::gpu::PictureInput| {
        let mut encoder = gpu
            .device()
            .create_command_encoder(&wgpu::CommandEncoderDescriptor::default());
        input.encode(&mut encoder).expect("commands");
        gpu.queue().submit([encoder.finish()]);
        gpu.wait().expect("the device");
    };
    of_rgb.write(&rgb).expect("a picture");
    run(&of_rgb);
    let (want, got) = (by_vision(&for_vision), tensor.read::<f32>().expect("numbers"));
    // A level is 0.018 of these numbers; the device takes rows before columns whatever the sizes.
    let difference = got
        .iter()
        .zip(&want)
        .fold(0.0, |most: f32, (got, want)| most.max((got - want).abs()));
    assert!(difference < 0.02, "{difference}");

    let mut ways: Vec<Way<'_>> = vec![
        ("image and ndarray", Box::new(|| drop(black_box(by_image(&for_image))))),
        ("convoke-vision", Box::new(|| drop(black_box(by_vision(&for_vision))))),
        (
            "device, from the host's RGB",
            Box::new(|| {
                of_rgb.write(&rgb).expect("a picture");
                run(&of_rgb);
            }),
        ),
        (
            "device, from the host's RGBA",
            Box::new(|| {
                of_rgba.write(&rgba).expect("a picture");
                run(&of_rgba);
            }),
        ),
        ("device, RGBA that is there", Box::new(|| run(&of_rgba))),
    ];
    let mut seconds = vec![Vec::new(); ways.len()];
    for round in 0..=ROUNDS {
        for ((_, way), seconds) in ways.iter_mut().zip(&mut seconds) {
            let began = Instant::now();
            way();
            if round > 0 {
                seconds.push(began.elapsed().as_secs_f64());
            }
        }
    }
    let ceilings = gpu.ceilings().expect("ceilings");
    // Read once, written once.
    let copy = 2.0 * rgba.len() as f64 / ceilings.gbs / 1e9;
    println!(
        "{}: copies {:.1} GB/s, the RGBA picture once in {:.2} ms",
        gpu.info(),
        ceilings.gbs,
        copy * 1e3
    );
    let median = |seconds: &mut Vec<f64>| {
        seconds.sort_by(f64::total_cmp);
        seconds[ROUNDS / 2]
    };
    let first = median(&mut seconds[0]);
    for ((name, _), seconds) in ways.iter().zip(&mut seconds) {
        let median = median(seconds);
        println!(
            "{name:<29} {:6.2} {:6.2}  {:5.2} times as fast as image, {:.2} of copying",
            median * 1e3,
            seconds[0] * 1e3,
            first / median,
            copy / median
        );
    }
}
