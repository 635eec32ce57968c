// Products of floats and their sums.

alias Factor = f32;

fn multiply_add(x: Factor, y: Factor, sum: Factor) -> Factor {
    return fma(x, y, sum);
}
