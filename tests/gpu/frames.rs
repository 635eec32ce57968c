//! Pictures that are on the device: made planes of, run through networks and drawn, without the host.

use convoke::gpu::{DeviceClass, Filter, LumaChroma, PictureInput, PictureLayout, PictureOptions, PixelFormat, Placement};
use convoke::graph::Graph;
use convoke::ops::{Conv2d, Unary};
use convoke::testing::Random;
use convoke::{Gpu, Session};
use ndarray::{ArrayD, IxDyn, array, s};

use crate::device::Outcome;
use crate::{Named, trial};

type Result<T> = std::result::Result<T, Box<dyn std::error::Error>>;

pub(crate) fn trials() -> Vec<Named> {
    vec![
        trial("frames/pictures_are_pillows_to_the_byte", pillows),
        trial("frames/placed_as_ultralytics_and_torchvision_do", placed),
        trial("frames/levels_are_normalised_as_torchvision_does", normalised),
        trial("frames/outputs_become_pictures", outputs),
        trial("frames/all_classes_agree", classes),
        trial("frames/luma_and_chroma_become_colours", videos),
        trial("frames/textures_of_floats", floats),
        trial("frames/a_texture_is_filtered_and_drawn_in_one_submission", drawn),
        trial("frames/bound_runs_are_apart", apart),
        trial("frames/refusals", refusals),
    ]
}

/// What Pillow makes of a picture, see `tools/make_pictures.py`.
struct Case {
    size: [usize; 2],
    pixels: Vec<u8>,
    to: [usize; 2],
    filter: String,
    mode: String,
    resized: Vec<u8>,
}

fn cases() -> Result<Vec<Case>> {
    let file = std::fs::read("tests/data/pictures.json")?;
    let mut cases: Vec<serde_json::Map<_, _>> = serde_json::from_slice(&file)?;
    let mut take = |case: usize, name: &str| cases[case].remove(name).unwrap_or_default();
    let case = |case| {
        Ok(Case {
            size: serde_json::from_value(take(case, "size"))?,
            pixels: serde_json::from_value(take(case, "pixels"))?,
            to: serde_json::from_value(take(case, "to"))?,
            filter: serde_json::from_value(take(case, "filter"))?,
            mode: serde_json::from_value(take(case, "mode"))?,
            resized: serde_json::from_value(take(case, "resized"))?,
        })
    };
    (0..9).map(case).collect()
}

/// Red, green and blue in another format, rows `pitch` bytes apart and something else between them.
fn stored(rgb: &[u8], layout: &PictureLayout) -> Vec<u8> {
    let mut bytes = vec![99; layout.height * layout.pitch];
    for (place, pixel) in rgb.chunks_exact(3).enumerate() {
        let start = place / layout.width * layout.pitch + place % layout.width * layout.format.bytes();
        let (r, g, b) = (pixel[0], pixel[1], pixel[2]);
        let stored: &[u8] = match layout.format {
            PixelFormat::Gray8 => &[r],
            PixelFormat::Rgb8 => &[r, g, b],
            PixelFormat::Bgr8 => &[b, g, r],
            PixelFormat::Rgba8 => &[r, g, b, 7],
            _ => &[b, g, r, 7],
        };
        bytes[start..start + stored.len()].copy_from_slice(stored);
    }
    bytes
}

fn submit(gpu: &Gpu, encode: impl FnOnce(&mut wgpu::CommandEncoder) -> convoke::Result<()>) -> convoke::Result<()> {
    let mut encoder = gpu
        .device()
        .create_command_encoder(&wgpu::CommandEncoderDescriptor::default());
    encode(&mut encoder)?;
    gpu.queue().submit([encoder.finish()]);
    Ok(())
}

/// What the device makes of a picture: a tensor of this shape.
fn made(gpu: &Gpu, layout: PictureLayout, options: &PictureOptions, bytes: &[u8], shape: &[usize]) -> convoke::Result<ArrayD<f32>> {
    let tensor = gpu.upload(&ArrayD::<f32>::from_elem(shape, -1.0))?;
    let picture = gpu.picture_input(layout, options, &tensor, shape[0] - 1)?;
    picture.write(bytes)?;
    submit(gpu, |encoder| picture.encode(encoder))?;
    tensor.read()
}

