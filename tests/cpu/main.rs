//! Everything on the CPU backend, one trial each: PyTorch's golden answers, random operators, special numbers, sessions.

#[path = "../common/mod.rs"]
mod common;
#[path = "../common/device.rs"]
mod device;
#[path = "../common/indexed.rs"]
mod indexed;
#[path = "../common/long_sums.rs"]
mod long_sums;
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

mod layers;
mod profile;
mod sessions;

use convoke::cpu::Cpu;
use convoke::ops::Op;
use convoke::testing::{compare, compare_exact};
use convoke::{Result, Tensor};
use libtest_mimic::{Arguments, Trial};
use ndarray::ArrayD;

use common::{Case, golden_cases, notebook};
use device::{Device, Outcome, answers, floats};
use random::convolutions::{fused_over, threes_of};

impl Device for Cpu {
    fn name(&self) -> String {
        self.to_string()
    }

    fn run(&self, op: &Op, inputs: &[&ArrayD<f32>]) -> Result<Vec<Tensor>> {
        self.run(op, &inputs.iter().map(|input| input.view()).collect::<Vec<_>>())
    }
}

fn trial(name: impl Into<String>, cpu: &Cpu, run: impl FnOnce(&Cpu) -> Outcome + Send + 'static) -> Trial {
    let cpu = cpu.clone();
    Trial::test(name, move || run(&cpu))
}

#[expect(clippy::expect_used, reason = "the notebook's helper takes a function that cannot fail")]
fn main() {
    let arguments = Arguments::from_args();
    // Several, whatever the machine has: work is then shared.
    let cpu = Cpu::builder().threads(3).build().expect("three threads");
    let mut trials = Vec::new();
    for case in golden_cases() {
        trials.push(trial(format!("golden/{}", case.name), &cpu, move |cpu| golden(cpu, &case)));
    }
    trials.push(trial("golden/notebook", &cpu, |cpu| {
        notebook::notebook(&|op, inputs| floats(&Device::run(cpu, op, inputs).expect("a legal call")));
        Ok(())
    }));
    for (name, check) in random::properties() {
        trials.push(trial(format!("property/{name}"), &cpu, move |cpu| check(cpu)));
    }
    let winograd = Cpu::builder().threads(3).winograd(true).build().expect("three threads");
    trials.push(trial("property/conv2d/winograd", &winograd, |cpu| {
        random::all(cpu, 60, fused_over(threes_of((16..=20, 16..=70), 3)))
    }));
    trials.push(trial("property/volumes/lp_pool", &cpu, |cpu| {
        random::all(cpu, 40, random::axes::lp_pools(3))
    }));
    for n in long_sums::LENGTHS {
        trials.push(trial(format!("long_sums/{n}"), &cpu, move |cpu| long_sums::at(cpu, n)));
    }
    for (name, case) in special::CASES {
        trials.push(trial(name, &cpu, move |cpu| case(cpu)));
    }
    trials.push(trial("numerics/conv2d", &cpu, |cpu| match special::conv2d(cpu)? {
        40 => Ok(()),
        count => Err(format!("{count} cases were computed, not 40").into()),
    }));
    for (cpu, channels) in [(&cpu, [3, 5]), (&winograd, [17, 20])] {
        let name = format!("numerics/conv2d/threes/{}x{}", channels[0], channels[1]);
        trials.push(trial(name, cpu, move |cpu| special::winograd(cpu, channels)));
    }
    trials.extend(layers::trials(&cpu));
    trials.extend(profile::trials(&cpu));
    trials.extend(sessions::trials(&cpu));
    for name in state_dict::TYPES {
        trials.push(trial(format!("state_dict/{name}"), &cpu, move |cpu| {
            state_dict::agrees(&cpu.clone().into(), name)
        }));
    }
    trials.push(trial("types/moved", &cpu, |cpu| typed::moves(&cpu.clone().into())));
    trials.push(trial("types/gathered", &cpu, |cpu| typed::gathers(&cpu.clone().into())));
    for (name, check) in indexed::CASES {
        trials.push(trial(name, &cpu, move |cpu| check(&cpu.clone().into())));
    }
    trials.push(trial("types/rows", &cpu, |cpu| typed::rows(&cpu.clone().into())));
    trials.push(trial("types/summed", &cpu, |cpu| typed::sums(&cpu.clone().into())));
    trials.push(trial("types/functions", &cpu, |cpu| typed::functions(&cpu.clone().into())));
    trials.push(trial("types/refused", &cpu, |cpu| typed::refuses(&cpu.clone().into())));
    libtest_mimic::run(&arguments, trials).exit();
}

/// Exact cases have PyTorch's bits; the others are within the bound of the reference's float64 values.
fn golden(cpu: &Cpu, case: &Case) -> Outcome {
    let outputs = Device::run(cpu, &case.op, &case.inputs.iter().collect::<Vec<_>>())?;
    common::record::record("golden/cpu", &case.name, || floats(&outputs))?;
    let answers = answers(&case.op, &case.inputs)?;
    assert_eq!(outputs.len(), case.expected.len());
    for ((output, expected), answer) in outputs.iter().zip(&case.expected).zip(&answers) {
        if case.exact {
            compare_exact(&output.to_f32(), expected)?;
        }
        compare(output, answer)?;
    }
    Ok(())
}
