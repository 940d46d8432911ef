//! Facts about workers that the host program of a controller that goes on hears again, as it makes the result of them.

use std::net::SocketAddr;
use std::time::Duration;

use super::messages::{
    DealtMessage, DiscardedMessage, JoinedMessage, LeftMessage, LossMessage, MissingMessage, Told,
    ToldMessage,
};
use crate::controller::{Happening, Loss};
use crate::ids::WorkerId;

/// A fact to be kept, if it is one.
pub(super) fn keep(happening: &Happening) -> Option<ToldMessage> {
    let told = match happening {
        Happening::Joined { worker, name, address, threads } => Told::Joined(JoinedMessage {
            worker: worker.index(),
            name: name.clone(),
            address: address.to_string(),
            threads: *threads,
        }),
        Happening::Lost(loss) => Told::Lost(LossMessage {
            worker: loss.worker.index(),
            name: loss.name.clone(),
            share: loss.share,
            at: loss.at.map(nanos),
            silent: nanos(loss.silent),
            why: loss.why.clone(),
        }),
        Happening::Returned { worker } => Told::Returned(worker.index()),
        Happening::Left { worker, share } => {
            Told::Left(LeftMessage { worker: worker.index(), share: *share })
        }
        Happening::Done { worker } => Told::Done(worker.index()),
        Happening::ReportsMissing { worker, reports } => {
            Told::Missing(MissingMessage { worker: worker.index(), reports: *reports })
        }
        Happening::Discarded { worker, iterations } => {
            Told::Discarded(DiscardedMessage { worker: worker.index(), iterations: *iterations })
        }
        Happening::HeldUp { absent } => Told::HeldUp(nanos(*absent)),
        Happening::Dealt { at, workers } => {
            Told::Dealt(DealtMessage { at: nanos(*at), workers: *workers as u32 })
        }
        _ => return None,
    };
    Some(ToldMessage { told: Some(told) })
}

/// The fact again.
pub(super) fn tell(message: &ToldMessage) -> Option<Happening> {
    Some(match message.told.clone()? {
        Told::Joined(JoinedMessage { worker, name, address, threads }) => {
            let address = address.parse().unwrap_or_else(|_| SocketAddr::from(([0, 0, 0, 0], 0)));
            Happening::Joined { worker: WorkerId(worker), name, address, threads }
        }
        Told::Lost(loss) => Happening::Lost(Loss {
            worker: WorkerId(loss.worker),
            name: loss.name,
            share: loss.share,
            at: loss.at.map(Duration::from_nanos),
            silent: Duration::from_nanos(loss.silent),
            why: loss.why,
        }),
        Told::Returned(worker) => Happening::Returned { worker: WorkerId(worker) },
        Told::Left(LeftMessage { worker, share }) => Happening::Left { worker: WorkerId(worker), share },
        Told::Done(worker) => Happening::Done { worker: WorkerId(worker) },
        Told::Missing(MissingMessage { worker, reports }) => {
            Happening::ReportsMissing { worker: WorkerId(worker), reports }
        }
        Told::Discarded(DiscardedMessage { worker, iterations }) => {
            Happening::Discarded { worker: WorkerId(worker), iterations }
        }
        Told::HeldUp(absent) => Happening::HeldUp { absent: Duration::from_nanos(absent) },
        Told::Dealt(DealtMessage { at, workers }) => {
            Happening::Dealt { at: Duration::from_nanos(at), workers: workers as usize }
        }
    })
}

fn nanos(time: Duration) -> u64 {
    u64::try_from(time.as_nanos()).unwrap_or(u64::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn facts_are_told_again_as_they_were() {
        let worker = WorkerId(3);
        let (name, address) = ("w".to_owned(), SocketAddr::from(([10, 0, 0, 1], 7)));
        let (at, silent) = (Some(Duration::from_millis(5)), Duration::from_secs(2));
        let loss = Loss { worker, name: name.clone(), share: 0.25, at, silent, why: "frost".to_owned() };
        for fact in [
            Happening::Joined { worker, name, address, threads: 2 },
            Happening::Lost(loss),
            Happening::Returned { worker },
            Happening::Left { worker, share: 0.5 },
            Happening::Done { worker },
            Happening::ReportsMissing { worker, reports: 4 },
            Happening::Discarded { worker, iterations: 5 },
            Happening::HeldUp { absent: Duration::from_secs(3) },
            Happening::Dealt { at: Duration::from_secs(4), workers: 2 },
        ] {
            let again = tell(&keep(&fact).unwrap()).unwrap();
            assert_eq!(format!("{again:?}"), format!("{fact:?}"));
        }
        assert!(keep(&Happening::AllDone).is_none());
    }
}
