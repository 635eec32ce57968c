//! What the fuzzer begins with: small files of each kind, made from the tests' own and by convoke's own writers.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::io::{Cursor, Write};
use std::path::{Path, PathBuf};

use convoke::gpu::pack_pipelines;
use convoke::onnx::Model;
use convoke::{Backend, DType, Session, Tensor};
use convoke_cli::npy;
use image::{DynamicImage, ImageFormat, Rgba, RgbaImage};

/// The largest file that is taken from the tests' own.
const LARGEST: usize = 2048;

/// Writes the files of all targets.
pub(crate) fn corpus(to: &Path) {
    for (target, files) in [
        ("onnx_load", models(1)),
        ("onnx_run", models(2)),
        ("compiled", compiled()),
        ("tensor", tensors()),
        ("safetensors", weights()),
        ("npy", arrays()),
        ("npz", dumps()),
        ("picture", pictures()),
        ("tuning_plan", plans()),
        ("pipeline_cache", caches()),
        ("limits", limits()),
    ] {
        let folder = to.join(target);
        fs::create_dir_all(&folder).unwrap();
        for (name, bytes) in files {
            fs::write(folder.join(name), bytes).unwrap();
        }
    }
}

type Files = BTreeMap<String, Vec<u8>>;

fn data() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../../tests/data")
}

/// For each operator of ONNX's node cases the smallest models that have it, so many.
fn models(each: usize) -> Files {
    let folders = convoke::testing::conformance::find(data().join("onnx_node")).unwrap();
    let mut models: Vec<(String, Vec<u8>)> = folders
        .iter()
        .map(|folder| {
            let name = folder.file_name().unwrap().to_string_lossy().into_owned();
            (name, fs::read(folder.join("model.onnx")).unwrap())
        })
        .filter(|(_, bytes)| bytes.len() <= LARGEST)
        .collect();
    models.sort_by_key(|(name, bytes)| (bytes.len(), name.clone()));
    let mut have: BTreeMap<String, usize> = BTreeMap::new();
    let mut taken = Files::new();
    for (name, bytes) in models {
        let Ok(model) = Model::from_bytes(&bytes) else { continue };
        let operators = model.operators();
        if operators
            .keys()
            .any(|operator| have.get(operator).is_none_or(|&have| have < each))
        {
            for operator in operators.into_keys() {
                *have.entry(operator).or_default() += 1;
            }
            taken.insert(format!("{name}.onnx"), bytes);
        }
    }
    taken
}

/// What is compiled of the models that are run first, and fits.
fn compiled() -> Files {
    let compile = |(name, bytes): (String, Vec<u8>)| {
        let model = Model::from_bytes(&bytes).ok()?;
        let session = Session::new(model, &Backend::Reference).ok()?;
        let mut file = Vec::new();
        session.save_to(&mut file).ok()?;
        (file.len() <= LARGEST).then(|| (name.replace(".onnx", ".convoke"), file))
    };
    models(1).into_iter().filter_map(compile).collect()
}

/// Of each type and number of axes the first small input of ONNX's node cases.
fn tensors() -> Files {
    let mut have = BTreeSet::new();
    let mut taken = Files::new();
    for folder in convoke::testing::conformance::find(data().join("onnx_node")).unwrap() {
        let Ok(bytes) = fs::read(folder.join("test_data_set_0/input_0.pb")) else {
            continue;
        };
        if bytes.len() > 256 {
            continue;
        }
        let Ok(tensor) = convoke::onnx::tensor_from_bytes("tensor", &bytes) else {
            continue;
        };
        if have.insert((tensor.dtype().to_string(), tensor.shape().len())) {
            taken.insert(format!("{}.pb", folder.file_name().unwrap().to_string_lossy()), bytes);
        }
    }
    taken
}

/// Tensors of every type, with axes and without.
fn samples() -> Vec<(String, Tensor)> {
    let numbers = ndarray::array![[0_i64, 1, 2], [3, -4, 100]].into_dyn();
    let mut samples: Vec<(String, Tensor)> = vec![
        ("f32".into(), numbers.mapv(|x| x as f32 / 3.0).into()),
        ("f16".into(), numbers.mapv(|x| half::f16::from_f32(x as f32)).into()),
        ("i64".into(), numbers.clone().into()),
        ("i32".into(), numbers.mapv(|x| x as i32).into()),
        ("u8".into(), numbers.mapv(|x| x as u8).into()),
        ("i8".into(), numbers.mapv(|x| x as i8).into()),
        ("bool".into(), numbers.mapv(|x| x > 1).into()),
    ];
    assert_eq!(samples.len(), DType::ALL.len());
    samples.push(("scalar".into(), ndarray::arr0(1.5_f32).into_dyn().into()));
    samples.push(("empty".into(), ndarray::ArrayD::<f32>::zeros(vec![0, 3]).into()));
    samples
}

fn npy_of(tensor: &Tensor) -> Vec<u8> {
    let mut bytes = Vec::new();
    npy::write(tensor, &mut bytes).unwrap();
    bytes
}

fn arrays() -> Files {
    let files = samples().into_iter();
    files.map(|(name, tensor)| (format!("{name}.npy"), npy_of(&tensor))).collect()
}

