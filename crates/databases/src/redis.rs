//! Redis: a connection for each command that is under way, one command at a time on each.

use std::collections::BTreeMap;
use std::io;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use throng_js::databases::{Pending, Redis, RedisOptions, Refused, Value};
use throng_js::log::Log;
use throng_stores::resp::{Connection, Limits, Reply, RespError};
use throng_stores::tls::{self, Verify};
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::TcpStream;
use tokio::sync::Semaphore;
use tokio::time::timeout;
use tokio_rustls::TlsConnector;
use tokio_rustls::client::TlsStream;
use tokio_rustls::rustls::ClientConfig;
use tokio_rustls::rustls::pki_types::ServerName;

use crate::executor::run;
use crate::pool::{Connect, Pool, Unconnected};
use crate::secrets::Secrets;

/// As many as Redis itself allows.
const LIMITS: Limits = Limits { longest: 512 << 20, most: u32::MAX as usize };

/// With or without encryption.
trait Stream: AsyncRead + AsyncWrite + Unpin + Send {
    fn tcp(&self) -> &TcpStream;
}

impl Stream for TcpStream {
    fn tcp(&self) -> &TcpStream {
        self
    }
}

impl Stream for TlsStream<TcpStream> {
    fn tcp(&self) -> &TcpStream {
        self.get_ref().0
    }
}

/// A server.
struct Server {
    options: RedisOptions,
    tls: Option<Arc<ClientConfig>>,
    secrets: Secrets,
}

impl Server {
    fn new(options: &RedisOptions) -> Result<Self, Refused> {
        let tls = match &options.tls {
            None => None,
            Some(wanted) => {
                let verify = if wanted.is_unchecked { Verify::Nothing } else { Verify::Certificate };
                let config = tls::client_config_with(
                    verify,
                    &wanted.authorities,
                    (!wanted.certificate.is_empty()).then_some((&wanted.certificate[..], &wanted.key[..])),
                );
                Some(Arc::new(
                    config.map_err(|error| Refused(format!("cannot use the certificates: {error}")))?,
                ))
            }
        };
        let secrets = Secrets::new([options.password.clone()]);
        Ok(Self { options: options.clone(), tls, secrets })
    }

    fn shown(&self) -> String {
        format!("{}:{}", self.options.host, self.options.port)
    }

    fn failed(&self, error: RespError) -> Refused {
        Refused(match error {
            RespError::Refused(text) => self.secrets.scrub(&text),
            RespError::Io(error) => format!("the connection to {} failed: {error}", self.shown()),
        })
    }

    async fn stream(&self) -> io::Result<Box<dyn Stream>> {
        let tcp = TcpStream::connect((self.options.host.as_str(), self.options.port)).await?;
        tcp.set_nodelay(true)?;
        let Some(config) = &self.tls else { return Ok(Box::new(tcp)) };
        let name = ServerName::try_from(self.options.host.clone()).map_err(io::Error::other)?;
        Ok(Box::new(TlsConnector::from(config.clone()).connect(name, tcp).await?))
    }

    async fn log_in(&self, stream: Box<dyn Stream>) -> Result<Connection<Box<dyn Stream>>, RespError> {
        let mut connection = Connection::over(stream, LIMITS);
        let RedisOptions { username, password, database, client_name, .. } = &self.options;
        if !password.is_empty() {
            let login: &[&str] =
                if username.is_empty() { &["AUTH", password] } else { &["AUTH", username, password] };
            connection.ask(login).await?;
        }
        if *database > 0 {
            connection.ask(&["SELECT", &database.to_string()]).await?;
        }
        if !client_name.is_empty() {
            connection.ask(&["CLIENT", "SETNAME", client_name]).await?;
        }
        // A server that has too many clients says so in answer to whatever is asked first.
        if password.is_empty() && *database == 0 && client_name.is_empty() {
            connection.ask(&["PING"]).await?;
        }
        Ok(connection)
    }
}

/// Keeps a limit, if there is one.
async fn within<T>(
    limit: Option<Duration>,
    what: &str,
    work: impl Future<Output = Result<T, RespError>> + Send,
) -> Result<T, RespError> {
    let Some(limit) = limit else { return work.await };
    timeout(limit, work).await.unwrap_or_else(|_| {
        Err(io::Error::new(io::ErrorKind::TimedOut, format!("{what} took longer than {limit:?}")).into())
    })
}

impl Connect for Server {
    type Connection = Connection<Box<dyn Stream>>;

    async fn connect(&self) -> Result<Self::Connection, Unconnected> {
        let connecting = async { self.log_in(self.stream().await?).await };
        within(self.options.dial_timeout, "connecting", connecting).await.map_err(|error| match error {
            RespError::Refused(text) if text.contains("max number of clients") => {
                Unconnected::TooMany(Refused(text))
            }
            RespError::Io(error) => {
                Unconnected::Failed(Refused(format!("cannot connect to {}: {error}", self.shown())))
            }
            error @ RespError::Refused(_) => Unconnected::Failed(self.failed(error)),
        })
    }

    fn is_open(&self, connection: &Self::Connection) -> bool {
        // Nothing is to be read between two commands: neither the end nor a word.
        let unread = connection.stream().tcp().try_read(&mut [0]);
        unread.is_err_and(|error| error.kind() == io::ErrorKind::WouldBlock)
    }
}

/// Pools by what the servers are reached by.
static POOLS: Mutex<BTreeMap<RedisOptions, Arc<Pool<Server>>>> = Mutex::new(BTreeMap::new());

