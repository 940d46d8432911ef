//! What an event changed in the state of a machine, so that a record is as small as the event and not as large as the run.
//!
//! Where iterations are counted every report changes the state: with hundreds of workers it would be written whole hundreds of
//! times a second. Found by comparing what was written last with what is now, so that no change can be forgotten.

use prost::Message;

use super::messages::{BookMessage, HeldMessage, MemberMessage, StateMessage};

/// See the module's description.
#[derive(Clone, PartialEq, Message)]
pub(super) struct Difference {
    /// All of the state but its members and books, if anything of that has changed.
    #[prost(message, optional, tag = "1")]
    rest: Option<StateMessage>,
    /// Members that have changed or come.
    #[prost(message, repeated, tag = "2")]
    members: Vec<MemberAt>,
    /// Books in which something has changed.
    #[prost(message, repeated, tag = "3")]
    books: Vec<BookChange>,
    /// All books, where they are others than before.
    #[prost(message, optional, tag = "4")]
    all_books: Option<Books>,
}

#[derive(Clone, PartialEq, Message)]
struct MemberAt {
    #[prost(uint32, tag = "1")]
    position: u32,
    #[prost(message, optional, tag = "2")]
    member: Option<MemberMessage>,
}

#[derive(Clone, PartialEq, Message)]
struct BookChange {
    #[prost(uint32, tag = "1")]
    position: u32,
    /// Nothing if it is as it was.
    #[prost(message, optional, tag = "2")]
    free: Option<Free>,
    /// Of whom it has changed; without indices of those who have none any more.
    #[prost(message, repeated, tag = "3")]
    held: Vec<HeldMessage>,
    #[prost(bool, tag = "4")]
    is_closed: bool,
}

#[derive(Clone, PartialEq, Message)]
struct Free {
    #[prost(uint64, repeated, tag = "1")]
    indices: Vec<u64>,
}

#[derive(Clone, PartialEq, Message)]
struct Books {
    #[prost(message, repeated, tag = "1")]
    books: Vec<BookMessage>,
}

impl Difference {
    /// What makes `old` to `new`; nothing if they are the same.
    pub(super) fn between(old: &StateMessage, new: &StateMessage) -> Option<Self> {
        let members =
            new.members.iter().enumerate().filter(|(at, member)| old.members.get(*at) != Some(member));
        let members: Vec<MemberAt> = members
            .map(|(at, member)| MemberAt { position: at as u32, member: Some(member.clone()) })
            .collect();
        let are_same = old.books.len() == new.books.len()
            && old.books.iter().zip(&new.books).all(|(old, new)| is_same_book(old, new));
        let (books, all_books) = if are_same {
            let pairs = (0..).zip(old.books.iter().zip(&new.books));
            (pairs.filter_map(|(at, (old, new))| BookChange::between(at, old, new)).collect(), None)
        } else {
            (Vec::new(), Some(Books { books: new.books.clone() }))
        };
        let (before, after) = (rest(old), rest(new));
        let rest = (before != after).then_some(after);
        let change = Self { rest, members, books, all_books };
        (change != Self::default()).then_some(change)
    }

    /// Makes the change; nothing if it is not one of this state.
    pub(super) fn apply(self, state: &mut StateMessage) -> Option<()> {
        if let Some(rest) = self.rest {
            let (members, books) = (std::mem::take(&mut state.members), std::mem::take(&mut state.books));
            *state = StateMessage { members, books, ..rest };
        }
        for MemberAt { position, member } in self.members {
            let (at, member) = (position as usize, member?);
            if at == state.members.len() {
                state.members.push(member);
            } else {
                *state.members.get_mut(at)? = member;
            }
        }
        if let Some(Books { books }) = self.all_books {
            state.books = books;
        }
        for change in self.books {
            let book = state.books.get_mut(change.position as usize)?;
            book.is_closed = change.is_closed;
            if let Some(Free { indices }) = change.free {
                book.free = indices;
            }
            for held in change.held {
                book.held.retain(|known| known.worker != held.worker);
                if !held.indices.is_empty() {
                    book.held.push(held);
                }
            }
        }
        Some(())
    }
}

