//! Whole networks exported from torchvision, with random weights: ONNX Runtime's outputs, every operator against the
//! reference, and on the GPU the memory of the plan against its lower bound. A trial each on the GPU, and one on the CPU.
//!
//! The models and outputs are made by `tools/make_networks.py`; the weights are made here, from the recipe beside each model.

#![expect(clippy::unwrap_used, reason = "a test may fail")]

#[path = "common/adapter.rs"]
mod adapter;
#[path = "common/recipe.rs"]
mod recipe;
#[path = "common/record.rs"]
mod record;
#[path = "common/root.rs"]
mod root;

use std::fs;
use std::path::PathBuf;

use convoke::onnx::{Model, Options, Shapes};
use convoke::{Backend, Precision, Session};
use libtest_mimic::{Arguments, Failed, Trial};
use ndarray::{ArrayD, IxDyn};
use recipe::{uniform, weights};

const NETWORKS: [&str; 12] = [
    "resnet18",
    "resnet50",
    "mobilenet_v2",
    "mobilenet_v3_large",
    "squeezenet1_1",
    "vgg11",
    "densenet121",
    "googlenet",
    "shufflenet_v2_x1_0",
    "efficientnet_b0",
    "unet",
    "deeplabv3_resnet50",
];

/// Those that are tried in 16-bit floats, too, and what part of the memory of `f32` their results take then at most: half
/// where nothing is Winograd's, whose transformed tiles are `f32` in any case.
const HALVES: [(&str, f64); 2] = [("resnet18", 1.0), ("mobilenet_v2", 0.5)];

/// A folder of its own, which goes with everything in it when this is dropped.
struct Temporary(PathBuf);

impl Temporary {
    fn new(name: &str) -> std::io::Result<Self> {
        let path = std::env::temp_dir().join(format!("convoke-networks-{}-{name}", std::process::id()));
        fs::create_dir_all(&path)?;
        Ok(Self(path))
    }
}

impl Drop for Temporary {
    fn drop(&mut self) {
        if let Err(error) = fs::remove_dir_all(&self.0) {
            println!("{}: {error}", self.0.display());
        }
    }
}

/// A network's model, and the image that it reads.
fn open(name: &str, kind: &str) -> Result<(Model, ArrayD<f32>), Failed> {
    let data = root::root().join("tests/data/networks");
    let folder = Temporary::new(&format!("{name}-{kind}"))?;
    let path = folder.0.join(format!("{name}.onnx"));
    fs::copy(data.join(format!("{name}.onnx")), &path)?;
    let recipe = fs::read_to_string(data.join(format!("{name}.weights")))?;
    fs::write(folder.0.join(format!("{name}.bin")), weights(&recipe))?;
    let model = Model::open_with(&path, &Options::new().external_data(true))?;
    drop(folder);

    let shape = model.input_shapes(&Shapes::new())?.swap_remove(0);
    let image = ArrayD::from_shape_vec(IxDyn(&shape), uniform(0, shape.iter().product(), -2.0, 2.0))?;
    Ok((model, image))
}

/// Every operator is what the reference makes of its inputs.
fn verify(session: &Session, image: &ArrayD<f32>) -> Result<(), Failed> {
    for check in session.verify(&[image.view()])? {
        if check.is_suspicious() {
            return Err(format!("{} ({}): a false alarm: {:?}", check.node, check.operator, check.scores).into());
        }
        if let Some(mismatch) = check.mismatch {
            return Err(format!("{} ({}): {mismatch}", check.node, check.operator).into());
        }
    }
    Ok(())
}

/// Stored as 16-bit floats: every operator within the bounds of that, and results in this part of the memory.
fn check_halves(name: &str, part: f64, gpu: &Backend) -> Result<(), Failed> {
    let (model, image) = open(name, "f16")?;
    let session = |precision| {
        let builder = Session::builder().backend(gpu.clone()).precision(precision);
        builder.build(model.graph(&Shapes::new())?)
    };
    let half = session(Precision::F16)?;
    verify(&half, &image)?;
    let output = half.run(&[image.view()])?.swap_remove(0);
    if output.iter().any(|value| !value.is_finite()) {
        return Err("an output is not finite".into());
    }
    let memory = |session: &Session| Ok::<_, Failed>(session.resident(&[image.view()])?.memory());
    let (half, single) = (memory(&half)?, memory(&session(Precision::F32)?)?);
    if half.lower_bound as f64 > part * single.lower_bound as f64 || half.constants >= single.constants {
        return Err(format!("{half:?} is not {part} of {single:?}").into());
    }
    Ok(())
}

