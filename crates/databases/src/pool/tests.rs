//! What a pool gives, keeps and asks for.

use std::sync::atomic::{AtomicUsize, Ordering};

use tokio::task::JoinSet;

use super::*;

/// A server that takes so many connections.
struct Server {
    takes: usize,
    has: Arc<AtomicUsize>,
    connecting: AtomicUsize,
}

struct Connection(Arc<AtomicUsize>);

impl Drop for Connection {
    fn drop(&mut self) {
        self.0.fetch_sub(1, Ordering::SeqCst);
    }
}

impl Connect for Server {
    type Connection = Connection;

    async fn connect(&self) -> Result<Connection, Unconnected> {
        let before = self.has.fetch_add(1, Ordering::SeqCst);
        let connection = Connection(self.has.clone());
        assert!(self.connecting.fetch_add(1, Ordering::SeqCst) < OPENING);
        tokio::task::yield_now().await;
        self.connecting.fetch_sub(1, Ordering::SeqCst);
        if before >= self.takes {
            return Err(Unconnected::TooMany(Refused("full".to_owned())));
        }
        Ok(connection)
    }

    fn is_open(&self, _: &Connection) -> bool {
        true
    }
}

#[derive(Default)]
struct Lines(Mutex<Vec<String>>);

impl Log for Lines {
    fn enabled(&self, _: Level) -> bool {
        true
    }
    fn log(&self, _: Level, message: &str, _: &[(&str, &str)]) {
        self.0.lock().unwrap().push(message.to_owned());
    }
}

fn pool(takes: usize, most: usize) -> (Arc<Pool<Server>>, Arc<AtomicUsize>, Arc<Lines>) {
    let (has, log) = (Arc::new(AtomicUsize::new(0)), Arc::new(Lines::default()));
    let pool = Pool::new(
        Server { takes, has: has.clone(), connecting: AtomicUsize::new(0) },
        "the server".into(),
        most,
        log.clone(),
    );
    pool.hold();
    (pool, has, log)
}

async fn operate(pool: Arc<Pool<Server>>) -> Result<(), Refused> {
    let mut lent = pool.take().await?;
    assert!(lent.begin().is_some());
    tokio::task::yield_now().await;
    lent.end();
    Ok(())
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn more_operations_than_the_server_takes_connections_queue_and_all_are_done() {
    let (pool, has, log) = pool(7, usize::MAX);
    let mut operations = JoinSet::new();
    for _ in 0..2000 {
        operations.spawn(operate(pool.clone()));
    }
    while let Some(ended) = operations.join_next().await {
        ended.unwrap().unwrap();
    }
    assert!((1..=7).contains(&has.load(Ordering::SeqCst)));
    assert!(log.0.lock().unwrap()[0].starts_with("the server takes no more connections"));
    // Nobody uses it any more.
    pool.release();
    assert_eq!(has.load(Ordering::SeqCst), 0);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_server_that_takes_all_has_as_many_as_operate_at_a_time() {
    let (pool, has, _) = pool(usize::MAX, usize::MAX);
    let barrier = Arc::new(tokio::sync::Barrier::new(300));
    let mut operations = JoinSet::new();
    for _ in 0..300 {
        let (pool, barrier) = (pool.clone(), barrier.clone());
        operations.spawn(async move {
            let lent = pool.take().await.unwrap();
            barrier.wait().await;
            lent.end();
        });
    }
    while let Some(ended) = operations.join_next().await {
        ended.unwrap();
    }
    assert_eq!(has.load(Ordering::SeqCst), 300);
}

#[tokio::test]
async fn who_is_refused_when_nobody_is_left_to_give_one_back_takes_an_idle_one() {
    let (pool, _, _) = pool(1, usize::MAX);
    let first = pool.take().await.unwrap();
    let second = tokio::spawn(operate(pool.clone()));
    // The second is connecting when the first gives its connection back for good.
    tokio::task::yield_now().await;
    drop(first);
    second.await.unwrap().unwrap();
}

#[tokio::test]
async fn a_server_without_room_for_any_is_an_error_and_nobody_hangs() {
    let (pool, _, _) = pool(0, usize::MAX);
    let mut operations = JoinSet::new();
    for _ in 0..50 {
        operations.spawn(operate(pool.clone()));
    }
    while let Some(ended) = operations.join_next().await {
        assert_eq!(ended.unwrap().unwrap_err().0, "full");
    }
}

#[tokio::test]
async fn a_server_that_took_no_more_is_asked_again_after_a_while() {
    let (pool, has, log) = pool(2, usize::MAX);
    // Somebody else's.
    has.fetch_add(1, Ordering::SeqCst);
    let first = pool.take().await.unwrap();
    let second = tokio::spawn(operate(pool.clone()));
    while pool.state().limit.is_none() {
        tokio::task::yield_now().await;
    }
    has.fetch_sub(1, Ordering::SeqCst);
    assert!(matches!(pool.step(), Step::Wait(_)));
    if let Some((_, since)) = &mut pool.state().limit {
        *since = since.checked_sub(LONG).unwrap();
    }
    let third = pool.take().await.unwrap();
    assert_eq!(has.load(Ordering::SeqCst), 2);
    first.end();
    third.end();
    second.await.unwrap().unwrap();
    assert_eq!(log.0.lock().unwrap().len(), 1);
}

#[tokio::test]
async fn room_for_somebody_who_was_cut_off_before_hearing_of_it_goes_to_the_next() {
    let (pool, _, _) = pool(9, 1);
    let mut lent = pool.take().await.unwrap();
    lent.begin();
    let cut_off = tokio::spawn(operate(pool.clone()));
    let next = tokio::spawn(operate(pool.clone()));
    while pool.state().waiting.len() < 2 {
        tokio::task::yield_now().await;
    }
    drop(lent);
    cut_off.abort();
    timeout(LONG, next).await.unwrap().unwrap().unwrap();
    assert!(cut_off.await.unwrap_err().is_cancelled());
}

#[tokio::test]
async fn a_connection_that_was_cut_off_in_the_middle_is_not_used_again() {
    let (pool, has, _) = pool(9, 1);
    let mut lent = pool.take().await.unwrap();
    lent.begin();
    let next = tokio::spawn(operate(pool.clone()));
    let cut_off = tokio::spawn(operate(pool.clone()));
    tokio::task::yield_now().await;
    cut_off.abort();
    drop(lent);
    next.await.unwrap().unwrap();
    operate(pool.clone()).await.unwrap();
    assert_eq!(has.load(Ordering::SeqCst), 1);
    assert_eq!(pool.state().idle.len(), 1);
}
