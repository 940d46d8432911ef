//! Go-style durations, until `throng_plan::duration` is there to take this file's place.

use std::time::Duration;

/// Reads `1m30s`, `1.5s`, `500ms`.
pub(crate) fn parse(text: &str) -> Result<Duration, ()> {
    let mut rest = text;
    let mut seconds = 0.0;
    while !rest.is_empty() {
        let end = rest.find(|c: char| !c.is_ascii_digit() && c != '.').ok_or(())?;
        let number: f64 = rest[..end].parse().map_err(|_| ())?;
        rest = &rest[end..];
        let end = rest.find(|c: char| c.is_ascii_digit()).unwrap_or(rest.len());
        seconds += number
            * match &rest[..end] {
                "h" => 3600.0,
                "m" => 60.0,
                "s" => 1.0,
                "ms" => 1e-3,
                _ => return Err(()),
            };
        rest = &rest[end..];
    }
    Duration::try_from_secs_f64(seconds).map_err(|_| ())
}

/// Writes `1h30m0s`, `1.5s`, `500ms`.
pub(crate) fn format(duration: Duration) -> String {
    let seconds = duration.as_secs_f64();
    if seconds < 1.0 && !duration.is_zero() {
        return format!("{}ms", seconds * 1e3);
    }
    let (hours, minutes) = (duration.as_secs() / 3600, duration.as_secs() / 60 % 60);
    let left = seconds - (hours * 3600 + minutes * 60) as f64;
    match (hours, minutes) {
        (0, 0) => format!("{left}s"),
        (0, _) => format!("{minutes}m{left}s"),
        _ => format!("{hours}h{minutes}m{left}s"),
    }
}
