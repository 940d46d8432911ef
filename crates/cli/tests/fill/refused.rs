//! Who is refused by MongoDB, and what is not trusted: connections that must not be tried for a minute.

use std::time::Instant;

use super::mariadb::MariaDb;
use super::mongodb::MongoDb;
use super::postgres::Postgres;
use super::{THRONG, Template, fill};

/// A certificate for this machine that nobody knows, in a folder of its own.
struct Certificate(tempfile::TempDir);

impl Certificate {
    fn new() -> Self {
        let made =
            rcgen::generate_simple_self_signed(["127.0.0.1".to_owned(), "localhost".to_owned()]).unwrap();
        let folder = tempfile::tempdir().unwrap();
        std::fs::write(folder.path().join("cert"), made.cert.pem()).unwrap();
        std::fs::write(folder.path().join("key"), made.signing_key.serialize_pem()).unwrap();
        Self(folder)
    }

    fn path(&self, name: &str) -> String {
        self.0.path().join(name).to_str().unwrap().to_owned()
    }
}

/// A fill over TLS is refused at once by who does not trust the certificate, and works for who does.
#[track_caller]
fn assert_trust(url: &str, certificate: &Certificate) {
    let began = Instant::now();
    let done = fill(url, &["--documents", "2"]).expect_code(111);
    done.expect_error("certificate");
    assert!(!done.stderr.contains("trying again"), "{}", done.stderr);
    // Half of the patience that a server which is away is met with.
    assert!(began.elapsed().as_secs() < 30);
    let trusted = [("SSL_CERT_FILE", &*certificate.path("cert"))];
    THRONG.run_with(&["fill", url, "--documents", "2"], &trusted).expect_code(0);
}

#[test]
fn mongodb_says_who_may_not_log_in() {
    let Some(server) = MongoDb::start_with(&["--auth"]) else { return };
    let url = server.url().replace("mongodb://", "mongodb://root:hunter22@");
    let done = fill(&url, &["--documents", "1"]).expect_code(111);
    done.expect_error("check user and password");
    assert!(!done.stderr.contains("hunter22") && !done.stderr.contains("trying again"), "{}", done.stderr);
    // Nor may somebody who does not even try.
    let done = fill(&server.url(), &["--documents", "1"]).expect_code(111);
    done.expect_error("cannot fill sample.documents of mongodb://127.0.0.1:");
}

#[test]
fn mongodb_is_trusted_by_its_certificate() {
    let certificate = Certificate::new();
    let (cert, key) = (certificate.path("cert"), certificate.path("key"));
    let Some(server) = MongoDb::start_with(&["--tls-cert-file", &cert, "--tls-key-file", &key]) else {
        return;
    };
    assert_trust(&format!("{}?tls=true", server.url()), &certificate);
}

#[test]
fn mariadb_is_trusted_by_its_certificate() {
    let certificate = Certificate::new();
    let options = ["cert", "key"].map(|name| format!("--ssl-{name}={}", certificate.path(name)));
    let options: Vec<&'static str> = options.into_iter().map(|option| &*option.leak()).collect();
    let Some(server) = MariaDb::start_with("fill-tls", options.leak()) else { return };
    server.sql("ALTER USER 'demo'@'127.0.0.1' REQUIRE SSL");
    fill(&server.url(), &["--rows", "2"]).expect_code(111).expect_error("check user and password");
    assert_trust(&format!("{}?require_ssl=true", server.url()), &certificate);
    let unchecked = format!("{}?require_ssl=true&verify_ca=false&verify_identity=false", server.url());
    fill(&unchecked, &["--rows", "2"]).expect_code(0);
}

#[test]
fn postgres_is_trusted_by_its_certificate() {
    let certificate = Certificate::new();
    let Some(server) = Postgres::start("fill-tls-pg") else { return };
    let (cert, key) =
        (server.keep("cert", &certificate.path("cert")), server.keep("key", &certificate.path("key")));
    server.sql(&format!("ALTER SYSTEM SET ssl_cert_file = '{cert}'"));
    server.sql(&format!("ALTER SYSTEM SET ssl_key_file = '{key}'"));
    server.sql("ALTER SYSTEM SET ssl = on");
    server.kill();
    server.start_again();
    assert_trust(&format!("{}?sslmode=verify-full", server.url()), &certificate);
    assert_trust(&format!("{}?sslmode=require", server.url()), &certificate);
    // Who does not insist is encrypted and not told who it is.
    fill(&server.url(), &["--rows", "2"]).expect_code(0);
    let done = fill(&format!("{}?sslmode=verify-ca", server.url()), &["--rows", "1"]).expect_code(111);
    done.expect_error("sslmode");
}

#[test]
fn what_postgres_refuses_only_when_it_commits_is_refused_and_counts_for_nothing() {
    let Some(server) = Postgres::start("fill-deferred-pg") else { return };
    server.sql(
        "CREATE TABLE parents (id BIGINT PRIMARY KEY); \
         CREATE TABLE people (id BIGINT PRIMARY KEY, name TEXT, \
         parent BIGINT NOT NULL REFERENCES parents (id) DEFERRABLE INITIALLY DEFERRED)",
    );
    let template = Template::new(r#"{"name": "$name", "parent": "$sequence"}"#);
    let args = ["--table", "people", "--rows", "500", "--batch", "100", "--template", &template.path()];
    let done = fill(&server.url(), &args).expect_code(111);
    done.expect_error("violates foreign key constraint");
    assert!(!done.stdout.contains("filled") && !done.stderr.contains("ended early"), "{}", done.stderr);
    assert_eq!(server.sql("SELECT count(*) FROM people").trim(), "0");
    server.sql("INSERT INTO parents SELECT generate_series(1, 500)");
    fill(&server.url(), &args).expect_code(0);
    assert_eq!(server.sql("SELECT count(*), count(DISTINCT id) FROM people").trim(), "500|500");
}

#[test]
fn servers_that_are_gone_for_good_are_given_up_with_what_arrived_said() {
    let template = Template::new(r#"{"name": "$name"}"#);
    let path = template.path();
    let args = ["--documents", "1000000", "--retry-for", "1s", "--template", &path];
    if let Some(mut server) = MongoDb::start() {
        let beside = super::Beside::start(&server.url(), &args);
        // A server in Python is slow: some batches have arrived by then, and by far not all.
        std::thread::sleep(std::time::Duration::from_millis(1500));
        server.kill();
        beside.end().expect_code(112).expect_error("cannot be reached, trying again for 1 s");
    }
    if let Some(server) = Postgres::start("fill-gone-pg") {
        let beside = super::Beside::start(&server.url(), &args);
        super::until(|| {
            server.sql("SELECT count(*) FROM pg_class WHERE relname = 'documents'").trim() == "1"
        });
        server.kill();
        let done = beside.end().expect_code(112);
        done.expect_error("cannot be reached, trying again for 1 s");
        done.expect_error("cannot fill demo.documents of postgres://***@127.0.0.1:");
    }
}
