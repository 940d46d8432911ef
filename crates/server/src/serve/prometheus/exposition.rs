//! The text exposition format 0.0.4: families with their samples, each family once.

use std::collections::HashSet;
use std::fmt::Write as _;

/// What Prometheus calls the kind of a family.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Kind {
    Counter,
    Gauge,
    Summary,
}

/// The quantiles that summaries have.
pub(super) const QUANTILES: [&str; 4] = ["0.5", "0.9", "0.95", "0.99"];

/// Writes families one after the other.
#[derive(Default)]
pub(super) struct Exposition {
    text: String,
    /// Of samples.
    names: HashSet<String>,
}

impl Exposition {
    /// Begins a family, whose samples follow. Its name is made another where it is taken: what a script calls its metrics
    /// may be what two of them become, or what the sum or count of a third is called. A counter's still ends in `_total`.
    pub(super) fn family(&mut self, name: &str, kind: Kind, help: &str) -> Family<'_> {
        let ending = if kind == Kind::Counter && name.ends_with("_total") { "_total" } else { "" };
        let mut stem = name.strip_suffix(ending).unwrap_or(name).to_owned();
        let name = loop {
            let name = format!("{stem}{ending}");
            let samples: &[&str] = if kind == Kind::Summary { &["", "_sum", "_count"] } else { &[""] };
            let samples: Vec<String> = samples.iter().map(|suffix| format!("{name}{suffix}")).collect();
            if samples.iter().all(|sample| !self.names.contains(sample)) {
                self.names.extend(samples);
                break name;
            }
            stem.push('_');
        };
        let kind = match kind {
            Kind::Counter => "counter",
            Kind::Gauge => "gauge",
            Kind::Summary => "summary",
        };
        let help = help.replace('\\', "\\\\").replace('\n', "\\n");
        let _ = writeln!(self.text, "# HELP {name} {help}\n# TYPE {name} {kind}");
        Family { text: &mut self.text, name }
    }

    /// A family of one sample.
    pub(super) fn one(&mut self, name: &str, kind: Kind, help: &str, value: f64) {
        self.family(name, kind, help).sample(&[], value);
    }

    /// All of it.
    pub(super) fn into_text(self) -> String {
        self.text
    }
}

/// Samples of one name.
pub(super) struct Family<'a> {
    text: &'a mut String,
    name: String,
}

impl Family<'_> {
    /// Adds a sample; none of what is not a number.
    pub(super) fn sample(&mut self, labels: &[(&str, &str)], value: f64) {
        self.line("", labels, None, value);
    }

    /// Adds the samples of a summary: [`QUANTILES`], sum and count.
    pub(super) fn summary(&mut self, labels: &[(&str, &str)], at: [Option<f64>; 4], sum: f64, count: f64) {
        for (quantile, value) in QUANTILES.into_iter().zip(at) {
            if let Some(value) = value {
                self.line("", labels, Some(quantile), value);
            }
        }
        self.line("_sum", labels, None, sum);
        self.line("_count", labels, None, count);
    }

    fn line(&mut self, suffix: &str, labels: &[(&str, &str)], quantile: Option<&str>, value: f64) {
        if !value.is_finite() {
            return;
        }
        let quantile = quantile.map(|quantile| ("quantile", quantile));
        let labels: Vec<String> = labels
            .iter()
            .copied()
            .chain(quantile)
            .map(|(name, value)| format!("{name}=\"{}\"", escape(value)))
            .collect();
        let _ = match labels.as_slice() {
            [] => writeln!(self.text, "{}{suffix} {value}", self.name),
            labels => writeln!(self.text, "{}{suffix}{{{}}} {value}", self.name, labels.join(",")),
        };
    }
}

fn escape(text: &str) -> String {
    text.replace('\\', "\\\\").replace('"', "\\\"").replace('\n', "\\n")
}