fn plain() -> PictureOptions {
    PictureOptions::new().range(0.0, 255.0)
}

/// By the kernels of the adapter's own class and those of real GPUs.
fn pillows(gpu: &Gpu) -> Outcome {
    [gpu.clone(), gpu.with_device_class(DeviceClass::Discrete)]
        .iter()
        .try_for_each(pillows_on)
}

fn pillows_on(gpu: &Gpu) -> Outcome {
    for Case {
        size: [height, width],
        pixels,
        to: [to_height, to_width],
        filter,
        mode,
        resized,
    } in cases()?
    {
        let filter = if filter == "bicubic" {
            Filter::Bicubic
        } else {
            Filter::Bilinear
        };
        let channels = mode.len();
        let resized = ArrayD::from_shape_vec(IxDyn(&[to_height, to_width, channels]), resized)?.mapv(f32::from);
        let formats = PixelFormat::ALL.into_iter().filter(|format| matches!(format.bytes(), 3 | 4));
        for (format, channels_last) in formats.flat_map(|format| [(format, false), (format, true)]) {
            let plain_layout = PictureLayout::new(format, height, width);
            for pitch in [
                plain_layout.pitch,
                plain_layout.pitch + 5,
                plain_layout.pitch.next_multiple_of(256),
            ] {
                let layout = plain_layout.with_pitch(pitch);
                let (options, shape) = if channels_last {
                    (plain().filter(filter).channels_last(), [2, to_height, to_width, channels])
                } else {
                    (plain().filter(filter), [2, channels, to_height, to_width])
                };
                let planes = made(gpu, layout, &options, &stored(&pixels, &layout), &shape)?;
                let images = if channels_last {
                    planes.clone()
                } else {
                    planes.permuted_axes(IxDyn(&[0, 2, 3, 1]))
                };
                assert!(images.slice(s![0, .., .., ..]).iter().all(|&x| x == -1.0));
                assert_eq!(
                    images.slice(s![1, .., .., ..]).into_dyn(),
                    resized,
                    "{layout} to {shape:?}, {filter:?}"
                );
            }
        }
    }
    Ok(())
}

/// A picture of random bytes.
fn picture(format: PixelFormat, height: usize, width: usize) -> (PictureLayout, Vec<u8>) {
    let layout = PictureLayout::new(format, height, width);
    let mut random = Random::new(3);
    let bytes = (0..layout.height * layout.pitch).map(|_| random.below(256) as u8).collect();
    (layout, bytes)
}

/// Kernels of different classes give the same bytes, for sizes of all proportions, made smaller and larger.
fn classes(gpu: &Gpu) -> Outcome {
    let mut random = Random::new(9);
    for round in 0..40 {
        let format = [PixelFormat::Gray8, PixelFormat::Rgb8, PixelFormat::Rgba8][round % 3];
        let mut extent = |most: usize| 1 + random.below(most);
        let (layout, bytes) = picture(format, extent(90), extent(300));
        let shape = [1, [1, 3][round % 2], extent(40), extent(90)];
        let filter = [Filter::Bilinear, Filter::Bicubic][round / 2 % 2];
        let placement = [Placement::Stretch, Placement::Letterbox { level: 9 }][round / 4 % 2];
        let options = plain().filter(filter).placement(placement);
        let [own, other] =
            [gpu.clone(), gpu.with_device_class(DeviceClass::Discrete)].map(|gpu| made(&gpu, layout, &options, &bytes, &shape));
        assert_eq!(own?, other?, "{layout} to {shape:?} by {filter:?}, {placement:?}");
    }
    Ok(())
}

