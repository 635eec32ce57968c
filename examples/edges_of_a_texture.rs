//! An edge filter on a 4K texture, in one submission and without the host: `cargo run --release --example edges_of_a_texture`

use convoke::gpu::{PictureLayout, PictureOptions};
use convoke::graph::Graph;
use convoke::ops::{Conv2d, Unary};
use convoke::{Gpu, PaddingMode, Session};
use ndarray::ArrayD;

/// Whether a pixel is white, by its row and column.
pub(crate) type Frame = fn(usize, usize) -> bool;

/// How much each pixel differs from its neighbours.
fn edges() -> Result<Graph, Box<dyn std::error::Error>> {
    let mut graph = Graph::new();
    let image = graph.input("image");
    let laplacian = [-1.0, -1.0, -1.0, -1.0, 8.0, -1.0, -1.0, -1.0, -1.0_f32];
    let weight = graph.constant("laplacian", ArrayD::from_shape_vec(vec![1, 1, 3, 3], laplacian.into())?);
    let filter = Conv2d::new().padding(1).padding_mode(PaddingMode::Replicate);
    let differences = graph.node("differences", filter, &[image, weight])?;
    let edges = graph.node("edges", Unary::Abs, &[differences])?;
    graph.output(edges)?;
    Ok(graph)
}

fn texture(device: &wgpu::Device, size: [usize; 2]) -> wgpu::Texture {
    let [height, width] = size.map(|side| side as u32);
    let size = wgpu::Extent3d {
        width,
        height,
        ..Default::default()
    };
    device.create_texture(&wgpu::TextureDescriptor {
        label: None,
        size,
        mip_level_count: 1,
        sample_count: 1,
        dimension: wgpu::TextureDimension::D2,
        format: wgpu::TextureFormat::Rgba8Unorm,
        usage: wgpu::TextureUsages::COPY_DST | wgpu::TextureUsages::COPY_SRC | wgpu::TextureUsages::TEXTURE_BINDING,
        view_formats: &[],
    })
}

/// How many pixels at an edge there are in each of these frames, as a renderer might draw them.
pub(crate) fn count(gpu: &Gpu, size: [usize; 2], frames: &[Frame]) -> Result<Vec<usize>, Box<dyn std::error::Error>> {
    let (device, queue) = (gpu.device(), gpu.queue());
    let (frame, shown) = (texture(device, size), texture(device, size));
    // Made once: a run, the way of pictures into its input, and of its output into pictures.
    let filter = Session::new(edges()?, &gpu.clone().into())?.bind(&[&[1, 1, size[0], size[1]]])?;
    let layout = PictureLayout::of_texture(&frame)?;
    let input = gpu.picture_input(layout, &PictureOptions::new(), &filter.inputs()[0], 0)?;
    let output = gpu.picture_output(&filter.outputs()[0], 0, [0.0, 1.0], layout)?;
    let count = |is_white: &Frame| {
        let level = |byte: usize| 255 * u8::from(is_white(byte / layout.pitch, byte % layout.pitch / 4));
        let pixels: Vec<u8> = (0..size[0] * layout.pitch).map(level).collect();
        let rows = wgpu::TexelCopyBufferLayout {
            bytes_per_row: Some(layout.pitch as u32),
            ..Default::default()
        };
        queue.write_texture(frame.as_image_copy(), &pixels, rows, frame.size());
        let began = std::time::Instant::now();
        let mut encoder = device.create_command_encoder(&wgpu::CommandEncoderDescriptor::default());
        input.encode_texture(&mut encoder, &frame)?;
        filter.encode(&mut encoder)?;
        output.encode_texture(&mut encoder, &shown)?;
        queue.submit([encoder.finish()]);
        gpu.wait()?;
        println!("{}: a frame in {:.1?}", gpu.info(), began.elapsed());
        Ok(filter.outputs()[0].read::<f32>()?.iter().filter(|&&edge| edge > 0.0).count())
    };
    frames.iter().map(count).collect()
}

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let gpu = Gpu::new()?; // Or Gpu::from_device, with the device of a renderer.
    let disc: Frame = |y, x| y.abs_diff(1080).pow(2) + x.abs_diff(1920).pow(2) < 500 * 500;
    println!("{:?} pixels at an edge", count(&gpu, [2160, 3840], &[disc; 3])?);
    Ok(())
}
