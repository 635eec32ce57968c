//! Tuning plans: what was measured to be fastest for each layer on an adapter, as plain data.

#[cfg(feature = "tuning-plans")]
mod file;
#[cfg(test)]
mod tests;

use std::sync::Arc;

use crate::error::Result;
use crate::gpu::choose::kernel_choice::KernelChoice;
use crate::gpu::choose::policy::{KernelPolicy, Tuned};
use crate::gpu::choose::signature::LayerSignature;
use crate::gpu::device::adapter::AdapterInfo;
use crate::gpu::device::device_class::DeviceClass;
use crate::gpu::eager::Gpu;

/// How each of some layers is computed. `tune::Tuner` and `convoke tune` make plans by measuring; [`Gpu::with_tuning`] and
/// [`SessionBuilder::tuning`](crate::session::SessionBuilder::tuning) compute by them. Nothing is measured unless somebody asks for it.
///
/// The same plan gives the same kernels on every device, or an error where a device cannot run them. Layers that a plan does not
/// name, those of other shapes among them, are computed by the rules for the device. `tune::Tuner` measures in `f32`; a plan says
/// nothing of [`Precision`](crate::Precision), and sessions of either take its kernels. With the feature `tuning-plans` plans are written
/// and read as JSON:
///
/// ```
/// # #[cfg(feature = "tuning-plans")] {
/// use convoke::gpu::TuningPlan;
/// let plan = TuningPlan::from_json(r#"{
///   "format": "convoke tuning plan 1",
///   "convoke": "0.1.0",
///   "adapter": { "name": "by hand", "backend": "", "driver": "", "class": "software" },
///   "layers": [
///     { "layer": { "operator": "linear", "rows": 1, "in_features": 512, "out_features": 1000 }, "choice": "gemm" }
///   ]
/// }"#)?;
/// assert_eq!(plan.layers[0].choice.to_string(), "gemm");
/// # }
/// # Ok::<(), convoke::Error>(())
/// ```
#[derive(Clone, Debug, PartialEq)]
pub struct TuningPlan {
    /// The version of convoke that measured.
    pub convoke: String,
    /// Where it was measured.
    pub adapter: TunedAdapter,
    /// Each layer once.
    pub layers: Vec<TunedLayer>,
}

/// The adapter that a plan was measured on.
#[derive(Clone, Debug, PartialEq, Eq)]
#[cfg_attr(
    feature = "tuning-plans",
    derive(serde::Serialize, serde::Deserialize),
    serde(deny_unknown_fields)
)]
pub struct TunedAdapter {
    /// Its name.
    pub name: String,
    /// The graphics API it was reached through.
    pub backend: String,
    /// Driver name and version.
    pub driver: String,
    /// The class of device that it was taken for. Sizes that a choice leaves open are those of this class.
    #[cfg_attr(feature = "tuning-plans", serde(with = "file::class"))]
    pub class: DeviceClass,
}

/// A layer, how it is computed, and what that was found by.
#[derive(Clone, Debug, PartialEq)]
pub struct TunedLayer {
    /// The layer.
    pub layer: LayerSignature,
    /// How it is computed.
    pub choice: KernelChoice,
    /// What the rules say; `None` in plans written by hand.
    pub by_rule: Option<KernelChoice>,
    /// What was measured, and what was refused. Only a record: nothing is computed by it.
    pub candidates: Vec<Candidate>,
}

/// One way to compute a layer, and what came of it.
#[derive(Clone, Debug, PartialEq)]
pub struct Candidate {
    /// How the layer was computed.
    pub choice: KernelChoice,
    /// What came of it.
    pub outcome: CandidateOutcome,
}

/// What came of measuring a candidate.
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub enum CandidateOutcome {
    /// Its answer is right, and this is its time in microseconds.
    Measured {
        /// The least of the samples.
        least: f64,
        /// Half of the samples took less.
        median: f64,
        /// Where the median lies with 95 % confidence; of few runs all of them.
        interval: [f64; 2],
        /// How many samples were taken.
        samples: usize,
    },
    /// Its answer is not within the bounds of the reference: it may not be chosen.
    Wrong(String),
    /// It did not run.
    Failed(String),
}

impl TuningPlan {
    /// A plan without layers, for the adapter and the class of this GPU.
    pub fn new(gpu: &Gpu) -> Self {
        Self {
            convoke: env!("CARGO_PKG_VERSION").to_owned(),
            adapter: TunedAdapter::new(gpu.info(), gpu.device_class()),
            layers: Vec::new(),
        }
    }
}

impl TunedAdapter {
    fn new(info: &AdapterInfo, class: DeviceClass) -> Self {
        Self {
            name: info.name.clone(),
            backend: info.backend.clone(),
            driver: info.driver.clone(),
            class,
        }
    }
}

impl TunedLayer {
    /// A layer with a choice of one's own.
    pub fn new(layer: LayerSignature, choice: KernelChoice) -> Self {
        Self {
            layer,
            choice,
            by_rule: None,
            candidates: Vec::new(),
        }
    }

    /// The median time of a choice in microseconds, where it was measured.
    pub fn microseconds(&self, choice: KernelChoice) -> Option<f64> {
        let candidate = self.candidates.iter().find(|candidate| candidate.choice == choice)?;
        match candidate.outcome {
            CandidateOutcome::Measured { median, .. } => Some(median),
            CandidateOutcome::Wrong(_) | CandidateOutcome::Failed(_) => None,
        }
    }
}

impl Gpu {
    /// The same GPU with layers computed as a plan says. Layers that it does not name follow the rules, in place of those of an
    /// earlier plan, and [`with_conv2d`](Self::with_conv2d) goes before it. Eager calls have no constant weights, so that plans
    /// made for models do not concern them.
    ///
    /// Errors: a layer that is none or comes twice; `Unsupported` for a choice that does not compute its layer or needs what
    /// this device has not. Layer and reason are in the message.
    pub fn with_tuning(&self, plan: &TuningPlan) -> Result<Self> {
        let own = TunedAdapter::new(self.info(), self.device_class());
        if plan.adapter != own {
            log::info!("a tuning plan that was measured on {:?} is used on {own:?}", plan.adapter);
        }
        let layers = plan.layers.iter().map(|tuned| (tuned.layer, tuned.choice));
        let tuned = Tuned::new(layers, plan.adapter.class, &self.capabilities())?;
        Ok(self.with_policy(KernelPolicy {
            tuned: Some(Arc::new(tuned)),
            ..self.policy.clone()
        }))
    }

    /// The kernels that could compute a layer on this device and may be the fastest: what a tuner measures.
    ///
    /// Errors: a layer that is none.
    pub fn kernel_candidates(&self, layer: &LayerSignature) -> Result<Vec<KernelChoice>> {
        KernelChoice::candidates(layer, &self.capabilities())
    }

    /// Whether a plan chooses the kernels of some layers.
    pub fn is_tuned(&self) -> bool {
        self.policy.tuned.as_ref().is_some_and(|tuned| !tuned.is_empty())
    }
}
