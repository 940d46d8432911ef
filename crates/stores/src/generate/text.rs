//! Words without meaning, to a number or to a length.

use rand::RngExt as _;

use super::Random;

/// Cicero's, as typesetters use them.
const WORDS: [&str; 64] = [
    "lorem",
    "ipsum",
    "dolor",
    "sit",
    "amet",
    "consectetur",
    "adipisci",
    "elit",
    "sed",
    "do",
    "eiusmod",
    "tempor",
    "incididunt",
    "ut",
    "labore",
    "et",
    "dolore",
    "magna",
    "aliqua",
    "enim",
    "ad",
    "minim",
    "veniam",
    "quis",
    "nostrud",
    "exercitation",
    "ullamco",
    "laboris",
    "nisi",
    "aliquip",
    "ex",
    "ea",
    "commodo",
    "consequat",
    "duis",
    "aute",
    "irure",
    "in",
    "reprehenderit",
    "voluptate",
    "velit",
    "esse",
    "cillum",
    "eu",
    "fugiat",
    "nulla",
    "pariatur",
    "excepteur",
    "sint",
    "occaecat",
    "cupidatat",
    "non",
    "proident",
    "sunt",
    "culpa",
    "qui",
    "officia",
    "deserunt",
    "mollit",
    "anim",
    "id",
    "est",
    "laborum",
    "accusamus",
];

fn word(random: &mut Random) -> &'static str {
    WORDS[random.random_range(0..WORDS.len())]
}

/// So many words.
pub(super) fn words(count: usize, random: &mut Random) -> String {
    let mut text = String::with_capacity(count * 7);
    for index in 0..count {
        if index > 0 {
            text.push(' ');
        }
        text.push_str(word(random));
    }
    text
}

/// Words that are exactly so many bytes together; the last one is cut.
pub(super) fn filler(bytes: usize, random: &mut Random) -> String {
    let mut text = String::with_capacity(bytes + 16);
    while text.len() < bytes {
        if !text.is_empty() {
            text.push(' ');
        }
        text.push_str(word(random));
    }
    // The words are ASCII, so every place is between characters.
    text.truncate(bytes);
    text
}

#[cfg(test)]
mod tests {
    use rand::SeedableRng as _;

    use super::*;

    #[test]
    fn a_filler_has_exactly_its_length() {
        let random = &mut Random::seed_from_u64(1);
        for bytes in [0, 1, 7, 400, 10_000] {
            assert_eq!(filler(bytes, random).len(), bytes);
        }
        assert_eq!(words(5, random).split(' ').count(), 5);
    }
}
