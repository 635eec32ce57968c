//! Frames through a network and onto a texture, one submission each, in which nothing is read back and, from the second on, nothing made.

use std::error::Error;
use std::path::Path;

use convoke::gpu::{PictureInput, PictureLayout, PictureOptions, PictureOutput, PixelFormat, Resident};
use convoke::graph::Graph;
use convoke::ops::{Conv2d, Unary};
use convoke::{Gpu, PaddingMode, Session};
use convoke_vision::{Colours, Filter, Picture};
use ndarray::ArrayD;

/// What a camera's frames go through.
pub(crate) struct Player {
    gpu: Gpu,
    frames: Vec<Picture>,
    input: PictureInput,
    run: Resident,
    output: PictureOutput,
    drawn: wgpu::Texture,
    blitter: wgpu::util::TextureBlitter,
}

/// The edges of each colour.
fn network() -> Result<Graph, Box<dyn Error>> {
    let mut graph = Graph::new();
    let image = graph.input("image");
    let laplacian = [[0.0, 1.0, 0.0], [1.0, -4.0, 1.0], [0.0, 1.0, 0.0_f32]].concat().repeat(3);
    let weight = graph.constant("laplacian", ArrayD::from_shape_vec(vec![3, 1, 3, 3], laplacian)?);
    let filter = Conv2d::new().groups(3).padding(1).padding_mode(PaddingMode::Replicate);
    let differences = graph.node("differences", filter, &[image, weight])?;
    let edges = graph.node("edges", Unary::Abs, &[differences])?;
    graph.output(edges)?;
    Ok(graph)
}

impl Player {
    /// Plays the pictures of a folder, in the order of their names and the size of the first, onto textures of this format.
    pub(crate) fn new(gpu: &Gpu, folder: &Path, format: wgpu::TextureFormat) -> Result<Self, Box<dyn Error>> {
        let files = std::fs::read_dir(folder).map_err(|error| format!("{}: {error}", folder.display()))?;
        let mut paths = files.map(|file| Ok(file?.path())).collect::<std::io::Result<Vec<_>>>()?;
        paths.sort();
        let frames = paths
            .iter()
            .map(|path| Picture::open(path, Colours::Rgb))
            .collect::<Result<Vec<_>, _>>()?;
        let first = frames.first().ok_or_else(|| format!("{}: no pictures", folder.display()))?;
        let (height, width) = (first.height(), first.width());
        let resized = frames.iter().map(|frame| frame.resized(height, width, Filter::Bilinear));
        let frames = resized.collect::<Result<Vec<_>, _>>()?;
        let run = Session::new(network()?, &gpu.clone().into())?.bind(&[&[1, 3, height, width]])?;
        let layout = PictureLayout::new(PixelFormat::Rgb8, height, width);
        let drawn = gpu.device().create_texture(&wgpu::TextureDescriptor {
            label: Some("what the network made of a frame"),
            size: wgpu::Extent3d {
                width: width as u32,
                height: height as u32,
                ..Default::default()
            },
            mip_level_count: 1,
            sample_count: 1,
            dimension: wgpu::TextureDimension::D2,
            format: wgpu::TextureFormat::Rgba8Unorm,
            usage: wgpu::TextureUsages::COPY_DST | wgpu::TextureUsages::TEXTURE_BINDING,
            view_formats: &[],
        });
        Ok(Self {
            input: gpu.picture_input(layout, &PictureOptions::new(), &run.inputs()[0], 0)?,
            output: gpu.picture_output(&run.outputs()[0], 0, [0.0, 1.0], PictureLayout::of_texture(&drawn)?)?,
            blitter: wgpu::util::TextureBlitter::new(gpu.device(), format),
            gpu: gpu.clone(),
            frames,
            run,
            drawn,
        })
    }

    /// Draws what the network makes of a frame all over a texture; after the last frame comes the first.
    pub(crate) fn draw(&self, frame: usize, target: &wgpu::TextureView) -> convoke::Result<()> {
        let mut encoder = self
            .gpu
            .device()
            .create_command_encoder(&wgpu::CommandEncoderDescriptor::default());
        self.input.write(self.frames[frame % self.frames.len()].levels())?;
        self.input.encode(&mut encoder)?;
        self.run.encode(&mut encoder)?;
        self.output.encode_texture(&mut encoder, &self.drawn)?;
        let drawn = self.drawn.create_view(&wgpu::TextureViewDescriptor::default());
        self.blitter.copy(self.gpu.device(), &mut encoder, &drawn, target);
        self.gpu.queue().submit([encoder.finish()]);
        Ok(())
    }
}
