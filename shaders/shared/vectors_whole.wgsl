// Vectors of positions that are stored as they are computed: one position each, or four in planes of whole vectors.
#import shared/reals_*

alias Vector = Real;

fn store_vector(row: u32, position: u32, sums: Vector, offset: f32) {
    if (position < params.positions) {
        store(row + position * params.out_position_stride, sums, offset);
    }
}
