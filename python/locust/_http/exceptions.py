"""The exceptions of failed requests, with the classes and texts that Locust's reports show.

Failures are grouped by the `repr` of their exception, and locustfiles catch the classes of `requests`. So the classes
of `requests` are used if the locustfile has imported it. Otherwise stand-ins of the same names do, and nobody pays for
importing `requests` (0.2 s of processor time).
"""

import errno as _errno
import http.client
import json
import os
import socket
import sys
from urllib.parse import urlsplit


class RequestException(IOError):
    """Something was wrong with a request."""

    def __init__(self, *args, **kwargs):
        self.response = kwargs.pop("response", None)
        self.request = kwargs.pop("request", None)
        if self.response is not None and self.request is None:
            self.request = getattr(self.response, "request", None)
        super().__init__(*args)


class HTTPError(RequestException):
    """The status says that it failed."""


class ConnectionError(RequestException):  # noqa: A001 - the name that reports show
    """The connection failed."""


class SSLError(ConnectionError):
    """TLS failed."""


class ProxyError(ConnectionError):
    """The proxy failed."""


class Timeout(RequestException):
    """It took too long."""


class ConnectTimeout(ConnectionError, Timeout):
    """Connecting took too long."""


class ReadTimeout(Timeout):
    """The server took too long."""


class URLRequired(RequestException):
    """There is no URL."""


class TooManyRedirects(RequestException):
    """Redirected too often."""


class MissingSchema(RequestException, ValueError):
    """The URL has no scheme."""


class InvalidSchema(RequestException, ValueError):
    """The URL has a scheme that is not http or https."""


class InvalidURL(RequestException, ValueError):
    """The URL is none."""


class InvalidHeader(RequestException, ValueError):
    """A header cannot be sent."""


class InvalidProxyURL(InvalidURL):
    """The proxy's URL is none."""


class ChunkedEncodingError(RequestException):
    """The body ended too early."""


class ContentDecodingError(RequestException):
    """The body could not be decompressed."""


class StreamConsumedError(RequestException, TypeError):
    """The body was read before."""


class InvalidJSONError(RequestException):
    """A value is no JSON."""


class CookieConflictError(RuntimeError):
    """There are several cookies of that name."""


class JSONDecodeError(InvalidJSONError, json.JSONDecodeError):
    """The body is no JSON."""

    def __init__(self, msg, doc, pos):
        json.JSONDecodeError.__init__(self, msg, doc, pos)
        self.response = self.request = None

    def __str__(self):
        return ValueError.__str__(self)


class ProtocolError(Exception):
    """urllib3's exception for a connection that broke."""


class ReadTimeoutError(Exception):
    """urllib3's exception for a server that took too long."""


class HTTPConnectionClosed(Exception):
    """geventhttpclient's exception for a peer that closed the connection."""


class HTTPParseError(Exception):
    """geventhttpclient's exception for what is no HTTP."""


class RetriesExceeded(Exception):
    """geventhttpclient's exception for a request that was given up."""

    def __init__(self, url, text, original=None):
        super().__init__(url, text)
        self.url = url
        self.original = original

    def __repr__(self):
        if self.original is None:
            return super().__repr__()
        return f"RetriesExceeded({self.url!r}, {self.args[1]!r}, original={self.original})"


class LocustBadStatusCode(Exception):
    """A status that is no success."""

    def __init__(self, url=None, code=0, params=None, headers=None, response=None, **_):
        super().__init__(url)
        self.url = url
        self.code = code
        self.http_response = response

    def __repr__(self):
        return f"LocustBadStatusCode(code={self.code})"

    def __str__(self):
        return f"URL {self.url}: code={self.code}"


def _class(name):
    """A class of `requests` if that is there, else our own."""
    requests = sys.modules.get("requests")
    for module in ("exceptions", "cookies") if requests is not None else ():
        found = getattr(getattr(requests, module, None), name, None)
        if found is not None:
            return found
    return globals()[name]


def _is(error, name):
    """Whether an exception is of that class of `requests`, or of our own."""
    return isinstance(error, (globals()[name], _class(name)))


def is_counted(error):
    """Whether an exception that a hook or the like has raised is a failed request. Observed on Locust 2.47: what is wrong
    with a URL is raised in the task."""
    raised = ("MissingSchema", "InvalidSchema", "InvalidURL")
    return _is(error, "RequestException") and not any(_is(error, name) for name in raised)


def shown(error):
    """What reports show of an exception. Observed on Locust 2.47: of those of a connection what is in them."""
    if _is(error, "ConnectionError"):
        while error.__context__ is not None and (
            _is(error, "ConnectionError") or type(error).__module__.startswith("urllib3.")
        ):
            error = error.__context__
    return error


def _urllib3(name):
    urllib3 = sys.modules.get("urllib3")
    if urllib3 is not None:
        return getattr(urllib3.exceptions, name)
    return globals()[name]


def named(name, text):
    """The exception of `requests` of that name."""
    return _class(name)(text)


def invalid_url(text):
    """The exception for a URL that is none."""
    return _class("InvalidURL")(text)


def json_error(error):
    """The exception of `requests` for a body that is no JSON."""
    if not isinstance(error, json.JSONDecodeError):
        return error
    return _class("JSONDecodeError")(error.msg, error.doc, error.pos)


def status(fast, code, reason, name, response):
    """The exception for a status that is no success; `name` stands for the URL, so that failures group."""
    if fast:
        return LocustBadStatusCode(name, code, response=response)
    kind = "Client" if code < 500 else "Server"
    return _class("HTTPError")(f"{code} {kind} Error: {reason} for url: {name}", response=response)


