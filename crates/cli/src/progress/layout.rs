//! Lines from a snapshot.

use std::fmt::Write as _;

use super::bar::Bar;
use super::columns;
use super::elapsed::{digits, fixed};
use super::snapshot::{Phase, ScenarioProgress, Snapshot, Status};
use crate::terminal::visible_width;

/// How to draw.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Style {
    /// Percentages, no colours: for files and pipes.
    Plain,
    /// Bars within a terminal.
    Bars {
        /// Its width in cells.
        width: usize,
        /// Whether to colour.
        coloured: bool,
    },
}

/// The lines of the display at one moment; the first is empty.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Frame {
    lines: Vec<String>,
}

impl Frame {
    /// A frame of these lines.
    pub fn new(lines: Vec<String>) -> Self {
        Self { lines }
    }

    /// With further lines.
    #[must_use]
    pub fn followed_by(mut self, lines: &[String]) -> Self {
        self.lines.extend(lines.iter().cloned());
        self
    }

    /// The frame as text that ends with a line end.
    pub fn to_text(&self) -> String {
        let mut text = self.lines.join("\n");
        text.push('\n');
        text
    }

    /// The lines that a screen of `height` rows can redraw; says how many it leaves out.
    pub(crate) fn lines_within(&self, height: usize) -> Vec<String> {
        // The row below the block holds the cursor.
        let room = height.saturating_sub(1).max(1);
        if self.lines.len() <= room {
            return self.lines.clone();
        }
        let mut lines = self.lines[..room - 1].to_vec();
        lines.push(format!("… and {} more", self.lines.len() - lines.len()));
        lines
    }
}

/// Draws `snapshot`.
pub fn render(snapshot: &Snapshot, style: Style) -> Frame {
    let coloured = matches!(style, Style::Bars { coloured: true, .. });
    let names = snapshot.scenarios.iter().map(|scenario| scenario.name.chars().count());
    let name_width = names.max().unwrap_or(0).max("Init".len());

    let rights = right_parts(&snapshot.scenarios);
    let head = Head::of(snapshot);
    let widest = rights.iter().map(|right| visible_width(right)).max().unwrap_or(0);
    let bar = match style {
        Style::Plain => Bar::Percent,
        Style::Bars { width, .. } => {
            let widest = widest.max(head.right().map_or(0, |right| right.len() + 1));
            // Name, blank, status, blank, two brackets, and one cell so that no line touches the edge.
            Bar::fitting(width, name_width + 6 + widest)
        }
    };

    let mut lines = vec![String::new(), head.line(name_width, bar, coloured)];
    for (scenario, right) in snapshot.scenarios.iter().zip(rights) {
        let status = status_mark(scenario.status, coloured);
        let bar = bar.draw(scenario.fraction(), coloured);
        lines.push(format!("{:<name_width$} {status} {bar}{right}", scenario.name));
    }
    Frame { lines }
}

/// The first line: a bar of its own before the run phase, the totals in it.
enum Head {
    Bar { name: &'static str, fraction: f64, right: String },
    Totals(String),
}

impl Head {
    fn of(snapshot: &Snapshot) -> Self {
        let width = digits(snapshot.max_vus);
        match snapshot.phase {
            Phase::Init { ready, total } => {
                let width = digits(total);
                Self::Bar {
                    name: "Init",
                    fraction: if total == 0 { 1.0 } else { ready as f64 / total as f64 },
                    right: format!("{ready:0width$}/{total} VUs initialized"),
                }
            }
            Phase::Setup => Self::Bar { name: "Run", fraction: 1.0, right: "setup()".into() },
            Phase::Paused => Self::Bar { name: "Run", fraction: 1.0, right: "paused".into() },
            Phase::Running { elapsed, active, initialised, complete, interrupted } => {
                let clock = fixed(elapsed, snapshot.max_duration);
                Self::Totals(format!(
                    "running ({clock}), {active:0width$}/{initialised:0width$} VUs, \
                     {complete} complete and {interrupted} interrupted iterations"
                ))
            }
        }
    }

    fn right(&self) -> Option<&str> {
        match self {
            Self::Bar { right, .. } => Some(right),
            Self::Totals(_) => None,
        }
    }

    fn line(&self, name_width: usize, bar: Bar, coloured: bool) -> String {
        match self {
            Self::Bar { name, fraction, right } => {
                format!("{name:<name_width$}   {} {right}", bar.draw(*fraction, coloured))
            }
            Self::Totals(text) => text.clone(),
        }
    }
}

/// The text right of each bar, columns aligned.
fn right_parts(scenarios: &[ScenarioProgress]) -> Vec<String> {
    let rows: Vec<Vec<String>> = scenarios.iter().map(columns::of).collect();
    // A column is as wide as its widest cell that another one follows; the last cells hang free.
    let mut widths: Vec<usize> = Vec::new();
    for row in &rows {
        for (column, cell) in row.iter().enumerate().take(row.len().saturating_sub(1)) {
            if widths.len() <= column {
                widths.push(0);
            }
            widths[column] = widths[column].max(cell.chars().count());
        }
    }
    let line = |row: &Vec<String>| {
        let mut text = String::new();
        for (column, cell) in row.iter().enumerate() {
            let width = widths.get(column).map_or(0, |width| width + 1);
            let _ = write!(text, " {cell:<width$}");
        }
        text
    };
    rows.iter().map(line).collect()
}

fn status_mark(status: Status, coloured: bool) -> String {
    let (mark, on, off) = match status {
        Status::Created | Status::Running { .. } => return " ".into(),
        Status::Stopping { .. } => return "↓".into(),
        Status::Waiting { .. } => ("•", "\x1b[2m", "\x1b[22m"),
        Status::Done { .. } => ("✓", "\x1b[32m", "\x1b[0m"),
        Status::Unfinished { .. } => ("✗", "\x1b[31m", "\x1b[0m"),
    };
    if coloured { format!("{on}{mark}{off}") } else { mark.into() }
}
