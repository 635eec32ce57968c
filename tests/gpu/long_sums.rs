//! Long sums on the GPU, by the rules of every class of devices; and that what an adapter cuts short is noticed.

use convoke::Gpu;
use convoke::gpu::DeviceClass;

use crate::long_sums_cases::{LENGTHS, at};
use crate::{Named, trial};

pub(crate) fn trials() -> Vec<Named> {
    let mut trials = Vec::new();
    for class in DeviceClass::ALL {
        for n in LENGTHS {
            trials.push(trial(format!("long_sums/{}/{n}", class.name()), move |gpu: &Gpu| {
                at(&gpu.with_device_class(class), n)
            }));
        }
    }
    #[cfg(feature = "wrong-kernel")]
    trials.splice(0..0, wrong::trials());
    trials
}

#[cfg(feature = "wrong-kernel")]
mod wrong {
    use convoke::Session;
    use convoke::gpu::DeviceClass;
    use convoke::graph::Graph;
    use convoke::ops::{Conv2d, Op, Reduce};
    use convoke::session::Check;
    use convoke::testing::Random;
    use convoke::{Gpu, Result};
    use ndarray::ArrayD;

    use crate::device::{Device, Outcome};
    use crate::goldens;
    use crate::long_sums_cases::{Case, cases, reals};
    use crate::{Named, trial};

    pub(super) fn trials() -> Vec<Named> {
        let counted = |class: DeviceClass, what: &str, run: fn(&Gpu) -> Outcome| {
            trial(format!("long_sums/rounds_are_counted/{}/{what}", class.name()), move |gpu| {
                rounds_are_counted(gpu, class, run)
            })
        };
        let mut trials = vec![
            trial("long_sums/cut_short_is_noticed", cut_short_is_noticed),
            trial(
                "long_sums/what_the_bound_accepts_is_suspicious",
                what_the_bound_accepts_is_suspicious,
            ),
        ];
        for class in DeviceClass::ALL {
            trials.push(counted(class, "goldens", goldens::all));
            trials.push(counted(class, "sums", |gpu| crate::long_sums_cases::at(gpu, 65_536)));
        }
        trials
    }

    /// One operator whose first tensor is the input and the others constants.
    fn graph(op: &Op, inputs: &[ArrayD<f32>]) -> Result<Graph> {
        let mut graph = Graph::new();
        let mut operands = vec![graph.input("input")];
        for (index, constant) in inputs[1..].iter().enumerate() {
            operands.push(graph.constant(format!("constant{index}"), constant.clone()));
        }
        let output = graph.node("long", op.clone(), &operands)?;
        graph.output(output)?;
        Ok(graph)
    }

    /// Whether `verify` names the operator as wrong.
    fn is_noticed(gpu: &Gpu, (op, shapes): &Case) -> Result<bool> {
        let inputs = reals(shapes, 3);
        let session = Session::new(graph(op, &inputs)?, &gpu.clone().into())?;
        let checks = session.verify(&[inputs[0].view()])?;
        Ok(checks.iter().any(|check| check.node == "long" && check.mismatch.is_some()))
    }

    /// The adapter with sums left whole, where it cuts loops short (`docs/drivers/loops_cut.wgsl`), as Mesa's llvmpipe did; where it does not,
    /// nothing is wrong with them.
    fn cutting_whole_sums(gpu: &Gpu) -> Result<Option<Gpu>> {
        let info = gpu.info();
        let whole = Gpu::builder().named(&info.name).loops("unlimited").build()?;
        let op = Op::from(Reduce::sum([0]));
        let sums = whole.run_floats(&op, &[&ArrayD::ones(vec![98_304, 3])])?;
        let least = sums[0].iter().copied().fold(f32::INFINITY, f32::min);
        let cuts = least < 98_304.0;
        println!("{info}: a sum of 98,304 ones left whole is {least}");
        assert!(cuts || !info.driver.contains("Mesa 22.3.6"), "it cuts loops, and did not");
        Ok(cuts.then_some(whole))
    }

    fn cut_short_is_noticed(gpu: &Gpu) -> Outcome {
        let Some(whole) = cutting_whole_sums(gpu)? else {
            return Ok(());
        };
        // Past the limit by half, for those that go through each element once in a loop of their own.
        for (name, _, case) in cases(98_304) {
            if eight_at_a_time(name) {
                continue;
            }
            assert!(is_noticed(&whole, &case)?, "{name}: {case:?}");
            assert!(!is_noticed(gpu, &case)?, "{name}: {case:?}");
        }
        // What goes through several elements in a round, or along a workgroup's lanes, passes the limit later.
        for n in [1 << 20, 1 << 21] {
            for (name, _, case) in cases(n) {
                if eight_at_a_time(name) && (name == "instance_norm") == (n == 1 << 21) {
                    assert!(is_noticed(&whole, &case)?, "{name} of {n}: {case:?}");
                }
            }
        }
        Ok(())
    }

    /// Cases of several elements a round, and rows that a whole workgroup goes through.
    fn eight_at_a_time(name: &str) -> bool {
        name.starts_with("linear") || name.starts_with("conv2d/channels") || name == "instance_norm"
    }

    /// A few terms past what an adapter adds up, which the bound of so long a sum is wider than.
    fn what_the_bound_accepts_is_suspicious(gpu: &Gpu) -> Outcome {
        let Some(whole) = cutting_whole_sums(gpu)? else {
            return Ok(());
        };
        // Three rounds for each term: the last two are missing.
        let n = 65_535 / 3 + 2;
        let op = Op::from(Conv2d::new());
        let mut random = Random::new(6);
        let inputs = [random.reals(&[1, 1, 1, n + 3]), random.reals(&[2, 1, 1, n])];
        let check = |gpu: &Gpu| -> Result<Check> {
            let session = Session::new(graph(&op, &inputs)?, &gpu.clone().into())?;
            Ok(session.verify(&[inputs[0].view()])?.remove(0))
        };
        let cut = check(&whole)?;
        println!(
            "two of {n} terms are missing: {:.2} of the bound, {:?}",
            cut.part_of_bound, cut.scores
        );
        assert!(cut.mismatch.is_none() && cut.is_suspicious(), "{cut:?}");
        let split = check(gpu)?;
        assert!(split.mismatch.is_none() && !split.is_suspicious(), "{split:?}");
        Ok(())
    }

    /// Kernels that end their loops after as many rounds as were recorded give the same answers: none takes more.
    fn rounds_are_counted(gpu: &Gpu, class: DeviceClass, run: fn(&Gpu) -> Outcome) -> Outcome {
        let checked = Gpu::builder().named(&gpu.info().name).loops("checked").build()?;
        run(&checked.with_device_class(class))
    }
}
