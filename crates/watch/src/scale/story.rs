//! The story of a decision: load up, metric over its target, decided, scheduled, ready, response times well again.

use std::fmt;

use super::{Going, History, Hpa, Pod, Tracker};

/// A status may be told a little after the pods that follow from it were made.
const SLACK: f64 = 5.0;
/// Response times are well again where they are below this many times those before.
const WELL: f64 = 1.25;
/// And were ill where they were above this many times.
const ILL: f64 = 1.5;
/// A step that is shorter than this is nobody's concern.
const SLOW: f64 = 5.0;

/// One decision to scale up, and what came of it.
#[derive(Debug, Clone, PartialEq)]
pub struct ScaleUp {
    /// Whose it was.
    pub hpa: String,
    /// Replicas wanted before.
    pub from: u32,
    /// Replicas wanted then.
    pub to: u32,
    /// When it was seen.
    pub decided: f64,
    /// All six, in order.
    pub steps: Vec<Step>,
    /// What took longest and why that may be.
    pub slow: Option<String>,
}

/// One step of it.
#[derive(Debug, Clone, PartialEq)]
pub struct Step {
    /// Which.
    pub kind: StepKind,
    /// When; none if it did not happen, or was not seen.
    pub at: Option<f64>,
    /// Seconds since the last step that was seen.
    pub took: Option<f64>,
    /// More about it; may be empty.
    pub detail: String,
}

/// The steps.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum StepKind {
    /// The load began to rise.
    LoadUp,
    /// What the autoscaler goes by was over its target.
    OverTarget,
    /// It wanted more replicas.
    Decided,
    /// All new pods have a node.
    Scheduled,
    /// All new pods take requests.
    Ready,
    /// Response times are as before.
    Recovered,
}

/// An autoscaler that went back after the end of the load, or did not while it was watched.
#[derive(Debug, Clone, PartialEq)]
pub struct Back {
    /// Which.
    pub hpa: String,
    /// The replicas that it began with.
    pub replicas: u32,
    /// The most there were.
    pub highest: u32,
    /// Seconds after the end of the load.
    pub after: Option<f64>,
}

impl Tracker {
    pub(super) fn told(&self, name: &str, history: &History) -> Vec<ScaleUp> {
        let decisions: Vec<(f64, u32, u32)> = history
            .states
            .windows(2)
            .filter(|pair| pair[1].1.desired > pair[0].1.desired && pair[1].0 >= 0.0)
            .map(|pair| (pair[1].0, pair[0].1.desired, pair[1].1.desired))
            .collect();
        let mut taken: Vec<&str> = Vec::new();
        let mut before = f64::MIN;
        let mut told = Vec::new();
        for (index, (decided, from, to)) in decisions.iter().copied().enumerate() {
            let next = decisions.get(index + 1).map_or(f64::MAX, |(at, ..)| *at);
            let mut pods: Vec<(&str, &Pod)> = self
                .pods
                .iter()
                .map(|(name, pod)| (name.as_str(), pod))
                .filter(|(name, pod)| pod.workload == history.workload && !taken.contains(name))
                .filter(|(_, pod)| {
                    pod.created.is_some_and(|at| at >= (decided - SLACK).max(before) && at < next + SLACK)
                        // The slack is for clocks; one that was ready before is of no decision that comes after.
                        && pod.ready.is_none_or(|at| at >= decided)
                })
                .collect();
            pods.sort_by(|a, b| a.1.created.partial_cmp(&b.1.created).unwrap_or(std::cmp::Ordering::Equal));
            pods.truncate((to - from) as usize);
            taken.extend(pods.iter().map(|(name, _)| *name));
            let pods: Vec<&Pod> = pods.into_iter().map(|(_, pod)| pod).collect();
            let steps = self.steps(history, decided, before, (from, to), &pods);
            let slow = slowest(&steps, &pods);
            told.push(ScaleUp { hpa: name.to_owned(), from, to, decided, steps, slow });
            before = decided;
        }
        told
    }

