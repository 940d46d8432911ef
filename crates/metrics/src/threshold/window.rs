//! The part of a run that a threshold looks at: `by peak`, `within 10m of end`.
//!
//! k6's thresholds are about the whole run. What scales does something at a time, so that ours may name one:
//!
//! | | judged on |
//! |---|---|
//! | `max>=4 by peak` | what is measured from the start up to the peak |
//! | `value==2 within 10m of end` | whether it holds at least once in the ten minutes after the end |
//! | `max<=10 from peak to end` | what is measured between the two |
//! | `p(95)<300 after peak+2m` | what is measured from then on, as long as anything is |
//!
//! A moment is `start`, `peak` (the planned load is at its highest for the first time), `descent` (it begins to be lower
//! than that for good), `end` (of the load), each with `+` or `-` a time, or a time alone, which counts from the start.
//! Deltas cover about a second, so that windows are as exact as that.

use std::fmt;
use std::time::Duration;

/// A moment of a run that can be named before it comes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Anchor {
    /// The run phase begins.
    Start,
    /// The planned load reaches its highest.
    Peak,
    /// The planned load leaves its highest for good.
    Descent,
    /// The last iteration is over.
    End,
}

/// A moment, relative to one that has a name.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Moment {
    /// Which.
    pub anchor: Anchor,
    /// How much later, in ms; negative is earlier.
    pub offset: i64,
}

/// When the named moments are, since the start; none is not known yet.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Moments {
    /// See [`Anchor::Peak`].
    pub peak: Option<Duration>,
    /// See [`Anchor::Descent`].
    pub descent: Option<Duration>,
    /// See [`Anchor::End`].
    pub end: Option<Duration>,
}

/// The part of a run that counts.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Window {
    /// From the start until then.
    By(Moment),
    /// It is enough that it holds once within so long after then.
    Within {
        /// How long.
        length: Duration,
        /// After what.
        of: Moment,
    },
    /// Between the two.
    Between(Moment, Moment),
    /// From then on.
    After(Moment),
}

/// Where a window stands at some time.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Standing {
    /// It has not begun, as far as is known.
    Ahead,
    /// What is measured now counts.
    Open,
    /// Nothing counts any more.
    Over,
}

/// Why a window cannot be read.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum WindowError {
    /// No moment.
    #[error(
        "{0:?} is no moment: expected start, peak, descent or end, with + or - a time such as 2m if wanted, or a time"
    )]
    Moment(String),
    /// No time.
    #[error("{0:?} is no time; expected one such as 90s or 10m")]
    Time(String),
    /// `within` without `of`, `from` without `to`.
    #[error("expected \"{0}\"")]
    Form(&'static str),
}

const KEYWORDS: [&str; 4] = ["by", "within", "from", "after"];

impl Window {
    /// Splits `max>=4 by peak` into the expression and its window.
    pub fn split(text: &str) -> Result<(&str, Option<Self>), WindowError> {
        let mut at = 0;
        for word in text.split_inclusive(char::is_whitespace) {
            if KEYWORDS.contains(&word.trim()) && at > 0 {
                return Ok((text[..at].trim(), Some(Self::parse(text[at..].trim())?)));
            }
            at += word.len();
        }
        Ok((text.trim(), None))
    }

    fn parse(text: &str) -> Result<Self, WindowError> {
        let words: Vec<&str> = text.split_whitespace().collect();
        match words[..] {
            ["by", moment] => Ok(Self::By(moment.parse()?)),
            ["after", moment] => Ok(Self::After(moment.parse()?)),
            ["within", length, "of", moment] => {
                Ok(Self::Within { length: time(length)?, of: moment.parse()? })
            }
            ["from", from, "to", to] => Ok(Self::Between(from.parse()?, to.parse()?)),
            ["by", ..] => Err(WindowError::Form("by MOMENT")),
            ["after", ..] => Err(WindowError::Form("after MOMENT")),
            ["within", ..] => Err(WindowError::Form("within TIME of MOMENT")),
            _ => Err(WindowError::Form("from MOMENT to MOMENT")),
        }
    }

