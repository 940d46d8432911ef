//! One line that says how far a fill is.

use std::collections::VecDeque;
use std::fmt::Write as _;
use std::time::Duration;

use throng_stores::plan::{Goal, Plan};
use throng_stores::size::Size;
use throng_stores::{Snapshot, Stage};

use crate::progress::Bar;

/// Rates are those of so long.
const WINDOW: Duration = Duration::from_secs(5);

/// Makes the line, and remembers what it takes to know rates.
#[derive(Debug)]
pub(super) struct Line {
    place: String,
    records: &'static str,
    goal: Goal,
    /// When there were how many records and bytes inserted, oldest first.
    past: VecDeque<(Duration, u64, u64)>,
}

/// How much is said behind the bar.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Detail {
    /// Everything.
    Full,
    /// What leaves room for a bar in 80 columns.
    Short,
}

/// What has been inserted a second.
#[derive(Debug, Clone, Copy, PartialEq)]
struct Rate {
    records: f64,
    bytes: f64,
}

impl Line {
    pub(super) fn new(plan: &Plan) -> Self {
        Self {
            place: format!("{}.{}", plan.database, plan.collection),
            records: plan.kind.records(),
            goal: plan.goal,
            past: VecDeque::new(),
        }
    }

    /// The line with a bar as wide as there is room; less is said where there is none.
    pub(super) fn on_terminal(&mut self, snapshot: &Snapshot, width: usize, coloured: bool) -> String {
        let rate = self.rate(snapshot);
        let full = self.after(snapshot, rate, Detail::Full);
        let Some(fraction) = self.fraction(snapshot) else {
            return clipped(format!("{} {full}", self.place), width);
        };
        let percent = format!("{:3.0}%", fraction * 100.0);
        for after in [&full, &self.after(snapshot, rate, Detail::Short)] {
            // The name, the percentage, the brackets and the spaces between.
            let others = self.place.chars().count() + percent.len() + after.chars().count() + 5;
            if let bar @ Bar::Cells(_) = Bar::fitting(width, others) {
                return format!("{} {percent} {} {after}", self.place, bar.draw(fraction, coloured));
            }
        }
        clipped(format!("{} {percent} {full}", self.place), width)
    }

    /// The line for a log.
    pub(super) fn in_file(&mut self, snapshot: &Snapshot) -> String {
        let rate = self.rate(snapshot);
        let percent = self.fraction(snapshot).map(|fraction| format!(" {:.0}%,", fraction * 100.0));
        format!(
            "fill {}:{} {}",
            self.place,
            percent.unwrap_or_default(),
            self.after(snapshot, rate, Detail::Full)
        )
    }

    /// Everything behind the bar.
    fn after(&self, snapshot: &Snapshot, rate: Option<Rate>, detail: Detail) -> String {
        let doing = match snapshot.stage {
            Stage::Connecting => "connecting",
            Stage::Looking => "looking at what is there",
            Stage::Indexing => "creating indexes",
            Stage::Measuring => "asking the server for its size",
            Stage::Recounting | Stage::Filling => "",
        };
        if !doing.is_empty() {
            let lost = if snapshot.is_lost { ", the server cannot be reached" } else { "" };
            return format!("{doing}{lost}");
        }
        let mut text = Size(snapshot.bytes()).to_string();
        if let Goal::Bytes(size) = self.goal {
            let _ = write!(text, " of {size}");
        }
        if detail == Detail::Full || matches!(self.goal, Goal::Records(_)) {
            let _ = write!(text, ", {}", grouped(snapshot.records()));
            if let Goal::Records(count) = self.goal {
                let _ = write!(text, " of {}", grouped(count));
            }
            let _ = write!(text, " {}", self.records);
        }
        if snapshot.is_lost {
            text.push_str(", the server cannot be reached");
        } else if snapshot.stage == Stage::Recounting {
            text.push_str(" there");
        } else if let Some(rate) = rate {
            let _ = write!(text, ", {}/s", grouped(rate.records as u64));
            if detail == Detail::Full {
                let _ = write!(text, ", {}/s", Size(rate.bytes as u64));
            }
            if let Some(left) = self.left(snapshot, rate) {
                let _ = write!(text, ", {} left", clock(left));
            }
        }
        text
    }

    /// How much of the goal is met, from 0 to 1.
    fn fraction(&self, snapshot: &Snapshot) -> Option<f64> {
        let (done, all) = match self.goal {
            Goal::Bytes(size) => (snapshot.bytes() as f64, size.0 as f64),
            Goal::Records(count) => (snapshot.records() as f64, count as f64),
            Goal::Time(time) => (snapshot.inserting.as_secs_f64(), time.as_secs_f64()),
        };
        (all > 0.0).then(|| (done / all).clamp(0.0, 1.0))
    }

    fn left(&self, snapshot: &Snapshot, rate: Rate) -> Option<Duration> {
        let seconds = match self.goal {
            Goal::Bytes(size) => size.0.saturating_sub(snapshot.bytes()) as f64 / rate.bytes,
            Goal::Records(count) => count.saturating_sub(snapshot.records()) as f64 / rate.records,
            Goal::Time(time) => return Some(time.saturating_sub(snapshot.inserting)),
        };
        Duration::try_from_secs_f64(seconds).ok()
    }