    fn steps(
        &self,
        history: &History,
        decided: f64,
        before: f64,
        (from, to): (u32, u32),
        pods: &[&Pod],
    ) -> Vec<Step> {
        let over = self.over_target(history, decided, before);
        let over_at = over.as_ref().map_or(decided, |(at, _)| *at);
        let (load_up, load) = self.load_up(over_at, before).unzip();
        let all = |of: fn(&Pod) -> Option<f64>| -> Option<f64> {
            let times: Vec<f64> = pods.iter().map(|pod| of(pod)).collect::<Option<_>>()?;
            times.into_iter().reduce(f64::max).filter(|_| pods.len() == (to - from) as usize)
        };
        let ready = all(|pod| pod.ready);
        let first = pods.iter().filter_map(|pod| pod.ready).reduce(f64::min);
        let mut ready_detail = match (ready, first) {
            (Some(_), Some(first)) if pods.len() > 1 => format!("the first {}", after(first - decided)),
            (None, _) => {
                let count = pods.iter().filter(|pod| pod.ready.is_some()).count();
                format!("{count} of {} new pods were", to - from)
            }
            _ => String::new(),
        };
        if ready.is_some() && pods.len() == 1 {
            ready_detail = String::new();
        }
        let (recovered, recovery) = self.recovered(load_up, over_at, decided, ready);
        let mut steps = Vec::new();
        let mut last = None;
        for (kind, at, detail) in [
            (StepKind::LoadUp, load_up, load.unwrap_or_default()),
            (
                StepKind::OverTarget,
                over.as_ref().map(|(at, _)| *at),
                over.map(|(_, what)| what).unwrap_or_default(),
            ),
            (StepKind::Decided, Some(decided), format!("{from} → {to} replicas")),
            (StepKind::Scheduled, all(|pod| pod.scheduled), unschedulable(pods)),
            (StepKind::Ready, ready, ready_detail),
            (StepKind::Recovered, recovered, recovery),
        ] {
            // Of two that overlap, the later one took no time.
            let took = at.zip(last).map(|(at, last): (f64, f64)| (at - last).max(0.0));
            steps.push(Step { kind, at, took, detail });
            last = at.or(last);
        }
        steps
    }

    /// Since when, until the decision, what the autoscaler goes by was over its target.
    fn over_target(&self, history: &History, decided: f64, before: f64) -> Option<(f64, String)> {
        let states: Vec<&(f64, Hpa)> =
            history.states.iter().filter(|(at, _)| *at <= decided && *at > before).collect();
        let is_over = |going: &Going| going.current.is_some_and(|current| current > going.target);
        let at_decision = states.last()?;
        let mut since: Option<(f64, String)> = None;
        for going in &at_decision.1.metrics {
            // What it says itself, back to where it was not over.
            let said = states.iter().rev().map_while(|(at, state)| {
                let one = state.metrics.iter().find(|one| one.name == going.name && is_over(one))?;
                Some((*at, one.current))
            });
            // And what its pods use, which it may not have looked at yet.
            let used = (going.is_utilisation && going.name == "cpu").then(|| {
                let readings = self.utilisation.get(&history.workload).map_or(&[][..], Vec::as_slice);
                let until_then = readings.iter().rev().filter(|(at, _)| *at <= decided && *at > before);
                let over = until_then.take_while(|(_, percent)| *percent > going.target).last();
                over.map(|(at, percent)| (*at, Some(*percent)))
            });
            let first = [said.last(), used.flatten()]
                .into_iter()
                .flatten()
                .reduce(|a, b| if b.0 < a.0 { b } else { a });
            let Some((at, value)) = first else { continue };
            if since.as_ref().is_none_or(|(known, _)| at < *known) {
                let [value, then] = [value, going.current].map(|value| value.map(short));
                let moved = then.as_ref().filter(|then| value.as_ref() != Some(then));
                let moved = moved.map(|then| format!(", {then} at the decision")).unwrap_or_default();
                let value = value.map(|value| format!(" {value}")).unwrap_or_default();
                since = Some((at, format!("{}{value} of {}{moved}", going.name, short(going.target))));
            }
        }
        since
    }

    /// When the load began to rise to what it was then.
    fn load_up(&self, then: f64, before: f64) -> Option<(f64, String)> {
        let until: Vec<_> =
            self.seconds.iter().filter(|second| second.at <= then && second.at > before).collect();
        let last = until.last()?;
        // Back over a plateau and up its slope. A second with a little less in between is noise.
        let mut begin = until.len() - 1;
        for index in (0..until.len() - 1).rev() {
            if until[index].load > until[begin].load * 1.02 + 0.5 {
                break;
            }
            if until[index].load < until[begin].load || until[index].load == 0.0 {
                begin = index;
            }
            if until[begin].load == 0.0 {
                break;
            }
        }
        // At a constant load it is up since the start.
        let (at, load) = if until[begin].load < last.load {
            (until[begin].at, until[begin].load)
        } else {
            (until[0].at, until[0].load)
        };
        // What is told of a second is of the second before.
        let at = (at - if at > 0.0 && load == last.load { 1.0 } else { 0.0 }).max(0.0);
        Some((at, format!("from {} to {} {}", short(load), short(last.load), self.unit)))
    }

