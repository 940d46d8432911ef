//! TLS against servers with good and bad certificates.

#![expect(clippy::unwrap_used, reason = "a test fails by panicking, in its helpers too")]

mod common;

use std::net::TcpStream;
use std::sync::Arc;
use std::time::Duration;

use common::{Reply, Server, Stream, User, failure, get, ok, respond};
use rcgen::{CertificateParams, KeyPair};
use rustls::pki_types::PrivateKeyDer;
use rustls::server::WebPkiClientVerifier;
use rustls::{RootCertStore, ServerConfig, ServerConnection, StreamOwned};
use throng_http::{
    ClientConfig, ClientIdentity, HostOverrides, ProxyConfig, TlsConfig, TlsVersion, TlsVersions,
};

/// A self-signed certificate, or what the server makes of it.
struct Identity {
    pem: String,
    config: Arc<ServerConfig>,
    key_pem: String,
}

fn identity(name: &str, change: impl FnOnce(&mut CertificateParams)) -> Identity {
    identity_with(name, change, &[&rustls::version::TLS13, &rustls::version::TLS12], None)
}

fn identity_with(
    name: &str,
    change: impl FnOnce(&mut CertificateParams),
    versions: &[&'static rustls::SupportedProtocolVersion],
    client_root: Option<&Identity>,
) -> Identity {
    let key = KeyPair::generate().unwrap();
    let mut params = CertificateParams::new(vec![name.to_owned()]).unwrap();
    change(&mut params);
    let certificate = params.self_signed(&key).unwrap();
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let builder =
        ServerConfig::builder_with_provider(Arc::clone(&provider)).with_protocol_versions(versions).unwrap();
    let builder = match client_root {
        Some(root) => {
            let mut store = RootCertStore::empty();
            let pem = root.pem.as_bytes();
            let der =
                <rustls::pki_types::CertificateDer<'_> as rustls::pki_types::pem::PemObject>::from_pem_slice(
                    pem,
                );
            store.add(der.unwrap()).unwrap();
            let verifier = WebPkiClientVerifier::builder_with_provider(Arc::new(store), provider);
            builder.with_client_cert_verifier(verifier.build().unwrap())
        }
        None => builder.with_no_client_auth(),
    };
    let private = PrivateKeyDer::try_from(key.serialize_der()).unwrap();
    let config = builder.with_single_cert(vec![certificate.der().clone()], private).unwrap();
    Identity { pem: certificate.pem(), config: Arc::new(config), key_pem: key.serialize_pem() }
}

fn serve(identity: &Identity, reply: impl Fn(&common::Seen) -> Reply + Send + Sync + 'static) -> Server {
    let config = Arc::clone(&identity.config);
    Server::start_with(reply, move |mut tcp: TcpStream| {
        let mut tls = ServerConnection::new(Arc::clone(&config)).unwrap();
        while tls.is_handshaking() {
            tls.complete_io(&mut tcp).ok()?;
        }
        Some(Box::new(StreamOwned::new(tls, tcp)) as Box<dyn Stream>)
    })
}

/// A user that trusts only this identity and finds every name at the server.
fn user(trust: &Identity, change: impl FnOnce(&mut TlsConfig)) -> User {
    let mut tls = TlsConfig { trust_only: Some(trust.pem.clone()), ..TlsConfig::default() };
    change(&mut tls);
    let hosts = HostOverrides::new([("*.test", "127.0.0.1")]).unwrap();
    User::with(ClientConfig { tls, hosts, ..ClientConfig::default() })
}

fn url(server: &Server, host: &str) -> String {
    format!("https://{host}:{}/", server.addr.port())
}

#[test]
fn a_trusted_server_is_spoken_to_and_kept() {
    let id = identity("a.test", |_| {});
    let server = serve(&id, |_| ok("secret"));
    let mut user = user(&id, |_| {});
    let outcome = user.get(&url(&server, "a.test"));
    let response = outcome.result.unwrap();
    let tls = response.tls.unwrap();
    assert_eq!((&response.body[..], tls.version), (&b"secret"[..], TlsVersion::Tls13));
    assert!(tls.cipher_suite.starts_with("TLS_AES_"), "{}", tls.cipher_suite);
    let t = outcome.hops[0].timings;
    assert!(t.tls_handshaking > Duration::ZERO && t.blocked >= t.tls_handshaking + t.connecting);
    let (sent, received) = user.client.take_bytes();
    assert!(sent > 300 && received > 500, "TLS' own bytes count: {sent} {received}");
    user.notice();
    let again = user.get(&url(&server, "a.test"));
    assert!(again.hops[0].reused_connection, "a session ticket must not end the connection");
}