fn placed(gpu: &Gpu) -> Outcome {
    let (layout, bytes) = picture(PixelFormat::Rgb8, 12, 18);
    // 18 become 10 and so 12 become 6.67; one row of the three that are left is above.
    let boxed = made(
        gpu,
        layout,
        &plain().placement(Placement::Letterbox { level: 114 }),
        &bytes,
        &[1, 3, 10, 10],
    )?;
    let whole = made(gpu, layout, &plain(), &bytes, &[1, 3, 7, 10])?;
    assert_eq!(boxed.slice(s![.., .., 1..8, ..]).into_dyn(), whole);
    for rows in [0..1, 8..10] {
        assert!(boxed.slice(s![.., .., rows, ..]).iter().all(|&level| level == 114.0));
    }
    // The shorter side becomes 8, and the longer one rounded down 10 of 10.8; of 1.5 rows above the even number.
    let (layout, bytes) = picture(PixelFormat::Rgb8, 17, 23);
    let middle = made(
        gpu,
        layout,
        &plain().placement(Placement::CenterCrop { shorter: 8 }),
        &bytes,
        &[1, 3, 5, 7],
    )?;
    let whole = made(gpu, layout, &plain(), &bytes, &[1, 3, 8, 10])?;
    assert_eq!(middle, whole.slice(s![.., .., 2..7, 2..9]).into_dyn());
    Ok(())
}

fn normalised(gpu: &Gpu) -> Outcome {
    let (layout, bytes) = picture(PixelFormat::Bgra8, 32, 32);
    let (mean, std) = ([0.485, 0.456, 0.406], [0.229, 0.224, 0.225]);
    let planes = made(
        gpu,
        layout,
        &PictureOptions::new().normalize(mean, std).bgr(),
        &bytes,
        &[1, 3, 32, 32],
    )?;
    for ((_, channel, y, x), &got) in planes.into_dimensionality::<ndarray::Ix4>()?.indexed_iter() {
        let level = f32::from(bytes[y * layout.pitch + 4 * x + channel]);
        assert_eq!(got, (level / 255.0 - mean[channel]) / std[channel]);
    }
    // One gray plane as three, each with its own numbers.
    let (layout, bytes) = picture(PixelFormat::Gray8, 3, 5);
    let planes = made(
        gpu,
        layout,
        &PictureOptions::new().range(-1.0, 1.0).normalize([0.0, 1.0, 2.0], [1.0]),
        &bytes,
        &[1, 3, 3, 5],
    )?;
    for ((_, channel, y, x), &got) in planes.into_dimensionality::<ndarray::Ix4>()?.indexed_iter() {
        assert_eq!(got, f32::from(bytes[5 * y + x]) / 255.0 * 2.0 - 1.0 - channel as f32);
    }
    Ok(())
}

/// A buffer's bytes.
fn bytes_of(gpu: &Gpu, buffer: &wgpu::Buffer) -> Result<Vec<u8>> {
    let size = buffer.size();
    let staging = gpu.device().create_buffer(&wgpu::BufferDescriptor {
        label: None,
        size,
        usage: wgpu::BufferUsages::MAP_READ | wgpu::BufferUsages::COPY_DST,
        mapped_at_creation: false,
    });
    submit(gpu, |encoder| {
        encoder.copy_buffer_to_buffer(buffer, 0, &staging, 0, size);
        Ok(())
    })?;
    staging.map_async(wgpu::MapMode::Read, .., |_| ());
    gpu.wait()?;
    Ok(staging.get_mapped_range(..)?.to_vec())
}

fn outputs(gpu: &Gpu) -> Outcome {
    let (height, width) = (3, 5);
    for channels in [1, 3, 4] {
        let planes = ArrayD::from_shape_fn(vec![2, channels, height, width], |at| {
            (at[0] * 100 + at[1] * 37 + at[2] * 11 + at[3] * 29) as f32 / 200.0 - 0.5
        });
        let tensor = gpu.upload(&planes)?;
        let formats = PixelFormat::ALL.into_iter().filter(|format| {
            if channels == 1 {
                matches!(format.bytes(), 1 | 4) && !format.has_chroma()
            } else {
                format.bytes() == 4
            }
        });
        for format in formats {
            let pitch = (width * format.bytes()).next_multiple_of(4);
            let layout = PictureLayout::new(format, height, width).with_pitch(pitch);
            let picture = gpu.picture_output(&tensor, 1, [-0.25, 1.25], layout)?;
            submit(gpu, |encoder| picture.encode(encoder))?;
            let bytes = bytes_of(gpu, picture.buffer())?;
            for (y, x, byte) in
                (0..height).flat_map(|y| (0..width).flat_map(move |x| (0..format.bytes()).map(move |byte| (y, x, byte))))
            {
                let color = match format {
                    PixelFormat::Bgra8 => [2, 1, 0, 3][byte],
                    _ => byte,
                };
                let plane = if channels == 1 {
                    (byte < 3).then_some(0)
                } else {
                    (color < channels).then_some(color)
                };
                let want = plane.map_or(255, |plane| {
                    (170.0 * planes[[1, plane, y, x]] + 42.5).round_ties_even().clamp(0.0, 255.0) as u8
                });
                assert_eq!(
                    bytes[y * pitch + x * format.bytes() + byte],
                    want,
                    "{layout}: {y}, {x}, {byte}"
                );
            }
        }
    }
    Ok(())
}

