//! The weights of the networks in `tests/data/networks`, which stand there as recipes.

/// The values number `first` and on of the one stream: `SplitMix64` of the number, its top 24 bits, scaled.
pub(crate) fn uniform(first: u64, count: usize, low: f64, high: f64) -> Vec<f32> {
    (first + 1..)
        .take(count)
        .map(|number| {
            let mut z = number.wrapping_mul(0x9E37_79B9_7F4A_7C15);
            z = (z ^ (z >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
            z = (z ^ (z >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
            z ^= z >> 31;
            (low + (high - low) * ((z >> 40) as f64 / f64::from(1 << 24))) as f32
        })
        .collect()
}

/// The weights that a recipe describes: a line for each tensor, `offset first count low high`.
pub(crate) fn weights(recipe: &str) -> Vec<u8> {
    let mut bytes = Vec::new();
    for line in recipe.lines() {
        let fields: Vec<&str> = line.split(' ').collect();
        assert_eq!(bytes.len(), fields[0].parse::<usize>().unwrap(), "tensors follow one another");
        let [low, high] = [fields[3], fields[4]].map(|edge| edge.parse().unwrap());
        let values = uniform(fields[1].parse().unwrap(), fields[2].parse().unwrap(), low, high);
        bytes.extend(values.iter().flat_map(|value| value.to_le_bytes()));
    }
    bytes
}
