//! Everything on the GPU, one trial each, on one device. Without an adapter every trial is shown and counted as ignored;
//! with `CONVOKE_REQUIRE_GPU=1` that is a failure instead.

#[path = "../common/adapter.rs"]
mod adapter;
#[path = "../common/mod.rs"]
mod common;
#[path = "../common/device.rs"]
mod device;
#[path = "../common/indexed.rs"]
mod indexed;
#[path = "../common/long_sums.rs"]
mod long_sums_cases;
#[path = "../common/profiled.rs"]
mod profiled;
#[path = "../common/properties/mod.rs"]
mod random;
#[path = "../common/numerics/mod.rs"]
mod special;
#[path = "../common/state_dict.rs"]
mod state_dict;
#[path = "../common/typed.rs"]
mod typed;

mod check;
mod custom;
mod dispatch;
mod frames;
mod goldens;
mod halves;
mod harness;
mod lenet;
mod long_sums;
mod numerics;
mod padding;
mod profile;
mod properties;
mod sessions;
mod shared_device;
mod tiles;
#[cfg(feature = "tuning-plans")]
mod tuning;
mod whole_sums;

use convoke::Gpu;
use convoke::ops::{LpPool, Op};
use libtest_mimic::{Arguments, Trial};

use device::Outcome;

/// A trial with its name.
type Named = (String, Box<dyn FnOnce(&Gpu) -> Outcome + Send>);

fn trial(name: impl Into<String>, run: impl FnOnce(&Gpu) -> Outcome + Send + 'static) -> Named {
    (name.into(), Box::new(run))
}

fn state_dicts() -> Vec<Named> {
    let agrees = |name: &'static str| {
        trial(format!("state_dict/{name}"), move |gpu| {
            state_dict::agrees(&gpu.clone().into(), name)
        })
    };
    state_dict::TYPES.map(agrees).into()
}

/// What no kernel computes along three axes is refused by its name.
fn volumes() -> Vec<Named> {
    let refused = |name: &'static str, op: Op| {
        trial(format!("volumes/refused/{name}"), move |gpu| {
            let volume = ndarray::ArrayD::<f32>::zeros(vec![1, 2, 3, 4, 5]);
            match gpu.run(&op, &[&gpu.upload(&volume)?]) {
                Err(convoke::Error::Unsupported { operator, message }) if operator == name && message.contains("got 3") => Ok(()),
                other => Err(format!("{other:?}").into()),
            }
        })
    };
    vec![refused("lp_pool2d", LpPool::new(2, 2).into())]
}

fn types() -> Vec<Named> {
    let indexed = indexed::CASES.into_iter();
    let indexed = indexed.map(|(name, check)| trial(name, move |gpu| check(&gpu.clone().into())));
    let mut types = vec![
        trial("types/moved", |gpu| typed::moves(&gpu.clone().into())),
        trial("types/gathered", |gpu| typed::gathers(&gpu.clone().into())),
        trial("types/rows", |gpu| typed::rows(&gpu.clone().into())),
        trial("types/summed", |gpu| typed::sums(&gpu.clone().into())),
        trial("types/functions", |gpu| typed::functions(&gpu.clone().into())),
        trial("types/refused", |gpu| typed::refuses(&gpu.clone().into())),
        trial("types/too_large", |gpu| {
            let large = ndarray::array![1_i64 << 31];
            match gpu.upload(&large) {
                Err(convoke::Error::Unsupported { message, .. }) if message.contains("2147483648") => Ok(()),
                other => Err(format!("{other:?}").into()),
            }
        }),
    ];
    types.extend(indexed);
    types
}

fn main() {
    let arguments = Arguments::from_args();
    let gpu = adapter::adapter();
    let trials = [
        // The longest first, that none is left to run alone.
        long_sums::trials(),
        goldens::trials(),
        properties::trials(),
        padding::trials(),
        numerics::trials(),
        dispatch::trials(),
        custom::trials(),
        sessions::trials(),
        frames::trials(),
        shared_device::trials(),
        profile::trials(),
        tiles::trials(),
        whole_sums::trials(),
        #[cfg(feature = "tuning-plans")]
        tuning::trials(),
        lenet::trials(),
        state_dicts(),
        types(),
        volumes(),
        halves::trials(),
        harness::trials(),
    ];
    let lacks_f16 = gpu.as_ref().is_some_and(|gpu| !gpu.info().shader_f16);
    let trials = trials
        .into_iter()
        .flatten()
        .map(|(name, run)| {
            let gpu = gpu.clone();
            let missing = gpu.is_none() || (lacks_f16 && name.starts_with(halves::NAMES));
            Trial::test(name, move || gpu.map_or(Ok(()), |gpu| run(&gpu))).with_ignored_flag(missing)
        })
        .collect();
    let conclusion = libtest_mimic::run(&arguments, trials);
    if lacks_f16 {
        println!(
            "the trials {}* were skipped: this adapter has no 16-bit floats",
            halves::NAMES
        );
    }
    match &gpu {
        Some(gpu) => println!(
            "{} GPU tests ran on {}",
            conclusion.num_passed + conclusion.num_failed,
            gpu.info()
        ),
        None => println!("0 GPU tests ran: {} skipped for want of an adapter", conclusion.num_ignored),
    }
    conclusion.exit();
}
