//! Which inputs a dispatch binds as if it wrote them. No GPU here.
//!
//! WebGPU forbids that a dispatch reads and writes one buffer, but it may write two ranges of it. So an input that lies in
//! a buffer with an output is bound as writable. That makes another shader of the kernel, and each one costs its
//! compiling: what one dispatch of a kernel needs, all of its dispatches take that can.

use std::collections::HashMap;
use std::hash::Hash;
use std::ops::Range;

/// What one dispatch binds.
#[derive(Debug)]
pub(crate) struct Bound<Kernel, Buffer> {
    pub(crate) kernel: Kernel,
    pub(crate) inputs: Vec<Option<Span<Buffer>>>,
    pub(crate) outputs: Vec<Option<Span<Buffer>>>,
}

/// A range of a buffer.
#[derive(Clone, Debug)]
pub(crate) struct Span<Buffer> {
    pub(crate) buffer: Buffer,
    pub(crate) bytes: Range<u64>,
}

/// For each dispatch a bit for each input that it binds as writable.
pub(crate) fn writable_inputs<Kernel: Copy + Eq + Hash, Buffer: Eq>(dispatches: &[Bound<Kernel, Buffer>]) -> Vec<u32> {
    let mut shared: HashMap<Kernel, u32> = HashMap::new();
    for dispatch in dispatches {
        *shared.entry(dispatch.kernel).or_default() |= dispatch.beside_outputs();
    }
    // One that is bound so takes along what lies in the same buffer, in this dispatch and then in the others.
    loop {
        let mut grew = false;
        for dispatch in dispatches {
            let mask = shared.entry(dispatch.kernel).or_default();
            let together = dispatch.together(*mask);
            grew |= together != *mask;
            *mask = together;
        }
        if !grew {
            break;
        }
    }
    let own = |dispatch: &Bound<Kernel, Buffer>| {
        let all = shared.get(&dispatch.kernel).copied().unwrap_or_default();
        if dispatch.meets(all) { dispatch.beside_outputs() } else { all }
    };
    dispatches.iter().map(own).collect()
}

impl<Kernel, Buffer: Eq> Bound<Kernel, Buffer> {
    /// The inputs that lie in a buffer with an output.
    fn beside_outputs(&self) -> u32 {
        self.mask(|_, input| self.outputs.iter().flatten().any(|output| output.buffer == input.buffer))
    }

    /// The inputs of the mask, and those that lie in a buffer with one of them.
    fn together(&self, mask: u32) -> u32 {
        mask | self.mask(|_, input| self.chosen(mask).any(|(_, other)| other.buffer == input.buffer))
    }

    /// Whether an input of the mask shares bytes with another one, which two writable bindings may not.
    fn meets(&self, mask: u32) -> bool {
        let meet =
            |a: &Span<Buffer>, b: &Span<Buffer>| a.buffer == b.buffer && a.bytes.start < b.bytes.end && b.bytes.start < a.bytes.end;
        self.chosen(mask)
            .any(|(index, input)| self.mask(|other, span| other != index && meet(input, span)) != 0)
    }

    fn chosen(&self, mask: u32) -> impl Iterator<Item = (usize, &Span<Buffer>)> {
        let inputs = self.inputs.iter().enumerate();
        inputs.filter_map(move |(index, span)| Some((index, span.as_ref()?)).filter(|_| mask & (1 << index) != 0))
    }

    /// A bit for each input that is so.
    fn mask(&self, is_so: impl Fn(usize, &Span<Buffer>) -> bool) -> u32 {
        let inputs = self.inputs.iter().enumerate();
        inputs.fold(0, |mask, (index, span)| {
            mask | u32::from(span.as_ref().is_some_and(|span| is_so(index, span))) << index
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Spans as (buffer, start, end).
    type Spans<'a> = &'a [(u32, u64, u64)];

    fn masks(dispatches: &[(char, Spans<'_>, (u32, u64, u64))]) -> Vec<u32> {
        let span = |&(buffer, start, end): &(u32, u64, u64)| {
            Some(Span {
                buffer,
                bytes: start..end,
            })
        };
        let bound: Vec<_> = dispatches
            .iter()
            .map(|(kernel, inputs, output)| Bound {
                kernel: *kernel,
                inputs: inputs.iter().map(span).collect(),
                outputs: vec![span(output)],
            })
            .collect();
        writable_inputs(&bound)
    }

    #[test]
    fn inputs_in_buffers_of_their_own_are_read_only() {
        assert_eq!(masks(&[('a', &[(1, 0, 8), (2, 0, 8)], (3, 0, 8))]), [0]);
    }

    #[test]
    fn what_one_dispatch_needs_all_of_its_kernel_take() {
        let beside: Spans<'_> = &[(1, 0, 8), (3, 8, 16)];
        let apart: Spans<'_> = &[(1, 0, 8), (2, 0, 8)];
        let output = (3, 0, 8);
        assert_eq!(
            masks(&[('a', apart, output), ('a', beside, output), ('b', apart, output)]),
            [2, 2, 0]
        );
    }

    /// The third dispatch has both inputs in one buffer, of which the first says that one is writable.
    #[test]
    fn what_lies_with_a_writable_input_is_writable_in_every_dispatch() {
        let output = (3, 0, 8);
        assert_eq!(
            masks(&[
                ('a', &[(1, 0, 8), (3, 8, 16)], output),
                ('a', &[(1, 0, 8), (2, 0, 8)], output),
                ('a', &[(2, 8, 16), (2, 0, 8)], output),
            ]),
            [3, 3, 3]
        );
    }

    #[test]
    fn two_bindings_of_the_same_bytes_are_not_written() {
        let output = (3, 0, 8);
        assert_eq!(
            masks(&[
                ('a', &[(1, 0, 8), (3, 8, 16)], output),
                ('a', &[(2, 0, 8), (2, 4, 12)], output)
            ]),
            [3, 0]
        );
    }

    #[test]
    fn an_input_without_elements_is_bound_nowhere() {
        let bound = [Bound {
            kernel: 0,
            inputs: vec![None, Some(Span { buffer: 1, bytes: 0..4 })],
            outputs: vec![Some(Span { buffer: 1, bytes: 4..8 })],
        }];
        assert_eq!(writable_inputs(&bound), [2]);
    }
}
