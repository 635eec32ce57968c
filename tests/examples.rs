//! The examples that people start from, each run on what the repository has, and what it must find there.

use std::error::Error;
use std::io::{Read, Write};
use std::path::{Path, PathBuf};

use convoke::gpu::{PictureLayout, PictureOptions};
use convoke::testing::Random;
use convoke_vision::Picture;
use ndarray::ArrayD;

#[path = "../examples/camera/player.rs"]
mod camera;
#[path = "../examples/classify.rs"]
#[expect(dead_code, reason = "its main function is the example's")]
mod classify;
#[path = "../examples/detect.rs"]
#[expect(dead_code, reason = "its main function is the example's")]
mod detect;
#[path = "../examples/edges_of_a_texture.rs"]
#[expect(dead_code, reason = "its main function is the example's")]
mod edges_of_a_texture;
#[path = "../examples/numerics.rs"]
mod numerics;
#[path = "../examples/own_operator.rs"]
#[expect(dead_code, reason = "its main function is the example's")]
mod own_operator;
#[path = "../examples/read_text.rs"]
#[expect(dead_code, reason = "its main function is the example's")]
mod read_text;
#[path = "../examples/segment.rs"]
#[expect(dead_code, reason = "its main function is the example's")]
mod segment;
#[path = "../examples/serve.rs"]
#[expect(dead_code, reason = "its main function is the example's")]
mod serve;
#[path = "../examples/several_gpus.rs"]
#[expect(dead_code, reason = "its main function is the example's")]
mod several_gpus;

type Outcome = Result<(), Box<dyn Error>>;

/// The digits of `examples/page.png`, line by line.
const PAGE: [&str; 3] = ["40718", "2259", "63"];

fn file(name: &str) -> String {
    Path::new(env!("CARGO_MANIFEST_DIR")).join(name).display().to_string()
}

/// A folder that is there and empty.
fn scratch(name: &str) -> std::io::Result<PathBuf> {
    let folder = PathBuf::from(env!("CARGO_TARGET_TMPDIR")).join(name);
    let _ = std::fs::remove_dir_all(&folder);
    std::fs::create_dir_all(&folder)?;
    Ok(folder)
}

#[test]
fn a_digit_is_classified() -> Outcome {
    // White on black, as the network was trained.
    let best = classify::classify(&file("models/lenet5.onnx"), &file("examples/digits/5.png"))?[0];
    assert_eq!(best.class, 5);
    assert!(best.score > 0.9, "{best:?}");
    let error = classify::classify(&file("models/lenet5.onnx"), "nothing.png").unwrap_err();
    assert!(error.to_string().contains("nothing.png"), "{error}");
    Ok(())
}

#[test]
fn digits_are_detected_where_they_are() -> Outcome {
    let (pages, drawn) = (scratch("detect-pages")?, scratch("detect-drawn")?);
    std::fs::copy(file("examples/page.png"), pages.join("page.png"))?;
    let found = detect::detect(
        &file("models/digit_finder.onnx"),
        &pages.display().to_string(),
        &drawn.display().to_string(),
    )?;
    let [(_, found)] = found.as_slice() else {
        return Err(format!("{found:?}").into());
    };
    let mut lines = vec![Vec::new(); PAGE.len()];
    for detection in found {
        let line = (detection.rect.top / 70.0) as usize;
        lines[line].push((detection.rect.left as u32, detection.class));
    }
    let read = lines.into_iter().map(|mut line| {
        line.sort_unstable();
        line.iter().map(|(_, class)| class.to_string()).collect::<String>()
    });
    assert_eq!(read.collect::<Vec<_>>(), PAGE);
    assert!(drawn.join("page.png").exists());
    Ok(())
}

#[test]
fn pixels_belong_to_their_digits() -> Outcome {
    let drawn = scratch("segment")?.join("page.png").display().to_string();
    let (model, page) = (file("models/digit_finder.onnx"), file("examples/page.png"));
    let mask = segment::segment(&model, &page, &drawn, Some("mask"))?;
    assert_eq!(mask.dim(), (224, 224));
    // The page has every digit once but the 2, which is there twice; class 0 is paper.
    let share = |class: u16| mask.iter().filter(|&&pixel| pixel == class).count();
    assert!(share(0) > 224 * 224 * 8 / 10, "{}", share(0));
    for digit in 0..10 {
        assert!(share(digit + 1) > 60, "{digit}: {} pixels", share(digit + 1));
    }
    assert!(Path::new(&drawn).exists());
    assert!(segment::segment(&model, &page, &drawn, Some("masks")).is_err());
    Ok(())
}

