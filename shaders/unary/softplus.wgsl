#import shared/decay

// log(1 + e) for 0 <= e <= 1: twice the series of artanh(e / (2 + e)).
fn log_one_plus(e: f32) -> f32 {
    let z = e / (2.0 + e);
    let square = z * z;
    var series = 1.0 / 15.0;
    series = 1.0 / 13.0 + square * series;
    series = 1.0 / 11.0 + square * series;
    series = 1.0 / 9.0 + square * series;
    series = 1.0 / 7.0 + square * series;
    series = 1.0 / 5.0 + square * series;
    series = 1.0 / 3.0 + square * series;
    return 2.0 * z * (1.0 + square * series);
}

fn softplus_f32(x: f32) -> f32 {
    return max(x, 0.0) + log_one_plus(decay(-abs(x)));
}
