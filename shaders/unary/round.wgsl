fn round_f32(x: f32) -> f32 {
    return round(x);
}
