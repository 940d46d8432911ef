//! What a run prints first: our mark, what runs where, and the scenarios.
//!
//! The block below the mark has k6's layout (labels end in column 15), as people's logs and scripts know
//! it; the mark is ours.

use std::fmt::Write as _;

/// A crowd, growing.
const MARK: &str = r"
                 o
          o     /|\
    o    /|\    /|\   throng
   /|\   / \    / \   many users, one clock
";

/// What the header tells.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Header {
    /// What runs it: `local`, or workers.
    pub execution: String,
    /// Where the page is, if there is one.
    pub page: Option<String>,
    /// The script as the user named it.
    pub script: String,
    /// Descriptions of the outputs, such as `json (out.json)`; empty for none.
    pub outputs: Vec<String>,
    /// The line after `scenarios:` and one line for each scenario, from `plan::describe`.
    pub scenarios: Vec<String>,
}

/// The mark alone, as the help shows it.
pub fn mark(coloured: bool) -> String {
    paint(MARK.trim_end_matches('\n'), 33, coloured) + "\n\n"
}

impl Header {
    /// The block below the mark; ends with an empty line.
    pub fn to_text(&self, coloured: bool) -> String {
        let mut text = String::new();
        let output = if self.outputs.is_empty() { "-".to_owned() } else { self.outputs.join(", ") };
        let page = self.page.as_ref().map(|url| ("web dashboard", url));
        let lines = [("execution", &self.execution), ("script", &self.script)];
        for (label, value) in lines.into_iter().chain(page).chain([("output", &output)]) {
            let _ = writeln!(text, "{label:>14}: {}", paint(value, 36, coloured));
        }
        text.push('\n');
        let mut lines = self.scenarios.iter();
        if let Some(total) = lines.next() {
            let _ = writeln!(text, "{:>14}: {}", "scenarios", paint(total, 36, coloured));
        }
        for line in lines {
            let _ = writeln!(text, "{:>15} {line}", "*");
        }
        text.push('\n');
        text
    }
}

fn paint(text: &str, colour: u8, coloured: bool) -> String {
    if coloured { format!("\x1b[{colour}m{text}\x1b[0m") } else { text.to_owned() }
}

#[cfg(test)]
mod tests {
    use super::*;
    use insta::assert_snapshot;

    fn header() -> Header {
        Header {
            execution: "local".into(),
            page: None,
            script: "s1.js".into(),
            outputs: vec!["json (j.json)".into(), "csv (c.csv)".into()],
            scenarios: vec![
                "(100.00%) 2 scenarios, 4 max VUs, 33s max duration (incl. graceful stop):".into(),
                "reads: 2 looping VUs for 2s (exec: reads, gracefulStop: 1s)".into(),
                "writes: 5.00 iterations/s for 2s (maxVUs: 2, startTime: 1s)".into(),
            ],
        }
    }

    #[test]
    fn labels_end_in_one_column() {
        assert_snapshot!(header().to_text(false), @"
             execution: local
                script: s1.js
                output: json (j.json), csv (c.csv)

             scenarios: (100.00%) 2 scenarios, 4 max VUs, 33s max duration (incl. graceful stop):
                      * reads: 2 looping VUs for 2s (exec: reads, gracefulStop: 1s)
                      * writes: 5.00 iterations/s for 2s (maxVUs: 2, startTime: 1s)
        ");
    }

    #[test]
    fn the_indentation_is_exact() {
        let text = Header { outputs: vec![], ..header() }.to_text(false);
        assert!(text.starts_with("     execution: local\n        script: s1.js\n        output: -\n\n"));
        assert!(text.contains("\n     scenarios: (100"));
        assert!(
            text.ends_with(
                "\n              * writes: 5.00 iterations/s for 2s (maxVUs: 2, startTime: 1s)\n\n"
            )
        );
    }

    #[test]
    fn values_are_coloured_and_labels_are_not() {
        let text = header().to_text(true);
        assert!(text.contains("        script: \x1b[36ms1.js\x1b[0m\n"));
    }

    #[test]
    fn the_mark_ends_with_an_empty_line() {
        assert!(mark(false).starts_with('\n') && mark(false).ends_with("\n\n"));
        assert!(!mark(false).contains('\x1b') && mark(true).contains('\x1b'));
    }
}
