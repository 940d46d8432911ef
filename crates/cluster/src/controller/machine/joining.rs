//! Connections become workers: greeting, proof, seat; and processes that are known come back.

use super::{Action, ConnectionId, Happening, Machine, Meeting, Moment, Phase};
use crate::controller::member::{Member, Standing};
use crate::ids::{InstanceId, WorkerId};
use crate::lane::{Inbox, Outbox};
use crate::protocol::{self, Challenge, FromController, FromWorker, Join, Refused, Task, Welcome};
use crate::token::{Nonce, Role, Token};

impl Machine {
    pub(super) fn received(
        &mut self,
        now: Moment,
        connection: ConnectionId,
        message: FromWorker,
        actions: &mut Vec<Action>,
    ) {
        let Some((_, meeting)) = self.meetings.get_mut(&connection) else {
            return;
        };
        match (message, &*meeting) {
            (FromWorker::Hello(hello), Meeting::Silent(ours)) => {
                let ours = *ours;
                let Ok(theirs) = Nonce::try_from(&hello.nonce[..]) else {
                    return self.refuse(now, connection, "its greeting makes no sense", actions);
                };
                if hello.version != protocol::VERSION {
                    let reason = format!(
                        "the controller speaks version {} of the protocol and the worker version {}: use the same throng \
                         on all machines",
                        protocol::VERSION,
                        hello.version
                    );
                    return self.refuse(now, connection, &reason, actions);
                }
                *meeting = Meeting::Challenged { ours, theirs };
                let token = self.settings.token.as_ref();
                let proof = token.map(|token| token.prove(Role::Controller, &ours, &theirs));
                let challenge = Challenge { nonce: ours.to_vec(), proof: proof.unwrap_or_default() };
                actions.push(Action::Send(connection, FromController::Challenge(challenge)));
            }
            (FromWorker::Join(join), Meeting::Challenged { ours, theirs }) => {
                let knows = |token: &Token| token.accepts(Role::Worker, ours, theirs, &join.proof);
                if self.settings.token.as_ref().is_none_or(knows) {
                    self.join(now, connection, join, actions);
                } else if join.proof.is_empty() {
                    self.refuse(now, connection, "the controller asks for a join token", actions);
                } else {
                    let reason = "the join token is wrong: compare the token on both sides";
                    self.refuse(now, connection, reason, actions);
                }
            }
            (FromWorker::Distrust(_), Meeting::Challenged { .. }) => {
                let reason = if self.settings.token.is_some() {
                    "its join token is another one than this controller's: compare THRONG_TOKEN or --token-file on both sides"
                } else {
                    "it has a join token and this controller has none (--insecure): give both the same, or none to both"
                };
                self.refuse(now, connection, reason, actions);
            }
            (message, Meeting::Member(worker)) => {
                let index = worker.index() as usize;
                self.members[index].heard = now;
                self.member_says(now, index, connection, message, actions);
            }
            _ => self.refuse(now, connection, "what it says is out of place", actions),
        }
    }

    fn refuse(&mut self, now: Moment, connection: ConnectionId, reason: &str, actions: &mut Vec<Action>) {
        let refused = Refused { reason: reason.to_owned(), ..Refused::default() };
        self.turn_away(now, connection, refused, actions);
    }

    /// Nothing is wrong with one that comes too late.
    fn comes_too_late(&mut self, connection: ConnectionId, actions: &mut Vec<Action>) {
        let refused = Refused { reason: "the run is over".to_owned(), over: true, ..Refused::default() };
        self.send_away(connection, refused, actions);
    }

    fn turn_away(
        &mut self,
        now: Moment,
        connection: ConnectionId,
        refused: Refused,
        actions: &mut Vec<Action>,
    ) {
        if let Some((address, _)) = self.meetings.get(&connection) {
            actions.extend(self.refusals.refuse(now, *address, &refused.reason).map(Action::Tell));
        }
        self.send_away(connection, refused, actions);
    }

    fn send_away(&mut self, connection: ConnectionId, refused: Refused, actions: &mut Vec<Action>) {
        actions.push(Action::Send(connection, FromController::Refused(refused)));
        actions.push(Action::Close(connection));
        self.forget(connection);
    }

    /// Its name in logs and results. Two processes of a machine, or one that was started again, go by the same one: the
    /// further ones have their number after it.
    fn name_of_its_own(&self, name: String) -> String {
        let is_taken = |name: &str| self.members.iter().any(|member| member.name == name);
        if !is_taken(&name) {
            return name;
        }
        let numbered = (2..=self.members.len() + 1).map(|number| format!("{name}#{number}"));
        numbered.into_iter().find(|name| !is_taken(name)).unwrap_or(name)
    }

    /// A connection is no more; the worker behind it may make another.
    pub(super) fn forget(&mut self, connection: ConnectionId) {
        if let Some((_, Meeting::Member(worker))) = self.meetings.remove(&connection) {
            let member = &mut self.members[worker.index() as usize];
            if member.link == Some(connection) {
                member.link = None;
            }
        }
    }