    /// When response times were as before, once all pods are ready.
    fn recovered(
        &self,
        load_up: Option<f64>,
        over: f64,
        decided: f64,
        ready: Option<f64>,
    ) -> (Option<f64>, String) {
        let latencies = |from: f64, to: f64| {
            let within = self.seconds.iter().filter(move |second| second.at >= from && second.at <= to);
            within.filter_map(|second| Some((second.at, second.latency?)))
        };
        let mut calm: Vec<f64> =
            latencies(load_up.unwrap_or(0.0), over - 1.0).map(|(_, latency)| latency).collect();
        calm.sort_by(f64::total_cmp);
        // The lower quarter: the load was rising already.
        let Some(before) = calm.get(calm.len() / 4).copied() else {
            return (None, "nothing was measured before to compare with".to_owned());
        };
        let until = ready.unwrap_or(f64::MAX);
        let worst = latencies(over.min(decided), until).map(|(_, latency)| latency).fold(0.0, f64::max);
        if worst < before * ILL {
            return (None, format!("p(95) was not worse than {} meanwhile", ms(worst.max(before))));
        }
        let Some(ready) = ready else { return (None, String::new()) };
        // Three seconds in a row, so that one lucky second is none.
        let later: Vec<(f64, f64)> = latencies(ready, f64::MAX).collect();
        let well = later.windows(3).find(|three| three.iter().all(|(_, latency)| *latency <= before * WELL));
        match well {
            Some(three) => {
                (Some(three[0].0), format!("p(95) {} at worst, {} again", ms(worst), ms(three[0].1)))
            }
            None => (None, format!("p(95) {} at worst, not down to {} again", ms(worst), ms(before * WELL))),
        }
    }
}

fn unschedulable(pods: &[&Pod]) -> String {
    pods.iter().find_map(|pod| pod.unschedulable.clone()).unwrap_or_default()
}

/// What took longest, and why that may be.
fn slowest(steps: &[Step], pods: &[&Pod]) -> Option<String> {
    let longest = steps
        .iter()
        .filter(|step| step.took.is_some_and(|took| took >= SLOW))
        .max_by(|a, b| a.took.partial_cmp(&b.took).unwrap_or(std::cmp::Ordering::Equal))?;
    let took = after(longest.took?);
    Some(match longest.kind {
        StepKind::LoadUp => return None,
        StepKind::OverTarget => format!(
            "{took} from the load's rise until the metric was over its target: the ramp itself, and metrics-server, which \
             looks every 15 s unless --metric-resolution says otherwise"
        ),
        StepKind::Decided => format!(
            "{took} from a metric over its target to the decision: the autoscaler looks every 15 s, ignores 10 % too \
             much, and waits for behavior.scaleUp.stabilizationWindowSeconds"
        ),
        StepKind::Scheduled => match unschedulable(pods) {
            why if why.is_empty() => {
                format!(
                    "{took} until the new pods had a node: admission, quota or a busy scheduler (kubectl describe pod)"
                )
            }
            why => format!("{took} until the new pods had a node: {why}"),
        },
        StepKind::Ready => {
            let span = |from: fn(&Pod) -> Option<f64>, to: fn(&Pod) -> Option<f64>| {
                pods.iter().filter_map(|pod| Some(to(pod)? - from(pod)?)).reduce(f64::max)
            };
            let pull = span(|pod| pod.pulling, |pod| pod.pulled).filter(|seconds| *seconds >= 1.0);
            let boot = span(|pod| pod.started, |pod| pod.ready).filter(|seconds| *seconds >= 1.0);
            let mut why: Vec<String> = Vec::new();
            why.extend(pull.map(|seconds| format!("pulling the image took {}", after(seconds))));
            why.extend(boot.map(|seconds| {
                format!(
                    "from running to ready {} (the application's start, and the readiness probe's initialDelaySeconds and \
                     periodSeconds)",
                    after(seconds)
                )
            }));
            if why.is_empty() {
                why.push("the image, the application's start and its readiness probe".to_owned());
            }
            format!("{took} from a node until the pods were ready: {}", why.join("; "))
        }
        StepKind::Recovered => format!(
            "{took} from pods that are ready until response times were well: connections that are kept alive stay with the \
             old pods, and queues there have to empty"
        ),
    })
}

