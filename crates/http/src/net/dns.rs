//! Looking up names: the system's resolver on a few threads, under a cache with k6's options.
//!
//! `getaddrinfo` is the only resolver that does what the machine's administrator set up (search domains of
//! a pod, `/etc/hosts`, nsswitch), but it blocks. So a few threads serve the whole process, and each
//! reactor keeps its own cache, which needs no lock. Requests for a name that is being looked up wait for
//! the one lookup.

use std::cell::RefCell;
use std::collections::HashMap;
use std::future::poll_fn;
use std::net::{IpAddr, ToSocketAddrs};
use std::rc::Rc;
use std::sync::{Arc, Mutex, OnceLock, PoisonError, mpsc};
use std::task::{Poll, Waker};
use std::time::{Duration, Instant};

/// Lookups at once, in the whole process.
const LOOKUP_THREADS: usize = 4;

/// Which of a name's addresses to use.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum DnsSelect {
    /// Any.
    #[default]
    Random,
    /// The first.
    First,
    /// One after the other.
    RoundRobin,
}

/// Which address family to use.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum DnsPolicy {
    /// IPv4 if there is any, else IPv6.
    #[default]
    PreferIpv4,
    /// IPv6 if there is any, else IPv4.
    PreferIpv6,
    /// IPv4 only.
    OnlyIpv4,
    /// IPv6 only.
    OnlyIpv6,
    /// Both, as the resolver ordered them.
    Any,
}

/// k6's `dns`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct DnsConfig {
    /// How long an answer is kept: `None` for ever, zero for not at all.
    pub ttl: Option<Duration>,
    /// Which address to use.
    pub select: DnsSelect,
    /// Which family to use.
    pub policy: DnsPolicy,
}

impl Default for DnsConfig {
    fn default() -> Self {
        Self { ttl: Some(Duration::from_mins(5)), select: DnsSelect::default(), policy: DnsPolicy::default() }
    }
}

/// Why a name has no address.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum LookupError {
    NoSuchHost,
    Other(String),
}

type Answer = Result<Rc<[IpAddr]>, LookupError>;

/// A cache entry.
#[derive(Debug)]
enum Entry {
    Running(Arc<Lookup>),
    Known { answer: Answer, until: Option<Instant>, turn: usize },
}

/// A lookup that a thread is working on.
#[derive(Debug, Default)]
struct Lookup {
    state: Mutex<LookupState>,
}

#[derive(Debug, Default)]
struct LookupState {
    result: Option<Result<Vec<IpAddr>, LookupError>>,
    waiting: Vec<Waker>,
}

struct Job {
    host: String,
    lookup: Arc<Lookup>,
}

fn workers() -> &'static mpsc::Sender<Job> {
    static WORKERS: OnceLock<mpsc::Sender<Job>> = OnceLock::new();
    WORKERS.get_or_init(|| {
        let (sender, receiver) = mpsc::channel::<Job>();
        let receiver = Arc::new(Mutex::new(receiver));
        for i in 0..LOOKUP_THREADS {
            let receiver = Arc::clone(&receiver);
            let run = move || {
                loop {
                    let job = receiver.lock().unwrap_or_else(PoisonError::into_inner).recv();
                    let Ok(Job { host, lookup }) = job else { return };
                    let result = system_lookup(&host);
                    let waiting = {
                        let mut state = lookup.state.lock().unwrap_or_else(PoisonError::into_inner);
                        state.result = Some(result);
                        std::mem::take(&mut state.waiting)
                    };
                    waiting.into_iter().for_each(Waker::wake);
                }
            };
            // Without a single thread lookups would hang; with fewer than wanted they are only slower.
            let spawned = std::thread::Builder::new().name(format!("dns-{i}")).spawn(run);
            assert!(spawned.is_ok() || i > 0, "start a thread for DNS lookups: {spawned:?}");
        }
        sender
    })
}

fn system_lookup(host: &str) -> Result<Vec<IpAddr>, LookupError> {
    match (host, 0).to_socket_addrs() {
        Ok(addrs) => {
            let mut ips: Vec<IpAddr> = Vec::new();
            for addr in addrs {
                if !ips.contains(&addr.ip()) {
                    ips.push(addr.ip());
                }
            }
            if ips.is_empty() { Err(LookupError::NoSuchHost) } else { Ok(ips) }
        }
        Err(error) => {
            let text = error.to_string();
            // The resolver's code is not kept by the standard library, its words are.
            let unknown = ["not known", "No address", "nodename", "no such host"];
            if unknown.iter().any(|u| text.contains(u)) {
                Err(LookupError::NoSuchHost)
            } else {
                Err(LookupError::Other(text))
            }
        }
    }
}

/// One reactor's view of DNS.
#[derive(Debug)]
pub(crate) struct Resolver {
    config: DnsConfig,
    cache: RefCell<HashMap<String, Entry>>,
    random: RefCell<u64>,
}

impl Resolver {
    pub(crate) fn new(config: DnsConfig) -> Self {
        let seed = throng_reactor::unix_now() | 1;
        Self { config, cache: RefCell::default(), random: RefCell::new(seed) }
    }

