//! Why a connection between worker and controller does not come about, in words that say what to do.
//!
//! Certificates are what goes wrong most, and each side sees only half of it: a worker that is refused for its certificate
//! hears of it as an alert, at times only after its own handshake is over, when HTTP/2 has made a text of it.

use std::error::Error;
use std::io;

use rustls::CertificateError;

/// Why a worker has no connection.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Trouble {
    /// As a sentence about the controller, without its subject.
    pub(super) text: String,
    pub(super) outlook: Outlook,
}

/// What trying again may bring.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Outlook {
    /// It may pass.
    Passing,
    /// It looks like a mistake and may pass all the same, as a backend that a load balancer waits for comes up, or a clock is
    /// set right: it is said at once.
    Doubtful,
    /// It would end the same way.
    Lasting,
}

/// How rustls and HTTP/2 write down what the other side said before it closed.
const ALERT: &str = "received fatal alert: ";

impl Trouble {
    /// Something that may pass.
    pub(super) fn passing(text: impl Into<String>) -> Self {
        Self { text: text.into(), outlook: Outlook::Passing }
    }

    fn doubtful(text: impl Into<String>) -> Self {
        Self { text: text.into(), outlook: Outlook::Doubtful }
    }

    fn lasting(text: impl Into<String>) -> Self {
        Self { text: text.into(), outlook: Outlook::Lasting }
    }

    /// What ended a TLS handshake.
    pub(super) fn of_handshake(error: &io::Error) -> Self {
        match error.kind() {
            io::ErrorKind::UnexpectedEof | io::ErrorKind::ConnectionReset | io::ErrorKind::BrokenPipe => {
                Self::passing(
                    "it ended the TLS handshake without a word, as a controller without TLS does: give the controller \
                 --tls-certificate and --tls-key, or leave out --tls-authority here",
                )
            }
            _ => Self::of(error),
        }
    }

