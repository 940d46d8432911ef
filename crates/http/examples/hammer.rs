//! Measures the keep-alive path: N connections, GET in a loop.
//!
//! `hammer URL [connections] [seconds]` prints requests per second and CPU time per request, to be compared
//! with `wrk -t1 -c N -d Ss URL` against the same server.

use std::cell::Cell;
use std::io::Write;
use std::rc::Rc;
use std::sync::Arc;
use std::time::{Duration, Instant};

use throng_http::{Client, ClientConfig, Method, Request, Shared, Url};
use throng_reactor::Reactor;

fn cpu_time() -> Duration {
    // SAFETY: an all-zero rusage is a valid value of the plain C struct, and the call fills it.
    let usage = unsafe {
        let mut usage: libc::rusage = std::mem::zeroed();
        libc::getrusage(libc::RUSAGE_SELF, &raw mut usage);
        usage
    };
    let of = |t: libc::timeval| Duration::new(t.tv_sec as u64, t.tv_usec as u32 * 1000);
    of(usage.ru_utime) + of(usage.ru_stime)
}

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let mut args = std::env::args().skip(1);
    let url = Url::parse(&args.next().ok_or("usage: hammer URL [connections] [seconds]")?)?;
    let connections: usize = args.next().map_or(Ok(50), |n| n.parse())?;
    let seconds: u64 = args.next().map_or(Ok(5), |n| n.parse())?;

    let mut reactor = Reactor::new()?;
    let handle = reactor.handle();
    let shared = Shared::new(handle.clone(), Arc::new(ClientConfig::default()));
    let (done, failed, waited) =
        (Rc::new(Cell::new(0u64)), Rc::new(Cell::new(0u64)), Rc::new(Cell::new(0u128)));
    let (cpu, start) = (cpu_time(), Instant::now());
    let until = start + Duration::from_secs(seconds);
    for _ in 0..connections {
        let client = Client::new(Rc::clone(&shared));
        let (url, done, failed, waited) =
            (url.clone(), Rc::clone(&done), Rc::clone(&failed), Rc::clone(&waited));
        handle.spawn(async move {
            while Instant::now() < until {
                let outcome = client.send(Request::new(Method::GET, url.clone())).await;
                match outcome.result {
                    Ok(_) => done.set(done.get() + 1),
                    Err(_) => failed.set(failed.get() + 1),
                }
                waited.set(waited.get() + outcome.hops[0].timings.duration().as_nanos());
            }
        });
    }
    reactor.run_until(handle.sleep_until(until))?;
    let (cpu, wall) = (cpu_time().saturating_sub(cpu), start.elapsed());
    let n = done.get().max(1);
    writeln!(
        std::io::stdout(),
        "{} requests, {} failed, {:.0} req/s, {:.2} us CPU/request, mean duration {:.1} us",
        done.get(),
        failed.get(),
        done.get() as f64 / wall.as_secs_f64(),
        cpu.as_secs_f64() * 1e6 / n as f64,
        waited.get() as f64 / 1e3 / n as f64,
    )?;
    Ok(())
}
