//! What a run prints first: our mark, what runs where, and the scenarios.
//!
//! The block below the mark has k6's layout (labels end in column 15), as people's logs and scripts know
//! it; the mark is ours.

use std::fmt::Write as _;

/// A crowd that grows: three rows of virtual users.
const MARK: &str = r"
           o
          /|\        throng
       o  / \  o
      /|\     /|\    many users, one clock
      / \  o  / \
";

/// What the header tells.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Header {
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
        for (label, value) in [("execution", "local"), ("script", &self.script), ("output", &output)] {
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