/// A texture with these bytes.
fn filled(
    gpu: &Gpu,
    format: wgpu::TextureFormat,
    [height, width]: [usize; 2],
    usage: wgpu::TextureUsages,
    bytes: &[u8],
) -> wgpu::Texture {
    let texture = gpu.device().create_texture(&wgpu::TextureDescriptor {
        label: None,
        size: wgpu::Extent3d {
            width: width as u32,
            height: height as u32,
            depth_or_array_layers: 1,
        },
        mip_level_count: 1,
        sample_count: 1,
        dimension: wgpu::TextureDimension::D2,
        format,
        usage: usage | wgpu::TextureUsages::COPY_DST,
        view_formats: &[],
    });
    let rows = wgpu::TexelCopyBufferLayout {
        bytes_per_row: Some((bytes.len() / height) as u32),
        ..Default::default()
    };
    gpu.queue()
        .write_texture(texture.as_image_copy(), bytes, rows, texture.size());
    texture
}

/// Of odd sizes, so that the last chroma belongs to fewer pixels.
fn videos(gpu: &Gpu) -> Outcome {
    let (height, width) = (5, 7);
    let (rows, columns) = (3, 4);
    let mut random = Random::new(8);
    let mut levels = |count: usize| -> Vec<u8> { (0..count).map(|_| random.below(256) as u8).collect() };
    let (luma, blue, red) = (levels(height * width), levels(rows * columns), levels(rows * columns));
    let pitch = 10;
    let nv12 = PictureLayout::new(PixelFormat::Nv12, height, width).with_pitch(pitch);
    let i420 = PictureLayout::new(PixelFormat::I420, height, width).with_pitch(pitch);
    let padded = |plane: &[u8], length: usize, pitch: usize| -> Vec<u8> {
        let rows = plane.chunks(length);
        rows.flat_map(|row| [row, &vec![200; pitch - length]].concat()).collect()
    };
    let pairs: Vec<u8> = blue.iter().zip(&red).flat_map(|(&blue, &red)| [blue, red]).collect();
    let in_nv12 = [padded(&luma, width, pitch), padded(&pairs, 2 * columns, pitch)].concat();
    let in_i420 = [
        padded(&luma, width, pitch),
        padded(&blue, columns, pitch / 2),
        padded(&red, columns, pitch / 2),
    ]
    .concat();
    for (encoding, red_share, blue_share, is_full) in [
        (LumaChroma::Bt601, 0.299, 0.114, false),
        (LumaChroma::Bt601Full, 0.299, 0.114, true),
        (LumaChroma::Bt709, 0.2126, 0.0722, false),
        (LumaChroma::Bt709Full, 0.2126, 0.0722, true),
    ] {
        let options = plain().luma_chroma(encoding);
        let got = made(gpu, nv12, &options, &in_nv12[..nv12.bytes()], &[1, 3, height, width])?;
        assert_eq!(made(gpu, i420, &options, &in_i420, &[1, 3, height, width])?, got);
        for ((_, channel, y, x), &got) in got.view().into_dimensionality::<ndarray::Ix4>()?.indexed_iter() {
            let place = y / 2 * columns + x / 2;
            let (black, of_luma, of_chroma) = if is_full { (0.0, 255.0, 255.0) } else { (16.0, 219.0, 224.0) };
            let y = (f64::from(luma[y * width + x]) - black) / of_luma;
            let [from_blue, from_red] = [blue[place], red[place]].map(|level| (f64::from(level) - 128.0) / of_chroma);
            let (red, blue) = (
                y + 2.0 * (1.0 - red_share) * from_red,
                y + 2.0 * (1.0 - blue_share) * from_blue,
            );
            // What makes luma of the three.
            let green = (y - red_share * red - blue_share * blue) / (1.0 - red_share - blue_share);
            let want = (255.0 * [red, green, blue][channel]).clamp(0.0, 255.0);
            assert!((f64::from(got) - want).abs() < 0.501, "{encoding:?}: {got} for {want}");
        }
    }
    let usage = wgpu::TextureUsages::COPY_SRC;
    let of = |format, size, bytes: &[u8]| filled(gpu, format, size, usage, bytes);
    let luma = of(wgpu::TextureFormat::R8Unorm, [height, width], &luma);
    let both = of(wgpu::TextureFormat::Rg8Unorm, [rows, columns], &pairs);
    let blue = of(wgpu::TextureFormat::R8Unorm, [rows, columns], &blue);
    let red = of(wgpu::TextureFormat::R8Unorm, [rows, columns], &red);
    let want = made(gpu, nv12, &plain(), &in_nv12, &[1, 3, height, width])?;
    for planes in [vec![&luma, &both], vec![&luma, &blue, &red]] {
        let tensor = gpu.upload(&ArrayD::<f32>::zeros(vec![1, 3, height, width]))?;
        let picture = gpu.picture_input(PictureLayout::of_planes(&planes)?, &plain(), &tensor, 0)?;
        submit(gpu, |encoder| picture.encode_planes(encoder, &planes))?;
        assert_eq!(tensor.read::<f32>()?, want);
    }
    told(PictureLayout::of_planes(&[&luma]), &["expected R8Unorm and Rg8Unorm"])?;
    told(
        PictureLayout::of_planes(&[&luma, &blue, &luma]),
        &["chroma of 4 x 3", "but got 7 x 5"],
    )
}

