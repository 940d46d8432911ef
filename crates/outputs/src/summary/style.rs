//! Colours, or none. The codes are those k6 1.1 writes to a terminal.

/// Whether escape codes are written.
#[derive(Clone, Copy, Debug)]
pub(super) struct Style {
    pub(super) colors: bool,
}

/// How a piece of text stands out.
#[derive(Clone, Copy, Debug)]
pub(super) enum Paint {
    Bold,
    Good,
    Bad,
    Value,
    /// What stands beside a value.
    Extra,
    /// The same in the legacy layout, which puts the attributes in another order.
    LegacyExtra,
    Dots,
    LegacyDots,
    Plain,
}

impl Style {
    pub(super) fn paint(self, paint: Paint, text: &str) -> String {
        if !self.colors {
            return text.to_owned();
        }
        let code = match paint {
            Paint::Bold => "1",
            Paint::Good => "32",
            Paint::Bad => "31",
            Paint::Value => "36",
            Paint::Extra => "2;36",
            Paint::LegacyExtra => "36;2",
            Paint::Dots => "2;37",
            Paint::LegacyDots => "2",
            Paint::Plain => "37",
        };
        format!("\u{1b}[{code}m{text}\u{1b}[0m")
    }
}
