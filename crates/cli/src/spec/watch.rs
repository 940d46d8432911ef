//! What is watched beside the load, and what is expected of it: `--watch`, `--match`, `--expect` and their like.

use std::time::Duration;

use throng_plan::duration;
use throng_watch::{Pattern, Settings, Target, spec};

use crate::exit::Exit;
use crate::failure::Failure;
use crate::flags::Values;

/// Variables of ours that may hold passwords, which are no business of a script's.
pub(super) const VARIABLE: &str = "THRONG_WATCH";

const INTERVAL: Duration = Duration::from_secs(1);
const SHORTEST_INTERVAL: Duration = Duration::from_millis(100);
const SLOW: Duration = Duration::from_secs(1);

/// What to watch.
#[derive(Debug, Clone)]
pub struct Watch {
    /// How.
    pub settings: Settings,
    /// How long to go on at most after the load.
    pub after: Duration,
}

/// A threshold of the command line: the metric and the expression.
pub type Expectation = (String, String);

/// What flags and variables ask for.
pub(crate) fn watch(values: &Values) -> Result<Option<Watch>, Failure> {
    let specs = several(values, "watch", char::is_whitespace);
    let targets = Target::parse_all(specs.iter().map(String::as_str)).map_err(invalid)?;
    let time = |name: &'static str| {
        let parse = |text: &str| {
            duration::parse(text)
                .map_err(|error| Failure::new(Exit::InvalidConfig, format!("--{name}: {error}")))
        };
        values.one(name).map(parse).transpose()
    };
    let interval = time("watch-interval")?;
    let (after, slow) = (time("watch-after")?, time("watch-slow")?);
    if targets.is_empty() {
        for name in
            ["watch-interval", "watch-after", "watch-namespace", "watch-context", "watch-slow", "match"]
        {
            if values.one(name).is_some() {
                let message = format!("--{name} needs --watch, which says what to watch");
                return Err(Failure::new(Exit::InvalidConfig, message));
            }
        }
        return Ok(None);
    }
    if interval.is_some_and(|interval| interval < SHORTEST_INTERVAL) {
        return Err(invalid("--watch-interval: a tenth of a second is the shortest"));
    }
    let settings = Settings {
        interval: interval.unwrap_or(INTERVAL),
        slow: slow.unwrap_or(SLOW),
        context: values.one("watch-context").map(str::to_owned),
        namespace: values.one("watch-namespace").map(str::to_owned),
        patterns: patterns(values, &targets)?,
        targets,
    };
    Ok(Some(Watch { settings, after: after.unwrap_or_default() }))
}

/// What to look for in logs: `[NAME=]REGEX`. Logs are read for that alone, so that neither makes sense without the other.
fn patterns(values: &Values, targets: &[Target]) -> Result<Vec<Pattern>, Failure> {
    let texts = several(values, "match", |c| c == '\n');
    let reads_logs = targets.iter().any(|target| matches!(target.what, spec::What::Logs(_)));
    if reads_logs && texts.is_empty() {
        return Err(invalid("watching logs needs --match REGEX, which says what lines to count"));
    }
    if !reads_logs && !texts.is_empty() {
        return Err(invalid("--match needs logs to look into: --watch logs/statefulset/NAME, for example"));
    }
    texts.iter().map(|text| pattern(text)).collect()
}

fn pattern(text: &str) -> Result<Pattern, Failure> {
    let (name, regex) = match text.split_once('=') {
        Some((name, regex)) if spec::is_name(name) => (name, regex),
        _ => (text, text),
    };
    Pattern::new(name, regex).map_err(|error| invalid(format!("--match {text:?}: {error}")))
}

/// `METRIC: EXPRESSION [WINDOW]`, where the metric may have a selector.
pub(crate) fn expectations(values: &Values) -> Result<Vec<Expectation>, Failure> {
    several(values, "expect", |c| c == ';').iter().map(|text| expectation(text)).collect()
}

fn expectation(text: &str) -> Result<Expectation, Failure> {
    let after = text.find('}').map_or(0, |brace| brace + 1);
    let colon = text[after..].find(':').map(|at| at + after);
    match colon.map(|at| (text[..at].trim(), text[at + 1..].trim())) {
        Some((metric, expression)) if !metric.is_empty() && !expression.is_empty() => {
            Ok((metric.to_owned(), expression.to_owned()))
        }
        _ => Err(invalid(format!(
            "--expect {text:?}: expected 'METRIC: EXPRESSION', such as 'k8s_hpa_replicas{{hpa:web}}: max>=4 by peak'"
        ))),
    }
}

/// The values of a flag, or those of its variable, which stand one behind the other.
fn several(values: &Values, name: &str, separates: impl Fn(char) -> bool) -> Vec<String> {
    let of_variable = || {
        let text = values.of_environment(name).unwrap_or_default();
        text.split(separates).map(|part| part.trim().to_owned()).filter(|part| !part.is_empty()).collect()
    };
    values.all_of_flag(name).map_or_else(of_variable, <[String]>::to_vec)
}

fn invalid(message: impl ToString) -> Failure {
    Failure::new(Exit::InvalidConfig, message.to_string())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_expectation_is_a_metric_and_an_expression() {
        let read = |text| expectation(text).unwrap();
        let of = |metric: &str, expression: &str| (metric.to_owned(), expression.to_owned());
        assert_eq!(read("db_deadlocks: count==0"), of("db_deadlocks", "count==0"));
        assert_eq!(
            read("k8s_hpa_replicas{hpa:web,x:y} : max>=4 by peak"),
            of("k8s_hpa_replicas{hpa:web,x:y}", "max>=4 by peak")
        );
        assert!(expectation("db_deadlocks").unwrap_err().message.contains("expected 'METRIC: EXPRESSION'"));
        assert!(expectation("a{b:c}").is_err());
    }

    #[test]
    fn a_pattern_may_have_a_name() {
        let read = |text| {
            let pattern = pattern(text).unwrap();
            (pattern.name.clone(), pattern.regex.as_str().to_owned())
        };
        let of = |name: &str, regex: &str| (name.to_owned(), regex.to_owned());
        assert_eq!(read("deadlock=Deadlock found"), of("deadlock", "Deadlock found"));
        assert_eq!(read("a=b c=d"), of("a", "b c=d"));
        assert_eq!(read("Too many"), of("Too many", "Too many"));
        assert!(pattern("x=(").unwrap_err().message.starts_with("--match \"x=(\": "));
    }
}
