// What shared/epilogue.wgsl reads and writes, for kernels with four inputs.
@group(0) @binding(3) var<storage, read> bias: array<f32>;                // [output channels]
@group(0) @binding(4) var<storage, read> residual: array<Real>;           // as the output
@group(0) @binding(5) var<storage, read_write> output: array<Real>;
