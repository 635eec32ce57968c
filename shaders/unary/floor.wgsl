fn floor_f32(x: f32) -> f32 {
    return floor(x);
}