    /// An address if none needs to be asked for.
    pub(crate) fn cached(&self, host: &str) -> Option<Result<IpAddr, LookupError>> {
        let mut cache = self.cache.borrow_mut();
        let Entry::Known { answer, until, turn } = cache.get_mut(host)? else { return None };
        if until.is_some_and(|until| until <= Instant::now()) {
            cache.remove(host);
            return None;
        }
        *turn += 1;
        let turn = *turn;
        Some(match answer {
            Ok(ips) => self.pick(ips, turn).ok_or(LookupError::NoSuchHost),
            Err(error) => Err(error.clone()),
        })
    }

    /// The address to use for `host`.
    pub(crate) async fn resolve(&self, host: &str) -> Result<IpAddr, LookupError> {
        if let Some(known) = self.cached(host) {
            return known;
        }
        let lookup = {
            let mut cache = self.cache.borrow_mut();
            if let Some(Entry::Running(lookup)) = cache.get(host) {
                Arc::clone(lookup)
            } else {
                let lookup = Arc::<Lookup>::default();
                cache.insert(host.to_owned(), Entry::Running(Arc::clone(&lookup)));
                let job = Job { host: host.to_owned(), lookup: Arc::clone(&lookup) };
                if workers().send(job).is_err() {
                    return Err(LookupError::Other("the lookup threads are gone".to_owned()));
                }
                lookup
            }
        };
        let result = poll_fn(|cx| {
            let mut state = lookup.state.lock().unwrap_or_else(PoisonError::into_inner);
            if let Some(result) = &state.result {
                return Poll::Ready(result.clone());
            }
            if !state.waiting.iter().any(|w| w.will_wake(cx.waker())) {
                state.waiting.push(cx.waker().clone());
            }
            Poll::Pending
        })
        .await;
        let answer: Answer = result.map(Rc::from);
        let mut cache = self.cache.borrow_mut();
        if matches!(cache.get(host), Some(Entry::Running(running)) if Arc::ptr_eq(running, &lookup)) {
            // Failures are not kept: a name may appear while the test runs.
            if answer.is_err() || self.config.ttl == Some(Duration::ZERO) {
                cache.remove(host);
            } else {
                let until = self.config.ttl.map(|ttl| Instant::now() + ttl);
                cache.insert(host.to_owned(), Entry::Known { answer: answer.clone(), until, turn: 0 });
            }
        }
        drop(cache);
        self.pick(&answer?, 0).ok_or(LookupError::NoSuchHost)
    }

    fn pick(&self, ips: &[IpAddr], turn: usize) -> Option<IpAddr> {
        let family = |v4: bool| ips.iter().copied().filter(move |ip| ip.is_ipv4() == v4);
        let choose = |candidates: &mut dyn Iterator<Item = IpAddr>, len: usize| {
            let n = match self.config.select {
                DnsSelect::First => 0,
                DnsSelect::RoundRobin => turn % len.max(1),
                DnsSelect::Random => self.next_random() as usize % len.max(1),
            };
            candidates.nth(n)
        };
        let of = |v4: bool| choose(&mut family(v4), family(v4).count());
        match self.config.policy {
            DnsPolicy::PreferIpv4 => of(true).or_else(|| of(false)),
            DnsPolicy::PreferIpv6 => of(false).or_else(|| of(true)),
            DnsPolicy::OnlyIpv4 => of(true),
            DnsPolicy::OnlyIpv6 => of(false),
            DnsPolicy::Any => choose(&mut ips.iter().copied(), ips.len()),
        }
    }

    /// xorshift64: spreading connections needs no better randomness.
    fn next_random(&self) -> u64 {
        let mut x = self.random.borrow_mut();
        *x ^= *x << 13;
        *x ^= *x >> 7;
        *x ^= *x << 17;
        *x >> 1
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn resolver(select: DnsSelect, policy: DnsPolicy) -> Resolver {
        Resolver::new(DnsConfig { select, policy, ..DnsConfig::default() })
    }

    fn ips() -> Vec<IpAddr> {
        ["10.0.0.1", "::1", "10.0.0.2"].iter().map(|ip| ip.parse().unwrap()).collect()
    }

    #[test]
    fn policy_chooses_the_family_and_select_the_address() {
        let pick = |select, policy, turn| {
            resolver(select, policy).pick(&ips(), turn).map(|ip| ip.to_string()).unwrap_or_default()
        };
        assert_eq!(pick(DnsSelect::First, DnsPolicy::PreferIpv4, 0), "10.0.0.1");
        assert_eq!(pick(DnsSelect::First, DnsPolicy::PreferIpv6, 0), "::1");
        assert_eq!(pick(DnsSelect::RoundRobin, DnsPolicy::OnlyIpv4, 1), "10.0.0.2");
        assert_eq!(pick(DnsSelect::RoundRobin, DnsPolicy::OnlyIpv6, 1), "::1");
        assert_eq!(pick(DnsSelect::RoundRobin, DnsPolicy::Any, 1), "::1");
        let only_v4: Vec<IpAddr> = vec![[10, 0, 0, 1].into()];
        assert_eq!(resolver(DnsSelect::First, DnsPolicy::OnlyIpv6).pick(&only_v4, 0), None);
    }

    #[test]
    fn localhost_is_looked_up_once_and_then_known() {
        let mut reactor = throng_reactor::Reactor::new().unwrap();
        let resolver = resolver(DnsSelect::First, DnsPolicy::PreferIpv4);
        assert_eq!(resolver.cached("localhost"), None);
        let ip = reactor.run_until(resolver.resolve("localhost")).unwrap().unwrap();
        assert!(ip.is_loopback());
        assert_eq!(resolver.cached("localhost"), Some(Ok(ip)));
    }
}
