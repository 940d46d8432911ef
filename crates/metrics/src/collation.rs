//! The order of texts as people expect it: `_`, digits, then letters, small before capital ones of the same kind.
//!
//! k6 sorts the names in its summaries with `localeCompare`, which in its engine is the root order of Unicode (CLDR), for
//! every locale. Summaries and the scripts' `localeCompare` both have it from here. The collator is a constant, so there is
//! nothing to set up and all threads share it.

use std::cmp::Ordering;

use icu_collator::CollatorBorrowed;
use icu_collator::options::CollatorOptions;

static ROOT: CollatorBorrowed<'static> = CollatorBorrowed::new_root(CollatorOptions::default());

/// Compares in the root order of Unicode; what it does not tell apart, as a letter and its composed form, is equal.
pub fn compare(one: &str, other: &str) -> Ordering {
    ROOT.compare(one, other)
}

/// As [`compare`], for sorting: what is equal to it is in the order of code points.
pub fn compare_names(one: &str, other: &str) -> Ordering {
    compare(one, other).then_with(|| one.cmp(other))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_in_the_order_that_k6_shows_them_in() {
        let mut names = ["rt_API_x", "rt_abc", "RT", "aa", "Ab", "a_b", "a1", "Zt", "zt", "Zt1", "Zt_x"];
        names.sort_by(|a, b| compare_names(a, b));
        let expected = ["a_b", "a1", "aa", "Ab", "RT", "rt_abc", "rt_API_x", "zt", "Zt", "Zt_x", "Zt1"];
        assert_eq!(names, expected);
    }

    #[test]
    fn ascii_is_in_the_order_of_k6() {
        let mut characters: Vec<String> = (' '..='~').map(String::from).collect();
        characters.sort_by(|a, b| compare(a, b));
        let expected = " _-,;:!?.'\"()[]{}@*/\\&#%`^+<=>|~$\
                        0123456789aAbBcCdDeEfFgGhHiIjJkKlLmMnNoOpPqQrRsStTuUvVwWxXyYzZ";
        assert_eq!(characters.concat(), expected);
    }

    #[test]
    fn composed_letters_are_equal_and_accents_come_before_case() {
        assert_eq!(compare("a\u{301}", "á"), Ordering::Equal);
        assert_ne!(compare_names("a\u{301}", "á"), Ordering::Equal);
        for pair in ["resume", "Resume", "résumé", "Résumé", "ss", "ß", "z"].windows(2) {
            assert_eq!(compare(pair[0], pair[1]), Ordering::Less, "{pair:?}");
        }
    }
}
