//! What the result says about workers that went, came back or failed to report, in the order in which it happened.
//!
//! When a worker is lost nobody knows yet whether it comes back with what it had measured, and whether others take over its
//! part. The log says what is to be feared then, the result what came of it.

use std::time::Duration;

use throng_cluster::{Loss, WorkerId};

/// See the module's description.
#[derive(Debug, Default)]
pub(super) struct Account {
    entries: Vec<Entry>,
}

#[derive(Debug)]
enum Entry {
    /// Said once and for all.
    Said(String),
    Gone(Gone),
}

/// A worker that is not there any more, or was not for a while.
#[derive(Debug)]
struct Gone {
    worker: WorkerId,
    /// Who, when and why.
    text: String,
    /// For how long what it measured was not known; nothing where it left in order.
    silent: Option<Duration>,
    /// Some of the running test was its own.
    had_a_part: bool,
    is_taken_over: bool,
    back: Option<Back>,
}

#[derive(Debug)]
struct Back {
    /// When, if that is known.
    at: Option<Duration>,
    has_reported: bool,
}

/// Who else there is when a worker goes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Others {
    /// The test has not begun.
    Gather,
    /// They take over its part.
    TakeOver,
    /// They do not, as the test is about to end, or is ended for this.
    End,
    /// Nobody.
    Nobody,
}

impl Account {
    /// Adds a sentence.
    pub(super) fn say(&mut self, text: String) {
        self.entries.push(Entry::Said(text));
    }

    /// A worker was lost; what the log says of it.
    pub(super) fn lost(&mut self, loss: &Loss, others: Others) -> String {
        // It came back, and went before it could tell what it had measured.
        for gone in
            self.of(loss.worker).filter(|gone| gone.back.as_ref().is_some_and(|back| !back.has_reported))
        {
            gone.back = None;
        }
        let when =
            loss.at.map_or_else(|| "before the run".to_owned(), |at| format!("{} into the run", seconds(at)));
        let text = format!(
            "worker {} ({:.1} % of the test) was lost {when}: {}",
            loss.name,
            loss.share * 100.0,
            loss.why
        );
        let part = match others {
            Others::TakeOver => "; the others take over its part",
            Others::Nobody => "; nobody is there to take over its part",
            Others::Gather | Others::End => "",
        };
        let had_a_part = loss.at.is_some() && loss.share > 0.0;
        let part = if had_a_part { part } else { "" };
        // Before the start it measured nothing.
        let silent = loss.at.map(|at| loss.silent.min(at));
        let fear = silent.map_or_else(String::new, |silent| {
            format!("; what it measured in its last {} is missing unless it comes back", seconds(silent))
        });
        let said = format!("{text}{fear}{part}");
        self.entries.push(Entry::Gone(Gone {
            worker: loss.worker,
            text,
            silent,
            had_a_part,
            is_taken_over: false,
            back: None,
        }));
        said
    }

    /// A worker has left in order; what the log says of it.
    pub(super) fn left(
        &mut self,
        worker: WorkerId,
        name: &str,
        share: f64,
        at: Option<Duration>,
        others: Others,
    ) -> String {
        let text = format!(
            "worker {name} ({:.1} % of the test) has left{}, as it was told to",
            share * 100.0,
            when(at)
        );
        let said = match others {
            Others::TakeOver => format!("{text}; the others take over its part"),
            Others::Nobody => format!("{text}; nobody is there to take over its part"),
            Others::Gather | Others::End => text.clone(),
        };
        self.entries.push(Entry::Gone(Gone {
            worker,
            text,
            silent: None,
            had_a_part: at.is_some() && share > 0.0 && others != Others::End,
            // It goes once they have.
            is_taken_over: others == Others::TakeOver,
            back: None,
        }));
        said
    }

    /// A lost worker is there again; what the log says of it.
    pub(super) fn returned(&mut self, worker: WorkerId, name: &str, at: Option<Duration>) -> String {
        if let Some(gone) = self.of(worker).last() {
            gone.back = Some(Back { at, has_reported: false });
        }
        format!("worker {name} is back{}", when(at))
    }

    /// A worker tells what it measured: first what it could not tell before.
    pub(super) fn reported(&mut self, worker: WorkerId) {
        if self.entries.is_empty() {
            return;
        }
        for back in self.of(worker).filter_map(|gone| gone.back.as_mut()) {
            back.has_reported = true;
        }
    }

    /// The whole test has been dealt to those who are there.
    pub(super) fn dealt(&mut self) {
        for entry in &mut self.entries {
            if let Entry::Gone(gone) = entry {
                gone.is_taken_over = true;
            }
        }
    }

