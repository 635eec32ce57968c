//! An edge filter on a 4K texture, in one submission and without the host: `cargo run --release --example edges_of_a_texture`

use convoke::gpu::{PictureLayout, PictureOptions};
use convoke::graph::Graph;
use convoke::ops::{Conv2d, Unary};
use convoke::{Gpu, PaddingMode, Session};
use ndarray::ArrayD;

const WIDTH: u32 = 3840;
const HEIGHT: u32 = 2160;

/// How much each pixel differs from its neighbours.
fn edges() -> convoke::Result<Graph> {
    let mut graph = Graph::new();
    let image = graph.input("image");
    let mut laplacian = ArrayD::from_elem(vec![1, 1, 3, 3], -1.0_f32);
    laplacian[[0, 0, 1, 1]] = 8.0;
    let weight = graph.constant("laplacian", laplacian);
    let filter = Conv2d::new().padding(1).padding_mode(PaddingMode::Replicate);
    let differences = graph.node("differences", filter, &[image, weight])?;
    let edges = graph.node("edges", Unary::Abs, &[differences])?;
    graph.output(edges).map(|()| graph)
}

fn texture(device: &wgpu::Device, usage: wgpu::TextureUsages) -> wgpu::Texture {
    device.create_texture(&wgpu::TextureDescriptor {
        label: None,
        size: wgpu::Extent3d {
            width: WIDTH,
            height: HEIGHT,
            depth_or_array_layers: 1,
        },
        mip_level_count: 1,
        sample_count: 1,
        dimension: wgpu::TextureDimension::D2,
        format: wgpu::TextureFormat::Rgba8Unorm,
        usage,
        view_formats: &[],
    })
}

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let gpu = Gpu::new()?; // Or Gpu::from_device, with the device of a renderer.
    let (device, queue) = (gpu.device(), gpu.queue());
    let frame = texture(device, wgpu::TextureUsages::COPY_DST | wgpu::TextureUsages::COPY_SRC);
    let shown = texture(device, wgpu::TextureUsages::COPY_DST | wgpu::TextureUsages::TEXTURE_BINDING);

    // Made once: a run, the way of pictures into its input, and of its output into pictures.
    let filter = Session::new(edges()?, &gpu.clone().into())?.bind(&[&[1, 1, HEIGHT as usize, WIDTH as usize]])?;
    let layout = PictureLayout::of_texture(&frame)?;
    let input = gpu.picture_input(layout, &PictureOptions::new(), &filter.inputs()[0], 0)?;
    let output = gpu.picture_output(&filter.outputs()[0], 0, [0.0, 1.0], layout)?;

    for number in 0..3 {
        // A white disc that moves, as a renderer might draw it.
        let mut pixels = vec![0; layout.height * layout.pitch];
        for (place, pixel) in pixels.chunks_exact_mut(4).enumerate() {
            let (y, x) = (place as u32 / WIDTH, place as u32 % WIDTH);
            let distance = x.abs_diff(1000 + 500 * number).pow(2) + y.abs_diff(HEIGHT / 2).pow(2);
            pixel.fill(if distance < 500_u32.pow(2) { 255 } else { 0 });
        }
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

        let took = began.elapsed();
        let edges = filter.outputs()[0].read::<f32>()?.iter().filter(|&&edge| edge > 0.0).count();
        println!("{}: frame {number} in {took:.1?}, {edges} pixels at an edge", gpu.info());
    }
    Ok(())
}
