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
    let in_range = (1..=31).contains(&day)
        && (1600..=9999).contains(&year)
        && (0..24).contains(&hour)
        && (0..60).contains(&minute)
        && (0..61).contains(&second);
    if !in_range {
        return None;
    }
    // Days since the epoch in the proleptic Gregorian calendar, years beginning in March
    // (Howard Hinnant, "chrono-compatible low-level date algorithms").
    let y = if month <= 2 { year - 1 } else { year };
    let era = y.div_euclid(400);
    let year_of_era = y.rem_euclid(400);
    let day_of_year = (153 * ((month + 9) % 12) + 2) / 5 + day - 1;
    let day_of_era = year_of_era * 365 + year_of_era / 4 - year_of_era / 100 + day_of_year;
    let days = era * 146_097 + day_of_era - 719_468;
    Some(days * 86_400 + hour * 3_600 + minute * 60 + second)
}

#[cfg(test)]
mod tests {
    use super::parse_http_date;

    #[test]
    fn the_usual_spellings_are_read() {
        assert_eq!(parse_http_date("Thu, 01 Jan 1970 00:00:00 GMT"), Some(0));
        assert_eq!(parse_http_date("Wed, 21 Oct 2099 07:28:00 GMT"), Some(4_096_250_880));
        assert_eq!(parse_http_date("Wed, 21-Oct-2099 07:28:00 GMT"), Some(4_096_250_880));
        assert_eq!(parse_http_date("Sun, 06-Nov-94 08:49:37 GMT"), Some(784_111_777));
        assert_eq!(parse_http_date("Thu, 29 Feb 2024 12:00:00 UTC"), Some(1_709_208_000));
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