    /// A sentence for each.
    pub(super) fn sentences(self) -> Vec<String> {
        let sentence = |entry| match entry {
            Entry::Said(text) => text,
            Entry::Gone(gone) => gone.sentence(),
        };
        self.entries.into_iter().map(sentence).collect()
    }

    /// Whether there is nothing to say.
    pub(super) fn is_empty(&self) -> bool {
        self.entries.is_empty()
    }

    fn of(&mut self, worker: WorkerId) -> impl Iterator<Item = &mut Gone> {
        self.entries.iter_mut().filter_map(move |entry| match entry {
            Entry::Gone(gone) if gone.worker == worker => Some(gone),
            _ => None,
        })
    }
}

impl Gone {
    fn sentence(self) -> String {
        let Self { text, silent, had_a_part, is_taken_over, back, .. } = self;
        let data = match (&back, silent) {
            (Some(Back { at, .. }), _) => format!("; it came back{} with what it had measured", when(*at)),
            (None, Some(silent)) => format!("; what it measured in its last {} is missing", seconds(silent)),
            (None, None) => String::new(),
        };
        let part = match (had_a_part, is_taken_over, back) {
            (true, true, None) => "; the others took over its part",
            (true, true, Some(_)) => "; meanwhile the others ran its part",
            (true, false, None) => "; nobody took over its part",
            _ => "",
        };
        format!("{text}{data}{part}")
    }
}

/// ` 4.2s into the run`, if that is known.
pub(super) fn when(at: Option<Duration>) -> String {
    at.map_or_else(String::new, |at| format!(" {} into the run", seconds(at)))
}

pub(super) fn seconds(time: Duration) -> String {
    format!("{:.1}s", time.as_secs_f64())
}

#[cfg(test)]
mod tests {
    use super::*;

    const W: fn(u32) -> WorkerId = WorkerId::new;

    fn loss(worker: u32, at: Option<u64>) -> Loss {
        Loss {
            worker: W(worker),
            name: format!("w{worker}"),
            share: 0.5,
            at: at.map(Duration::from_secs),
            silent: Duration::from_millis(2_300),
            why: "it was silent for 2.3 s".to_owned(),
        }
    }

    const LOST: &str = "worker w1 (50.0 % of the test) was lost 8.0s into the run: it was silent for 2.3 s";

    #[test]
    fn what_a_worker_measured_is_missing_unless_it_came_back() {
        let mut account = Account::default();
        let said = account.lost(&loss(1, Some(8)), Others::TakeOver);
        assert_eq!(
            said,
            format!(
                "{LOST}; what it measured in its last 2.3s is missing unless it comes back; the others take over its part"
            )
        );
        account.dealt();
        account.lost(&loss(2, Some(9)), Others::TakeOver);
        account.dealt();
        account.returned(W(1), "w1", Some(Duration::from_secs(12)));
        account.reported(W(1));
        assert_eq!(
            account.sentences(),
            [
                format!(
                    "{LOST}; it came back 12.0s into the run with what it had measured; meanwhile the others ran its part"
                ),
                format!(
                    "{}; what it measured in its last 2.3s is missing; the others took over its part",
                    LOST.replace("w1", "w2").replace("8.0s", "9.0s")
                ),
            ]
        );
    }

    #[test]
    fn one_that_is_lost_again_before_it_reports_has_brought_nothing_back() {
        let mut account = Account::default();
        account.lost(&loss(1, Some(8)), Others::TakeOver);
        account.dealt();
        account.returned(W(1), "w1", None);
        account.lost(&loss(1, Some(14)), Others::TakeOver);
        let all = account.sentences();
        assert!(all.iter().all(|text| text.contains("in its last 2.3s is missing")), "{all:?}");
    }

    #[test]
    fn nobody_takes_over_where_nobody_is_left() {
        let mut account = Account::default();
        let said = account.lost(&loss(1, Some(8)), Others::Nobody);
        assert!(said.ends_with("; nobody is there to take over its part"), "{said}");
        account.left(W(2), "w2", 0.5, Some(Duration::from_secs(9)), Others::Nobody);
        account.lost(&loss(3, None), Others::Gather);
        assert_eq!(
            account.sentences(),
            [
                format!("{LOST}; what it measured in its last 2.3s is missing; nobody took over its part"),
                "worker w2 (50.0 % of the test) has left 9.0s into the run, as it was told to; nobody took over its part"
                    .to_owned(),
                "worker w3 (50.0 % of the test) was lost before the run: it was silent for 2.3 s".to_owned(),
            ]
        );
    }
}
