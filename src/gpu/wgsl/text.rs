//! The final text of kernels.

use crate::gpu::wgsl::function::Function;
use crate::gpu::wgsl::header::header;
use crate::gpu::wgsl::imports::with_imports;
use crate::gpu::wgsl::initial_values::with_initial_values;
use crate::gpu::wgsl::kernel::{Dialect, PipelineKey};
use crate::gpu::wgsl::loop_limit::{CUT_LOOPS, cut_loops};
use crate::gpu::wgsl::unroll::unroll;

impl PipelineKey {
    /// The function that the kernel leaves open, and the body.
    pub(crate) fn texts(&self) -> Vec<&str> {
        let function = self.function.iter().flat_map(Function::texts);
        function.chain([self.kernel.source().body]).collect()
    }

    /// Header, shared parts and body, with marked loops written out.
    pub(crate) fn wgsl(&self, dialect: Dialect) -> Result<String, String> {
        let source = self.kernel.source();
        header(self, dialect)
            .and_then(|header| Ok(header + &with_imports(&self.texts(), source.variants)?))
            .and_then(|text| unroll(&text, &|name| self.constant(name)))
            .map(|text| match self.constant(CUT_LOOPS) {
                Some(_) => cut_loops(&text),
                None => text,
            })
            .map(|text| match dialect {
                Dialect::Browser => with_initial_values(&text),
                Dialect::Native | Dialect::HiddenUniforms => text,
            })
            .map_err(|message| format!("{}: {message}", source.name))
    }
}