    fn rate(&mut self, snapshot: &Snapshot) -> Option<Rate> {
        let now = (snapshot.elapsed, snapshot.inserted_records, snapshot.inserted_bytes);
        self.past.push_back(now);
        // One that is older stays, so that the window is never shorter than it should be.
        while self.past.get(1).is_some_and(|(at, ..)| snapshot.elapsed.saturating_sub(*at) >= WINDOW) {
            self.past.pop_front();
        }
        let (at, records, bytes) = *self.past.front()?;
        let seconds = snapshot.elapsed.saturating_sub(at).as_secs_f64();
        // In a file there is one line each five seconds, and the first one has none before it.
        let (seconds, records, bytes) =
            if seconds > 0.0 { (seconds, records, bytes) } else { (snapshot.inserting.as_secs_f64(), 0, 0) };
        (seconds > 0.0 && now.1 > records).then(|| Rate {
            records: (now.1 - records) as f64 / seconds,
            bytes: now.2.saturating_sub(bytes) as f64 / seconds,
        })
    }
}

fn clipped(line: String, width: usize) -> String {
    if line.chars().count() <= width { line } else { line.chars().take(width.max(1)).collect() }
}

/// A time that is left: whole seconds, minutes from two on.
fn clock(time: Duration) -> String {
    let seconds = time.as_secs_f64().ceil() as u64;
    match seconds {
        0..=119 => format!("{seconds} s"),
        120..=7199 => format!("{} min {:02} s", seconds / 60, seconds % 60),
        _ => format!("{} h {:02} min", seconds / 3600, seconds / 60 % 60),
    }
}

/// A number with commas between thousands.
pub(super) fn grouped(number: u64) -> String {
    let digits = number.to_string();
    let mut text = String::with_capacity(digits.len() + digits.len() / 3);
    for (index, digit) in digits.chars().enumerate() {
        if index > 0 && (digits.len() - index).is_multiple_of(3) {
            text.push(',');
        }
        text.push(digit);
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    fn line(goal: Goal) -> Line {
        Line { place: "sample.documents".into(), records: "documents", goal, past: VecDeque::new() }
    }

    fn snapshot(seconds: u64, records: u64) -> Snapshot {
        Snapshot {
            stage: Stage::Filling,
            is_lost: false,
            present_records: 0,
            there_records: 0,
            there_bytes: 0,
            inserted_records: records,
            inserted_bytes: records * 500,
            recovered_records: 0,
            losses: 0,
            elapsed: Duration::from_secs(seconds),
            inserting: Duration::from_secs(seconds),
        }
    }

    const GOAL: Goal = Goal::Bytes(Size(64_000_000));

    #[test]
    fn a_log_gets_everything_in_words() {
        let mut line = line(GOAL);
        line.in_file(&snapshot(5, 20_000));
        assert_eq!(
            line.in_file(&snapshot(10, 64_000)),
            "fill sample.documents: 50%, 32.0 MB of 64.0 MB, 64,000 documents, 8,800/s, 4.4 MB/s, 8 s left"
        );
    }

    #[test]
    fn a_terminal_gets_a_bar_if_there_is_room() {
        let wide = line(GOAL).on_terminal(&snapshot(10, 64_000), 140, false);
        assert_eq!(
            wide,
            "sample.documents  50% [==================>-------------------] 32.0 MB of 64.0 MB, 64,000 documents, 6,400/s, \
             3.2 MB/s, 10 s left"
        );
        let usual = line(GOAL).on_terminal(&snapshot(10, 64_000), 80, false);
        assert_eq!(usual, "sample.documents  50% [=======>---------] 32.0 MB of 64.0 MB, 6,400/s, 10 s left");
        let narrow = line(GOAL).on_terminal(&snapshot(10, 64_000), 40, false);
        assert_eq!(narrow, "sample.documents  50% 32.0 MB of 64.0 MB");
    }

    #[test]
    fn a_lost_server_and_other_stages_are_said() {
        let lost = Snapshot { is_lost: true, ..snapshot(10, 64_000) };
        assert!(line(GOAL).in_file(&lost).ends_with("64,000 documents, the server cannot be reached"));
        let indexing = Snapshot { stage: Stage::Indexing, ..snapshot(10, 64_000) };
        assert_eq!(line(GOAL).in_file(&indexing), "fill sample.documents: 50%, creating indexes");
    }

    #[test]
    fn other_goals_count_what_they_are_about() {
        let count = line(Goal::Records(100_000)).in_file(&snapshot(10, 50_000));
        assert_eq!(
            count,
            "fill sample.documents: 50%, 25.0 MB, 50,000 of 100,000 documents, 5,000/s, 2.5 MB/s, 10 s left"
        );
        let time = line(Goal::Time(Duration::from_mins(10))).in_file(&snapshot(60, 50_000));
        assert!(
            time.starts_with("fill sample.documents: 10%, ") && time.ends_with("9 min 00 s left"),
            "{time}"
        );
    }

    #[test]
    fn numbers_and_times_read_well() {
        assert_eq!(
            [grouped(0), grouped(999), grouped(1000), grouped(1_234_567)],
            ["0", "999", "1,000", "1,234,567"]
        );
        let seconds = |seconds| clock(Duration::from_secs(seconds));
        assert_eq!(
            [seconds(0), seconds(119), seconds(121), seconds(7_260)],
            ["0 s", "119 s", "2 min 01 s", "2 h 01 min"]
        );
    }
}