fn floats(gpu: &Gpu) -> Outcome {
    let (height, width) = (3, 5);
    let planes = ArrayD::from_shape_fn(vec![1, 3, height, width], |at| {
        (at[1] * 37 + at[2] * 11 + at[3] * 29) as f32 / 64.0 - 0.5
    });
    let tensor = gpu.upload(&planes)?;
    let usage = wgpu::TextureUsages::COPY_SRC;
    let bytes = vec![0; 8 * height * width];
    let texture = filled(gpu, wgpu::TextureFormat::Rgba16Float, [height, width], usage, &bytes);
    let layout = PictureLayout::of_texture(&texture)?;
    let output = gpu.picture_output(&tensor, 0, [0.0, 2.0], layout)?;
    let back = gpu.upload(&ArrayD::<f32>::zeros(vec![1, 3, height, width]))?;
    let input = gpu.picture_input(layout, &plain(), &back, 0)?;
    submit(gpu, |encoder| {
        output.encode_texture(encoder, &texture)?;
        input.encode_texture(encoder, &texture)
    })?;
    // Multiples of 1/128 within 16 bits, which are as they were: those that lie outside of 0 to 1 too.
    let bytes = bytes_of(gpu, output.buffer())?;
    for ((_, channel, y, x), &number) in planes.view().into_dimensionality::<ndarray::Ix4>()?.indexed_iter() {
        let place = y * layout.pitch + 8 * x + 2 * channel;
        assert_eq!(
            half::f16::from_le_bytes([bytes[place], bytes[place + 1]]).to_f32(),
            number / 2.0
        );
    }
    assert_eq!(half::f16::from_le_bytes([bytes[6], bytes[7]]).to_f32(), 1.0);
    let levels = planes.mapv(|number| (number / 2.0 * 255.0).round_ties_even().clamp(0.0, 255.0));
    assert_eq!(back.read::<f32>()?, levels);
    Ok(())
}

