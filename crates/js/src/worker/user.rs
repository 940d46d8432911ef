//! The life of one virtual user: load the script, then run what it is given, for ever.

use std::rc::Rc;
use std::time::{Duration, Instant};

use throng_engine::{Event, Iteration, Outcome, ScenarioIndex, VuId};
use throng_metrics::builtin;
use throng_quickjs::fiber::Suspender;
use throng_quickjs::{Atom, Value};

use super::driver::Driver;
use super::mailbox::Mailbox;
use crate::host::{Host, Identity, Phase};
use crate::lifecycle::parse_data;
use crate::log::Level;
use crate::settings::Member;
use crate::vm::{ScriptError, Vm};

/// A virtual user that computes without ever waiting gives the thread back this often.
const LONGEST_TURN: Duration = Duration::from_millis(2);

/// The body of a virtual user's fiber; it ends only with the process, or when the script cannot be loaded.
pub(super) fn live(driver: &Rc<Driver>, vu: VuId, mailbox: &Mailbox, suspender: Rc<Suspender>) {
    let member = driver.thread.settings.member.as_ref();
    let (in_instance, in_test) = (u64::from(vu.get()), driver.engine.placement().id_in_test(vu));
    let number = if member.is_some() { in_test } else { in_instance };
    let identity = Identity { in_instance, in_test, number };
    let vm = match Vm::load(suspender.clone(), driver.thread.clone(), driver.program.clone(), identity) {
        Ok(vm) => vm,
        Err(error) => return driver.failed(vu, &error.to_string()),
    };
    vm.set_phase(Phase::Iteration);
    let mut user = VirtualUser { iter: vm.ctx().atom("__ITER"), driver, data: None, scenario: None, vm: &vm };
    suspender.release_stack();
    driver.ready(vu);
    loop {
        let iteration = match mailbox.try_take() {
            Some(iteration) => iteration,
            None => match suspender.block_on(mailbox.take()) {
                Ok(iteration) => iteration,
                // An interruption that came after the iteration had ended.
                Err(_) if suspender.is_aborted() => {
                    suspender.clear_abort();
                    continue;
                }
                Err(_) => return,
            },
        };
        mailbox.set_running(true);
        let may_start =
            member.is_none_or(|member| wait_for_leave(member, iteration, driver, &suspender, mailbox));
        let outcome = if may_start { user.run(iteration) } else { Outcome::Withheld };
        mailbox.set_running(false);
        suspender.clear_abort();
        if user.has_aborted_test() {
            // The control thread stops all threads; this one must not start another iteration until it does.
            driver.abort();
        }
        driver.tell(Event::IterationEnded { vu, outcome });
        if suspender.resumed_at().is_some_and(|at| at.elapsed() > LONGEST_TURN) {
            let _ = suspender.yield_now();
        }
    }
}

/// How often a virtual user looks whether it may go on.
const LOOK_AGAIN: Duration = Duration::from_millis(50);

/// Waits until the iteration may start; false if it is not to start at all. A planned start is not made up for: when the
/// leave comes back, all that was missed would start at once.
fn wait_for_leave(
    member: &Member,
    iteration: Iteration,
    driver: &Driver,
    suspender: &Suspender,
    mailbox: &Mailbox,
) -> bool {
    while !(member.may_start)() {
        let sleep = driver.thread.reactor.sleep_until(Instant::now() + LOOK_AGAIN);
        mailbox.set_waits_for_leave(true);
        let is_withheld = iteration.planned.is_some() || suspender.block_on(sleep).is_err();
        mailbox.set_waits_for_leave(false);
        if is_withheld {
            return false;
        }
    }
    true
}

struct Current {
    index: ScenarioIndex,
    function: Option<Value>,
}

struct VirtualUser<'a> {
    driver: &'a Rc<Driver>,
    vm: &'a Vm,
    iter: Atom,
    /// The setup data, parsed once for this virtual user.
    data: Option<Value>,
    scenario: Option<Current>,
}

