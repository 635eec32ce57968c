//! How long a sum may be before it is summed in parts.

use crate::gpu::device::capabilities::Capabilities;

/// The most terms that are summed in one go.
pub(crate) const LONGEST: usize = 8192;
/// The most terms of a part, where there are more than that.
pub(crate) const PART: usize = 2048;

/// How many parts a sum of so many terms has at least.
pub(crate) fn fewest_parts(terms: usize, capabilities: &Capabilities) -> usize {
    if terms <= LONGEST || !capabilities.splits_sums() {
        1
    } else {
        terms.div_ceil(PART)
    }
}