/// Renders a pattern of levels, and draws a picture with its colours turned round.
const PASSES: &str = "
@vertex fn corner(@builtin(vertex_index) index: u32) -> @builtin(position) vec4<f32> {
    return vec4(f32(index / 2u) * 4.0 - 1.0, f32(index % 2u) * 4.0 - 1.0, 0.0, 1.0);
}
@fragment fn pattern(@builtin(position) place: vec4<f32>) -> @location(0) vec4<f32> {
    let at = vec2<u32>(place.xy);
    let level = vec3(at.x * 37u + at.y * 11u, at.x * at.y, at.x / 8u * 90u + at.y / 8u * 50u) % vec3(256u);
    return vec4(vec3<f32>(level) / 255.0, 1.0);
}
@group(0) @binding(0) var picture: texture_2d<f32>;
@fragment fn turned(@builtin(position) place: vec4<f32>) -> @location(0) vec4<f32> {
    return vec4(1.0 - textureLoad(picture, vec2<u32>(place.xy), 0).rgb, 1.0);
}
";

const SIDES: [usize; 2] = [48, 72];
const TEXTURE: wgpu::TextureFormat = wgpu::TextureFormat::Rgba8Unorm;

fn texture(device: &wgpu::Device, usage: wgpu::TextureUsages) -> wgpu::Texture {
    device.create_texture(&wgpu::TextureDescriptor {
        label: None,
        size: wgpu::Extent3d {
            width: SIDES[1] as u32,
            height: SIDES[0] as u32,
            depth_or_array_layers: 1,
        },
        mip_level_count: 1,
        sample_count: 1,
        dimension: wgpu::TextureDimension::D2,
        format: TEXTURE,
        usage,
        view_formats: &[],
    })
}

/// A pass that covers all of a texture.
fn pipeline(device: &wgpu::Device, fragment: &str) -> wgpu::RenderPipeline {
    let module = device.create_shader_module(wgpu::ShaderModuleDescriptor {
        label: None,
        source: wgpu::ShaderSource::Wgsl(PASSES.into()),
    });
    device.create_render_pipeline(&wgpu::RenderPipelineDescriptor {
        label: None,
        layout: None,
        vertex: wgpu::VertexState {
            module: &module,
            entry_point: Some("corner"),
            compilation_options: wgpu::PipelineCompilationOptions::default(),
            buffers: &[],
        },
        primitive: wgpu::PrimitiveState::default(),
        depth_stencil: None,
        multisample: wgpu::MultisampleState::default(),
        fragment: Some(wgpu::FragmentState {
            module: &module,
            entry_point: Some(fragment),
            compilation_options: wgpu::PipelineCompilationOptions::default(),
            targets: &[Some(TEXTURE.into())],
        }),
        multiview_mask: None,
        cache: None,
    })
}

fn draw(
    encoder: &mut wgpu::CommandEncoder,
    target: &wgpu::Texture,
    pipeline: &wgpu::RenderPipeline,
    group: Option<&wgpu::BindGroup>,
) {
    let view = target.create_view(&wgpu::TextureViewDescriptor::default());
    let mut pass = encoder.begin_render_pass(&wgpu::RenderPassDescriptor {
        color_attachments: &[Some(wgpu::RenderPassColorAttachment {
            view: &view,
            depth_slice: None,
            resolve_target: None,
            ops: wgpu::Operations::default(),
        })],
        ..Default::default()
    });
    pass.set_pipeline(pipeline);
    if let Some(group) = group {
        pass.set_bind_group(0, group, &[]);
    }
    pass.draw(0..3, 0..1);
}

/// An edge filter for each colour, and a small network after it.
fn network() -> convoke::Result<Graph> {
    let (mut graph, mut random) = (Graph::new(), Random::new(11));
    let image = graph.input("image");
    let edges = array![[-1.0, -1.0, -1.0], [-1.0, 8.0, -1.0], [-1.0, -1.0, -1.0_f32]];
    let edges = edges.broadcast((3, 1, 3, 3)).map(|edges| edges.to_owned().into_dyn());
    let edges = graph.constant("edges", edges.unwrap_or_default());
    let first = graph.constant("first", random.reals(&[8, 3, 3, 3]) * 0.3);
    let second = graph.constant("second", random.reals(&[3, 8, 1, 1]) * 0.3);
    let filtered = graph.node("filtered", Conv2d::new().padding(1).groups(3), &[image, edges])?;
    let features = graph.node("features", Conv2d::new().padding(1), &[filtered, first])?;
    let active = graph.node("active", Unary::Relu, &[features])?;
    let mixed = graph.node("mixed", Conv2d::new(), &[active, second])?;
    let picture = graph.node("picture", Unary::Sigmoid, &[mixed])?;
    graph.output(picture)?;
    Ok(graph)
}

