//! The validity period of a certificate, read from its DER.
//!
//! rustls says that a certificate has expired only after it has found its issuer; Go, and so k6, says so
//! first. The period is also shown in the error.

/// Not before and not after, in seconds since the Unix epoch.
pub(crate) fn validity(certificate: &[u8]) -> Option<(i64, i64)> {
    let (certificate, _) = element(certificate, 0x30)?;
    let (mut tbs, _) = element(certificate, 0x30)?;
    if let Some((_, rest)) = element(tbs, 0xa0) {
        tbs = rest; // version
    }
    let (_, rest) = element(tbs, 0x02)?; // serial number
    let (_, rest) = element(rest, 0x30)?; // signature algorithm
    let (_, rest) = element(rest, 0x30)?; // issuer
    let (period, _) = element(rest, 0x30)?;
    let (not_before, rest) = time(period)?;
    let (not_after, _) = time(rest)?;
    Some((not_before, not_after))
}

/// The content of the element with that tag at the front, and what follows it.
fn element(input: &[u8], tag: u8) -> Option<(&[u8], &[u8])> {
    let (&[found, length], rest) = input.split_first_chunk::<2>()?;
    if found != tag {
        return None;
    }
    let (length, rest) = if length < 0x80 {
        (usize::from(length), rest)
    } else {
        let count = usize::from(length & 0x7f);
        if count == 0 || count > 4 {
            return None;
        }
        let (digits, rest) = rest.split_at_checked(count)?;
        (digits.iter().fold(0usize, |n, d| n << 8 | usize::from(*d)), rest)
    };
    rest.split_at_checked(length)
}

/// `UTCTime` or `GeneralizedTime` (RFC 5280 section 4.1.2.5).
fn time(input: &[u8]) -> Option<(i64, &[u8])> {
    let (text, rest, century) = match element(input, 0x17) {
        Some((text, rest)) => (text, rest, true),
        None => element(input, 0x18).map(|(text, rest)| (text, rest, false))?,
    };
    let text = std::str::from_utf8(text).ok()?;
    let (year, tail) = text.split_at_checked(if century { 2 } else { 4 })?;
    let mut year: i64 = year.parse().ok()?;
    if century {
        year += if year < 50 { 2000 } else { 1900 };
    }
    let field = |i: usize| tail.get(2 * i..2 * i + 2)?.parse::<i64>().ok();
    let (month, day, hour, minute, second) = (field(0)?, field(1)?, field(2)?, field(3)?, field(4)?);
    Some((crate::cookie::unix_seconds(year, month, day, hour, minute, second)?, rest))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_period_of_a_generated_certificate_is_found() {
        let key = rcgen::KeyPair::generate().unwrap();
        let mut params = rcgen::CertificateParams::new(vec!["a.test".to_owned()]).unwrap();
        params.not_before = rcgen::date_time_ymd(2020, 1, 1);
        params.not_after = rcgen::date_time_ymd(2060, 2, 1);
        let certificate = params.self_signed(&key).unwrap();
        assert_eq!(validity(certificate.der()), Some((1_577_836_800, 2_842_819_200)));
    }

    proptest::proptest! {
        #[test]
        fn nothing_makes_it_panic(input in proptest::collection::vec(0u8.., 0..60)) {
            let _ = (validity(&input), time(&input));
        }
    }
}