#[test]
fn a_page_is_read() -> Outcome {
    let (finder, reader) = (file("models/digit_finder.onnx"), file("models/digit_reader.onnx"));
    assert_eq!(read_text::read_text(&finder, &reader, &file("examples/page.png"))?, PAGE);
    Ok(())
}

/// What a server on this port answers: the status and the body.
fn asked(port: u16, request: &str, body: &[u8]) -> std::io::Result<(u16, String)> {
    let mut stream = std::net::TcpStream::connect(("127.0.0.1", port))?;
    let length = body.len();
    write!(
        stream,
        "{request} HTTP/1.1\r\nhost: test\r\nconnection: close\r\ncontent-length: {length}\r\n\r\n"
    )?;
    stream.write_all(body)?;
    let mut answer = String::new();
    stream.read_to_string(&mut answer)?;
    let status = answer.split(' ').nth(1).and_then(|status| status.parse().ok());
    let body = answer.split_once("\r\n\r\n").map(|(_, body)| body.to_owned());
    status.zip(body).ok_or_else(|| std::io::Error::other(answer))
}

#[test]
fn a_server_answers_requests_in_batches() -> Outcome {
    let router = serve::router(&file("models/lenet5.onnx"))?;
    let listener = std::net::TcpListener::bind(("127.0.0.1", 0))?;
    listener.set_nonblocking(true)?;
    let port = listener.local_addr()?.port();
    std::thread::spawn(move || {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_io().build()?;
        runtime.block_on(async { axum::serve(tokio::net::TcpListener::from_std(listener)?, router).await })
    });
    let ask = |picture: &str| -> Result<Option<u64>, Box<dyn Error + Send + Sync>> {
        let (status, body) = asked(port, "POST /classify", &std::fs::read(picture)?)?;
        let ranked: serde_json::Value = serde_json::from_str(&body)?;
        assert_eq!((status, ranked.as_array().map(Vec::len)), (200, Some(3)), "{body}");
        Ok(ranked[0]["class"].as_u64())
    };
    let pictures = ["0", "3", "5", "6"].map(|digit| file(&format!("examples/digits/{digit}.png")));
    std::thread::scope(|scope| -> Outcome {
        let pictures = std::iter::repeat_n(&pictures, 3).flatten();
        let asking = pictures.map(|picture| (picture, scope.spawn(move || ask(picture).map_err(|error| error.to_string()))));
        for (picture, asking) in asking.collect::<Vec<_>>() {
            let want = classify::classify(&file("models/lenet5.onnx"), picture)?[0].class;
            assert_eq!(asking.join().map_err(|_| "a panic")??, Some(want as u64), "{picture}");
        }
        Ok(())
    })?;
    let (status, message) = asked(port, "POST /classify", b"no picture")?;
    assert_eq!(status, 400);
    assert!(message.contains("picture"), "{message}");
    assert_eq!(asked(port, "GET /", b"")?.0, 404);
    Ok(())
}

/// A white square has an edge along both sides of its outline.
#[test]
fn edges_of_a_texture_are_counted() -> Outcome {
    let Some(gpu) = convoke::testing::gpu()? else {
        return Ok(());
    };
    let square: edges_of_a_texture::Frame = |y, x| (10..20).contains(&y) && (30..40).contains(&x);
    let counts = edges_of_a_texture::count(&gpu, [50, 70], &[square, |_, _| true])?;
    assert_eq!(counts, [36 + 44, 0]);
    Ok(())
}

