//! What is fuzzed: one function for each kind of file that convoke reads, for whatever bytes it holds. Each ends without a panic and
//! without `Error::Internal`, soon and in little memory; what was read is checked as far as it says something about itself.
//!
//! A test of the command's (`crates/convoke-cli/tests/corpus`) has the same functions read the files in `corpus/`.

#[path = "../../tests/mutations/attempt.rs"]
mod attempt;

use std::io::Cursor;
use std::sync::LazyLock;
use std::time::Duration;

use attempt::{attempt, run};
use convoke::gpu::{TuningPlan, pack_pipelines, unpack_pipelines};
use convoke::onnx::{Model, Options, tensor_from_bytes};
use convoke::session::sealed_compiled;
use convoke::testing::{self, Golden};
use convoke::weights::Weights;
use convoke::{Backend, DType, Error, Gpu, Limits, Session};
use convoke_cli::dump::{Tensors, names_of};
use convoke_cli::{digit, npy};
use convoke_vision::{Colours, Picture};

/// A target's name, and what reads a file.
pub type Target = (&'static str, fn(&[u8]));

/// All targets. Each has a folder in `corpus/`.
pub const TARGETS: [Target; 11] = [
    ("onnx_load", onnx_load),
    ("onnx_run", onnx_run),
    ("compiled", compiled),
    ("tensor", tensor),
    ("safetensors", safetensors),
    ("npy", npy),
    ("npz", npz),
    ("picture", picture),
    ("tuning_plan", tuning_plan),
    ("pipeline_cache", pipeline_cache),
    ("limits", limits),
];

/// The most that a file may have allocated. Sooner refused is sooner tried again.
const BUDGET: u64 = 1 << 22;

fn options() -> Options {
    Options::new().limits(Limits::new()).budget(BUDGET).external_data(false)
}

/// A model: read, its graph made for whatever shapes it declares.
pub fn onnx_load(bytes: &[u8]) {
    let graph = Model::from_bytes_with(bytes, &options()).and_then(|model| model.graph(&convoke::onnx::Shapes::new()));
    no_bug(graph);
}

/// A model: read, planned and run on the CPU.
pub fn onnx_run(bytes: &[u8]) {
    static CPU: LazyLock<Backend> = LazyLock::new(Backend::cpu);
    no_bug(attempt(bytes, &options(), &few(), &CPU));
}

/// What a run may take. Sooner refused is sooner tried again.
fn few() -> Limits {
    Limits::new()
        .operations(1 << 24)
        .host_bytes(1 << 26)
        .planning(Duration::from_secs(2))
        .run(Duration::from_secs(2))
}

/// A compiled model, as it is and with its checksums made right: read, planned and run on the CPU.
pub fn compiled(bytes: &[u8]) {
    static CPU: LazyLock<Backend> = LazyLock::new(Backend::cpu);
    for file in [bytes.to_vec(), sealed_compiled(bytes.to_vec())] {
        let builder = Session::builder().backend(CPU.clone()).limits(few());
        if let Some(session) = no_bug(builder.load_bytes(&file)) {
            no_bug(run(&session));
            let mut again = Vec::new();
            no_bug(session.save_to(&mut again));
        }
    }
}

/// A tensor by itself, as sessions' inputs and expected answers are kept.
pub fn tensor(bytes: &[u8]) {
    no_bug(tensor_from_bytes("tensor", bytes));
}

/// Weights, and golden cases.
pub fn safetensors(bytes: &[u8]) {
    if let Some(weights) = no_bug(Weights::from_safetensors(bytes)) {
        for name in weights.names() {
            let read = weights.tensor(name).expect("a name of these weights");
            assert!(weights.get(name).is_some_and(|got| std::ptr::eq(got, read)), "{name:?}");
        }
        no_bug(weights.strip_prefix("layer."));
    }
    no_bug(Golden::from_bytes("cases", bytes));
}

/// An array, as each type of elements. What was read is written and read again.
pub fn npy(bytes: &[u8]) {
    let any = npy::parse_any(bytes);
    let each = DType::ALL.map(|dtype| npy::parse(bytes, dtype).inspect(|read| assert_eq!(read.dtype(), dtype)));
    for tensor in each.into_iter().chain([any]).flatten() {
        let mut file = Vec::new();
        npy::write(&tensor, &mut file).expect("memory takes everything");
        let again = npy::parse(&file, tensor.dtype()).expect("it was written");
        assert_eq!(again.shape(), tensor.shape());
    }
}

/// A dump of tensors: an archive, or a folder's list.
pub fn npz(bytes: &[u8]) {
    drop(names_of(bytes));
    let Ok(tensors) = Tensors::archive(Cursor::new(bytes.to_vec())) else {
        return;
    };
    for name in tensors.names() {
        no_bug(tensors.find(&name));
    }
}

/// A picture, in colour, in grey, and as a digit.
pub fn picture(bytes: &[u8]) {
    for colours in [Colours::Grey, Colours::Rgb] {
        if let Ok(picture) = Picture::read(bytes, colours) {
            let (height, width, channels) = (picture.height(), picture.width(), picture.channels());
            assert_eq!(picture.into_levels().len(), height * width * channels);
        }
    }
    if let Ok(digit) = digit(bytes) {
        assert_eq!(digit.shape(), [1, 1, 28, 28]);
    }
}

/// A tuning plan. What was read is written and read again, and an adapter's kernels are chosen by it.
pub fn tuning_plan(bytes: &[u8]) {
    static GPU: LazyLock<Option<Gpu>> = LazyLock::new(|| testing::gpu().expect("an adapter, or none"));
    let Ok(text) = str::from_utf8(bytes) else { return };
    let Some(plan) = no_bug(TuningPlan::from_json(text)) else {
        return;
    };
    let written = plan.to_json().expect("it was read");
    let again = TuningPlan::from_json(&written).expect("it was written");
    assert_eq!(again.to_json().expect("it was read"), written);
    if let Some(gpu) = &*GPU {
        no_bug(gpu.with_tuning(&plan));
    }
}

/// A file of compiled pipelines: taken where it is whole, to the last byte.
pub fn pipeline_cache(bytes: &[u8]) {
    const ADAPTER: &str = "an adapter";
    if let Some(data) = unpack_pipelines(bytes, ADAPTER) {
        assert_eq!(pack_pipelines(data, ADAPTER), bytes);
    }
    let packed = pack_pipelines(bytes, ADAPTER);
    assert_eq!(unpack_pipelines(&packed, ADAPTER), Some(bytes));
}

/// The text of limits, on the command line and in the environment.
pub fn limits(bytes: &[u8]) {
    let Ok(text) = str::from_utf8(bytes) else { return };
    no_bug(text.parse::<Limits>());
}

/// What was read, where it could be. A file may be wrong in any way, and that is never a bug of convoke's.
fn no_bug<T>(read: convoke::Result<T>) -> Option<T> {
    match read {
        Ok(read) => Some(read),
        Err(Error::Internal(what)) => panic!("internal error: {what}"),
        Err(_) => None,
    }
}