/// The pattern's planes.
fn pattern() -> ArrayD<f32> {
    ArrayD::from_shape_fn(vec![1, 3, SIDES[0], SIDES[1]], |at| {
        let (y, x) = (at[2], at[3]);
        let level = [x * 37 + y * 11, x * y, x / 8 * 90 + y / 8 * 50][at[1]] % 256;
        level as f32 / 255.0
    })
}

fn drawn(gpu: &Gpu) -> Outcome {
    use wgpu::TextureUsages as Usage;

    // Of its own, so that what others make on it is not counted.
    let gpu = &Gpu::builder().named(&gpu.info().name).build()?;
    let (device, queue) = (gpu.device(), gpu.queue());
    let rendered = texture(device, Usage::RENDER_ATTACHMENT | Usage::COPY_SRC);
    let filtered = texture(device, Usage::COPY_DST | Usage::TEXTURE_BINDING);
    let shown = texture(device, Usage::RENDER_ATTACHMENT | Usage::COPY_SRC);
    let (render, turn) = (pipeline(device, "pattern"), pipeline(device, "turned"));
    let group = device.create_bind_group(&wgpu::BindGroupDescriptor {
        label: None,
        layout: &turn.get_bind_group_layout(0),
        entries: &[wgpu::BindGroupEntry {
            binding: 0,
            resource: wgpu::BindingResource::TextureView(&filtered.create_view(&wgpu::TextureViewDescriptor::default())),
        }],
    });
    let session = Session::new(network()?, &gpu.clone().into())?;
    let run = session.bind(&[&[1, 3, SIDES[0], SIDES[1]]])?;
    let layout = PictureLayout::of_texture(&rendered)?;
    let input = gpu.picture_input(layout, &PictureOptions::new(), &run.inputs()[0], 0)?;
    let output = gpu.picture_output(&run.outputs()[0], 0, [0.0, 1.0], PictureLayout::of_texture(&filtered)?)?;
    let frame = || -> convoke::Result<()> {
        let mut encoder = device.create_command_encoder(&wgpu::CommandEncoderDescriptor::default());
        draw(&mut encoder, &rendered, &render, None);
        input.encode_texture(&mut encoder, &rendered)?;
        run.encode(&mut encoder)?;
        output.encode_texture(&mut encoder, &filtered)?;
        draw(&mut encoder, &shown, &turn, Some(&group));
        queue.submit([encoder.finish()]);
        Ok(())
    };
    frame()?;
    gpu.wait()?;
    let made = gpu.counters();
    for _ in 0..100 {
        frame()?;
    }
    gpu.wait()?;
    assert_eq!(gpu.counters(), made);
    // What is shown: the network's picture with its colours turned round.
    let shows = gpu.upload(&ArrayD::<f32>::zeros(vec![1, 3, SIDES[0], SIDES[1]]))?;
    let see = gpu.picture_input(PictureLayout::of_texture(&shown)?, &plain(), &shows, 0)?;
    submit(gpu, |encoder| see.encode_texture(encoder, &shown))?;
    let want = session.run(&[pattern().view()])?.swap_remove(0).mapv(|x| 255.0 - 255.0 * x);
    let shows = shows.read::<f32>()?;
    let differ = shows
        .iter()
        .zip(&want)
        .filter(|(got, want)| (*got - *want).abs() > 0.51)
        .count();
    assert_eq!(differ, 0, "of {}", want.len());
    assert!(want.iter().any(|&x| x < 60.0) && want.iter().any(|&x| x > 200.0));
    Ok(())
}