impl VirtualUser<'_> {
    fn host(&self) -> &Host {
        self.vm.host()
    }

    fn run(&mut self, iteration: Iteration) -> Outcome {
        let begun = Instant::now();
        if let Err(error) = self.prepare(iteration) {
            return self.report(error, iteration);
        }
        if let Some(planned) = iteration.planned {
            let lag = self.driver.time(begun).since(planned);
            self.host().record(builtin::ITERATION_START_LAG, lag.as_secs_f64() * 1000.0);
        }
        let started = Instant::now();
        let function = self.scenario.as_ref().and_then(|s| s.function.clone());
        let result = match (function, &self.data) {
            (Some(function), Some(data)) => self.vm.call(&function, &[data]),
            (Some(function), None) => self.vm.call(&function, &[&self.vm.ctx().undefined()]),
            (None, _) => Err(ScriptError::Thrown(format!(
                "the exported function {:?} is gone",
                self.driver.scenarios[iteration.scenario.index()].exec
            ))),
        };
        let duration = started.elapsed();
        let outcome = match result {
            Ok(_) => Outcome::Complete,
            // The script itself ended the test: k6 counts that iteration as complete (observed on 1.1).
            Err(ScriptError::Aborted) if !self.host().suspender.is_aborted() && self.has_aborted_test() => {
                Outcome::Complete
            }
            Err(error) => self.report(error, iteration),
        };
        self.host().set_group("".into());
        // Before the samples of the iteration itself, as in k6.
        self.host().end_of_iteration();
        if outcome == Outcome::Complete {
            self.host().record(builtin::ITERATION_DURATION, duration.as_secs_f64() * 1000.0);
            self.host().record(builtin::ITERATIONS, 1.0);
            if let Some(planned) = iteration.planned {
                let since_planned = self.driver.time(Instant::now()).since(planned);
                self.host().record(builtin::ITERATION_RESPONSE_TIME, since_planned.as_secs_f64() * 1000.0);
            }
        }
        self.host().set_iteration(None);
        outcome
    }

    fn has_aborted_test(&self) -> bool {
        self.driver.thread.settings.control.aborted().is_some()
    }

    fn prepare(&mut self, iteration: Iteration) -> Result<(), ScriptError> {
        let ctx = self.vm.ctx();
        let failed = |thrown| self.vm.error(thrown);
        if self.data.is_none() {
            let json = self.driver.setup_data.borrow().clone();
            if json.is_some() {
                self.data = Some(parse_data(self.vm, json.as_deref())?);
            }
        }
        ctx.globals().set_atom(&self.iter, ctx.int(iteration.in_vu as i64)).map_err(failed)?;
        self.host().set_iteration(Some(iteration));
        if self.scenario.as_ref().is_none_or(|s| s.index != iteration.scenario) {
            self.enter(iteration.scenario).map_err(|thrown| self.vm.error(thrown))?;
        }
        Ok(())
    }

    /// Switches to a scenario: its function, its tags, its environment.
    fn enter(&mut self, index: ScenarioIndex) -> throng_quickjs::JsResult<()> {
        let ctx = self.vm.ctx();
        let scenario = &self.driver.scenarios[index.index()];
        self.host().set_base_tags(scenario.tags, "".into());
        let had_env =
            self.scenario.as_ref().is_some_and(|s| !self.driver.scenarios[s.index.index()].env.is_empty());
        if had_env || !scenario.env.is_empty() {
            let env = ctx.object();
            for (name, value) in &self.driver.program.env {
                env.define(name, &ctx.string(value))?;
            }
            for (name, value) in &scenario.env {
                env.define(name, &ctx.string(value))?;
            }
            ctx.globals().define("__ENV", &env)?;
        }
        let function = self.vm.export(&scenario.exec).filter(Value::is_function);
        self.scenario = Some(Current { index, function });
        Ok(())
    }

    fn report(&self, error: ScriptError, iteration: Iteration) -> Outcome {
        if matches!(error, ScriptError::Aborted) {
            return Outcome::Interrupted;
        }
        let scenario = &self.driver.scenarios[iteration.scenario.index()];
        let fields =
            [("executor", scenario.executor), ("scenario", &scenario.name), ("source", "stacktrace")];
        // k6 marks what was thrown, not what was rejected.
        let count = if matches!(error, ScriptError::Thrown(_)) { 3 } else { 2 };
        self.driver.thread.log.log(Level::Error, &error.to_string(), &fields[..count]);
        Outcome::Complete
    }
}