/// Frames onto a texture twice as large, as into a window.
#[test]
fn frames_are_drawn_and_make_nothing() -> Outcome {
    let Some(gpu) = convoke::testing::gpu()? else {
        return Ok(());
    };
    let folder = scratch("camera")?;
    // One is all of a colour; the left half of the other one is white.
    Picture::filled(40, 60, &[70, 80, 90])?.save(folder.join("0.png"))?;
    let levels = (0..40 * 60 * 3).map(|byte| 255 * u8::from(byte / 3 % 60 < 30)).collect();
    Picture::new(40, 60, 3, levels)?.save(folder.join("1.png"))?;
    let format = wgpu::TextureFormat::Rgba8Unorm;
    let player = camera::Player::new(&gpu, &folder, format)?;
    let target = gpu.device().create_texture(&wgpu::TextureDescriptor {
        label: None,
        size: wgpu::Extent3d {
            width: 128,
            height: 80,
            ..Default::default()
        },
        mip_level_count: 1,
        sample_count: 1,
        dimension: wgpu::TextureDimension::D2,
        format,
        usage: wgpu::TextureUsages::RENDER_ATTACHMENT | wgpu::TextureUsages::COPY_SRC,
        view_formats: &[],
    });
    let layout = PictureLayout::of_texture(&target)?;
    let seen = gpu.upload(&ArrayD::<f32>::zeros(vec![1, 1, 80, 128]))?;
    let see = gpu.picture_input(layout, &PictureOptions::new().range(0.0, 255.0), &seen, 0)?;
    let drawn = |frame: usize| -> Result<ArrayD<f32>, Box<dyn Error>> {
        player.draw(frame, &target.create_view(&wgpu::TextureViewDescriptor::default()))?;
        let mut encoder = gpu
            .device()
            .create_command_encoder(&wgpu::CommandEncoderDescriptor::default());
        see.encode_texture(&mut encoder, &target)?;
        gpu.queue().submit([encoder.finish()]);
        Ok(seen.read()?)
    };
    assert!(drawn(0)?.iter().all(|&level| level == 0.0));
    let edges = drawn(1)?;
    // After the last comes the first.
    assert!(drawn(2)?.iter().all(|&level| level == 0.0));
    assert_eq!(drawn(3)?, edges);
    let made = gpu.counters();
    for frame in 4..8 {
        player.draw(frame, &target.create_view(&wgpu::TextureViewDescriptor::default()))?;
    }
    assert_eq!(gpu.counters(), made);
    let row: Vec<f32> = edges.slice(ndarray::s![0, 0, 40, ..]).to_vec();
    assert!(row[..60].iter().chain(&row[68..]).all(|&level| level == 0.0), "{row:?}");
    assert!(row[60..68].contains(&255.0), "{row:?}");
    let none = scratch("camera-none")?;
    let error = camera::Player::new(&gpu, &none, format).err().ok_or("no error")?;
    assert!(error.to_string().contains("no pictures"), "{error}");
    Ok(())
}

#[test]
fn numbers_of_the_adapter_are_printed() -> Outcome {
    match convoke::testing::gpu()? {
        Some(_) => numerics::main(),
        None => Ok(()),
    }
}

/// A white square on black paper stays, but for its corners.
#[test]
fn specks_are_taken_out_of_a_picture() -> Outcome {
    let size = 20;
    let mut levels = vec![0; size * size];
    for y in 5..15 {
        levels[y * size + 5..][..10].fill(200);
    }
    let mut want = levels.clone();
    for corner in [5 * size + 5, 5 * size + 14, 14 * size + 5, 14 * size + 14] {
        want[corner] = 0;
    }
    for speck in [2 * size + 2, 10 * size + 10, 18 * size + 3, 19 * size + 19] {
        levels[speck] = 255 - levels[speck];
    }
    let cleaned = own_operator::without_specks(&Picture::new(size, size, 1, levels)?)?;
    assert_eq!(cleaned.levels(), want);
    Ok(())
}

#[test]
fn a_batch_is_computed_on_all_adapters() -> Outcome {
    let sessions = several_gpus::sessions(&file("models/lenet5.onnx"))?;
    let input = Random::new(1).reals(&[7, 1, 28, 28]);
    // As if there were several.
    let three: Vec<_> = std::iter::repeat_n(sessions[0].clone(), 3).collect();
    for sessions in [&sessions, &three] {
        let outputs = several_gpus::run_on_all(sessions, &input)?;
        let want = sessions[0].run(&[input.view()])?.swap_remove(0);
        assert_eq!(outputs.dim(), want.dim());
        let difference = (&outputs - &want).iter().fold(0.0, |most: f32, value| most.max(value.abs()));
        assert!(difference < 1e-4, "{difference}");
    }
    Ok(())
}
