// One term of a sum at a time.

alias Terms = f32;

fn total(terms: Terms) -> f32 {
    return terms;
}
