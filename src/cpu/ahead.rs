//! Memory that is asked for before it is read. Processors see by themselves what is read next as long as it lies in one piece, but not soon
//! enough where a page ends or where several pieces are read in turns.

use super::lines;

/// Elements of a line of the cache.
pub(super) const LINE: usize = lines::LINE / size_of::<f32>();

/// What the standard library calls the first- and the second-level cache.
const FIRST: i32 = 3;
const SECOND: i32 = 2;

/// Asks for lines of which each is wanted in the second-level cache soon.
#[inline(always)]
pub(super) fn ask_for(lines: &[[f32; LINE]]) {
    ask::<SECOND>(lines);
}

/// Asks for lines of which each is wanted in the first-level cache next.
#[inline(always)]
pub(super) fn ask_for_next(lines: &[[f32; LINE]]) {
    ask::<FIRST>(lines);
}

#[inline(always)]
fn ask<const LEVEL: i32>(lines: &[[f32; LINE]]) {
    #[cfg(target_arch = "x86_64")]
    for line in lines {
        use std::arch::x86_64::_mm_prefetch;

        #[expect(
            unsafe_code,
            reason = "the standard library takes a pointer for what any address may be given to"
        )]
        // SAFETY: it changes nothing that a program sees, and cannot fail whatever the address is; each x86-64 processor has it.
        unsafe {
            _mm_prefetch::<LEVEL>(line.as_ptr().cast());
        }
    }
    #[cfg(not(target_arch = "x86_64"))]
    let _ = lines;
}