#[test]
fn large_bodies_survive_tls() {
    let id = identity("a.test", |_| {});
    let body: Vec<u8> = (0..3_000_000u32).map(|i| (i % 251) as u8).collect();
    let wire = respond("200 OK", &[], &body);
    let server = serve(&id, move |seen| {
        if seen.method() == "POST" { ok(&seen.body.len().to_string()) } else { Reply::Send(wire.clone()) }
    });
    let mut user = user(&id, |_| {});
    assert!(user.get(&url(&server, "a.test")).result.unwrap().body == body);
    let outcome = user.send(common::post(&url(&server, "a.test"), &"y".repeat(2_000_000)));
    assert_eq!(outcome.result.unwrap().body, "2000000");
}

/// Codes and texts observed on k6 1.1.
#[test]
fn bad_certificates_give_k6s_errors() {
    let trusted = identity("a.test", |_| {});
    let unknown = identity("a.test", |_| {});
    let expired = identity("a.test", |params| {
        params.not_before = rcgen::date_time_ymd(2020, 1, 1);
        params.not_after = rcgen::date_time_ymd(2020, 2, 1);
    });
    let mut user = user(&trusted, |_| {});
    for (id, host, code, text) in [
        (&unknown, "a.test", 1310, "x509: unknown authority"),
        (&unknown, "b.test", 1311, "x509: certificate doesn't match hostname"),
        (&trusted, "b.test", 1311, "x509: certificate doesn't match hostname"),
        (&expired, "a.test", 1000, "x509: certificate has expired or is not yet valid: current time "),
    ] {
        let server = serve(id, |_| ok(""));
        let outcome = user.get(&url(&server, host));
        let (found_code, found_text) = failure(&outcome);
        assert_eq!(found_code, code, "{found_text}");
        assert!(found_text.starts_with(text), "{found_text}");
        if code == 1000 {
            assert!(found_text.ends_with(" is after 2020-02-01T00:00:00Z"), "{found_text}");
        }
        let t = outcome.hops[0].timings;
        assert!(
            t.connecting > Duration::ZERO
                && t.tls_handshaking == Duration::ZERO
                && t.blocked == Duration::ZERO
        );
    }
}

#[test]
fn a_trusted_certificate_may_be_the_servers_own_even_if_it_is_a_ca() {
    let id = identity("a.test", |params| {
        params.is_ca = rcgen::IsCa::Ca(rcgen::BasicConstraints::Unconstrained);
    });
    let server = serve(&id, |_| ok(""));
    assert!(user(&id, |_| {}).get(&url(&server, "a.test")).result.is_ok());
}

#[test]
fn insecure_mode_accepts_any_certificate() {
    let id = identity("other.test", |_| {});
    let server = serve(&id, |_| ok(""));
    let mut user = user(&id, |tls| tls.insecure_skip_verify = true);
    assert!(user.get(&url(&server, "a.test")).result.is_ok());
    assert!(user.get(&format!("https://127.0.0.1:{}/", server.addr.port())).result.is_ok());
}

/// Code and text observed on k6 1.1.
#[test]
fn a_server_without_tls_is_told_apart() {
    let id = identity("a.test", |_| {});
    let server = Server::start_with(
        |_| ok(""),
        |mut tcp| {
            use std::io::{Read, Write};
            let _ = tcp.read(&mut [0; 2048]);
            let _ = tcp.write_all(b"HTTP/1.1 400 Bad Request\r\nContent-Length: 0\r\n\r\n");
            None
        },
    );
    let outcome = user(&id, |_| {}).get(&url(&server, "a.test"));
    assert_eq!(failure(&outcome), (1301, "tls: first record does not look like a TLS handshake"));
}