    /// The moments that it names.
    pub fn moments(&self) -> impl Iterator<Item = Moment> {
        let (first, second) = match *self {
            Self::By(moment) | Self::After(moment) | Self::Within { of: moment, .. } => (moment, None),
            Self::Between(from, to) => (from, Some(to)),
        };
        std::iter::once(first).chain(second)
    }

    /// How long after the end of the load it looks at most.
    pub fn after_end(&self) -> Duration {
        let of = |moment: Moment, more: Duration| {
            let offset = moment.offset.saturating_add(millis(more));
            let late = if moment.anchor == Anchor::End { offset.max(0) } else { 0 };
            Duration::from_millis(late.unsigned_abs())
        };
        match *self {
            Self::By(moment) | Self::Between(_, moment) => of(moment, Duration::ZERO),
            // At least something must be measured after it.
            Self::After(moment) => of(moment, Duration::from_secs(1)),
            Self::Within { length, of: moment } => of(moment, length),
        }
    }

    /// The first and the last moment that count, in ms since the start; none is not known or has no end.
    fn bounds(&self, moments: &Moments) -> (Option<i64>, Option<i64>) {
        match *self {
            Self::By(moment) => (Some(0), moment.at(moments)),
            Self::After(moment) => (moment.at(moments), None),
            Self::Between(from, to) => (from.at(moments), to.at(moments)),
            Self::Within { length, of } => {
                let from = of.at(moments);
                (from, from.map(|from| from + i64::try_from(length.as_millis()).unwrap_or(i64::MAX / 2)))
            }
        }
    }

    /// Where it stands `now`.
    pub fn standing(&self, moments: &Moments, now: Duration) -> Standing {
        let now = i64::try_from(now.as_millis()).unwrap_or(i64::MAX);
        match self.bounds(moments) {
            (None, _) => Standing::Ahead,
            (Some(from), _) if now < from => Standing::Ahead,
            (_, Some(to)) if now > to => Standing::Over,
            _ => Standing::Open,
        }
    }

    /// For how many seconds it has lasted `now`, to relate a count to.
    pub fn seconds(&self, moments: &Moments, now: Duration) -> f64 {
        let now = i64::try_from(now.as_millis()).unwrap_or(i64::MAX);
        let (from, to) = self.bounds(moments);
        let lasted = to.map_or(now, |to| to.min(now)) - from.unwrap_or(now);
        lasted.max(0) as f64 / 1_000.0
    }
}

impl Moment {
    fn at(self, moments: &Moments) -> Option<i64> {
        let anchor = match self.anchor {
            Anchor::Start => Some(Duration::ZERO),
            Anchor::Peak => moments.peak,
            Anchor::Descent => moments.descent,
            Anchor::End => moments.end,
        };
        Some(i64::try_from(anchor?.as_millis()).unwrap_or(i64::MAX / 2) + self.offset)
    }
}

impl std::str::FromStr for Moment {
    type Err = WindowError;

    fn from_str(text: &str) -> Result<Self, WindowError> {
        let invalid = || WindowError::Moment(text.to_owned());
        let (name, sign, offset) = match text.find(['+', '-']) {
            Some(at) => (&text[..at], &text[at..=at], &text[at + 1..]),
            None => (text, "+", ""),
        };
        let anchor = match name {
            "start" => Anchor::Start,
            "peak" => Anchor::Peak,
            "descent" => Anchor::Descent,
            "end" => Anchor::End,
            _ if offset.is_empty() => {
                let offset = time(text).map_err(|_| invalid())?;
                return Ok(Self { anchor: Anchor::Start, offset: millis(offset) });
            }
            _ => return Err(invalid()),
        };
        let offset = if text.len() == name.len() { 0 } else { millis(time(offset)?) };
        Ok(Self { anchor, offset: if sign == "-" { -offset } else { offset } })
    }
}

fn millis(time: Duration) -> i64 {
    i64::try_from(time.as_millis()).unwrap_or(i64::MAX / 4)
}