impl BookChange {
    fn between(position: u32, old: &BookMessage, new: &BookMessage) -> Option<Self> {
        // Both are sorted by worker, as the ledger is.
        let of =
            |book: &BookMessage, worker| book.held.binary_search_by_key(&worker, |held| held.worker).ok();
        let has_changed = |held: &&HeldMessage| match of(old, held.worker) {
            Some(before) => old.held[before].indices != held.indices,
            None => !held.indices.is_empty(),
        };
        let is_gone = |held: &&HeldMessage| of(new, held.worker).is_none();
        let gone = old.held.iter().filter(is_gone);
        let gone = gone.map(|held| HeldMessage { worker: held.worker, indices: Vec::new() });
        let held: Vec<HeldMessage> = new.held.iter().filter(has_changed).cloned().chain(gone).collect();
        let free = (old.free != new.free).then(|| Free { indices: new.free.clone() });
        let is_closed = new.is_closed;
        let is_same = free.is_none() && held.is_empty() && old.is_closed == is_closed;
        (!is_same).then_some(Self { position, free, held, is_closed })
    }
}

/// Whether they are about the same iterations.
fn is_same_book(old: &BookMessage, new: &BookMessage) -> bool {
    let of = |book: &BookMessage| (book.scenario, book.vus, book.iterations, book.is_each);
    of(old) == of(new)
}

/// The state without its large parts.
fn rest(state: &StateMessage) -> StateMessage {
    let StateMessage {
        phase,
        phase_at,
        members: _,
        seats,
        map,
        began,
        aborted,
        started,
        failed,
        script_aborted,
        script_failed,
        init_failed,
        books: _,
        epochs,
        has_ledger,
    } = state;
    StateMessage {
        phase: *phase,
        phase_at: *phase_at,
        members: Vec::new(),
        seats: seats.clone(),
        map: map.clone(),
        began: *began,
        aborted: *aborted,
        started: *started,
        failed: failed.clone(),
        script_aborted: script_aborted.clone(),
        script_failed: script_failed.clone(),
        init_failed: init_failed.clone(),
        books: Vec::new(),
        epochs: epochs.clone(),
        has_ledger: *has_ledger,
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn book() -> impl Strategy<Value = BookMessage> {
        let indices = || proptest::collection::vec(0..5_u64, 0..4);
        (0..3_u32, indices(), proptest::collection::btree_map(0..4_u32, indices(), 0..4), any::<bool>())
            .prop_map(|(scenario, free, held, is_closed)| BookMessage {
                scenario,
                free,
                held: held.into_iter().map(|(worker, indices)| HeldMessage { worker, indices }).collect(),
                is_closed,
                ..BookMessage::default()
            })
    }

    fn state(members: std::ops::Range<usize>) -> impl Strategy<Value = StateMessage> {
        let member = (0..3_u64, any::<bool>()).prop_map(|(taken, done)| MemberMessage {
            taken,
            done,
            ..MemberMessage::default()
        });
        let members = proptest::collection::vec(member, members);
        (0..3_u32, members, proptest::collection::vec(book(), 0..3)).prop_map(|(phase, members, books)| {
            StateMessage { phase, members, books, ..StateMessage::default() }
        })
    }

    /// Who holds nothing may or may not be named, and in any order.
    fn normal(mut state: StateMessage) -> StateMessage {
        for book in &mut state.books {
            book.held.retain(|held| !held.indices.is_empty());
            book.held.sort_by_key(|held| held.worker);
        }
        state
    }

    proptest! {
        #[test]
        fn a_state_and_what_has_changed_are_the_new_state(old in state(0..3), new in state(3..5)) {
            let mut changed = old.clone();
            if let Some(change) = Difference::between(&old, &new) {
                let sent = Difference::decode(&change.encode_to_vec()[..]).unwrap();
                prop_assert_eq!(sent.apply(&mut changed), Some(()));
            }
            prop_assert_eq!(normal(changed), normal(new.clone()));
            prop_assert_eq!(Difference::between(&new, &new), None);
        }
    }

    #[test]
    fn a_report_of_one_worker_is_small_however_many_there_are() {
        let held = |worker| HeldMessage { worker, indices: (0..100).flat_map(|n| [n * 7, 3]).collect() };
        let member = MemberMessage { name: "a worker".to_owned(), ..MemberMessage::default() };
        let book = BookMessage { held: (0..200).map(held).collect(), ..BookMessage::default() };
        let old = StateMessage { members: vec![member; 200], books: vec![book], ..StateMessage::default() };
        let mut new = old.clone();
        new.members[7].taken = 1;
        new.books[0].held[7].indices.drain(..2);
        let change = Difference::between(&old, &new).unwrap().encoded_len();
        assert!(change < 500 && old.encoded_len() > 50 * change, "{change} of {}", old.encoded_len());
    }

    #[test]
    fn a_change_of_another_state_is_refused() {
        let member = Some(MemberMessage::default());
        let change = Difference { members: vec![MemberAt { position: 2, member }], ..Difference::default() };
        assert_eq!(change.apply(&mut StateMessage::default()), None);
    }
}