/// Two bound runs and the session's own ones have memory of their own.
fn apart(gpu: &Gpu) -> Outcome {
    let session = Session::new(network()?, &gpu.clone().into())?;
    let images: Vec<ArrayD<f32>> = (0..3).map(|seed| Random::new(seed).reals(&[1, 3, 6, 7])).collect();
    let wants: Vec<_> = images
        .iter()
        .map(|image| session.run(&[image.view()]))
        .collect::<convoke::Result<_>>()?;
    let runs = [session.bind(&[&[1, 3, 6, 7]])?, session.bind(&[&[1, 3, 6, 7]])?];
    let sources: Vec<_> = images.iter().map(|image| gpu.upload(image)).collect::<convoke::Result<_>>()?;
    submit(gpu, |encoder| {
        for (run, source) in runs.iter().zip(&sources) {
            let input = run.inputs().swap_remove(0);
            if let (Some(from), Some(to)) = (source.buffer(), input.buffer()) {
                encoder.copy_buffer_to_buffer(from, 0, to, 0, 4 * 3 * 6 * 7);
            }
        }
        runs[0].encode(encoder)?;
        runs[1].encode(encoder)
    })?;
    assert_eq!(session.run(&[images[2].view()])?, wants[2]);
    for (run, want) in runs.iter().zip(&wants) {
        assert_eq!(run.outputs()[0].read::<f32>()?, want[0]);
    }
    Ok(())
}

/// What must fail, and what its error must name.
fn told<T>(outcome: convoke::Result<T>, names: &[&str]) -> Outcome {
    match outcome {
        Ok(_) => Err(format!("no error that names {names:?}").into()),
        Err(error) if names.iter().all(|name| error.to_string().contains(name)) => Ok(()),
        Err(error) => Err(format!("{error} does not name {names:?}").into()),
    }
}

fn refusals(gpu: &Gpu) -> Outcome {
    let tensor = gpu.upload(&ArrayD::<f32>::zeros(vec![1, 3, 4, 4]))?;
    let layout = PictureLayout::new(PixelFormat::Rgb8, 8, 8);
    let refused = |layout: PictureLayout, options: PictureOptions, image: usize, name: &str| {
        told(gpu.picture_input(layout, &options, &tensor, image), &["picture", name])
    };
    refused(PictureLayout::new(PixelFormat::Rgb8, 0, 8), plain(), 0, "8 x 0")?;
    refused(layout.with_pitch(23), plain(), 0, "at least 24 bytes")?;
    refused(layout, plain(), 1, "image 1")?;
    refused(layout, plain().normalize([0.0, 1.0], [1.0]), 0, "1 or 3 numbers as mean")?;
    refused(layout, plain().normalize([0.0], [0.0]), 0, "other than 0")?;
    refused(layout, plain().placement(Placement::CenterCrop { shorter: 3 }), 0, "3 x 3")?;
    refused(layout, plain().channels_last(), 0, "1 or 3 channels")?;
    let large = PictureLayout::new(PixelFormat::Rgba8, 1 << 16, 1 << 16);
    refused(large, plain(), 0, "bytes of a picture")?;
    let whole = gpu.upload(&ArrayD::<i32>::zeros(vec![1, 3, 4, 4]))?;
    told(gpu.picture_input(layout, &plain(), &whole, 0), &["expected a tensor of f32"])?;
    let input: PictureInput = gpu.picture_input(layout, &plain(), &tensor, 0)?;
    for count in [191, 193] {
        told(input.write(&vec![0; count]), &["192 bytes", &count.to_string()])?;
    }
    let other = texture(gpu.device(), wgpu::TextureUsages::COPY_SRC);
    told(
        submit(gpu, |encoder| input.encode_texture(encoder, &other)),
        &["8 x 8", "72 x 48"],
    )?;
    let drawn = texture(gpu.device(), wgpu::TextureUsages::RENDER_ATTACHMENT);
    let input = gpu.picture_input(PictureLayout::of_texture(&drawn)?, &plain(), &tensor, 0)?;
    told(submit(gpu, |encoder| input.encode_texture(encoder, &drawn)), &["COPY_SRC"])?;
    let session = Session::new(network()?, &convoke::Backend::Reference)?;
    told(session.bind(&[&[1, 3, 4, 4]]), &["GPU"])
}