fn dumps() -> Files {
    let archive = |method: zip::CompressionMethod| {
        let mut writer = zip::ZipWriter::new(Cursor::new(Vec::new()));
        let options = zip::write::SimpleFileOptions::default().compression_method(method);
        for (name, tensor) in samples() {
            writer.start_file(format!("{name}.npy"), options).unwrap();
            writer.write_all(&npy_of(&tensor)).unwrap();
        }
        writer.finish().unwrap().into_inner()
    };
    let list = br#"{"conv/output": "conv.npy", "x": "y.npy"}"#.to_vec();
    Files::from([
        ("stored.npz".into(), archive(zip::CompressionMethod::Stored)),
        ("deflated.npz".into(), archive(zip::CompressionMethod::Deflated)),
        ("tensors.json".into(), list),
    ])
}

/// By hand, as the format says: the length of the header, the header, and the data.
fn weights() -> Files {
    let file = |header: &str, data: &[u8]| [&(header.len() as u64).to_le_bytes(), header.as_bytes(), data].concat();
    let tensor = |dtype: &str, bytes: usize| {
        let header = format!(r#"{{"layer.weight":{{"dtype":"{dtype}","shape":[2],"data_offsets":[0,{bytes}]}}}}"#);
        file(&header, &vec![63; bytes])
    };
    let types = [("F64", 16), ("F32", 8), ("F16", 4), ("BF16", 4), ("I64", 16), ("BOOL", 2)];
    let mut files: Files = types
        .into_iter()
        .map(|(dtype, bytes)| (format!("{dtype}.safetensors"), tensor(dtype, bytes)))
        .collect();
    let golden = data().join("state_dict/answers.safetensors");
    if let Some(answers) = fs::read(golden).ok().filter(|bytes| bytes.len() <= LARGEST) {
        files.insert("answers.safetensors".into(), answers);
    }
    files.insert("pickle.pt".into(), b"\x80\x02\x8a\x0al\xfc\x9cF\xf9 j\xa8P\x19.".to_vec());
    files
}

fn pictures() -> Files {
    let colour = |x: u32, y: u32| Rgba([(40 * x) as u8, (60 * y) as u8, 7, if x == 3 { 0 } else { 255 }]);
    let picture = DynamicImage::from(RgbaImage::from_fn(6, 4, colour));
    let grey = DynamicImage::from(picture.to_luma8());
    let opaque = DynamicImage::from(picture.to_rgb8());
    let mut files = Files::new();
    for (name, picture, format) in [
        ("colour.png", &picture, ImageFormat::Png),
        ("grey.png", &grey, ImageFormat::Png),
        ("colour.jpg", &opaque, ImageFormat::Jpeg),
        ("grey.jpg", &grey, ImageFormat::Jpeg),
        ("colour.webp", &picture, ImageFormat::WebP),
        ("colour.gif", &picture, ImageFormat::Gif),
        ("colour.bmp", &opaque, ImageFormat::Bmp),
    ] {
        let mut bytes = Cursor::new(Vec::new());
        picture.write_to(&mut bytes, format).unwrap();
        files.insert(name.into(), bytes.into_inner());
    }
    files
}

/// A layer of each operator by each kind of kernel, and what measuring adds.
fn plans() -> Files {
    let conv = r#"{"operator":"conv2d","input":[1,8,12,10],"out_channels":8,"kernel":[3,3],"stride":[1,1],"padding":[1,1,1,1],"dilation":[1,1],"groups":1}"#;
    let linear = r#"{"operator":"linear","rows":1,"in_features":512,"out_features":1000}"#;
    let matmul = r#"{"operator":"matmul","matrices":4,"rows":40,"inner":65,"columns":50}"#;
    let measured = r#","by_rule":"direct","candidates":[
        {"choice":"direct","microseconds":{"least":1.5,"median":2.0,"interval":[1.75,2.5],"samples":9}},
        {"choice":"depthwise","failed":"no"},{"choice":"winograd gemm","wrong":"element 3"}]"#;
    let plan = |layers: &[(&str, &str, &str)]| {
        let layers = layers
            .iter()
            .map(|(layer, choice, more)| format!(r#"{{"layer":{layer},"choice":"{choice}"{more}}}"#));
        let layers = layers.collect::<Vec<_>>().join(",");
        let adapter = r#"{"name":"any","backend":"vulkan","driver":"1","class":"software"}"#;
        let head = r#""format":"convoke tuning plan 1","convoke":"0.1.0""#;
        format!(r#"{{{head},"adapter":{adapter},"layers":[{layers}]}}"#).into_bytes()
    };
    let mut files = Files::from([("measured.json".into(), plan(&[(conv, "im2col gemm", measured)]))]);
    for choice in [
        "direct",
        "direct_broadcast",
        "tiled 32x128 splits=1",
        "winograd_large gemm_tiled 64x64 splits=2",
    ] {
        let name = choice.split(' ').next().unwrap();
        let layers = [(conv, choice, ""), (linear, "gemv_rows", ""), (matmul, "matmul", "")];
        files.insert(format!("{name}.json"), plan(&layers));
    }
    files
}

fn caches() -> Files {
    Files::from([
        ("whole".into(), pack_pipelines(b"\nany\nbytes\n\xff", "an adapter")),
        ("other".into(), pack_pipelines(&[7; 300], "another adapter")),
    ])
}

fn limits() -> Files {
    let texts = [
        "nodes=7, operations=2K,host-bytes=3M,device-bytes=4G,loading-seconds=1.5,planning-seconds=none,run-seconds=2",
        "run-seconds=60,host-bytes=8G,operations=none",
        "operations=20000000T",
        "nodes=-1",
        "",
    ];
    let files = texts.into_iter().enumerate();
    files
        .map(|(index, text)| (format!("{index}.txt"), text.as_bytes().to_vec()))
        .collect()
}
