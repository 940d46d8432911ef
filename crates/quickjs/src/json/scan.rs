//! The tokens of JSON (RFC 8259): strings and numbers out of a text that is known to be UTF-8.

/// A string token's inside.
pub(super) enum Text<'a> {
    /// As it stands in the source.
    Plain(&'a str),
    /// With its escapes undone, in UTF-16 since an escape may name half of a surrogate pair.
    Escaped(Vec<u16>),
}

/// A number token.
pub(super) enum Number {
    Int(i32),
    Float(f64),
}

/// A cursor over the source.
pub(super) struct Scanner<'a> {
    source: &'a str,
    bytes: &'a [u8],
    at: usize,
}

/// A word whose bytes are all `byte`.
const fn every(byte: u8) -> u64 {
    u64::from_ne_bytes([byte; 8])
}

/// Where the plain run of a string from `at` on ends: at a quote, a backslash or a control character.
///
/// Eight bytes at a time, as one word ("Determine if a word has a byte less than n", Bit Twiddling Hacks): a borrow can
/// only mark bytes above the first that is right, and the first is what is asked for.
fn run_end(bytes: &[u8], mut at: usize) -> Option<usize> {
    while let Some(eight) = bytes.get(at..).and_then(|rest| rest.first_chunk()) {
        let word = u64::from_le_bytes(*eight);
        let less = |word: u64, than: u8| word.wrapping_sub(every(than)) & !word;
        let ends = less(word ^ every(b'"'), 1) | less(word ^ every(b'\\'), 1) | less(word, 0x20);
        let ends = ends & every(0x80);
        if ends != 0 {
            return Some(at + (ends.trailing_zeros() / 8) as usize);
        }
        at += 8;
    }
    let ends = |byte: &u8| matches!(byte, b'"' | b'\\' | 0..0x20);
    bytes.get(at..)?.iter().position(ends).map(|more| at + more)
}

/// Whether two texts of the same length are equal. Keys are short: comparing them here, by words that may overlap, costs
/// less than calling out for it.
fn same(a: &[u8], b: &[u8]) -> bool {
    fn words<const N: usize>(a: &[u8], b: &[u8]) -> bool {
        let (chunks, ends) =
            (a.chunks_exact(N).zip(b.chunks_exact(N)), (a.last_chunk::<N>(), b.last_chunk::<N>()));
        ends.0 == ends.1 && chunks.into_iter().all(|(a, b)| a.first_chunk::<N>() == b.first_chunk::<N>())
    }
    match a.len() {
        8.. => words::<8>(a, b),
        4.. => words::<4>(a, b),
        _ => a == b,
    }
}

/// Powers of ten that a double holds exactly.
const EXACT_TENS: [f64; 23] = [
    1e0, 1e1, 1e2, 1e3, 1e4, 1e5, 1e6, 1e7, 1e8, 1e9, 1e10, 1e11, 1e12, 1e13, 1e14, 1e15, 1e16, 1e17, 1e18,
    1e19, 1e20, 1e21, 1e22,
];

impl<'a> Scanner<'a> {
    pub(super) fn new(source: &'a str) -> Self {
        Self { source, bytes: source.as_bytes(), at: 0 }
    }

    /// The next byte that is no white space, not taken.
    pub(super) fn peek(&mut self) -> Option<u8> {
        loop {
            let byte = *self.bytes.get(self.at)?;
            if !matches!(byte, b' ' | b'\t' | b'\n' | b'\r') {
                return Some(byte);
            }
            self.at += 1;
        }
    }

    /// Takes the byte that [`Scanner::peek`] showed.
    pub(super) fn bump(&mut self) {
        self.at += 1;
    }

    /// Takes `byte` if it comes next.
    pub(super) fn take(&mut self, byte: u8) -> bool {
        let found = self.peek() == Some(byte);
        self.at += usize::from(found);
        found
    }

    /// Takes exactly `text` if it comes next, as it is.
    pub(super) fn take_exactly(&mut self, text: &[u8]) -> bool {
        let found = self.bytes.get(self.at..self.at + text.len()).is_some_and(|here| same(here, text));
        self.at += if found { text.len() } else { 0 };
        found
    }