def too_many_redirects(fast, limit, url, response):
    """The exception for a redirect that is not followed any more."""
    if fast:
        return RetriesExceeded(url, f"Redirection limit reached ({limit})")
    return _class("TooManyRedirects")(f"Exceeded {limit} redirects.", response=response)


def too_many_statuses(status, url):
    """The exception for a request that was repeated because of its status as often as it may be."""
    parts = urlsplit(url)
    pool = "HTTPSConnectionPool" if parts.scheme == "https" else "HTTPConnectionPool"
    port = parts.port or (443 if parts.scheme == "https" else 80)
    target = parts._replace(scheme="", netloc="", fragment="").geturl() or "/"
    cause = f"ResponseError('too many {status} error responses')"
    text = f"{pool}(host={parts.hostname!r}, port={port}): Max retries exceeded with url: {target} (Caused by {cause})"
    # Only an adapter of requests repeats requests like this, so that its classes are there.
    error = _urllib3("MaxRetryError")(None, target)
    error.args = (text,)
    return _class("RetryError")(error)


def _os_error(number):
    return OSError(number, os.strerror(number))


def transport(fast, kind, detail, server, times, texts):
    """The exception for a request without a response.

    `kind` says what happened, `detail` is an error number, or the bytes that came and are missing, or the first line;
    `server` is host, port and whether TLS was used; `times` are the time-outs of connecting and reading.
    """
    number, missing, line = detail
    host, port, secure = server
    connect_timeout, read_timeout = times
    message, url, target = texts
    if kind == "os" and number in (_errno.ECONNRESET, _errno.EPIPE) and fast:
        return HTTPConnectionClosed("connection closed.")
    pool = f"{'HTTPSConnectionPool' if secure else 'HTTPConnectionPool'}(host={host!r}, port={port})"
    if kind in ("os", "unknown_host", "name_service"):
        if kind == "os":
            error = _os_error(number)
        elif kind == "unknown_host":
            error = socket.gaierror(socket.EAI_NONAME, "Name or service not known")
        else:
            error = socket.gaierror(socket.EAI_AGAIN, "Temporary failure in name resolution")
        if fast:
            return error
        if number in (_errno.ECONNRESET, _errno.EPIPE):
            return _wrapped("ConnectionError", ("Connection aborted.", error), error)
        text = f"{pool}: Max retries exceeded with url: {target} (Caused by {_cause(kind, error, server)})"
        return _wrapped("ConnectionError", text, error)
    if kind == "read_timeout":
        if fast:
            return RetriesExceeded(url, 0, original=TimeoutError("timed out"))
        seconds = read_timeout if read_timeout is None or read_timeout % 1 else int(read_timeout)
        inner = f"{pool}: Read timed out. (read timeout={seconds})"
        if "urllib3" in sys.modules:
            error = _urllib3("ReadTimeoutError")(None, target, inner)
            # urllib3 puts the pool's text in front of the message; here it is in it already.
            error.args = (inner,)
        else:
            error = ReadTimeoutError(inner)
        return _class("ReadTimeout")(error)
    if kind == "connect_timeout":
        error = TimeoutError("timed out")
        if fast:
            return RetriesExceeded(url, 0, original=error)
        text = f"{pool}: Max retries exceeded with url: {target} (Caused by {error!r})"
        return _wrapped("ConnectTimeout", text, error)
    if kind == "closed":
        if fast:
            return HTTPConnectionClosed("connection closed.")
        error = http.client.RemoteDisconnected("Remote end closed connection without response")
        return _wrapped("ConnectionError", ("Connection aborted.", error), error)
    if kind == "truncated":
        if fast:
            return HTTPParseError("Incomplete response.")
        text = f"{number} bytes read" + (f", {missing} more expected" if missing >= 0 else "")
        partial = _Incomplete(text)
        return _class("ChunkedEncodingError")(
            _urllib3("ProtocolError")(f"Connection broken: {partial!r}", partial)
        )
    if kind == "not_http":
        if fast:
            return HTTPParseError("Expected HTTP/, RTSP/ or ICE/", 8)
        error = http.client.BadStatusLine(line.decode("latin-1"))
        return _wrapped("ConnectionError", ("Connection aborted.", error), error)
    if kind == "decoding":
        return _class("ContentDecodingError")(message)
    if kind == "tls":
        import ssl

        if message.startswith("x509"):
            text = f"[SSL: CERTIFICATE_VERIFY_FAILED] certificate verify failed: {message}"
            error = ssl.SSLCertVerificationError(1, text)
        else:
            error = ssl.SSLError(1, message)
        if fast:
            return error
        return _wrapped("SSLError", f"{pool}: Max retries exceeded with url: {target} (Caused by {error!r})", error)
    return _class("ConnectionError")(message)


def _cause(kind, error, server):
    """The error as urllib3 shows it within its own."""
    host, port, secure = server
    connection = f"{'HTTPSConnection' if secure else 'HTTPConnection'}(host={host!r}, port={port})"
    if kind == "os":
        text = f"{connection}: Failed to establish a new connection: {error}"
        return f"NewConnectionError({text!r})"
    text = f"{connection}: Failed to resolve {host!r} ({error})"
    return f"NameResolutionError({text!r})"


def _wrapped(name, text, error):
    """An exception of `requests` around what really happened, which reports show."""
    outer = _class(name)(text)
    outer.__context__ = error
    return outer


class _Incomplete(Exception):
    """urllib3's `IncompleteRead`, as far as texts show it."""

    def __init__(self, text):
        super().__init__(text)
        self.text = text

    def __repr__(self):
        return f"IncompleteRead({self.text})"
