//! externally-controlled: how many virtual users loop is set from outside while the test runs.
//!
//! As observed on k6 1.1: lowering the number interrupts who is beyond it; a pause lets iterations finish
//! and puts off the end by as long as it takes; the maximum never falls below the scenario's own. Raising
//! the maximum initialises more. Places beyond the initial maximum get the ids after the whole pool's, in
//! order, so that each shard knows its own. The plan refuses gracefulStop and segments here; workers share what is set in
//! the whole test by their slots.

use std::time::Duration;

use throng_plan::Slots;

use crate::action::{Action, Actions};
use crate::executor::looping::{Looping, Stint};
use crate::ids::{ScenarioIndex, ShardIndex, VuId};
use crate::shard::{Body, PartPhase, Shard};
use crate::time::Time;
use crate::timers::Due;
use crate::vus::Phase;

/// What the scenario is set to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Control {
    vus: u64,
    max_vus: u64,
    paused: bool,
    /// The maximum that the placement knows, which is the scenario's own.
    foreseen: u64,
    /// What was set from outside, of the whole test.
    wished: Option<(u64, u64)>,
    /// What is left of its time while the clock stands.
    left: Option<Duration>,
}

/// A change from outside.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Change {
    Pause,
    Resume,
    Set { vus: u64, max_vus: u64 },
}

impl Control {
    pub(crate) fn new(vus: u64, max_vus: u64) -> Self {
        Self { vus: vus.min(max_vus), max_vus, paused: false, foreseen: max_vus, wished: None, left: None }
    }

    fn change(&mut self, change: Change, slots: &Slots) {
        match change {
            Change::Pause => self.paused = true,
            Change::Resume => self.paused = false,
            Change::Set { vus, max_vus } => {
                self.wished = Some((vus, max_vus));
                self.take_part_of_wish(slots);
            }
        }
    }

    fn take_part_of_wish(&mut self, slots: &Slots) {
        let Some((vus, max_vus)) = self.wished else { return };
        // Ids have 32 bits, and there are other scenarios' virtual users.
        let most = u64::from(u32::MAX / 2).max(self.foreseen);
        self.max_vus = slots.scale(max_vus).clamp(self.foreseen, most);
        self.vus = slots.scale(vus).min(self.max_vus);
    }

    /// Another part of the test is this worker's: `vus` and `max_vus` of the script's numbers, and `slots` of those that were
    /// set since.
    pub(crate) fn redeal(&mut self, vus: u64, max_vus: u64, slots: &Slots) {
        let Self { paused, wished, left, .. } = *self;
        *self = Self { paused, wished, left, ..Self::new(vus, max_vus) };
        self.take_part_of_wish(slots);
    }

    /// How many loop, and how many there are at most.
    pub(crate) fn numbers(&self) -> (u64, u64) {
        (self.vus, self.max_vus)
    }

    fn wants(&self, place: u64) -> bool {
        !self.paused && place < self.vus
    }
}

impl Shard {
    /// Carries out a change for those scenarios it concerns: a pause for all externally controlled ones,
    /// numbers for the first of them (as k6's API does).
    pub(crate) fn control(&mut self, change: Change, now: Time, actions: &mut Actions) {
        for scenario in self.engine.scenarios() {
            let part = &mut self.parts[scenario.index()];
            let phase = part.phase;
            let Body::Looping(looping) = &mut part.body else { continue };
            let Some(control) = &mut looping.control else { continue };
            control.change(change, &self.layout.works[scenario.index()].vu_slots);
            self.engine.shared.scenario(scenario).set_controlled(control.vus, control.max_vus);
            if phase == PartPhase::Running {
                self.apply_control(scenario, now, actions);
            }
            if matches!(change, Change::Set { .. }) {
                break;
            }
        }
    }

    /// Makes the scenario's virtual users what the control wants them to be.
    pub(crate) fn apply_control(&mut self, scenario: ScenarioIndex, now: Time, actions: &mut Actions) {
        let Body::Looping(looping) = &self.parts[scenario.index()].body else { return };
        let Some(control) = looping.control else { return };
        self.keep_time(scenario, control.paused, now);
        self.add_places(scenario, control, actions);
        let Body::Looping(looping) = &self.parts[scenario.index()].body else { return };
        let places: Vec<(u32, u64, usize, bool)> = (0..)
            .zip(&looping.stints)
            .map(|(number, stint)| (number, stint.place, stint.local, stint.on))
            .collect();
        for &(number, place, local, on) in places.iter().rev() {
            if on && !control.wants(place) {
                self.switch_off(scenario, number, None);
            }
            let held = self.vus[local].holder.is_some_and(|h| h.scenario == scenario && h.stint == number);
            if place >= control.vus && held {
                self.interrupt(local, now, actions);
            }
        }
        for &(number, place, _, on) in &places {
            if !on && control.wants(place) {
                self.switch_on(scenario, number, now, actions);
            }
        }
    }

    /// Stops the scenario's clock for a pause, or lets it go on.
    fn keep_time(&mut self, scenario: ScenarioIndex, paused: bool, now: Time) {
        let part = &mut self.parts[scenario.index()];
        let Body::Looping(Looping { control: Some(control), .. }) = &mut part.body else { return };
        let shared = self.engine.shared.scenario(scenario);
        match control.left {
            None if paused && !part.regular_end.is_never() => {
                control.left = Some(part.regular_end.since(now));
                part.regular_end = Time::NEVER;
                part.hard_end = Time::NEVER;
            }
            Some(left) if !paused => {
                control.left = None;
                part.regular_end = now + left;
                part.hard_end = now + left;
                self.timers.push(part.regular_end, Due::RegularEnd(scenario));
                self.timers.push(part.hard_end, Due::HardEnd(scenario));
            }
            _ => return,
        }
        // All shards hear of the same pause; one of them keeps the time for progress.
        if self.index == ShardIndex::new(0) {
            shared.clock.keep(paused, now);
        }
    }

    /// Adds this shard's places up to the maximum and initialises whoever is to take them.
    fn add_places(&mut self, scenario: ScenarioIndex, control: Control, actions: &mut Actions) {
        let pool = u64::from(self.layout.placement.max_vus());
        for place in control.foreseen..control.max_vus {
            let vu = VuId::new((pool + place - control.foreseen + 1) as u32);
            if self.layout.placement.shard_of(vu) != self.index {
                continue;
            }
            let local = self.vus.local_or_absent(vu);
            let Body::Looping(looping) = &mut self.parts[scenario.index()].body else { return };
            if looping.stints.last().is_none_or(|last| last.place < place) {
                looping.stints.push(Stint::new(local, place, (place, Time::NEVER)));
            }
            if self.vus[local].phase == Phase::Absent {
                self.vus[local].phase = Phase::Initialising { growth: None, is_planned: false };
                actions.push(Action::InitVu { vu });
            }
        }
    }
}
