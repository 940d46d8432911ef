//! Connections that all virtual users share. One is made whenever an operation finds none idle, so that as many operate
//! at a time as there are virtual users, until the server takes no more: from then on operations queue.
//!
//! k6's extensions have a pool for each virtual user, which comes to the same number of connections while all of them
//! are busy, and to failures once there are more virtual users than the server takes connections.

use std::collections::VecDeque;
use std::future::{Future, ready};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use throng_js::databases::Refused;
use throng_js::log::{Level, Log};
use tokio::sync::oneshot;
use tokio::time::timeout;

/// A connection that was idle for so long is asked whether it still stands.
const LONG: Duration = Duration::from_secs(5);

/// So many are made at a time. More than a server's backlog takes would be lost without a word where the server speaks
/// first, as MySQL's does: for the client such a connection stands, and the server never heard of it.
const OPENING: usize = 16;

/// A server that has not answered by then will not.
const PATIENCE: Duration = Duration::from_secs(30);

/// How connections to one server are made.
pub(crate) trait Connect: Send + Sync + 'static {
    /// A connection.
    type Connection: Send + 'static;

    /// Makes one.
    fn connect(&self) -> impl Future<Output = Result<Self::Connection, Unconnected>> + Send;

    /// Whether an idle one still stands, as far as is known without asking.
    fn is_open(&self, connection: &Self::Connection) -> bool;

    /// Asks one that was idle for long whether it still stands, where that cannot be known otherwise.
    fn revive(&self, connection: &mut Self::Connection) -> impl Future<Output = bool> + Send {
        let _ = connection;
        ready(true)
    }
}

/// Why there is no connection.
#[derive(Debug)]
pub(crate) enum Unconnected {
    /// The server has as many as it takes.
    TooMany(Refused),
    /// Anything else.
    Failed(Refused),
}

/// See the module's description.
pub(crate) struct Pool<C: Connect> {
    server: C,
    /// The server as it may be shown.
    name: String,
    log: Arc<dyn Log>,
    state: Mutex<State<C>>,
}

struct State<C: Connect> {
    /// With the moments since when.
    idle: Vec<(C::Connection, Instant)>,
    /// Those that are made.
    open: usize,
    /// Those that are being made.
    opening: usize,
    /// As many as there may be.
    most: usize,
    /// As many as the server took, and when it was found to take no more: that holds for [`LONG`], as others close theirs.
    limit: Option<(usize, Instant)>,
    /// The server was once found to take no more.
    is_full: bool,
    waiting: VecDeque<oneshot::Sender<Turn<C>>>,
    /// Whoever opened the pool and has not closed it.
    holders: usize,
}

impl<C: Connect> State<C> {
    /// As many as there may be now.
    fn allowed(&self) -> usize {
        match self.limit {
            Some((limit, since)) if since.elapsed() < LONG => limit.min(self.most),
            _ => self.most,
        }
    }

    /// Queues for what is given next.
    fn queue(&mut self) -> oneshot::Receiver<Turn<C>> {
        let (sender, receiver) = oneshot::channel();
        self.waiting.push_back(sender);
        receiver
    }
}

/// What a waiting operation is given.
enum Turn<C: Connect> {
    /// A connection.
    Connection(Lent<C>),
    /// Room for a new one.
    Room,
}

/// What is left to an operation for which the server takes no further connection.
enum Room<C: Connect> {
    /// Nothing: we have none.
    None,
    /// One that became idle meanwhile.
    Idle,
    /// One of those that are used, or are being made.
    Later(Waiting<C>),
}

enum Step<C: Connect> {
    Take(C::Connection, Instant),
    Make(Making<C>),
    Wait(Waiting<C>),
}

/// A place in the queue. What is given to somebody who was cut off meanwhile goes to the next one: a connection by being
/// dropped, room by this.
struct Waiting<C: Connect> {
    pool: Arc<Pool<C>>,
    turn: oneshot::Receiver<Turn<C>>,
}

impl<C: Connect> Waiting<C> {
    /// A connection; none if there may be room for another one, as after [`LONG`], when the server is asked again.
    async fn lent(&mut self) -> Option<Lent<C>> {
        match timeout(LONG, &mut self.turn).await {
            Ok(Ok(Turn::Connection(lent))) => Some(lent),
            _ => None,
        }
    }
}

