"""TLS between masters and workers, which Locust's protocol does not have: certificates come by variables, as Locust's flags of
similar names are about the page.

    THRONG_TLS_CERTIFICATE, THRONG_TLS_KEY    what this node shows; a master that has them listens for TLS only
    THRONG_TLS_CLIENT_AUTHORITY               master: who has to have signed what workers show
    THRONG_TLS_AUTHORITY                      worker: who has to have signed what the master shows; asks for TLS
"""

import os
import ssl


class TlsError(Exception):
    """Certificates cannot be used; says which and why."""


def of_master():
    """What a master's door needs; None if it listens without TLS."""
    shown, authority = _shown(), _variable("CLIENT_AUTHORITY")
    if shown is None:
        if authority:
            raise TlsError("THRONG_TLS_CLIENT_AUTHORITY needs THRONG_TLS_CERTIFICATE and THRONG_TLS_KEY")
        return None
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    _load_shown(context, shown)
    if authority:
        context.verify_mode = ssl.CERT_REQUIRED
        _load_authority(context, authority, "CLIENT_AUTHORITY")
    return context


def of_worker():
    """What a worker needs to reach its master; None if it asks for no TLS."""
    authority = _variable("AUTHORITY")
    if not authority:
        return None
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    _load_authority(context, authority, "AUTHORITY")
    shown = _shown()
    if shown is not None:
        _load_shown(context, shown)
    return context


def reason(error):
    """Why there is no TLS with somebody, and what to do, in a line."""
    text = getattr(error, "verify_message", None) or getattr(error, "reason", None) or str(error) or "the connection ended"
    hints = {
        "WRONG_VERSION_NUMBER": "the other side does not speak TLS",
        "HTTP_REQUEST": "the other side does not speak TLS",
        "PEER_DID_NOT_RETURN_A_CERTIFICATE": "it shows no certificate, and THRONG_TLS_CLIENT_AUTHORITY asks for one "
        "(THRONG_TLS_CERTIFICATE and THRONG_TLS_KEY on the worker)",
        "TLSV13_ALERT_CERTIFICATE_REQUIRED": "the master wants a certificate: THRONG_TLS_CERTIFICATE and THRONG_TLS_KEY",
        "TLSV1_ALERT_UNKNOWN_CA": "the other side does not know who signed this certificate",
    }
    return hints.get(text, text)


def _variable(name):
    return os.environ.get(f"THRONG_TLS_{name}") or None


def _shown():
    certificate, key = _variable("CERTIFICATE"), _variable("KEY")
    if bool(certificate) != bool(key):
        raise TlsError("THRONG_TLS_CERTIFICATE and THRONG_TLS_KEY need each other")
    return (certificate, key) if certificate else None


def _load_shown(context, shown):
    try:
        context.load_cert_chain(*shown)
    except (OSError, ValueError) as error:
        raise TlsError(f"cannot use the certificate {shown[0]} with the key {shown[1]}: {error}") from None


def _load_authority(context, path, name):
    try:
        context.load_verify_locations(cafile=path)
    except (OSError, ValueError) as error:
        raise TlsError(f"cannot use THRONG_TLS_{name} {path}: {error}") from None
