//! Walks over tensors whose elements lie any distance apart: what moves elements, and broadcasting.

use super::parallel;

/// Runs along the innermost axis of an output, with the place in each of `N` sources where a run begins.
pub(super) struct Walk<const N: usize> {
    /// Extent and the sources' strides of each axis, the outermost first. Axes that can be walked as one are one.
    axes: Vec<(usize, [isize; N])>,
}

impl<const N: usize> Walk<N> {
    /// `strides` has one for each axis of the shape.
    pub(super) fn new(shape: &[usize], strides: &[Vec<isize>; N]) -> Self {
        let mut axes: Vec<(usize, [isize; N])> = Vec::with_capacity(shape.len());
        for (axis, &extent) in shape.iter().enumerate().filter(|&(_, &extent)| extent != 1) {
            let own: [isize; N] = std::array::from_fn(|source| strides[source][axis]);
            match axes.last_mut() {
                Some((outer, outer_strides)) if (0..N).all(|i| outer_strides[i] == own[i] * extent as isize) => {
                    *outer *= extent;
                    *outer_strides = own;
                }
                _ => axes.push((extent, own)),
            }
        }
        Self { axes }
    }

    /// The length of a run; an output without axes is one run of one element.
    pub(super) fn run(&self) -> usize {
        self.axes.last().map_or(1, |&(extent, _)| extent)
    }

    /// How far apart a run's elements are in each source.
    pub(super) fn steps(&self) -> [isize; N] {
        self.axes.last().map_or([1; N], |&(_, strides)| strides)
    }

    /// Where run number `index` begins in each source.
    pub(super) fn offsets(&self, mut index: usize) -> [usize; N] {
        let mut offsets = [0_isize; N];
        for &(extent, strides) in self.axes.iter().rev().skip(1) {
            let coordinate = (index % extent) as isize;
            index /= extent;
            for (offset, stride) in offsets.iter_mut().zip(strides) {
                *offset += coordinate * stride;
            }
        }
        offsets.map(|offset| offset as usize)
    }
}

/// Copies elements that begin at `start` of the source, `strides` apart along each axis of the output's shape.
pub(super) fn copy(source: &[f32], start: usize, shape: &[usize], strides: Vec<isize>, output: &mut [f32]) {
    if output.is_empty() {
        return;
    }
    // Strides may be negative: offsets wrap around and come back.
    let walk = Walk::new(shape, &[strides]);
    let [step] = walk.steps();
    parallel::planes(output, walk.run(), |index, output| {
        let first = start.wrapping_add(walk.offsets(index)[0]);
        match step {
            0 => output.fill(source[first]),
            1 => output.copy_from_slice(&source[first..first + output.len()]),
            2.. => {
                for (output, &value) in output.iter_mut().zip(source[first..].iter().step_by(step as usize)) {
                    *output = value;
                }
            }
            _ => {
                let backwards = source[..=first].iter().rev().step_by(step.unsigned_abs());
                for (output, &value) in output.iter_mut().zip(backwards) {
                    *output = value;
                }
            }
        }
    });
}

/// The strides of a tensor in row-major order.
pub(super) fn row_major(shape: &[usize]) -> Vec<isize> {
    let mut strides = vec![1; shape.len()];
    for axis in (1..shape.len()).rev() {
        strides[axis - 1] = strides[axis] * shape[axis] as isize;
    }
    strides
}
