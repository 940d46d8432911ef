//! The dates of cookies.

/// Seconds since the Unix epoch of an HTTP date: `Wed, 21 Oct 2015 07:28:00 GMT`, with hyphens instead of
/// spaces and two-digit years accepted as browsers and Go do.
pub fn parse_http_date(text: &str) -> Option<i64> {
    let rest = text.trim().split_once(',').map_or(text, |(_, rest)| rest);
    let mut fields = rest.split([' ', '-']).filter(|f| !f.is_empty());
    let day: i64 = fields.next()?.parse().ok()?;
    let month = fields.next()?;
    let months = ["jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec"];
    let month = months.iter().position(|m| m.eq_ignore_ascii_case(month))? as i64 + 1;
    let year = fields.next()?;
    let year: i64 = match (year.len(), year.parse().ok()?) {
        (2, y @ 0..=68) => 2000 + y,
        (2, y) => 1900 + y,
        (_, y) => y,
    };
    let mut clock = fields.next()?.split(':').map(|part| part.parse::<i64>().ok());
    let (hour, minute, second) = (clock.next()??, clock.next()??, clock.next()??);
    unix_seconds(year, month, day, hour, minute, second)
}

/// Seconds since the Unix epoch of a date in the proleptic Gregorian calendar (UTC).
pub(crate) fn unix_seconds(
    year: i64,
    month: i64,
    day: i64,
    hour: i64,
    minute: i64,
    second: i64,
) -> Option<i64> {
    let in_range = (1..=12).contains(&month)
        && (1..=31).contains(&day)
        && (1600..=9999).contains(&year)
        && (0..24).contains(&hour)
        && (0..60).contains(&minute)
        && (0..61).contains(&second);
    if !in_range {
        return None;
    }
    // Years begin in March, so that the leap day is the last one (Howard Hinnant, "chrono-compatible
    // low-level date algorithms").
    let y = if month <= 2 { year - 1 } else { year };
    let era = y.div_euclid(400);
    let year_of_era = y.rem_euclid(400);
    let day_of_year = (153 * ((month + 9) % 12) + 2) / 5 + day - 1;
    let day_of_era = year_of_era * 365 + year_of_era / 4 - year_of_era / 100 + day_of_year;
    let days = era * 146_097 + day_of_era - 719_468;
    Some(days * 86_400 + hour * 3_600 + minute * 60 + second)
}

/// A moment as in RFC 3339, in UTC and without fractions.
pub(crate) fn rfc3339(seconds: i64) -> String {
    let (days, rest) = (seconds.div_euclid(86_400), seconds.rem_euclid(86_400));
    let z = days + 719_468;
    let (era, day_of_era) = (z.div_euclid(146_097), z.rem_euclid(146_097));
    let year_of_era = (day_of_era - day_of_era / 1_460 + day_of_era / 36_524 - day_of_era / 146_096) / 365;
    let day_of_year = day_of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
    let m = (5 * day_of_year + 2) / 153;
    let day = day_of_year - (153 * m + 2) / 5 + 1;
    let month = if m < 10 { m + 3 } else { m - 9 };
    let year = year_of_era + era * 400 + i64::from(month <= 2);
    let (hour, minute, second) = (rest / 3_600, rest % 3_600 / 60, rest % 60);
    format!("{year:04}-{month:02}-{day:02}T{hour:02}:{minute:02}:{second:02}Z")
}

#[cfg(test)]
mod tests {
    use super::{parse_http_date, rfc3339};

    #[test]
    fn the_usual_spellings_are_read() {
        assert_eq!(parse_http_date("Thu, 01 Jan 1970 00:00:00 GMT"), Some(0));
        assert_eq!(parse_http_date("Wed, 21 Oct 2099 07:28:00 GMT"), Some(4_096_250_880));
        assert_eq!(parse_http_date("Wed, 21-Oct-2099 07:28:00 GMT"), Some(4_096_250_880));
        assert_eq!(parse_http_date("Sun, 06-Nov-94 08:49:37 GMT"), Some(784_111_777));
        assert_eq!(parse_http_date("Thu, 29 Feb 2024 12:00:00 UTC"), Some(1_709_208_000));
    }

    #[test]
    fn moments_are_written_as_they_are_read() {
        assert_eq!(rfc3339(0), "1970-01-01T00:00:00Z");
        assert_eq!(rfc3339(1_709_208_000), "2024-02-29T12:00:00Z");
        assert_eq!(rfc3339(4_096_250_880), "2099-10-21T07:28:00Z");
    }

    proptest::proptest! {
        #[test]
        fn nothing_makes_it_panic(text in "\\PC{0,40}") {
            let _ = parse_http_date(&text);
        }
    }

    #[test]
    fn nonsense_is_refused() {
        for text in ["", "soon", "Wed, 41 Oct 2099 07:28:00 GMT", "Wed, 21 Foo 2099 07:28:00 GMT"] {
            assert_eq!(parse_http_date(text), None, "{text}");
        }
    }
}