fn after(seconds: f64) -> String {
    format!("{seconds:.0} s")
}

fn short(value: f64) -> String {
    if value.fract() == 0.0 { format!("{value:.0}") } else { format!("{value:.2}") }
}

fn ms(value: f64) -> String {
    if value >= 1_000.0 { format!("{:.2}s", value / 1_000.0) } else { format!("{value:.0}ms") }
}

impl fmt::Display for StepKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(match self {
            Self::LoadUp => "load up",
            Self::OverTarget => "metric over target",
            Self::Decided => "decided",
            Self::Scheduled => "scheduled",
            Self::Ready => "ready",
            Self::Recovered => "latency recovered",
        })
    }
}

impl ScaleUp {
    /// From the load's rise until all new pods were ready.
    pub fn total(&self) -> Option<f64> {
        let at = |kind| self.steps.iter().find(|step| step.kind == kind).and_then(|step| step.at);
        Some(at(StepKind::Ready)? - at(StepKind::LoadUp).or(at(StepKind::OverTarget))?)
    }

    /// In one line.
    pub fn title(&self) -> String {
        let Self { hpa, from, to, .. } = self;
        match self.total() {
            Some(total) => {
                format!("{hpa}: {from} → {to} replicas, ready {} after the load began to rise", after(total))
            }
            None => format!("{hpa}: {from} → {to} replicas, not all of them ready while it was watched"),
        }
    }
}

