//! Workers of a fill on other machines: `throng fill --bind ADDRESS:PORT`, and `throng fill --controller HOST:PORT` there.
//!
//! All are started with the same command, so that nothing secret travels: what does are numbers of records. Both sides prove
//! first that they know the join token.

use std::io::{self, BufRead as _, BufReader, Write as _};
use std::net::{SocketAddr, TcpListener, TcpStream, ToSocketAddrs as _};
use std::sync::{Arc, Mutex, OnceLock, PoisonError, mpsc};
use std::time::{Duration, Instant};

use throng_cluster::{Token, meeting};
use throng_stores::plan::Plan;
use throng_stores::team::{self, Answer, Gate, Order};

use crate::exit::Exit;
use crate::failure::Failure;
use crate::logging::Logger;
use crate::signals;

/// Both sides say something so often.
const BEAT: Duration = Duration::from_secs(2);
/// Who was not heard for so long is taken for lost.
const SILENCE: Duration = Duration::from_secs(15);
/// How long somebody may take to show that they know the token.
const GREETING: Duration = Duration::from_secs(5);
/// How often it is looked whether somebody joins.
const GLANCE: Duration = Duration::from_millis(50);
/// Those who have not shown yet that they know the token.
const MOST_STRANGERS: usize = 32;

/// Where workers join.
#[derive(Debug, Clone)]
pub struct Door {
    /// The address to listen at.
    pub address: SocketAddr,
    /// What workers have to know.
    pub token: Token,
    /// How long there may be no worker.
    pub gather: Duration,
}

impl Door {
    /// Lets workers in until the fill is over, on a thread of its own, and numbers them from `first` on.
    pub(super) fn open(self, gate: Gate, first: usize, log: &Logger) -> Result<(), Failure> {
        let place = self.address;
        let failed = |error: io::Error| Failure::other(format!("cannot listen at {place}: {error}"));
        let listener = TcpListener::bind(self.address).map_err(failed)?;
        listener.set_nonblocking(true).map_err(failed)?;
        let address = listener.local_addr().map_err(failed)?;
        log.info(&format!("workers join at {address}"));
        let log = log.clone();
        let thread = std::thread::Builder::new().name("door".into());
        thread.spawn(move || self.keep(&listener, &gate, first, &log)).map_err(failed)?;
        Ok(())
    }

    fn keep(&self, listener: &TcpListener, gate: &Gate, first: usize, log: &Logger) {
        // As many as there are copies of it.
        let strangers = Arc::new(());
        let mut last = Instant::now();
        let mut next = first;
        while !gate.is_over() {
            // Also processes of this machine's own.
            if gate.members() > 0 {
                last = Instant::now();
            } else if last.elapsed() > self.gather {
                log.error(&format!("no worker has joined for {} s", self.gather.as_secs()));
                return;
            }
            let Ok((stream, from)) = listener.accept() else {
                std::thread::sleep(GLANCE);
                continue;
            };
            if Arc::strong_count(&strangers) > MOST_STRANGERS {
                continue;
            }
            let (gate, token, log, number) = (gate.clone(), self.token.clone(), log.clone(), next);
            let stranger = strangers.clone();
            next += 1;
            let thread = std::thread::Builder::new().name(format!("worker {number}"));
            // One that cannot be listened to is hung up on.
            let _ = thread.spawn(move || {
                let greeted = greet(&stream, &token);
                drop(stranger);
                if let Err(error) = greeted {
                    return log.warn(&format!("{from} is not let in: {error}"));
                }
                log.info(&format!("worker {number} has joined from {from}"));
                attend(&gate, number, &stream);
            });
        }
    }
}

fn greet(stream: &TcpStream, token: &Token) -> io::Result<()> {
    stream.set_nonblocking(false)?;
    stream.set_nodelay(true)?;
    stream.set_read_timeout(Some(GREETING))?;
    stream.set_write_timeout(Some(SILENCE))?;
    let mut both = stream;
    meeting::receive(&mut both, token)?;
    stream.set_read_timeout(Some(SILENCE))
}

/// Passes orders and answers on until one of the two sides is gone.
fn attend(gate: &Gate, number: usize, stream: &TcpStream) {
    let mut orders = gate.joined(number);
    let reason = match Voice::of(stream) {
        Ok(voice) => {
            let beat = voice.keep_saying(&Order::Stay);
            let thread = std::thread::Builder::new().name(format!("orders {number}"));
            // Without it nothing is heard from the worker, which ends this.
            let _ = thread.spawn(move || {
                while let Some(order) = orders.wait() {
                    voice.say(&order);
                }
                drop(beat);
                voice.hang_up();
            });
            hear(stream, |answer| gate.said(number, answer))
        }
        Err(error) => error.to_string(),
    };
    gate.gone(number, reason);
}

/// What one side says, a line of JSON for each. That the other is gone is noticed by who reads.
#[derive(Clone)]
struct Voice(Arc<Mutex<TcpStream>>);

impl Voice {
    fn of(stream: &TcpStream) -> io::Result<Self> {
        Ok(Self(Arc::new(Mutex::new(stream.try_clone()?))))
    }

