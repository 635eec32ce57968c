//! OpenCV's `INTER_LINEAR` of 8-bit levels, to the byte: two pixels each way, weights of 11 bits.

use crate::picture::Picture;

/// Bits of a weight.
const BITS: u32 = 11;

/// A source, the one after it, and what each weighs.
#[derive(Clone, Copy)]
struct Pair {
    places: [usize; 2],
    weights: [i32; 2],
}

/// Beyond the first and last sources lie those again; whether they are `whole` there or of two parts, as between others, matters to
/// rounding alone: OpenCV has them whole along rows only.
fn pairs(length: usize, target: usize, whole: bool) -> Vec<Pair> {
    let scale = 1.0 / (target as f64 / length as f64);
    let one = f32::from(1_u16 << BITS);
    let last = length as i64 - 1;
    let pair = |index: usize| {
        let place = ((index as f64 + 0.5) * scale - 0.5) as f32;
        let first = place.floor() as i64;
        let is_beyond = first < 0 || first >= last;
        let part = if whole && is_beyond { 0.0 } else { place - place.floor() };
        Pair {
            places: [first, first + 1].map(|source| source.clamp(0, last) as usize),
            weights: [1.0 - part, part].map(|weight| (weight * one).round_ties_even() as i32),
        }
    };
    (0..target).map(pair).collect()
}

/// The levels at another size.
pub(crate) fn resized(picture: &Picture, height: usize, width: usize) -> Vec<u8> {
    let (channels, row) = (picture.channels(), picture.width() * picture.channels());
    let (down, across) = (pairs(picture.height(), height, false), pairs(picture.width(), width, true));
    let widen = |y: usize, to: &mut Vec<i32>| {
        let from = &picture.levels()[y * row..][..row];
        to.clear();
        for pair in &across {
            let [left, right] = pair.places.map(|x| &from[x * channels..][..channels]);
            let levels = left.iter().zip(right);
            to.extend(levels.map(|(&left, &right)| i32::from(left) * pair.weights[0] + i32::from(right) * pair.weights[1]));
        }
    };
    // The two rows that were widened last: neighbours mostly need them again.
    let (mut rows, mut held) = ([Vec::new(), Vec::new()], [usize::MAX; 2]);
    let mut levels = Vec::with_capacity(height * width * channels);
    for Pair { places, weights } in down {
        if held[1] == places[0] {
            rows.swap(0, 1);
            held.swap(0, 1);
        }
        for (index, place) in places.into_iter().enumerate() {
            if held[index] != place {
                widen(place, &mut rows[index]);
                held[index] = place;
            }
        }
        let part = |weight: i32, sum: i32| (weight * (sum >> 4)) >> 16;
        let sums = rows[0].iter().zip(&rows[1]);
        levels.extend(sums.map(|(&upper, &lower)| ((part(weights[0], upper) + part(weights[1], lower) + 2) >> 2) as u8));
    }
    levels
}
