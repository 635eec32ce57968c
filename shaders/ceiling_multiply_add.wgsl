// Chains of multiply-adds that need nothing from memory: the most arithmetic that an adapter does.
//
// An invocation carries CHAINS sums on, each independent of the others, STEPS multiply-adds a round.
// Header: LANES, CHAINS, STEPS.
//
// input: [2]: factor and summand
// output: [invocations]

fn run(workgroup: u32, lane: u32) {
    let index = workgroup * LANES + lane;
    if (index >= params.invocations) {
        return;
    }
    let factor = load_input(0);
    let summand = load_input(1);
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
    store_output(index, total);
}