    fn say(&self, what: &impl serde::Serialize) {
        let Ok(mut line) = serde_json::to_string(what) else { return };
        line.push('\n');
        let _ = self.0.lock().unwrap_or_else(PoisonError::into_inner).write_all(line.as_bytes());
    }

    fn hang_up(&self) {
        let stream = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let _ = stream.shutdown(std::net::Shutdown::Write);
    }

    /// Says it again and again until what is returned is dropped.
    fn keep_saying<T: serde::Serialize + Clone + Send + 'static>(&self, what: &T) -> mpsc::Sender<()> {
        let (end, ended) = mpsc::channel::<()>();
        let (voice, what) = (self.clone(), what.clone());
        let thread = std::thread::Builder::new().name("beat".into());
        // Without it the other side takes us for lost, which it is told by nobody else.
        let _ = thread.spawn(move || {
            while ended.recv_timeout(BEAT) == Err(mpsc::RecvTimeoutError::Timeout) {
                voice.say(&what);
            }
        });
        end
    }
}

/// Reads lines until there are no more; why.
fn hear<T: serde::de::DeserializeOwned>(stream: &TcpStream, mut told: impl FnMut(T)) -> String {
    for line in BufReader::new(stream).lines() {
        match line {
            Ok(line) => match serde_json::from_str(&line) {
                Ok(said) => told(said),
                Err(error) => return format!("it does not speak our language: {error}"),
            },
            Err(error) if matches!(error.kind(), io::ErrorKind::WouldBlock | io::ErrorKind::TimedOut) => {
                return format!("nothing was heard of it for {} s", SILENCE.as_secs());
            }
            Err(error) => return error.to_string(),
        }
    }
    "it has hung up".to_owned()
}

/// Why a worker ends.
#[derive(Debug)]
enum Ending {
    /// The leader has nothing more to do.
    Told,
    /// A signal.
    Signal,
    /// The leader is gone.
    Lost(String),
}

/// Joins the leader at `address` and works for it.
pub(crate) fn work(
    plan: &Plan,
    address: &str,
    token: &Token,
    patience: Duration,
    log: &Logger,
) -> Result<Exit, Failure> {
    let stream = connect(address, token, patience)
        .map_err(|error| Failure::other(format!("cannot join the fill at {address}: {error}")))?;
    let other = |error: &dyn std::fmt::Display| Failure::other(format!("cannot work: {error}"));
    log.info(&format!("joined the fill at {address}"));
    let voice = Voice::of(&stream).map_err(|error| other(&error))?;
    let _beat = voice.keep_saying(&Answer::Alive);
    let (desk, orders) = team::orders();
    let (desk, ending) = (Arc::new(desk), Arc::new(OnceLock::new()));
    // Whatever comes first is the reason; without a leader nothing is begun any more.
    let end = {
        let (desk, ending) = (desk.clone(), ending.clone());
        move |why| {
            let _ = ending.set(why);
            desk.give(Order::Stop);
        }
    };
    let on_signal = end.clone();
    let _listener = signals::listen(log.clone(), move |_| on_signal(Ending::Signal))
        .map_err(|error| Failure::other(format!("cannot listen for signals: {error}")))?;
    let reader = std::thread::Builder::new().name("orders".into()).spawn(move || {
        let reason = hear(&stream, |order| match order {
            Order::Stop => end(Ending::Told),
            order => {
                desk.give(order);
            }
        });
        end(Ending::Lost(reason));
    });
    reader.map_err(|error| other(&error))?;
    let saying = voice.clone();
    let done = team::serve(plan, orders, move |answer| saying.say(&answer));
    voice.hang_up();
    if let Err(error) = done {
        return Err(Failure::new(super::exit_of(&error), format!("cannot work: {error}")));
    }
    match ending.get() {
        None | Some(Ending::Told) => Ok(Exit::Success),
        Some(Ending::Signal) => Err(Failure::new(Exit::Signal, "the worker was stopped by a signal")),
        Some(Ending::Lost(reason)) => {
            Err(Failure::other(format!("the fill at {address} is lost: {reason}; what it gave was finished")))
        }
    }
}

fn connect(address: &str, token: &Token, patience: Duration) -> io::Result<TcpStream> {
    let began = Instant::now();
    loop {
        match attempt(address, token) {
            // Another token stays another token.
            Err(error) if error.kind() != io::ErrorKind::PermissionDenied && began.elapsed() < patience => {
                std::thread::sleep(Duration::from_millis(500));
            }
            done => return done,
        }
    }
}

fn attempt(address: &str, token: &Token) -> io::Result<TcpStream> {
    let mut last = io::Error::new(io::ErrorKind::NotFound, "it has no address");
    for address in address.to_socket_addrs()? {
        match TcpStream::connect_timeout(&address, GREETING) {
            Ok(mut stream) => {
                stream.set_nodelay(true)?;
                stream.set_read_timeout(Some(GREETING))?;
                stream.set_write_timeout(Some(SILENCE))?;
                meeting::join(&mut stream, token)?;
                stream.set_read_timeout(Some(SILENCE))?;
                return Ok(stream);
            }
            Err(error) => last = error,
        }
    }
    Err(last)
}
