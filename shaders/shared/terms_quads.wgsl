// Four consecutive terms of a sum at a time.

alias Terms = vec4<f32>;

fn total(terms: Terms) -> f32 {
    return (terms.x + terms.y) + (terms.z + terms.w);
}