#[test]
fn versions_are_negotiated_within_the_options() {
    let tls12 = identity_with("a.test", |_| {}, &[&rustls::version::TLS12], None);
    let server = serve(&tls12, |_| ok(""));
    let response = user(&tls12, |_| {}).get(&url(&server, "a.test")).result.unwrap();
    assert_eq!(response.tls.unwrap().version, TlsVersion::Tls12);
    let mut only13 = user(&tls12, |tls| tls.versions = TlsVersions::new("tls1.3", "").unwrap());
    let outcome = only13.get(&url(&server, "a.test"));
    assert_eq!(failure(&outcome), (1010, "remote error: tls: protocol version not supported"));
}

#[test]
fn client_certificates_go_to_their_domains_and_the_first_to_others() {
    let client = identity("client.test", |_| {});
    let stranger = identity("stranger.test", |_| {});
    let id = identity_with("a.test", |_| {}, &[&rustls::version::TLS13], Some(&client));
    let server = serve(&id, |_| ok("known"));
    let client = |domain: &str| {
        ClientIdentity::from_pem(vec![domain.to_owned()], &client.pem, &client.key_pem).unwrap()
    };
    let stranger = |domain: &str| {
        ClientIdentity::from_pem(vec![domain.to_owned()], &stranger.pem, &stranger.key_pem).unwrap()
    };
    let answer =
        |identities| user(&id, |tls| tls.identities = identities).get(&url(&server, "a.test")).result;
    assert_eq!(answer(vec![client("a.test")]).unwrap().body, "known");
    assert_eq!(answer(vec![stranger("b.test"), client("a.test")]).unwrap().body, "known");
    assert_eq!(answer(vec![client("b.test"), stranger("c.test")]).unwrap().body, "known");
    assert!(answer(vec![stranger("a.test"), client("b.test")]).is_err());
}

#[test]
fn redirects_may_change_to_tls_and_back_without_telling_where_from() {
    let id = identity("a.test", |_| {});
    let plain = Server::start(|_| ok("end"));
    let target = plain.url("/plain");
    let server =
        serve(&id, move |_| Reply::Send(respond("302 Found", &[&format!("Location: {target}")], b"")));
    let mut user = user(&id, |_| {});
    let outcome = user.send(get(&url(&server, "a.test")));
    assert_eq!(outcome.result.unwrap().body, "end");
    assert_eq!(outcome.hops.len(), 2);
    assert_eq!(plain.seen()[0].header("Referer"), None);
}

/// A proxy that forwards bytes to whatever it is asked to connect to, here always `to`.
fn tunnelling_proxy(to: std::net::SocketAddr) -> Server {
    Server::start_with(
        |_| Reply::Reset,
        move |mut client| {
            use std::io::{Read, Write};
            let mut head = Vec::new();
            let mut byte = [0; 1];
            while !head.ends_with(b"\r\n\r\n") {
                client.read_exact(&mut byte).ok()?;
                head.push(byte[0]);
            }
            assert!(head.starts_with(b"CONNECT a.test:443 HTTP/1.1\r\nHost: a.test:443\r\n"));
            client.write_all(b"HTTP/1.1 200 Connection established\r\n\r\n").ok()?;
            let mut server = TcpStream::connect(to).ok()?;
            let (mut from_client, mut to_server) = (client.try_clone().ok()?, server.try_clone().ok()?);
            let up = std::thread::spawn(move || std::io::copy(&mut from_client, &mut to_server));
            let _ = std::io::copy(&mut server, &mut client);
            let _ = client.shutdown(std::net::Shutdown::Both);
            let _ = up.join();
            None
        },
    )
}

#[test]
fn tls_goes_through_a_proxys_tunnel_and_the_connection_is_kept() {
    let id = identity("a.test", |_| {});
    let server = serve(&id, |_| ok("through"));
    let proxy = tunnelling_proxy(server.addr);
    let config = ProxyConfig::new(None, Some(&proxy.addr.to_string()), "").unwrap();
    let tls = TlsConfig { trust_only: Some(id.pem.clone()), ..TlsConfig::default() };
    let mut user = User::with(ClientConfig { tls, proxy: config, ..ClientConfig::default() });
    assert_eq!(user.get("https://a.test/").result.unwrap().body, "through");
    assert!(user.get("https://a.test/").hops[0].reused_connection);
    assert!(server.seen().iter().all(|s| s.path() == "/" && s.header("Host") == Some("a.test")));
}
