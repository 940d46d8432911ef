//! A shard follows a new map of slots: what has moved away starts nothing more, what came begins.
//!
//! An iteration that runs on what moved away may end, within its graceful stop. Virtual users that came are initialised
//! as soon as the map is known, so that they are there when it begins to hold.

use std::sync::Arc;

use crate::action::{Action, Actions};
use crate::engine::Engine;
use crate::executor::arrivals::{self, Arrivals};
use crate::executor::externally_controlled::Control;
use crate::executor::looping::Looping;
use crate::ids::{ScenarioIndex, ShardIndex};
use crate::layout::Layout;
use crate::shard::{Body, PartPhase, Shard};
use crate::time::Time;
use crate::timers::Due;
use crate::vus::{Phase, Vus};
use crate::work::Kind;

impl Shard {
    /// Looks whether the map has changed, and prepares for it.
    pub(crate) fn look_ahead(&mut self, actions: &mut Actions) {
        while let Some(next) = self.seen.next().map(Arc::clone) {
            self.timers.push(next.at, Due::Deal);
            for vu in next.placement.placed_on(self.index) {
                let local = self.vus.local_or_absent(vu);
                if self.vus[local].phase == Phase::Absent && !self.aborted {
                    self.vus[local].phase = Phase::Initialising { growth: None, is_planned: true };
                    actions.push(Action::InitVu { vu });
                }
            }
            self.seen = next;
        }
    }

    /// The map that holds from `at` on is followed.
    pub(crate) fn follow_deal(&mut self, at: Time, now: Time, actions: &mut Actions) {
        self.layout = Arc::clone(self.layout.at(at));
        for scenario in self.engine.scenarios() {
            if self.layout.works[scenario.index()].stays() {
                continue;
            }
            self.give_back_places(scenario);
            let part = &self.parts[scenario.index()];
            match (part.phase, &part.body) {
                (PartPhase::Pending, _) => {
                    let mut body = body(&self.engine, &self.layout, scenario, self.index, &self.vus);
                    keep_control(&part.body, &mut body, &self.layout, scenario);
                    if let Some(control) = control_of(&body) {
                        let (vus, max_vus) = control.numbers();
                        self.engine.shared.scenario(scenario).reset_controlled(vus, max_vus);
                    }
                    self.parts[scenario.index()].body = body;
                }
                (PartPhase::Running, Body::Looping(_)) => self.redeal_looping(scenario, at, now, actions),
                (PartPhase::Running, Body::Arrivals(_)) => self.redeal_arrivals(scenario, at, now, actions),
                // It was told to leave before it came to this map, as it may be once nothing is its own: what runs is others' now.
                (PartPhase::Stopping, Body::Looping(_)) if self.is_leaving => self.linger_all(scenario),
                (PartPhase::Stopping | PartPhase::Ended, _) => {}
            }
        }
        self.engine.shared.moves(self.index).follow(self.layout.version);
    }

    fn redeal_looping(&mut self, scenario: ScenarioIndex, at: Time, now: Time, actions: &mut Actions) {
        let layout = Arc::clone(&self.layout);
        let Body::Looping(looping) = &mut self.parts[scenario.index()].body else { return };
        let turned = looping.redeal(&layout, scenario, &mut self.vus, at);
        for stint in turned.off {
            self.withdraw(scenario, stint, at, actions);
        }
        if let Some(control) = control_of(&self.parts[scenario.index()].body) {
            let (vus, max_vus) = control.numbers();
            self.engine.shared.scenario(scenario).reset_controlled(vus, max_vus);
            self.apply_control(scenario, now, actions);
        }
        for stint in turned.on {
            self.switch_on(scenario, stint, now, actions);
        }
        self.note_next_step(scenario);
        self.check_end(scenario, now, actions);
    }

    /// All that runs goes on for its graceful stop, and others wait for its end.
    fn linger_all(&mut self, scenario: ScenarioIndex) {
        let Body::Looping(looping) = &mut self.parts[scenario.index()].body else { return };
        let running = looping.stints.iter_mut().filter(|stint| stint.held && !stint.lingers);
        let count = running.map(|stint| stint.lingers = true).count();
        self.engine.shared.moves(self.index).running.add(count as u64);
    }

    fn redeal_arrivals(&mut self, scenario: ScenarioIndex, at: Time, now: Time, actions: &mut Actions) {
        let layout = Arc::clone(&self.layout);
        let Some(starts) = arrivals::starts_of(&layout.works[scenario.index()]) else { return };
        let Body::Arrivals(arrivals) = &mut self.parts[scenario.index()].body else { return };
        let fresh = Arrivals::new(&layout, scenario, starts, self.index);
        arrivals.go_on_from(at, &layout.works[scenario.index()], fresh);
        self.let_go_of_others(scenario, now, actions);
        self.begin_arrivals(scenario, now, actions);
    }
}

fn control_of(body: &Body) -> Option<Control> {
    match body {
        Body::Looping(looping) => looping.control,
        Body::Arrivals(_) => None,
    }
}

/// What was set from outside before a scenario began holds for its new part too.
fn keep_control(before: &Body, after: &mut Body, layout: &Layout, scenario: ScenarioIndex) {
    let (Some(mut control), Body::Looping(looping)) = (control_of(before), after) else { return };
    let work = &layout.works[scenario.index()];
    if let Kind::ExternallyControlled { vus, max_vus } = work.kind {
        control.redeal(vus, max_vus, &work.vu_slots);
        looping.control = Some(control);
    }
}

/// A part that has not begun.
pub(crate) fn body(
    engine: &Engine,
    layout: &Layout,
    scenario: ScenarioIndex,
    shard: ShardIndex,
    vus: &Vus,
) -> Body {
    match arrivals::starts_of(&layout.works[scenario.index()]) {
        Some(starts) => Body::Arrivals(Arrivals::new(layout, scenario, starts, shard)),
        None => Body::Looping(Looping::new(engine, layout, scenario, shard, vus)),
    }
}