impl<C: Connect> Drop for Waiting<C> {
    fn drop(&mut self) {
        // From here on a sender is told that nobody is there.
        self.turn.close();
        if let Ok(Turn::Room) = self.turn.try_recv() {
            self.pool.make_room();
        }
    }
}

impl<C: Connect> Pool<C> {
    /// A pool of at most so many connections.
    pub(crate) fn new(server: C, name: String, most: usize, log: Arc<dyn Log>) -> Arc<Self> {
        let state = State {
            idle: Vec::new(),
            open: 0,
            opening: 0,
            most: most.max(1),
            limit: None,
            is_full: false,
            waiting: VecDeque::new(),
            holders: 0,
        };
        Arc::new(Self { server, name, log, state: Mutex::new(state) })
    }

    fn state(&self) -> MutexGuard<'_, State<C>> {
        // Nothing panics while it is held.
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// How connections are made.
    pub(crate) fn server(&self) -> &C {
        &self.server
    }

    /// One more uses it.
    pub(crate) fn hold(&self) {
        self.state().holders += 1;
    }

    /// One that used it does not any more; when nobody does, idle connections are closed.
    pub(crate) fn release(&self) {
        let idle = {
            let mut state = self.state();
            state.holders = state.holders.saturating_sub(1);
            if state.holders > 0 {
                return;
            }
            let idle = std::mem::take(&mut state.idle);
            state.open -= idle.len();
            idle
        };
        drop(idle);
    }

    /// A connection, as soon as there is one.
    pub(crate) async fn take(self: &Arc<Self>) -> Result<Lent<C>, Refused> {
        loop {
            match self.step() {
                Step::Take(connection, since) => {
                    let mut lent = self.lend(connection);
                    if since.elapsed() < LONG {
                        return Ok(lent);
                    }
                    if let Some(connection) = lent.begin()
                        && timeout(PATIENCE, self.server.revive(connection)).await.unwrap_or(false)
                    {
                        lent.is_whole = true;
                        return Ok(lent);
                    }
                }
                Step::Wait(mut waiting) => {
                    if let Some(lent) = waiting.lent().await {
                        return Ok(lent);
                    }
                }
                Step::Make(making) => match self.connect().await {
                    Ok(connection) => {
                        making.done();
                        let mut lent = self.lend(connection);
                        lent.is_new = true;
                        return Ok(lent);
                    }
                    Err(Unconnected::Failed(refused)) => return Err(refused),
                    Err(Unconnected::TooMany(refused)) => match making.refused() {
                        Room::None => return Err(refused),
                        Room::Idle => {}
                        Room::Later(mut waiting) => {
                            if let Some(lent) = waiting.lent().await {
                                return Ok(lent);
                            }
                        }
                    },
                },
            }
        }
    }

    async fn connect(&self) -> Result<C::Connection, Unconnected> {
        timeout(PATIENCE, self.server.connect()).await.unwrap_or_else(|_| {
            let text = format!("{} takes connections but has not answered for {PATIENCE:?}", self.name);
            Err(Unconnected::Failed(Refused(text)))
        })
    }

    fn step(self: &Arc<Self>) -> Step<C> {
        let mut closed = Vec::new();
        let mut state = self.state();
        while let Some((connection, since)) = state.idle.pop() {
            if self.server.is_open(&connection) {
                return Step::Take(connection, since);
            }
            state.open -= 1;
            closed.push(connection);
        }
        if state.opening < OPENING && state.open + state.opening < state.allowed() {
            state.opening += 1;
            return Step::Make(Making { pool: self.clone(), made: false });
        }
        Step::Wait(Waiting { pool: self.clone(), turn: state.queue() })
    }

    fn lend(self: &Arc<Self>, connection: C::Connection) -> Lent<C> {
        Lent { pool: self.clone(), connection: Some(connection), is_whole: true, is_new: false }
    }

