//! How attention is computed.

use crate::gpu::device::capabilities::Capabilities;
use crate::gpu::device::device_class::DeviceClass;
use crate::gpu::wgsl::loop_limit::MOST_ROUNDS;
use crate::ops::AttentionExtents;

/// Keys that `attention_rows` weights by one maximum.
pub(crate) const KEYS: usize = 4;
/// Lanes of `attention_tiled` along the queries, and along the keys.
pub(crate) const ACROSS: usize = 8;
/// Queries and keys of a tile of it.
pub(crate) const TILE: usize = 4 * ACROSS;
/// Elements of queries and keys that are in workgroup memory at a time.
pub(crate) const SLICE: usize = 16;
/// Values that are.
const VALUE_SLICE: usize = 8;
/// The largest value of which a lane keeps its part.
const LARGEST_VALUE: usize = 128;
/// Vectors of four elements that an invocation keeps of its queries, and as many of what it has summed.
const MOST_QUADS: usize = 64;

/// How attention is computed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Attention {
    /// An invocation for so many queries, which it keeps with what it has summed for them.
    Rows(usize),
    /// A workgroup for a tile of queries, with keys and values in workgroup memory.
    Tiled,
    /// As two products and a softmax, with all scores in memory.
    Products,
}

impl Attention {
    /// The rule for a class of device: on software adapters workgroup memory is as dear as any other, and registers are all that
    /// saves loads.
    pub(crate) fn choose(extents: &AttentionExtents, capabilities: &Capabilities) -> Self {
        let AttentionExtents {
            queries,
            size,
            value_size,
            ..
        } = *extents;
        let largest = size.max(value_size);
        let is_in_quads = size.is_multiple_of(4) && value_size.is_multiple_of(4);
        let how = match capabilities.class {
            DeviceClass::Software if is_in_quads && largest <= 4 * MOST_QUADS => {
                let most = (4 * MOST_QUADS / largest).clamp(1, 4);
                Self::Rows(1 << most.ilog2().min(queries.div_ceil(8).next_power_of_two().ilog2()))
            }
            DeviceClass::Integrated | DeviceClass::Discrete if value_size <= LARGEST_VALUE => Self::Tiled,
            _ => Self::Products,
        };
        // Longer sums than an adapter may have in one loop.
        if how.rounds(extents) as u64 > MOST_ROUNDS {
            Self::Products
        } else {
            how
        }
    }

    /// The rounds of an invocation's loops.
    pub(crate) fn rounds(self, extents: &AttentionExtents) -> usize {
        match self {
            Self::Rows(_) => extents.keys.div_ceil(KEYS) + (extents.size + extents.value_size) / 4,
            Self::Tiled => {
                let of_products = extents.size.div_ceil(SLICE) * (1 + SLICE / ACROSS + SLICE / 4);
                let of_values = TILE / VALUE_SLICE * (1 + VALUE_SLICE);
                extents.keys.div_ceil(TILE) * (1 + of_products + of_values) + 4
            }
            Self::Products => 0,
        }
    }
}