    fn join(&mut self, now: Moment, connection: ConnectionId, join: Join, actions: &mut Vec<Action>) {
        let instance = InstanceId(join.instance);
        if join.run.is_some_and(|run| run != self.settings.run.0) {
            let reason = "the worker takes part in another run than this controller's";
            return self.refuse(now, connection, reason, actions);
        }
        let known = self.members.iter().position(|member| member.instance == instance);
        if let Some(index) = known {
            return self.join_again(now, index, connection, &join, actions);
        }
        if self.aborted || self.told_all_done || matches!(self.phase, Phase::Ending(_) | Phase::Ended) {
            return self.comes_too_late(connection, actions);
        }
        let running = self.is_running();
        if running && !self.settings.redistribute {
            let reason = "the test is running; joining a running test is not supported yet";
            return self.refuse(now, connection, reason, actions);
        }
        if self.settings.redistribute && !join.takes_deals {
            let reason = "the worker cannot take over slots from others; use the same throng on all machines";
            return self.refuse(now, connection, reason, actions);
        }
        let seat = if running {
            // The first number after those of the beginning is nobody's.
            let seat = self.seats.len().max(self.settings.expected.max(1) as usize + 1);
            self.seats.resize(seat + 1, None);
            seat
        } else if let Some(seat) = self.seats.iter().position(Option::is_none) {
            seat
        } else {
            let reason = "all the workers that were expected are there".to_owned();
            let refused = Refused { reason, for_now: true, ..Refused::default() };
            return self.turn_away(now, connection, refused, actions);
        };
        let name = self.name_of_its_own(join.name);
        let Some((address, meeting)) = self.meetings.get_mut(&connection) else {
            return;
        };
        let id = WorkerId(self.members.len() as u32);
        *meeting = Meeting::Member(id);
        self.seats[seat] = Some(id);
        self.members.push(Member {
            id,
            instance,
            name,
            address: *address,
            threads: join.threads,
            seat,
            standing: Standing::Present,
            link: Some(connection),
            heard: now,
            awaited_until: None,
            commands: Outbox::default(),
            batches: Inbox::default(),
            prepared: false,
            initialised: false,
            leaving: None,
            done: false,
            promised: 0,
            rested: 0,
            suspended_for: 0,
        });
        let member = &self.members[id.index() as usize];
        actions.push(Action::Tell(Happening::Joined {
            worker: id,
            name: member.name.clone(),
            address: member.address,
            threads: member.threads,
        }));
        self.welcome(id.index() as usize, connection, actions);
        if running || self.phase == Phase::Preparing {
            self.prepare(id.index() as usize, actions);
        }
    }

    /// A process that is known connects again.
    fn join_again(
        &mut self,
        now: Moment,
        index: usize,
        connection: ConnectionId,
        join: &Join,
        actions: &mut Vec<Action>,
    ) {
        let member = &mut self.members[index];
        let (id, seat) = (member.id, member.seat);
        if join.received > member.commands.last() {
            // Only after the machine itself failed: what is ordered is on the disk before it is sent.
            let reason =
                "it was told more than this controller remembers: what was kept of the run is too old";
            return self.refuse(now, connection, reason, actions);
        }
        match member.standing {
            Standing::Present => {}
            Standing::Left => return self.refuse(now, connection, "the worker has left the run", actions),
            Standing::Lost if self.told_all_done || matches!(self.phase, Phase::Ending(_) | Phase::Ended) => {
                return self.comes_too_late(connection, actions);
            }
            Standing::Lost if self.seats[seat].is_some_and(|taken| taken != id) => {
                return self.refuse(now, connection, "another worker has taken its place", actions);
            }
            Standing::Lost => {
                member.standing = Standing::Present;
                self.seats[seat] = Some(id);
                actions.push(Action::Tell(Happening::Returned { worker: id }));
                self.map.stale = true;
                // First, so that nothing it had is started while it may start again.
                self.tell_leases(index, true, &mut Vec::new());
                self.suspend(now, index);
            }
        }
        let member = &mut self.members[index];
        member.heard = now;
        if member.awaited_until.take().is_some() && member.is_present() {
            actions.push(Action::Tell(Happening::Reattached { worker: id }));
        }
        let reports = member.batches.skip_to(join.kept_from);
        if reports > 0 {
            actions.push(Action::Tell(Happening::ReportsMissing { worker: id, reports }));
            // Which iterations they told of nobody knows: all that it has is run again.
            self.take_leases(index);
            self.tell_leases(index, true, &mut Vec::new());
        }
        let member = &mut self.members[index];
        member.commands.acknowledge(join.received);
        if let Some(old) = member.link.replace(connection) {
            self.meetings.remove(&old);
            actions.push(Action::Close(old));
        }
        if let Some((_, meeting)) = self.meetings.get_mut(&connection) {
            *meeting = Meeting::Member(id);
        }
        self.welcome(index, connection, actions);
        let kept: Vec<(u64, Task)> =
            self.members[index].commands.kept().map(|(number, task)| (number, task.clone())).collect();
        for (number, task) in kept {
            self.send_command(connection, number, task, actions);
        }
    }

    fn welcome(&self, index: usize, connection: ConnectionId, actions: &mut Vec<Action>) {
        let member = &self.members[index];
        actions.push(Action::Trust(connection));
        let (worker, taken) = (member.id.index(), member.batches.received());
        let grace = self.settings.grace.as_nanos() as u64;
        let welcome = Welcome { run: self.settings.run.0, worker, taken, grace };
        actions.push(Action::Send(connection, FromController::Welcome(welcome)));
    }
}
