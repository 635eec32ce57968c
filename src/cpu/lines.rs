//! Memory that begins with a line of the cache. Vectors of AVX-512 are as long as a line; those that lie in two take twice as long to read.

use std::ops::{Deref, DerefMut};

/// Bytes of a line.
pub(super) const LINE: usize = 64;

/// Elements of which the first begins a line.
#[derive(Debug, Default)]
pub(super) struct Lines<T> {
    memory: Vec<T>,
    start: usize,
}

impl<T: Copy + Default> Lines<T> {
    /// So many zeros.
    pub(super) fn new(length: usize) -> Self {
        if length == 0 {
            return Self::default();
        }
        let mut memory = vec![T::default(); length + LINE / size_of::<T>()];
        let before = memory.as_ptr().align_offset(LINE);
        // Machines may refuse to tell.
        let start = if before < memory.len() - length { before } else { 0 };
        memory.truncate(start + length);
        Self { memory, start }
    }

    pub(super) fn into_vec(mut self) -> Vec<T> {
        self.memory.drain(..self.start);
        self.memory
    }
}

impl<T> From<Vec<T>> for Lines<T> {
    /// The elements where they are.
    fn from(memory: Vec<T>) -> Self {
        Self { memory, start: 0 }
    }
}

impl<T: Copy + Default> Clone for Lines<T> {
    fn clone(&self) -> Self {
        let mut copy = Self::new(self.len());
        copy.copy_from_slice(self);
        copy
    }
}

impl<T> Deref for Lines<T> {
    type Target = [T];

    fn deref(&self) -> &[T] {
        &self.memory[self.start..]
    }
}

impl<T> DerefMut for Lines<T> {
    fn deref_mut(&mut self) -> &mut [T] {
        &mut self.memory[self.start..]
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn elements_begin_a_line_and_are_all_there() {
        for length in [0, 1, 15, 16, 1000, 100_000] {
            let mut lines = Lines::<f32>::new(length);
            assert_eq!(lines.len(), length);
            for (index, element) in lines.iter_mut().enumerate() {
                *element = index as f32;
            }
            let copy = lines.clone();
            for lines in [&lines, &copy] {
                assert!(length == 0 || lines.as_ptr().addr().is_multiple_of(LINE));
            }
            let elements: Vec<f32> = (0..length).map(|index| index as f32).collect();
            assert_eq!(copy.into_vec(), elements);
            assert_eq!(Lines::from(elements).into_vec(), *lines);
        }
    }
}