impl fmt::Display for Back {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { hpa, replicas, highest, after: seconds } = self;
        match seconds {
            Some(seconds) => write!(
                f,
                "{hpa}: from {highest} back to {replicas} replicas {} after the end of the load",
                after(*seconds)
            ),
            None => write!(f, "{hpa}: from {highest} not back to {replicas} replicas while it was watched"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::super::{Fact, Stage};
    use super::*;

    fn hpa(current: u32, desired: u32, cpu: f64) -> Fact {
        Fact::Hpa(Hpa {
            name: "web".to_owned(),
            workload: "flask".to_owned(),
            current,
            desired,
            metrics: vec![Going {
                name: "cpu".to_owned(),
                current: Some(cpu),
                target: 70.0,
                is_utilisation: true,
            }],
        })
    }

    fn pod(name: &str, stage: Stage) -> Fact {
        Fact::Pod { workload: "flask".to_owned(), name: name.to_owned(), stage }
    }

    /// Ten virtual users, from 20 s on fifty within ten seconds; slow from 30 s until `well`.
    fn load(tracker: &mut Tracker, seconds: u32, well: u32) {
        for at in 1..=seconds {
            let load = f64::from(at.clamp(20, 30) - 20) * 4.0 + 10.0;
            let latency = if (30..well).contains(&at) { 900.0 } else { 100.0 };
            tracker.second(f64::from(at), load, Some(latency));
        }
    }

    fn seconds(told: &ScaleUp) -> Vec<(StepKind, Option<f64>, Option<f64>)> {
        told.steps.iter().map(|step| (step.kind, step.at, step.took)).collect()
    }

    #[test]
    fn each_step_has_its_second() {
        let mut tracker = Tracker::of("virtual users");
        tracker.take(-1.0, hpa(2, 2, 40.0));
        tracker.take(-1.0, pod("old", Stage::Ready));
        load(&mut tracker, 120, 84);
        tracker.take(41.0, hpa(2, 2, 75.0));
        tracker.take(56.0, hpa(2, 4, 95.0));
        for (name, scheduled, ready) in [("a", 57.0, 75.0), ("b", 59.0, 80.0)] {
            tracker.take(56.5, pod(name, Stage::Created));
            tracker.take(scheduled, pod(name, Stage::Scheduled));
            tracker.take(scheduled + 1.0, pod(name, Stage::Pulling));
            tracker.take(scheduled + 4.0, pod(name, Stage::Pulled));
            tracker.take(scheduled + 5.0, pod(name, Stage::Started));
            tracker.take(ready, pod(name, Stage::Ready));
            tracker.take(ready + 3.0, pod(name, Stage::Ready));
        }
        let told = tracker.scale_ups();
        assert_eq!(told.len(), 1);
        assert_eq!(
            seconds(&told[0]),
            [
                (StepKind::LoadUp, Some(20.0), None),
                (StepKind::OverTarget, Some(41.0), Some(21.0)),
                (StepKind::Decided, Some(56.0), Some(15.0)),
                (StepKind::Scheduled, Some(59.0), Some(3.0)),
                (StepKind::Ready, Some(80.0), Some(21.0)),
                (StepKind::Recovered, Some(84.0), Some(4.0)),
            ]
        );
        assert_eq!(told[0].total(), Some(60.0));
        assert_eq!(told[0].title(), "web: 2 → 4 replicas, ready 60 s after the load began to rise");
        assert_eq!(told[0].steps[0].detail, "from 10 to 50 virtual users");
        assert_eq!(told[0].steps[1].detail, "cpu 75 of 70, 95 at the decision");
        assert_eq!(told[0].steps[4].detail, "the first 19 s");
        assert_eq!(told[0].steps[5].detail, "p(95) 900ms at worst, 100ms again");
    }

    #[test]
    fn what_pods_use_says_it_before_the_autoscaler_does() {
        let mut tracker = Tracker::of("virtual users");
        tracker.take(-1.0, hpa(2, 2, 40.0));
        load(&mut tracker, 60, 30);
        for (at, percent) in [(15.0, 50.0), (30.0, 72.0), (45.0, 90.0)] {
            tracker.take(at, Fact::Utilisation { workload: "flask".to_owned(), percent });
        }
        tracker.take(46.0, hpa(2, 3, 90.0));
        let told = &tracker.scale_ups()[0];
        assert_eq!(told.steps[1].at, Some(30.0));
        assert_eq!((told.steps[3].at, told.steps[4].at), (None, None));
        assert_eq!(told.steps[4].detail, "0 of 1 new pods were");
        assert!(told.title().contains("not all of them ready"));
        assert!(
            told.slow.as_ref().unwrap().starts_with("16 s from a metric over its target"),
            "{:?}",
            told.slow
        );
    }

    #[test]
    fn a_pod_without_a_node_says_why() {
        let mut tracker = Tracker::of("virtual users");
        tracker.take(-1.0, hpa(1, 1, 40.0));
        load(&mut tracker, 100, 30);
        tracker.take(40.0, hpa(1, 2, 90.0));
        tracker.take(40.2, pod("a", Stage::Created));
        tracker.take(
            40.3,
            pod("a", Stage::Unschedulable("0/1 nodes are available: Insufficient cpu".to_owned())),
        );
        tracker.take(85.0, pod("a", Stage::Scheduled));
        tracker.take(90.0, pod("a", Stage::Ready));
        let told = &tracker.scale_ups()[0];
        assert_eq!(
            told.slow.as_deref(),
            Some("45 s until the new pods had a node: 0/1 nodes are available: Insufficient cpu")
        );
        assert!(told.steps[5].detail.starts_with("p(95) was not worse"), "{}", told.steps[5].detail);
    }

    #[test]
    fn each_decision_has_the_pods_that_follow_from_it() {
        let mut tracker = Tracker::of("virtual users");
        tracker.take(-1.0, hpa(1, 1, 40.0));
        load(&mut tracker, 100, 30);
        tracker.take(40.0, hpa(1, 2, 90.0));
        tracker.take(40.5, pod("a", Stage::Created));
        tracker.take(41.0, pod("a", Stage::Scheduled));
        tracker.take(50.0, hpa(1, 3, 95.0));
        tracker.take(50.5, pod("b", Stage::Created));
        tracker.take(51.0, pod("b", Stage::Scheduled));
        tracker.take(60.0, pod("b", Stage::Ready));
        tracker.take(70.0, pod("a", Stage::Ready));
        let told = tracker.scale_ups();
        let ready: Vec<Option<f64>> = told.iter().map(|told| told.steps[4].at).collect();
        assert_eq!(ready, [Some(70.0), Some(60.0)]);
    }

    #[test]
    fn going_back_is_counted_from_the_end_of_the_load() {
        let mut tracker = Tracker::of("virtual users");
        tracker.take(-1.0, hpa(2, 2, 40.0));
        tracker.take(40.0, hpa(2, 4, 90.0));
        tracker.take(45.0, hpa(4, 4, 50.0));
        tracker.end(100.0);
        assert_eq!(tracker.backs()[0].to_string(), "web: from 4 not back to 2 replicas while it was watched");
        tracker.take(390.0, hpa(4, 2, 5.0));
        tracker.take(401.0, hpa(2, 2, 5.0));
        assert_eq!(
            tracker.backs()[0].to_string(),
            "web: from 4 back to 2 replicas 301 s after the end of the load"
        );
    }
}