/// The client of a server.
pub(crate) fn open(options: &RedisOptions, log: &Arc<dyn Log>) -> Result<Box<dyn Redis>, Refused> {
    let key = RedisOptions { pool_size: 0, ..options.clone() };
    let mut pools = POOLS.lock().unwrap_or_else(PoisonError::into_inner);
    let known = pools.get(&key).cloned();
    let pool = if let Some(pool) = known {
        pool
    } else {
        let server = Server::new(options)?;
        let name = format!("the server at {}", server.shown());
        let pool = Pool::new(server, name, usize::MAX, log.clone());
        // Clients are not closed by scripts.
        pool.hold();
        pools.insert(key, pool.clone());
        pool
    };
    let at_a_time = match options.pool_size {
        0 => Semaphore::MAX_PERMITS,
        size => size,
    };
    Ok(Box::new(Client { pool, at_a_time: Arc::new(Semaphore::new(at_a_time)) }))
}

/// One virtual user's client.
struct Client {
    pool: Arc<Pool<Server>>,
    at_a_time: Arc<Semaphore>,
}

impl Redis for Client {
    fn command(&self, request: Vec<Vec<u8>>) -> Pending<Value> {
        let (pool, at_a_time) = (self.pool.clone(), self.at_a_time.clone());
        run(async move {
            // Never closed, so that there is always a permit in the end.
            let _permit = at_a_time.acquire().await;
            loop {
                let mut lent = pool.take().await?;
                let server = pool.server();
                let is_new = lent.is_new();
                let Some(connection) = lent.begin() else {
                    return Err(Refused("the connection is gone".to_owned()));
                };
                let sending = async { Ok(connection.send(&request).await?) };
                let sent = within(server.options.write_timeout, "sending", sending).await;
                let reply = match sent {
                    Ok(()) => within(server.options.read_timeout, "the answer", connection.receive()).await,
                    Err(error) => Err(error),
                };
                match reply {
                    // The server closed it while nobody used it.
                    Err(RespError::Io(error)) if !is_new && !connection.has_heard() && is_closed(&error) => {}
                    Err(error @ RespError::Io(_)) => return Err(server.failed(error)),
                    reply => {
                        lent.end();
                        return reply.map(value).map_err(|error| server.failed(error));
                    }
                }
            }
        })
    }
}

/// Whether there was no connection any more.
fn is_closed(error: &io::Error) -> bool {
    use io::ErrorKind::{BrokenPipe, ConnectionAborted, ConnectionReset, UnexpectedEof};
    matches!(error.kind(), BrokenPipe | ConnectionAborted | ConnectionReset | UnexpectedEof)
}

fn value(reply: Reply) -> Value {
    match reply {
        Reply::Nil => Value::Null,
        Reply::Integer(number) => Value::Int(number),
        Reply::Bytes(bytes) => Value::Bytes(bytes),
        Reply::Status(text) | Reply::Refused(text) => Value::Text(text),
        Reply::List(items) => Value::List(items.into_iter().map(value).collect()),
    }
}

#[cfg(test)]
mod tests {
    use std::io::{BufRead as _, BufReader, Write as _};
    use std::net::{TcpListener, TcpStream};
    use std::thread;

    use throng_js::log::Level;

    use super::*;

    struct Silent;

    impl Log for Silent {
        fn enabled(&self, _: Level) -> bool {
            false
        }
        fn log(&self, _: Level, _: &str, _: &[(&str, &str)]) {}
    }

    /// Waits for a command, which begins with a line that says how many parts it has, and answers it.
    fn answer(stream: &mut BufReader<TcpStream>, reply: &str) {
        let mut line = String::new();
        stream.read_line(&mut line).unwrap();
        let parts: usize = line[1..].trim().parse().unwrap();
        for _ in 0..2 * parts {
            stream.read_line(&mut line).unwrap();
        }
        stream.get_mut().write_all(reply.as_bytes()).unwrap();
    }

    /// A server with one connection after the other, each of which is closed after these replies.
    fn client(connections: &'static [&'static [&'static str]]) -> Box<dyn Redis> {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let port = listener.local_addr().unwrap().port();
        thread::spawn(move || {
            for replies in connections {
                let mut stream = BufReader::new(listener.accept().unwrap().0);
                replies.iter().for_each(|reply| answer(&mut stream, reply));
            }
        });
        let options = RedisOptions { host: "127.0.0.1".to_owned(), port, ..RedisOptions::default() };
        open(&options, &(Arc::new(Silent) as Arc<dyn Log>)).unwrap()
    }

    async fn ask(client: &dyn Redis, command: &str) -> Result<Value, Refused> {
        client.command(vec![command.as_bytes().to_vec()]).await
    }

    #[tokio::test]
    async fn a_command_whose_used_connection_was_closed_goes_to_another() {
        let client = client(&[&["+PONG\r\n", "+OK\r\n", ""], &["+PONG\r\n", ":2\r\n"]]);
        assert_eq!(ask(&*client, "FIRST").await, Ok(Value::Text("OK".to_owned())));
        assert_eq!(ask(&*client, "INCR").await, Ok(Value::Int(2)));
    }

    #[tokio::test]
    async fn a_command_that_may_have_been_done_is_not_sent_again() {
        // One that was answered in part was done.
        let half = client(&[&["+PONG\r\n", "+OK\r\n", "$5\r\nha"], &["+PONG\r\n", ":2\r\n"]]);
        ask(&*half, "FIRST").await.unwrap();
        assert!(ask(&*half, "GET").await.unwrap_err().0.contains("failed"));
        // Nor was a new connection idle for long enough to be closed for that.
        let new = client(&[&["+PONG\r\n", ""], &["+PONG\r\n", ":2\r\n"]]);
        assert!(ask(&*new, "INCR").await.unwrap_err().0.contains("failed"));
    }
}