/// `1h30m`, `90s`, `500ms`.
fn time(text: &str) -> Result<Duration, WindowError> {
    let invalid = || WindowError::Time(text.to_owned());
    let mut rest = text;
    let mut whole = Duration::ZERO;
    while !rest.is_empty() {
        let digits = rest.find(|c: char| !c.is_ascii_digit() && c != '.').ok_or_else(invalid)?;
        let number: f64 = rest[..digits].parse().map_err(|_| invalid())?;
        rest = &rest[digits..];
        let unit = rest.find(|c: char| c.is_ascii_digit() || c == '.').unwrap_or(rest.len());
        let seconds = match &rest[..unit] {
            "ms" => 0.001,
            "s" => 1.0,
            "m" => 60.0,
            "h" => 3_600.0,
            _ => return Err(invalid()),
        };
        whole += Duration::try_from_secs_f64(number * seconds).map_err(|_| invalid())?;
        rest = &rest[unit..];
    }
    if text.is_empty() { Err(invalid()) } else { Ok(whole) }
}

impl fmt::Display for Anchor {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Start => "start",
            Self::Peak => "peak",
            Self::Descent => "descent",
            Self::End => "end",
        })
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    const SECOND: Duration = Duration::from_secs(1);

    fn window(text: &str) -> Window {
        let (expression, window) = Window::split(text).unwrap();
        assert_eq!(expression, "max>=4", "{text}");
        window.unwrap()
    }

    #[test]
    fn windows_are_read() {
        let moment = |anchor, offset| Moment { anchor, offset };
        assert_eq!(window("max>=4 by peak"), Window::By(moment(Anchor::Peak, 0)));
        assert_eq!(window("max>=4  by  peak+1m30s"), Window::By(moment(Anchor::Peak, 90_000)));
        assert_eq!(window("max>=4 after 90s"), Window::After(moment(Anchor::Start, 90_000)));
        assert_eq!(
            window("max>=4 within 10m of end"),
            Window::Within { length: 600 * SECOND, of: moment(Anchor::End, 0) }
        );
        assert_eq!(
            window("max>=4 from descent-500ms to end+2s"),
            Window::Between(moment(Anchor::Descent, -500), moment(Anchor::End, 2_000))
        );
        assert_eq!(Window::split(" max>=4 "), Ok(("max>=4", None)));
    }

    #[test]
    fn what_is_no_window_is_refused() {
        let said = |text: &str| Window::split(text).unwrap_err().to_string();
        assert!(said("max>=4 by noon").starts_with("\"noon\" is no moment: expected start, peak"));
        assert!(said("max>=4 by peak+").contains("\"\" is no time"));
        assert!(said("max>=4 within ten of end").contains("\"ten\" is no time"));
        assert_eq!(said("max>=4 within 10m"), "expected \"within TIME of MOMENT\"");
        assert_eq!(said("max>=4 from peak"), "expected \"from MOMENT to MOMENT\"");
    }

    #[test]
    fn a_window_opens_when_its_moment_is_known_and_has_come() {
        let back = window("max>=4 within 10s of end");
        let unknown = Moments::default();
        assert_eq!(back.standing(&unknown, 100 * SECOND), Standing::Ahead);
        let known = Moments { end: Some(60 * SECOND), ..unknown };
        let standings: Vec<Standing> = [59, 60, 70, 71].map(|at| back.standing(&known, at * SECOND)).to_vec();
        assert_eq!(standings, [Standing::Ahead, Standing::Open, Standing::Open, Standing::Over]);
        assert_eq!(back.seconds(&known, 65 * SECOND), 5.0);
        assert_eq!(back.after_end(), 10 * SECOND);
        assert_eq!(window("max>=4 from peak to end+3s").after_end(), 3 * SECOND);
        assert_eq!(window("max>=4 by peak+3s").after_end(), Duration::ZERO);
    }

    proptest! {
        #[test]
        fn no_text_makes_the_parser_panic(text in "(max>=4 )?(by|within|from|after|of|to|peak|end|[0-9.smh+-]{1,4}| |é){0,8}") {
            let _ = Window::split(&text);
        }
    }
}
