//! Durations on the command line: k6's flags want units where its options take milliseconds too (observed on k6 1.1).

/// Whether Go's flag parser reads a text as a duration: every number has a unit, but for a lone 0.
pub(super) fn is_go_duration(text: &str) -> bool {
    let mut rest = text.strip_prefix(['-', '+']).unwrap_or(text);
    if rest == "0" {
        return true;
    }
    if rest.is_empty() {
        return false;
    }
    while !rest.is_empty() {
        let number = rest.find(|c: char| !c.is_ascii_digit() && c != '.').unwrap_or(rest.len());
        let (digits, after) = rest.split_at(number);
        if digits.parse::<f64>().is_err() {
            return false;
        }
        // Longer units first: `ms` before `m`.
        let units = ["ns", "us", "µs", "μs", "ms", "s", "m", "h"];
        let Some(after) = units.iter().find_map(|unit| after.strip_prefix(unit)) else { return false };
        rest = after;
    }
    true
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn durations_on_the_command_line_have_units() {
        for text in ["1s", "1h30m", "1.5s", "500ms", "-1s", "0", "10us5ns", ".5s"] {
            assert!(is_go_duration(text), "{text}");
        }
        for text in ["", "1000", "1d", "1h1", "s", "x", "1.s.", "-"] {
            assert!(!is_go_duration(text), "{text}");
        }
    }
}