/// A session that was saved and loaded gives the same bits.
fn check_compiled(session: &Session, backend: &Backend, image: &ArrayD<f32>, output: &ArrayD<f32>) -> Result<(), Failed> {
    let mut file = Vec::new();
    session.save_to(&mut file)?;
    let loaded = Session::builder().backend(backend.clone()).load_bytes(&file)?;
    let got = loaded.run(&[image.view()])?.swap_remove(0);
    let bits = |array: &ArrayD<f32>| array.iter().map(|value| value.to_bits()).collect::<Vec<u32>>();
    if bits(&got) != bits(output) {
        return Err("the compiled model's output has other bits".into());
    }
    Ok(())
}

fn check(name: &str, backend: &Backend) -> Result<(), Failed> {
    let kind = if matches!(backend, Backend::Gpu(_)) { "gpu" } else { "cpu" };
    let (model, image) = open(name, kind)?;
    let session = Session::new(model.graph(&Shapes::new())?, backend)?;
    let output = session.run(&[image.view()])?.swap_remove(0);
    record::record(&format!("network/{kind}"), name, || std::slice::from_ref(&output))?;
    let want = root::root().join(format!("tests/data/networks/{name}.npy"));
    let want: ArrayD<f32> = ndarray_npy::read_npy(want)?;
    if output.shape() != want.shape() {
        return Err(format!("the output is {:?}, ONNX Runtime's {:?}", output.shape(), want.shape()).into());
    }
    // ONNX Runtime computes in float32, too: this says that it is the same network, the check below that it is right.
    let largest = want.iter().fold(0.0, |largest: f32, value| largest.max(value.abs()));
    for (index, (&got, &want)) in output.iter().zip(&want).enumerate() {
        let error = (got - want).abs() / largest;
        if error.is_nan() || error > 2e-5 {
            return Err(format!("element {index}: got {got}, ONNX Runtime has {want}, of {largest} at most").into());
        }
    }
    check_compiled(&session, backend, &image, &output)?;
    verify(&session, &image)?;
    if !matches!(backend, Backend::Gpu(_)) {
        return Ok(());
    }
    let memory = session.resident(&[image.view()])?.memory();
    if memory.planned as f64 > 1.15 * memory.lower_bound as f64 {
        return Err(format!("{memory:?}: planned is more than 1.15 of the lower bound").into());
    }
    Ok(())
}

fn main() {
    let arguments = Arguments::from_args();
    let gpu = adapter::adapter();
    let gpu = gpu.map(Backend::from);
    let missing = gpu.is_none();
    let mut trials: Vec<Trial> = NETWORKS
        .into_iter()
        .map(|name| {
            let gpu = gpu.clone();
            Trial::test(name, move || gpu.map_or(Ok(()), |gpu| check(name, &gpu))).with_ignored_flag(missing)
        })
        .collect();
    let lacks_f16 = !matches!(&gpu, Some(Backend::Gpu(gpu)) if gpu.info().shader_f16);
    trials.extend(HALVES.map(|(name, part)| {
        let gpu = gpu.clone();
        let run = move || gpu.map_or(Ok(()), |gpu| check_halves(name, part, &gpu));
        Trial::test(format!("f16/{name}"), run).with_ignored_flag(lacks_f16)
    }));
    if lacks_f16 && !missing {
        println!("the trials f16/* are skipped: this adapter has no 16-bit floats");
    }
    trials.extend(NETWORKS.map(|name| Trial::test(format!("cpu/{name}"), move || check(name, &Backend::cpu()))));
    libtest_mimic::run(&arguments, trials).exit();
}
