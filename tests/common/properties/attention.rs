//! Attention of queries, keys and values of many sizes, with masks that broadcast in many ways.

use convoke::ops::ScaledDotProductAttention;
use proptest::prelude::*;

use super::Case;

/// Sizes of whole vectors and not, of less than a tile and of several, and larger than kernels keep.
pub(crate) fn attentions() -> impl Strategy<Value = Case> {
    let sizes = || prop::sample::select(vec![1, 3, 4, 8, 20, 32, 40, 64, 132, 260]);
    let extents = (1..=3usize, 1..=2usize, 1..=70usize, 1..=90usize);
    let mask = prop::option::of(any::<[bool; 4]>());
    (extents, sizes(), sizes(), mask, any::<(bool, u64)>()).prop_map(
        |((batch, heads, queries, keys), size, value_size, mask, (scaled, seed))| {
            let mut shapes = vec![
                vec![batch, heads, queries, size],
                vec![batch, heads, keys, size],
                vec![batch, heads, keys, value_size],
            ];
            shapes.extend(mask.map(|kept| {
                let extents = [batch, heads, queries, keys].into_iter().zip(kept);
                let shape: Vec<usize> = extents.map(|(extent, kept)| if kept { extent } else { 1 }).collect();
                // Leading ones may be missing.
                let first = if kept[0] { 0 } else { 1 + usize::from(!kept[1]) };
                shape[first..].to_vec()
            }));
            let op = ScaledDotProductAttention::new();
            Case::new(if scaled { op.scale(0.25) } else { op }, shapes, seed)
        },
    )
}
