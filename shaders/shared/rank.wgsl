// The order of elements of any type, by their bits: adapters may take subnormal numbers for 0, and compilers may take NaN to be
// impossible.
//
// Header: IS_WHOLE (whether elements are whole numbers).

// That of NaN, which whole numbers do not have.
const NAN_RANK = 0xffffffffu;

// A number in the order of the elements, of which these are the bits: NaN is larger than all, and both zeros are equal.
fn rank_of(bits: u32) -> u32 {
    if (IS_WHOLE == 1u) {
        return bits ^ 0x80000000u;
    }
    let magnitude = bits & 0x7fffffffu;
    if (magnitude > 0x7f800000u) {
        return NAN_RANK;
    }
    let is_negative = bits != magnitude && magnitude != 0u;
    return select(magnitude | 0x80000000u, ~bits, is_negative);
}