    /// Takes a connection back: the longest waiting operation gets it.
    fn give_back(self: &Arc<Self>, connection: C::Connection) {
        let mut connection = connection;
        loop {
            let waiting = {
                let mut state = self.state();
                match state.waiting.pop_front() {
                    Some(waiting) => waiting,
                    None if state.holders == 0 => {
                        state.open -= 1;
                        return;
                    }
                    None => {
                        state.idle.push((connection, Instant::now()));
                        return;
                    }
                }
            };
            // Who waited may have been cut off; then the next one has it.
            match waiting.send(Turn::Connection(self.lend(connection))) {
                Ok(()) | Err(Turn::Room) => return,
                Err(Turn::Connection(mut lent)) => match lent.connection.take() {
                    Some(back) => connection = back,
                    None => return,
                },
            }
        }
    }

    /// There is room for a connection more than before.
    fn make_room(&self) {
        loop {
            let Some(waiting) = self.state().waiting.pop_front() else { return };
            if waiting.send(Turn::Room).is_ok() {
                return;
            }
        }
    }
}

/// A connection that is being made.
struct Making<C: Connect> {
    pool: Arc<Pool<C>>,
    made: bool,
}

impl<C: Connect> Making<C> {
    fn done(mut self) {
        self.made = true;
        {
            let mut state = self.pool.state();
            state.opening -= 1;
            state.open += 1;
            let open = state.open;
            if let Some((limit, _)) = &mut state.limit {
                // It was under way when another one was refused.
                *limit = open.max(*limit);
            }
            if open + state.opening >= state.allowed() {
                return;
            }
        }
        // Who waited for the others to be made.
        self.pool.make_room();
    }

    /// The server takes no more connections. Where it has some of ours, or may have soon, the operation waits for one of
    /// them; otherwise it has failed.
    fn refused(mut self) -> Room<C> {
        self.made = true;
        let (room, is_news) = {
            let mut state = self.pool.state();
            state.opening -= 1;
            if state.open + state.opening == 0 {
                drop(state);
                self.pool.make_room();
                return Room::None;
            }
            let mut is_news = false;
            // Where only others are being made it is not known yet how many there may be.
            if state.open > 0 {
                state.limit = Some((state.open, Instant::now()));
                is_news = !std::mem::replace(&mut state.is_full, true);
            }
            let room = if state.idle.is_empty() {
                Room::Later(Waiting { pool: self.pool.clone(), turn: state.queue() })
            } else {
                // Nobody may be left who would give one back.
                Room::Idle
            };
            (room, is_news)
        };
        if is_news && self.pool.log.enabled(Level::Warn) {
            let text = format!(
                "{} takes no more connections: operations of all virtual users wait for those that there are",
                self.pool.name
            );
            self.pool.log.log(Level::Warn, &text, &[]);
        }
        room
    }
}

impl<C: Connect> Drop for Making<C> {
    fn drop(&mut self) {
        if !self.made {
            self.pool.state().opening -= 1;
            self.pool.make_room();
        }
    }
}

/// A connection that is used. It goes back to the pool only if what was begun with it was also ended: a driver that was
/// cut off in the middle leaves it in no state to be used again.
pub(crate) struct Lent<C: Connect> {
    pool: Arc<Pool<C>>,
    connection: Option<C::Connection>,
    is_whole: bool,
    is_new: bool,
}

impl<C: Connect> Lent<C> {
    /// Whether it was made for this operation. One that was not may have been closed by the server just now.
    pub(crate) fn is_new(&self) -> bool {
        self.is_new
    }

    /// Begins to use it.
    pub(crate) fn begin(&mut self) -> Option<&mut C::Connection> {
        self.is_whole = false;
        self.connection.as_mut()
    }

    /// What was begun is ended, whether the server refused it or not.
    pub(crate) fn end(mut self) {
        self.is_whole = true;
    }
}

impl<C: Connect> Drop for Lent<C> {
    fn drop(&mut self) {
        let Some(connection) = self.connection.take() else { return };
        if self.is_whole && self.pool.server.is_open(&connection) {
            self.pool.give_back(connection);
            return;
        }
        drop(connection);
        self.pool.state().open -= 1;
        self.pool.make_room();
    }
}

#[cfg(test)]
mod tests;
