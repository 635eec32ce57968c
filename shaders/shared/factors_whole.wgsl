// Products of whole numbers and their sums, which wrap around.

alias Factor = i32;

fn multiply_add(x: Factor, y: Factor, sum: Factor) -> Factor {
    return x * y + sum;
}
