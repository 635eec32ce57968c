//! What profiles are measured by.

use std::fmt;

/// The most arithmetic and the most memory traffic that a device reaches, measured by [`Gpu::ceilings`](crate::Gpu::ceilings)
/// and `Cpu::ceilings`.
///
/// An operator that does `f` floating-point operations and moves `b` bytes cannot be faster than the longer of
/// `f / gflops` and `b / gbs` nanoseconds: the roofline model. Data that stays in caches may be moved faster than `gbs`.
#[derive(Clone, Copy, Debug, PartialEq)]
#[non_exhaustive]
pub struct Ceilings {
    /// 10^9 floating-point operations of 32 bits a second: independent multiply-adds in registers, two operations each.
    pub gflops: f64,
    /// The same of products of bytes that are added up in 32 bits, which quantised layers are; none where floats sum them.
    pub byte_gops: Option<f64>,
    /// 10^9 bytes a second: a copy of a large buffer, bytes read and bytes written.
    pub gbs: f64,
}

/// How the time of a kernel call was measured.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Timing {
    /// By timestamps that the GPU wrote before and after it, all calls in one submission.
    Timestamps,
    /// By the host's clock: each call was submitted alone and waited for. What that costs, tens of microseconds, is in every
    /// time.
    Submissions,
    /// By the host's clock, on the CPU itself: read before and after each operator of a run.
    Operators,
}

impl fmt::Display for Timing {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Timestamps => "the GPU's timestamps",
            Self::Submissions => "the host's clock, each kernel call submitted alone",
            Self::Operators => "the host's clock, read after each operator",
        })
    }
}

/// A kernel call with its time in each repetition, in seconds.
#[derive(Debug)]
pub(crate) struct Timed {
    /// The node of the graph that it belongs to.
    pub(crate) node: usize,
    pub(crate) kernel: &'static str,
    pub(crate) seconds: Vec<f64>,
}
