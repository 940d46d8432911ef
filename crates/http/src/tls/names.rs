//! TLS errors in k6's numbers and words.

use rustls::{AlertDescription, CertificateError, Error, InvalidMessage};

use crate::cookie::rfc3339;
use crate::error::{RequestError, code};

/// The error of a failed handshake or a broken record.
pub(crate) fn describe(error: &Error) -> RequestError {
    let seconds = |time: &rustls::pki_types::UnixTime| rfc3339(time.as_secs() as i64);
    match error {
        Error::InvalidCertificate(certificate) => match certificate {
            // A namesake of the issuer with another key is an unknown authority to Go as well.
            CertificateError::UnknownIssuer | CertificateError::BadSignature => {
                RequestError::new(code::UNKNOWN_AUTHORITY, "x509: unknown authority")
            }
            CertificateError::NotValidForName | CertificateError::NotValidForNameContext { .. } => {
                RequestError::new(code::HOSTNAME_MISMATCH, "x509: certificate doesn't match hostname")
            }
            CertificateError::ExpiredContext { time, not_after } => RequestError::generic(format!(
                "x509: certificate has expired or is not yet valid: current time {} is after {}",
                seconds(time),
                seconds(not_after)
            )),
            CertificateError::NotValidYetContext { time, not_before } => RequestError::generic(format!(
                "x509: certificate has expired or is not yet valid: current time {} is before {}",
                seconds(time),
                seconds(not_before)
            )),
            other => RequestError::new(code::TLS, format!("x509: {other:?}")),
        },
        Error::AlertReceived(alert) => {
            RequestError::new(1010, format!("remote error: tls: {}", alert_text(*alert)))
        }
        Error::InvalidMessage(
            InvalidMessage::InvalidContentType | InvalidMessage::UnknownProtocolVersion,
        ) => RequestError::new(code::TLS_RECORD, "tls: first record does not look like a TLS handshake"),
        other => RequestError::new(code::TLS, format!("tls: {other}")),
    }
}

fn alert_text(alert: AlertDescription) -> String {
    use AlertDescription as A;
    let text = match alert {
        A::CloseNotify => "close notify",
        A::UnexpectedMessage => "unexpected message",
        A::BadRecordMac => "bad record MAC",
        A::RecordOverflow => "record overflow",
        A::HandshakeFailure => "handshake failure",
        A::BadCertificate => "bad certificate",
        A::UnsupportedCertificate => "unsupported certificate",
        A::CertificateRevoked => "revoked certificate",
        A::CertificateExpired => "expired certificate",
        A::CertificateUnknown => "unknown certificate",
        A::IllegalParameter => "illegal parameter",
        A::UnknownCA => "unknown certificate authority",
        A::AccessDenied => "access denied",
        A::DecodeError => "error decoding message",
        A::DecryptError => "error decrypting message",
        A::ProtocolVersion => "protocol version not supported",
        A::InsufficientSecurity => "insufficient security level",
        A::InternalError => "internal error",
        A::UserCanceled => "user canceled",
        A::NoRenegotiation => "no renegotiation",
        A::MissingExtension => "missing extension",
        A::UnsupportedExtension => "unsupported extension",
        A::UnrecognisedName => "unrecognized name",
        A::CertificateRequired => "certificate required",
        A::NoApplicationProtocol => "no application protocol",
        other => return format!("alert({})", u8::from(other)),
    };
    text.to_owned()
}
