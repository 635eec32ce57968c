// The leading bit of a negative number that was a float is that of its magnitude: of -1, all of whose bits are ones, bit 0 instead of
// none (-1).
//
// Minimised from crates/convoke-minimise/tests/data/functions.wgsl.
//
//: expect 1 f32 -1.0
//: wrong on llvmpipe Mesa 25.0.7
//: right on llvmpipe Mesa 22.3.6
//: right on SwiftShader
//: binding 0 values -1.3
//: binding 1 zeros 1
@group(0) @binding(0) var<storage, read> numbers: array<f32>;
@group(0) @binding(1) var<storage, read_write> output: array<f32>;
@compute @workgroup_size(1)
fn main() {
    output[0] = f32(firstLeadingBit(i32(numbers[0])));
}
