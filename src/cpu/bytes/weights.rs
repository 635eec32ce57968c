//! The side of a product whose bytes have a sign: packed once where it is constant.

/// Lines (rows or columns) in panels of so many, in each `[step][line]` the four bytes of a step.
#[derive(Clone, Debug)]
pub(super) struct Packed<const WIDTH: usize> {
    /// Panels one after another.
    pub(super) words: Vec<[u32; WIDTH]>,
    pub(super) steps: usize,
    /// For each line, what the sum is of all its numbers.
    pub(super) sums: Vec<i32>,
    /// For each line, what its numbers are more than its bytes.
    pub(super) offsets: Vec<i32>,
    /// A one for each byte that has a number, where some line has an offset: by it the other side's bytes are added up.
    pub(super) ones: Option<Vec<u32>>,
}

impl<const WIDTH: usize> Packed<WIDTH> {
    /// `at` says where the number of a line in one of the four places of a step is; there may be none. None where the numbers of a line
    /// are too far from one another for bytes.
    pub(super) fn new(
        numbers: &[i32],
        [lines, steps]: [usize; 2],
        at: impl Fn(usize, usize, usize) -> Option<usize>,
    ) -> Option<Self> {
        let places = || (0..steps).flat_map(|step| (0..4).map(move |place| (step, place)));
        let mut packed = Self {
            words: vec![[0; WIDTH]; lines.div_ceil(WIDTH) * steps],
            steps,
            sums: Vec::with_capacity(lines),
            offsets: Vec::with_capacity(lines),
            ones: None,
        };
        for line in 0..lines {
            let own = || places().filter_map(|(step, place)| Some((step, place, numbers[at(line, step, place)?])));
            let offset = offset(own().map(|(.., number)| number))?;
            let panel = &mut packed.words[line / WIDTH * steps..][..steps];
            for (step, place, number) in own() {
                let byte = number.wrapping_sub(offset) as i8 as u8;
                panel[step][line % WIDTH] |= u32::from(byte) << (8 * place);
            }
            packed
                .sums
                .push(own().fold(0, |sum: i32, (.., number)| sum.wrapping_add(number)));
            packed.offsets.push(offset);
        }
        if packed.offsets.iter().any(|&offset| offset != 0) {
            let one = |step, place: usize| u32::from(at(0, step, place).is_some()) << (8 * place);
            let ones = (0..steps).map(|step| (0..4).map(|place| one(step, place)).sum());
            packed.ones = Some(ones.collect());
        }
        Some(packed)
    }
}

/// What is taken from numbers so that they are bytes with a sign.
fn offset(numbers: impl Iterator<Item = i32> + Clone) -> Option<i32> {
    let least = numbers.clone().min().unwrap_or(0);
    let most = numbers.max().unwrap_or(0);
    if i8::try_from(least).is_ok() && i8::try_from(most).is_ok() {
        return Some(0);
    }
    (most.abs_diff(least) <= u8::MAX.into()).then(|| least.wrapping_sub(i8::MIN.into()))
}
