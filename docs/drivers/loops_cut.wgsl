// All loops of an invocation end after 65,535 rounds together, in silence.
//
// Minimised from the library's mean of 98,304 numbers with its sum left whole, crates/convoke-minimise/tests/data/mean.wgsl.
//
//: expect 0 f32 65536.0
//: wrong on llvmpipe Mesa 22.3.6
//: right on llvmpipe Mesa 25.0.7
//: right on SwiftShader
//: binding 0 zeros 1
@group(0) @binding(0) var<storage, read_write> output: array<f32>;
@compute @workgroup_size(1)
fn main() {
    var sum: f32;
    for (var term = 0u; term < 65536u; term++) {
        sum += 1;
    }
    output[0] = sum;
}
