// A number that is narrowed to 16 bits and widened again in one kernel is not rounded: -1.3 stays what it was. So it is with
// `f32(f16(x))`.
//
// Minimised from crates/convoke-minimise/tests/data/functions.wgsl.
//
//: expect 1 f32 -1.2998047
//: wrong on llvmpipe Mesa 25.0.7
//: right on llvmpipe Mesa 22.3.6
//: right on SwiftShader
//: binding 0 values -1.3
//: binding 1 zeros 1
@group(0) @binding(0) var<storage, read> numbers: array<f32>;
@group(0) @binding(1) var<storage, read_write> output: array<f32>;
@compute @workgroup_size(1)
fn main() {
    output[0] = unpack2x16float(pack2x16float(vec2(numbers[0], 0.0))).x;
}