    /// What an error and those behind it say.
    pub(super) fn of(error: &(dyn Error + 'static)) -> Self {
        let mut chain = vec![error];
        while let Some(behind) = chain[chain.len() - 1].source() {
            chain.push(behind);
        }
        chain.iter().find_map(|error| known(*error)).unwrap_or_else(|| {
            let mut texts: Vec<String> = Vec::new();
            for text in chain.iter().map(|error| text_of(*error)) {
                // Wrappers often say what they wrap.
                if !texts.iter().any(|said| said.contains(&text)) {
                    texts.push(text);
                }
            }
            Self::passing(texts.join(": "))
        })
    }
}

/// What an error says of itself.
fn text_of(error: &(dyn Error + 'static)) -> String {
    match error.downcast_ref::<tonic::Status>() {
        Some(status) => status.message().to_owned(),
        None => error.to_string(),
    }
}

fn known(error: &(dyn Error + 'static)) -> Option<Trouble> {
    if error.downcast_ref::<h2::Error>().is_some_and(|error| error.reason() == Some(PLAIN)) {
        return Some(Trouble::lasting(
            "it asks for TLS: give its authority as --tls-authority, and a certificate as --tls-certificate and --tls-key if it \
             asks for that as well",
        ));
    }
    if let Some(error) = in_tls(error) {
        match error {
            rustls::Error::InvalidCertificate(
                error @ (CertificateError::NotValidYet | CertificateError::NotValidYetContext { .. }),
            ) => return Some(Trouble::doubtful(of_certificate(error))),
            rustls::Error::InvalidCertificate(error) => return Some(Trouble::lasting(of_certificate(error))),
            rustls::Error::InvalidMessage(_) => {
                return Some(Trouble::doubtful(
                    "what answers there does not speak TLS: give the controller --tls-certificate and --tls-key, or leave out \
                     --tls-authority here",
                ));
            }
            _ => {}
        }
    }
    let text = error.to_string();
    let (_, alert) = text.split_once(ALERT)?;
    Some(Trouble::lasting(match alert {
        "CertificateRequired" => {
            "it asks for a certificate of the worker: give --tls-certificate and --tls-key, of the authority that the controller \
             has as --tls-client-authority"
                .to_owned()
        }
        "UnknownCA" => {
            "this worker's certificate is not of the authority that the controller has as --tls-client-authority".to_owned()
        }
        "CertificateExpired" => {
            return Some(Trouble::doubtful(
                "this worker's certificate (--tls-certificate) has expired, or is not valid yet",
            ));
        }
        "BadCertificate" | "CertificateUnknown" | "UnsupportedCertificate" | "CertificateRevoked" | "DecryptError" => {
            format!("it does not accept this worker's certificate (--tls-certificate): {alert}")
        }
        _ => return Some(Trouble::passing(format!("it ended the TLS handshake: {alert}"))),
    }))
}

/// What a controller answers who comes without TLS, and what it means.
pub(super) const PLAIN: h2::Reason = h2::Reason::INADEQUATE_SECURITY;

/// The HTTP/2 frames that say so: settings, without which nothing is read, and the end.
pub(super) fn refusal_of_plain() -> Vec<u8> {
    let goaway = [&[0; 4][..], &u32::from(PLAIN).to_be_bytes()].concat();
    [&[0, 0, 0, 4, 0, 0, 0, 0, 0][..], &[0, 0, goaway.len() as u8, 7, 0, 0, 0, 0, 0], &goaway].concat()
}

/// What is wrong with the controller's certificate.
fn of_certificate(error: &CertificateError) -> String {
    match error {
        CertificateError::UnknownIssuer => {
            "its certificate is not of an authority that this worker trusts: give that authority's certificate as --tls-authority"
                .to_owned()
        }
        CertificateError::NotValidForNameContext { expected, presented } => {
            let names: Vec<&str> = presented.iter().map(|name| bare(name)).collect();
            let names = if names.is_empty() { "no name at all".to_owned() } else { names.join(", ") };
            format!(
                "its certificate is for {names}, and not for {}: connect by a name that is in it, or give that as --tls-server-name",
                expected.to_str()
            )
        }
        CertificateError::Expired | CertificateError::ExpiredContext { .. } => {
            "its certificate has expired: give the controller a new one (or this machine's clock is wrong)".to_owned()
        }
        CertificateError::NotValidYet | CertificateError::NotValidYetContext { .. } => {
            "its certificate is not valid yet: is this machine's clock right?".to_owned()
        }
        other => format!("its certificate is not accepted: {other}"),
    }
}

/// `DnsName("a.example")` without what is around it.
fn bare(name: &str) -> &str {
    let inner = name.split_once('(').map_or(name, |(_, rest)| rest.trim_end_matches(')'));
    inner.trim_matches('"')
}

fn in_tls<'a>(error: &'a (dyn Error + 'static)) -> Option<&'a rustls::Error> {
    if let Some(error) = error.downcast_ref::<rustls::Error>() {
        return Some(error);
    }
    error.downcast_ref::<io::Error>()?.get_ref()?.downcast_ref()
}

/// Why a handshake with a worker failed, as the controller tells it: a sentence about the worker, without its subject.
pub(super) fn seen_by_controller(error: &io::Error) -> String {
    match in_tls(error) {
        Some(rustls::Error::NoCertificatesPresented) => {
            "it shows no certificate, and this controller asks for one (--tls-client-authority)".to_owned()
        }
        Some(rustls::Error::InvalidCertificate(CertificateError::UnknownIssuer)) => {
            "its certificate is not of the authority in --tls-client-authority".to_owned()
        }
        Some(rustls::Error::InvalidCertificate(error)) => format!("its certificate is not accepted: {error}"),
        Some(rustls::Error::AlertReceived(alert)) => match format!("{alert:?}").as_str() {
            "UnknownCA" => "it does not trust the authority of this controller's certificate (its --tls-authority)".to_owned(),
            "BadCertificate" => {
                "it does not accept this controller's certificate, which may be for other names than it connects by".to_owned()
            }
            "CertificateExpired" => "it finds that this controller's certificate has expired".to_owned(),
            alert => format!("it ended the TLS handshake: {alert}"),
        },
        _ if error.kind() == io::ErrorKind::UnexpectedEof => "it ended the TLS handshake without a word".to_owned(),
        _ => format!("its TLS handshake failed: {error}"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_in_a_certificate_are_shown_bare() {
        for (name, shown) in
            [("DnsName(\"a.example\")", "a.example"), ("IpAddress(10.0.0.1)", "10.0.0.1"), ("a", "a")]
        {
            assert_eq!(bare(name), shown);
        }
    }

    #[test]
    fn an_alert_is_known_also_as_a_text() {
        let behind = io::Error::other("received fatal alert: CertificateRequired");
        let trouble = Trouble::of(&behind);
        assert!(
            trouble.outlook == Outlook::Lasting && trouble.text.contains("--tls-certificate"),
            "{trouble:?}"
        );
    }

    #[test]
    fn what_clocks_and_load_balancers_bring_about_may_pass() {
        use CertificateError::{Expired, NotValidYet, UnknownIssuer};
        let of = |error: rustls::Error| Trouble::of_handshake(&io::Error::other(error)).outlook;
        let message = rustls::InvalidMessage::InvalidContentType;
        assert_eq!(of(rustls::Error::InvalidMessage(message)), Outlook::Doubtful);
        assert_eq!(of(rustls::Error::InvalidCertificate(NotValidYet)), Outlook::Doubtful);
        let alert = rustls::AlertDescription::CertificateExpired;
        assert_eq!(of(rustls::Error::AlertReceived(alert)), Outlook::Doubtful);
        assert_eq!(of(rustls::Error::InvalidCertificate(Expired)), Outlook::Lasting);
        assert_eq!(of(rustls::Error::InvalidCertificate(UnknownIssuer)), Outlook::Lasting);
    }

    #[test]
    fn what_is_not_known_is_told_once_with_all_that_is_behind_it() {
        #[derive(Debug, thiserror::Error)]
        #[error("outer")]
        struct Outer(#[source] io::Error);
        let outer = Outer(io::Error::other("inner"));
        assert_eq!(Trouble::of(&outer), Trouble::passing("outer: inner"));
    }
}
