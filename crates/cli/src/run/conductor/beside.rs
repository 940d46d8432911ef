//! What is watched beside the load, in the conductor's rounds; and the time after the load, when that is all there is.

use std::time::Instant;

use throng_engine::Time;

use super::{LOOK_UP, Run};
use crate::logging::{Field, Level};
use crate::run::{progress, watching};

impl Run<'_> {
    /// Goes on watching after the load, as `--watch-after` asks: until it is over, or what is expected is decided.
    pub(super) fn watch_after(&mut self) {
        let after = self.spec.watch.as_ref().map(|watch| watch.after).unwrap_or_default();
        if after.is_zero() || self.is_stopping() || self.exit.is_some() {
            return;
        }
        let until = Instant::now() + after;
        let expects = self.prepared.thresholds.look_after_end();
        let text = throng_plan::duration::format(after);
        self.spec.log.info(&format!("the load is over; watching for up to {text}, as --watch-after asks"));
        while Instant::now() < until && !self.check_signal() {
            if expects && self.prepared.thresholds.are_decided(&self.aggregate) {
                self.spec.log.info("all that is expected after the end is decided; watching no longer");
                return;
            }
            std::thread::sleep(LOOK_UP);
            self.attend();
            let now = Instant::now();
            let progress = self.progress(now);
            let snapshot =
                progress::running(&self.prepared.plan, &progress, now - self.begun, self.max_vus());
            self.display.show(snapshot, now);
        }
    }

    /// Takes what the watcher told, and says what is to be said of it.
    pub(super) fn look_at_watch(&mut self) {
        let Some(watching) = &mut self.watching else { return };
        let news = watching.news(self.has_begun.then_some(self.begun));
        for event in news.events {
            let level = if event.grave { Level::Warning } else { Level::Info };
            self.spec.log.log(level, &event.text, &[Field::new("source", "watch")]);
            if let Some(board) = &mut self.board {
                board.mark_at(event.at, watching::mark(event.kind), &event.text);
            }
        }
        for reading in news.readings {
            self.crew.measured(&reading.delta);
            self.take_in(&reading.delta, reading.at.saturating_duration_since(self.begun));
        }
        self.aggregate.at(self.begun.elapsed());
        let before = self.phase_start.map(|_| self.before_scenarios());
        let Some(watching) = &mut self.watching else { return };
        self.display.note(watching.lines(Instant::now()));
        if self.has_begun {
            let is_over = self.aggregate.moments().end.is_some();
            let plan = &self.prepared.plan;
            watching.seconds(self.begun.elapsed(), |at| {
                match before.and_then(|before| plan.load(at.checked_sub(before)?)) {
                    _ if is_over => 0.0,
                    Some((load, _)) => load,
                    // Where the load is not planned it is the virtual users that work.
                    None => self.crew.progress(Time::from(at)).active_vus as f64,
                }
            });
        }
        if let Some(board) = &mut self.board {
            board.watched(watching.series());
        }
    }
}