    /// The source between two places.
    pub(super) fn since(&self, start: usize) -> &'a [u8] {
        &self.bytes[start..self.at]
    }

    pub(super) fn position(&self) -> usize {
        self.at
    }

    /// A string; the cursor is on its opening quote.
    pub(super) fn string(&mut self) -> Option<Text<'a>> {
        let start = self.at + 1;
        let end = run_end(self.bytes, start)?;
        if self.bytes[end] == b'"' {
            self.at = end + 1;
            // The run starts after an ASCII byte and ends before one.
            return Some(Text::Plain(&self.source[start..end]));
        }
        self.at = start;
        self.escaped().map(Text::Escaped)
    }

    fn escaped(&mut self) -> Option<Vec<u16>> {
        let mut units = Vec::new();
        loop {
            let start = self.at;
            self.at = run_end(self.bytes, start)?;
            units.extend(self.source[start..self.at].encode_utf16());
            let byte = self.bytes[self.at];
            self.at += 1;
            match byte {
                b'"' => return Some(units),
                b'\\' => units.push(self.escape()?),
                _ => return None,
            }
        }
    }

    fn escape(&mut self) -> Option<u16> {
        let byte = *self.bytes.get(self.at)?;
        self.at += 1;
        Some(match byte {
            b'"' | b'\\' | b'/' => u16::from(byte),
            b'b' => 8,
            b'f' => 12,
            b'n' => 10,
            b'r' => 13,
            b't' => 9,
            b'u' => {
                let digits = self.bytes.get(self.at..self.at + 4)?;
                self.at += 4;
                digits
                    .iter()
                    .try_fold(0, |unit, digit| Some(unit << 4 | char::from(*digit).to_digit(16)? as u16))?
            }
            _ => return None,
        })
    }

    /// A number; the cursor is on its first character.
    pub(super) fn number(&mut self) -> Option<Number> {
        let start = self.at;
        let negative = self.take_here(b'-');
        let mut mantissa = 0u64;
        let first = self.bytes.get(self.at).copied();
        let mut digits = self.digits(&mut mantissa)?;
        if first == Some(b'0') && digits > 1 {
            return None;
        }
        let mut exponent = 0i32;
        if self.take_here(b'.') {
            let fraction = self.digits(&mut mantissa)?;
            digits += fraction;
            exponent = -i32::try_from(fraction).ok()?;
        } else if negative && mantissa == 0 {
            // -0 is no integer; the slow way below has it right.
            exponent = -1;
            digits = usize::MAX;
        }
        if matches!(self.bytes.get(self.at), Some(b'e' | b'E')) {
            self.at += 1;
            if !self.take_here(b'-') {
                self.take_here(b'+');
            }
            self.digits(&mut 0)?;
            exponent = i32::MIN;
        }
        if exponent == 0 && digits <= 9 {
            let value = mantissa as i32;
            return Some(Number::Int(if negative { -value } else { value }));
        }
        // Clinger's fast path: both are exact doubles, so one division rounds correctly.
        if digits <= 15 && (-22..=0).contains(&exponent) {
            let value = mantissa as f64 / EXACT_TENS[exponent.unsigned_abs() as usize];
            return Some(Number::Float(if negative { -value } else { value }));
        }
        self.source[start..self.at].parse().ok().map(Number::Float)
    }

    fn take_here(&mut self, byte: u8) -> bool {
        let found = self.bytes.get(self.at) == Some(&byte);
        self.at += usize::from(found);
        found
    }

    /// Takes digits, at least one, and appends them to `mantissa` (which wraps when there are too many to matter).
    fn digits(&mut self, mantissa: &mut u64) -> Option<usize> {
        let start = self.at;
        while let Some(digit @ b'0'..=b'9') = self.bytes.get(self.at) {
            *mantissa = mantissa.wrapping_mul(10).wrapping_add(u64::from(digit - b'0'));
            self.at += 1;
        }
        (self.at > start).then_some(self.at - start)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn number(text: &str) -> Option<f64> {
        let mut scanner = Scanner::new(text);
        let number = scanner.number()?;
        assert_eq!(scanner.position(), text.len(), "{text}");
        Some(match number {
            Number::Int(value) => f64::from(value),
            Number::Float(value) => value,
        })
    }

    #[test]
    fn a_run_ends_at_the_first_byte_that_ends_it_wherever_that_lies() {
        for length in 0..20 {
            for before in ["a", "\u{7f}", "é", "!", "#", "[", "]", "\u{ff}"] {
                for end in ['"', '\\', '\0', '\u{1f}'] {
                    let run = before.repeat(length);
                    let text = format!("{run}{end}\"\\\u{1}");
                    assert_eq!(run_end(text.as_bytes(), 0), Some(run.len()), "{text:?}");
                }
                assert_eq!(run_end(before.repeat(length).as_bytes(), 0), None);
            }
        }
    }

    #[test]
    fn texts_are_the_same_when_every_byte_is() {
        for length in 0..20 {
            let text = vec![b'k'; length];
            assert!(same(&text, &text.clone()));
            for at in 0..length {
                let mut other = text.clone();
                other[at] = b'K';
                assert!(!same(&text, &other), "{at} of {length}");
            }
        }
    }

    #[test]
    fn numbers_are_the_nearest_doubles() {
        for text in [
            "0",
            "7",
            "-7",
            "999999999",
            "1000000000",
            "2147483648",
            "0.1",
            "-0.25",
            "32.25",
            "1e3",
            "1E-7",
            "1.5e+300",
            "123456789012345678901234567890",
            "0.000001",
            "9007199254740993",
            "4.35",
            "1e400",
            "5e-324",
            "123456789.123456789",
            "0.30000000000000004",
        ] {
            assert_eq!(number(text), Some(text.parse().unwrap_or_default()), "{text}");
        }
        assert!(number("-0").is_some_and(|zero| zero == 0.0 && zero.is_sign_negative()));
        assert!(number("-0.0").is_some_and(|zero| zero == 0.0 && zero.is_sign_negative()));
    }

    #[test]
    fn what_json_does_not_call_a_number_is_none() {
        for text in ["01", "-", "1.", "-.5", "1e", "1e+", "00", "-01"] {
            assert!(number(text).is_none(), "{text}");
        }
    }

    #[test]
    fn strings_undo_their_escapes() {
        let read = |text: &str| match Scanner::new(text).string() {
            Some(Text::Plain(plain)) => plain.encode_utf16().collect(),
            Some(Text::Escaped(units)) => units,
            None => vec![0xdead],
        };
        let wide = |text: &str| text.encode_utf16().collect::<Vec<_>>();
        assert_eq!(read(r#""a b é""#), wide("a b é"));
        assert_eq!(read(r#""\"\\\/\b\f\n\r\t\u0041é😀\uD83D\uDE00""#), wide("\"\\/\u{8}\u{c}\n\r\tAé😀😀"));
        assert_eq!(read(r#""\ud800x""#), vec![0xd800, 0x78]);
        for broken in [r#""open"#, r#""\x""#, r#""\u12"#, r#""\u12g4""#, "\"a\nb\"", r#""\"#] {
            assert_eq!(read(broken), vec![0xdead], "{broken}");
        }
    }
}
