#import shared/order

fn shrink_f32(x: f32, lambd: f32, bias: f32) -> f32 {
    let below = select(0.0, x + bias, precedes(x, -lambd));
    return select(below, x - bias, precedes(lambd, x));
}
