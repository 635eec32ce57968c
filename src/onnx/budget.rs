//! The byte budget: what a file makes convoke allocate is counted before it is allocated.

use crate::error::{Error, Result};

/// Bytes that may still be allocated.
#[derive(Clone, Debug)]
pub(super) struct Budget {
    total: u64,
    left: u64,
}

impl Budget {
    pub(super) fn new(total: u64) -> Self {
        Self { total, left: total }
    }

    /// Takes the bytes of so many elements.
    pub(super) fn charge(&mut self, what: &str, elements: usize, element_bytes: u64) -> Result<()> {
        let needed = self.bytes(what, elements, element_bytes)?;
        self.left = self.left.checked_sub(needed).ok_or_else(|| {
            Error::Onnx(format!(
                "{what} needs {needed} bytes where {} of the budget of {} are left",
                self.left, self.total
            ))
        })?;
        Ok(())
    }

    /// Checks a tensor that exists only while the network runs: each must fit the whole budget.
    pub(super) fn check(&self, what: &str, elements: usize) -> Result<()> {
        self.bytes(what, elements, 4)?;
        Ok(())
    }

    /// Checks a number of bytes against what is left.
    pub(super) fn check_bytes(&self, what: &str, bytes: u64) -> Result<()> {
        if bytes > self.left {
            return Err(Error::Onnx(format!(
                "{what} need {bytes} bytes where {} of the budget of {} are left",
                self.left, self.total
            )));
        }
        Ok(())
    }

    fn bytes(&self, what: &str, elements: usize, element_bytes: u64) -> Result<u64> {
        let over = || {
            Error::Onnx(format!(
                "{what} has {elements} elements, over the budget of {} bytes",
                self.total
            ))
        };
        u64::try_from(elements)
            .ok()
            .and_then(|elements| elements.checked_mul(element_bytes))
            .filter(|&needed| needed <= self.total)
            .ok_or_else(over)
    }
}
