//! Certificates of controllers and workers, through the binary: what is accepted, and what is said of what is not.

use std::path::PathBuf;

use super::cluster::{Process, Script, TOKEN, controller};

/// A certificate authority of this test's own.
struct Authority {
    issuer: rcgen::CertifiedIssuer<'static, rcgen::KeyPair>,
}

impl Authority {
    fn new(name: &str) -> Self {
        let mut params = rcgen::CertificateParams::new(Vec::new()).unwrap();
        params.distinguished_name.push(rcgen::DnType::CommonName, name);
        params.is_ca = rcgen::IsCa::Ca(rcgen::BasicConstraints::Unconstrained);
        let key = rcgen::KeyPair::generate().unwrap();
        Self { issuer: rcgen::CertifiedIssuer::self_signed(params, key).unwrap() }
    }

    /// A certificate for this name, valid up to that year, and its key.
    fn issue(&self, name: &str, until: i32) -> (String, String) {
        let key = rcgen::KeyPair::generate().unwrap();
        let mut params = rcgen::CertificateParams::new(vec![name.to_owned()]).unwrap();
        params.not_before = rcgen::date_time_ymd(2020, 1, 1);
        params.not_after = rcgen::date_time_ymd(until, 1, 1);
        let certificate = params.signed_by(&key, &self.issuer).unwrap();
        (certificate.pem(), key.serialize_pem())
    }
}

const FAR: i32 = 2100;

/// A folder with a script and the files of a controller, `lead.pem` and `lead.key`, for the name `lead.example`.
struct Files {
    script: Script,
}

impl Files {
    fn new(authority: &Authority, until: i32) -> Self {
        let script =
            Script::new("export const options = { vus: 1, iterations: 3 }; export default function () {}");
        let files = Self { script };
        files.write("ca.pem", &authority.issuer.pem());
        files.certificate("lead", &authority.issue("lead.example", until));
        files
    }

    fn write(&self, name: &str, text: &str) {
        std::fs::write(self.script.path(name), text).unwrap();
    }

    fn certificate(&self, name: &str, (certificate, key): &(String, String)) {
        self.write(&format!("{name}.pem"), certificate);
        self.write(&format!("{name}.key"), key);
    }

    fn path(&self, name: &str) -> String {
        let path: PathBuf = self.script.path(name);
        path.display().to_string()
    }

    fn controller(&self, more: &[&str]) -> (Process, String) {
        let (certificate, key) = (self.path("lead.pem"), self.path("lead.key"));
        let flags = ["--expect-workers", "1", "--tls-certificate", &certificate, "--tls-key", &key];
        controller(&self.script, &[&flags[..], more].concat())
    }
}

/// A worker with these flags, which gives up soon.
fn worker(address: &str, flags: &[&str]) -> Process {
    let args = ["worker", "--controller", address, "--threads", "1", "--join-timeout", "1s"];
    Process::start(&[&args[..], flags].concat(), TOKEN)
}

#[test]
fn a_controller_asks_workers_for_a_certificate_and_each_side_says_what_is_wrong() {
    let (authority, other) = (Authority::new("ours"), Authority::new("another"));
    let files = Files::new(&authority, FAR);
    files.certificate("me", &authority.issue("worker.example", FAR));
    files.certificate("old", &authority.issue("worker.example", 2021));
    files.certificate("strange", &other.issue("worker.example", FAR));
    let ca = files.path("ca.pem");
    let (mut controller, address) = files.controller(&["--tls-client-authority", &ca]);
    let trusting = ["--tls-authority", &ca, "--tls-server-name", "lead.example"];
    let with = |name: &str| {
        let (certificate, key) = (files.path(&format!("{name}.pem")), files.path(&format!("{name}.key")));
        worker(&address, &[&trusting[..], &["--tls-certificate", &certificate, "--tls-key", &key]].concat())
    };

    let none = worker(&address, &trusting).wait().expect_code(104);
    none.expect_error("it asks for a certificate of the worker: give --tls-certificate and --tls-key");
    controller.until("it shows no certificate, and this controller asks for one");

    with("strange").wait().expect_code(104).expect_error("not of the authority that the controller has");
    controller.until("its certificate is not of the authority in --tls-client-authority");

    // Its clock, or the controller's, may be set right meanwhile.
    let old = with("old").wait().expect_code(255);
    let text = "this worker's certificate (--tls-certificate) has expired, or is not valid yet";
    old.expect_error(text);
    assert_eq!(old.stderr.matches("and goes on trying").count(), 1, "{}", old.stderr);
    controller.until("its certificate is not accepted");

    let good = with("me");
    let done = controller.wait().expect_code(0);
    assert!(done.stdout.contains("3 "), "{}", done.stdout);
    good.wait().expect_code(0);
}

#[test]
fn a_worker_says_what_is_wrong_with_the_certificate_of_its_controller() {
    let (authority, other) = (Authority::new("ours"), Authority::new("another"));
    let files = Files::new(&authority, FAR);
    files.write("other.pem", &other.issuer.pem());
    let (ca, strange) = (files.path("ca.pem"), files.path("other.pem"));
    let (mut controller, address) = files.controller(&[]);

    let unknown = worker(&address, &["--tls-authority", &strange, "--tls-server-name", "lead.example"]);
    let text = "its certificate is not of an authority that this worker trusts: give that authority's certificate as --tls-authority";
    unknown.wait().expect_code(104).expect_error(text);
    controller.until("it does not trust the authority of this controller's certificate");

    let misnamed = worker(&address, &["--tls-authority", &ca]);
    misnamed
        .wait()
        .expect_code(104)
        .expect_error("its certificate is for lead.example, and not for 127.0.0.1");
    controller.until("it does not accept this controller's certificate");

    let plain = worker(&address, &[]);
    plain.wait().expect_code(104).expect_error("it asks for TLS: give its authority as --tls-authority");
    controller.until("it does not speak TLS, which this controller asks for");

    let good = worker(&address, &["--tls-authority", &ca, "--tls-server-name", "lead.example"]);
    controller.wait().expect_code(0);
    good.wait().expect_code(0);
}

#[test]
fn a_certificate_that_has_expired_and_a_controller_without_one_are_named() {
    let authority = Authority::new("ours");
    let files = Files::new(&authority, 2021);
    let ca = files.path("ca.pem");
    let trusting = ["--tls-authority", &ca, "--tls-server-name", "lead.example"];
    let (mut expired, address) = files.controller(&[]);
    worker(&address, &trusting).wait().expect_code(104).expect_error("its certificate has expired");
    expired.until("it finds that this controller's certificate has expired");

    let (mut plain, address) = controller(&files.script, &["--expect-workers", "1"]);
    let done = worker(&address, &trusting).wait().expect_code(255);
    done.expect_error("it ended the TLS handshake without a word, as a controller without TLS does");
    plain.until("it speaks TLS, and this controller has no certificate");
}
