//! The bar of one line, or its percentage.

/// How bars are drawn.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Bar {
    /// Characters between the brackets.
    Cells(usize),
    /// A percentage: no terminal, or no room.
    Percent,
}

/// Cells between the brackets when there is room.
const FULL: usize = 38;
/// Below this many cells a bar tells nothing; a percentage does.
const LEAST: usize = 6;

impl Bar {
    /// The widest bar that leaves `others` cells of a line of `width` to the rest.
    pub(crate) fn fitting(width: usize, others: usize) -> Self {
        match width.saturating_sub(others).min(FULL) {
            cells if cells >= LEAST => Self::Cells(cells),
            _ => Self::Percent,
        }
    }

    /// Draws `fraction` (0 to 1), brackets included.
    pub(crate) fn draw(self, fraction: f64, coloured: bool) -> String {
        let Self::Cells(cells) = self else {
            return format!("[ {:3.0}% ]", fraction * 100.0);
        };
        let full = ((cells as f64 * fraction) as usize).min(cells);
        let mut done = "=".repeat(full);
        if full > 0 && full < cells {
            done.replace_range(full - 1.., ">");
        }
        let rest = "-".repeat(cells - full);
        if coloured { format!("[{done}\x1b[2m{rest}\x1b[22m]") } else { format!("[{done}{rest}]") }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn bars_fill_from_the_left() {
        for (fraction, expected) in
            [(0.0, "[----------]"), (0.1, "[>---------]"), (0.5, "[====>-----]"), (1.0, "[==========]")]
        {
            assert_eq!(Bar::Cells(10).draw(fraction, false), expected);
        }
    }

    #[test]
    fn a_narrow_line_gets_a_percentage() {
        assert_eq!(Bar::fitting(100, 30), Bar::Cells(38));
        assert_eq!(Bar::fitting(40, 30), Bar::Cells(10));
        assert_eq!(Bar::fitting(30, 30), Bar::Percent);
        assert_eq!(Bar::Percent.draw(0.066, false), "[   7% ]");
    }
}
