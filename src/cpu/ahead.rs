//! Memory that is asked for before it is read. Processors see by themselves what is read next as long as it lies in one piece, but not soon
//! enough where a page ends or where several pieces are read in turns.

use super::lines;

/// Elements of a line of the cache.
pub(super) const LINE: usize = lines::LINE / size_of::<f32>();

/// Asks for lines of which each is wanted in the second-level cache soon.
#[inline(always)]
pub(super) fn ask_for(lines: &[[f32; LINE]]) {
    #[cfg(target_arch = "x86_64")]
    for line in lines {
        use std::arch::x86_64::{_MM_HINT_T1, _mm_prefetch};

        #[expect(
            unsafe_code,
            reason = "the standard library takes a pointer for what any address may be given to"
        )]
        // SAFETY: it changes nothing that a program sees, and cannot fail whatever the address is; each x86-64 processor has it.
        unsafe {
            _mm_prefetch::<_MM_HINT_T1>(line.as_ptr().cast());
        }
    }
    #[cfg(not(target_arch = "x86_64"))]
    let _ = lines;
}
