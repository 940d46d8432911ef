//! Iterations that are counted: the host programs run what they are dealt, and each index counts once.

use throng_cluster::{CountedWork, Instruction, Report, Want};
use throng_engine::{Counts, Indices, ScenarioIndex};

use super::workers::delta;
use super::{DELTA_EVERY, Process, World};

const SCENARIO: ScenarioIndex = ScenarioIndex::new(0);

/// What a worker's host program has of them.
#[derive(Default)]
pub(super) struct Stock {
    unstarted: Indices,
    running: Indices,
    counts: Counts,
    ticks: u32,
    is_closed: bool,
}

/// What the controller's host program heard.
#[derive(Default)]
pub(super) struct Sum {
    pub(super) told: u64,
    pub(super) unsettled: u64,
}

impl Process {
    fn settle(&mut self, indices: &Indices) {
        self.stock.counts.settle(SCENARIO, indices);
        self.since_delta += indices.count();
    }

    /// What runs ends.
    fn complete(&mut self) {
        let running = std::mem::take(&mut self.stock.running);
        self.settle(&running);
    }
}

impl World {
    /// What the host program does every tenth of a second; each iteration takes as long.
    pub(super) fn iterate_counted(&mut self, process: usize, work: CountedWork) {
        let now = self.process_now(process);
        let p = &mut self.processes[process];
        p.complete();
        let owns = p.slots(now).clone();
        let users = owns.scale(work.vus);
        if work.is_each {
            // What is of others' places goes with the places.
            let newest = p.slots(throng_cluster::Moment::NEVER).clone();
            let gone: Indices = p
                .stock
                .unstarted
                .ranges()
                .flatten()
                .filter(|index| !newest.owns(index / work.iterations) && !owns.owns(index / work.iterations))
                .map(|index| index..index + 1)
                .collect();
            p.stock.unstarted.remove_all(&gone);
            p.stock.counts.give_back(SCENARIO, &gone);
        }
        if now < p.lease {
            let next = if work.is_each {
                let places = owns.iter().take_while(|place| *place < work.vus);
                let first = |place: u64| {
                    let of_place = place * work.iterations..(place + 1) * work.iterations;
                    of_place.into_iter().find(|index| p.stock.unstarted.contains(*index))
                };
                places.filter_map(first).map(|index| index..index + 1).collect()
            } else {
                p.stock.unstarted.take(users)
            };
            p.stock.unstarted.remove_all(&next);
            p.stock.running = next;
        }
        p.stock.ticks += 1;
        let is_idle = p.stock.running.is_empty();
        if p.stock.ticks.is_multiple_of(DELTA_EVERY) || is_idle && !p.stock.counts.is_empty() {
            self.report_counted(process);
        }
        let left = self.processes[process].stock.unstarted.count();
        if users > 0 && left < users && !work.is_each {
            let want = Want { scenario: SCENARIO, left, wanted: users * 2, rest: false };
            self.report(process, Report::Wants(vec![want]));
        }
        if is_idle && left == 0 && self.processes[process].stock.is_closed {
            self.finish(process);
        }
    }

    pub(super) fn report_counted(&mut self, process: usize) {
        let p = &mut self.processes[process];
        let count = std::mem::take(&mut p.since_delta);
        p.reported += count;
        let epoch = p.stock.counts.epoch;
        let counts = std::mem::replace(&mut p.stock.counts, Counts { epoch, ..Counts::default() });
        self.report(process, Report::Counted(delta(process, count), counts));
    }

    /// The same once the time is over: what comes is dropped.
    pub(super) fn drop_counted(&mut self, process: usize) {
        self.end_counted(process, true);
        if self.processes[process].stock.is_closed {
            return self.finish(process);
        }
        let want = Want { scenario: SCENARIO, left: 0, wanted: 0, rest: true };
        self.report(process, Report::Wants(vec![want]));
    }

    /// What a host program does with its iterations before it ends.
    pub(super) fn end_counted(&mut self, process: usize, drops: bool) {
        let p = &mut self.processes[process];
        p.complete();
        let unstarted = std::mem::take(&mut p.stock.unstarted);
        if drops {
            p.settle(&unstarted);
        } else {
            p.stock.counts.give_back(SCENARIO, &unstarted);
        }
        self.report_counted(process);
    }

    pub(super) fn count(&mut self, process: usize, instruction: Instruction) {
        let Instruction::Count { epoch, void, grants, recalls, closed } = instruction else { return };
        if void {
            self.tell(format!("worker {process} was given up {epoch} times and forgets"));
            self.report_counted(process);
            let stock = &mut self.processes[process].stock;
            (stock.unstarted, stock.running) = (Indices::default(), Indices::default());
            stock.counts.epoch = epoch;
        }
        let p = &mut self.processes[process];
        for (_, indices) in &grants {
            p.stock.unstarted.extend(indices);
        }
        p.stock.is_closed |= !closed.is_empty();
        let mut returned = Indices::default();
        for (_, count) in recalls {
            returned.extend(&p.stock.unstarted.take(count));
        }
        if p.finished {
            if p.leaving {
                returned.extend(&std::mem::take(&mut p.stock.unstarted));
            }
            if p.over {
                return;
            }
        }
        if !returned.is_empty() {
            p.stock.counts.give_back(SCENARIO, &returned);
            self.report_counted(process);
        }
    }

    /// Every index counts once, or is known to be missing; none is missing unless the time was over or the run was ended.
    pub(super) fn assert_each_counted_once(&self) {
        let Some(work) =
            self.counted.filter(|_| self.happened.contains("all done") && self.started_at.is_some())
        else {
            return;
        };
        let Sum { told, unsettled } = self.sum;
        assert_eq!(told + unsettled, work.total(), "each index counts once");
        let is_whole = !self.was_aborted && !self.happened.contains("failed");
        assert!(!is_whole || unsettled == 0, "{unsettled} iterations were forgotten");
    }
}
