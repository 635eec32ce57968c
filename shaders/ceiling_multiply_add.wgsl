// Chains of multiply-adds that need nothing from memory: the most arithmetic that an adapter does.
//
// An invocation carries CHAINS sums on, each independent of the others, STEPS multiply-adds a round.
// Header: LANES, CHAINS, STEPS.
struct Params {
    rounds: u32,
    invocations: u32,
}
@group(0) @binding(0) var<uniform> params: Params;
@group(0) @binding(1) var<storage, read> input: array<f32>;               // [2]: factor and summand
@group(0) @binding(2) var<storage, read_write> output: array<f32>;        // [invocations]

@compute @workgroup_size(LANES)
fn main(
    @builtin(workgroup_id) workgroup_id: vec3<u32>,
    @builtin(num_workgroups) workgroup_count: vec3<u32>,
    @builtin(local_invocation_index) lane: u32,
) {
    let index = workgroup_number(workgroup_id, workgroup_count) * LANES + lane;
    if (index >= params.invocations) {
        return;
    }
    let factor = input[0];
    let summand = input[1];
    var sums: array<f32, CHAINS>;
    for (var chain = 0u; chain < CHAINS; chain++) { // unroll
        sums[chain] = f32(index + chain);
    }
    for (var round = 0u; round < params.rounds; round++) {
        for (var step = 0u; step < STEPS; step++) { // unroll
            for (var chain = 0u; chain < CHAINS; chain++) { // unroll
                sums[chain] = fma(sums[chain], factor, summand);
            }
        }
    }
    var total = 0.0;
    for (var chain = 0u; chain < CHAINS; chain++) { // unroll
        total += sums[chain];
    }
    output[index] = total;
}
