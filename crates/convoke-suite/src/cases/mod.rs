//! The cases, declared by the boundary that they stand at, and there by family.

mod channels;
mod extents;
mod large;

use crate::Part;
use crate::model::Case;

/// All cases of a part, in an order that stays.
pub fn cases(part: Part) -> Vec<Case> {
    let mut cases: Vec<Case> = (1..=17).flat_map(channels::cases).collect();
    let extents: &[usize] = match part {
        Part::Quick => &extents::QUICK,
        Part::Whole => &extents::EXTENTS,
    };
    cases.extend(extents.iter().copied().flat_map(extents::cases));
    cases.extend(large::cases());
    cases.retain(|case| part == Part::Whole || !case.is_slow);
    cases
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;

    #[test]
    fn names_are_those_of_folders_and_no_two_are_alike() {
        let cases = cases(Part::Whole);
        let names: BTreeSet<&str> = cases.iter().map(|case| case.name.as_str()).collect();
        assert_eq!(names.len(), cases.len());
        let is_plain = |name: &&str| name.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'_');
        assert!(names.iter().all(is_plain));
        assert!(super::cases(Part::Quick).iter().all(|case| !case.may_be_refused));
    }
}
