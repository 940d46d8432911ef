"""`FastHttpUser`: in throng the same client as `HttpUser`'s, with the settings, names and verdicts of this one."""

import ssl
import zlib

import gevent

from .. import _core
from .._core import ErrorResponse, FastResponse
from .._core import FastCaughtResponse as ResponseContextManager
from .._http.exceptions import HTTPConnectionClosed, HTTPParseError, LocustBadStatusCode, RetriesExceeded
from .._legacy import deprecated
from .._names import elsewhere
from .._unsupported import refuse
from ..event import sink_of
from ..exception import StopTest
from ..user._rest import RestMixin
from ..user.users import User


class RestResponseContextManager(ResponseContextManager):
    """The response that `FastHttpUser.rest` yields; `js` is the parsed body."""


# The user agent and the requests it sends are parts of the session in Rust.
LocustUserAgent = _core.LocustUserAgent
FastRequest = _core.FastRequest

# What is reported as a failed request and not raised.
FAILURE_EXCEPTIONS = (
    RetriesExceeded,
    OSError,
    ssl.SSLError,
    gevent.Timeout,
    HTTPConnectionClosed,
    HTTPParseError,
    zlib.error,
)


def insecure_ssl_context_factory():
    """A context that accepts every certificate; as the `ssl_context_factory` of a user, the same as `insecure`."""
    context = ssl.create_default_context()
    context.check_hostname = False
    context.verify_mode = ssl.CERT_NONE
    return context


class FastHttpSession(_core.Session):
    """Requests with shared cookies and connections, and the settings of `FastHttpUser`.

    Sessions with the same `client_pool`, a `geventhttpclient.HTTPClientPool`, share their connections.
    """

    def __init__(
        self, base_url, request_event, user, insecure=True, client_pool=None, ssl_context_factory=None, **kwargs
    ):
        if ssl_context_factory is insecure_ssl_context_factory:
            insecure = True
        elif ssl_context_factory is not None:
            refuse("an ssl_context_factory")
        self.request_event = request_event
        if client_pool is not None:
            kwargs |= _pool_options(client_pool)
            insecure = client_pool.client_args.get("insecure", False)
        self._configure(base_url, sink_of(request_event), user, fast=True, insecure=insecure, **kwargs)


def _pool_options(pool):
    """What a `geventhttpclient.HTTPClientPool` says of its connections, which holds for all who share it."""
    said = pool.client_args
    size = said.get("concurrency", 1)
    return {
        "pool": pool,
        "pool_size": size,
        "concurrency": size,
        "connection_timeout": said.get("connection_timeout", 5.0),
        "network_timeout": said.get("network_timeout", 5.0),
        "proxy_host": said.get("proxy_host"),
        "proxy_port": said.get("proxy_port"),
    }


class FastHttpUser(RestMixin, User):
    """A user with an HTTP client, `self.client`, whose settings are class attributes."""

    abstract = True
    # Seconds without data after which a request fails, and seconds to connect.
    network_timeout = 60.0
    connection_timeout = 60.0
    max_redirects = 30
    max_retries = 0
    # Whether TLS certificates are accepted unverified.
    insecure = True
    default_headers = None
    # How many requests of one user may run at the same time.
    concurrency = 10
    proxy_host = None
    proxy_port = None
    client_pool = None
    ssl_context_factory = None

    def __init__(self, environment):
        super().__init__(environment)
        if self.host is None:
            raise StopTest(
                "You must specify the base host. Either in the host attribute in the User class, "
                "or on the command line using the --host option."
            )
        self.client = FastHttpSession(
            self.host,
            self.environment.events.request,
            self,
            insecure=self.insecure,
            client_pool=self.client_pool,
            ssl_context_factory=self.ssl_context_factory,
            connection_timeout=self.connection_timeout,
            network_timeout=self.network_timeout,
            max_redirects=self.max_redirects,
            max_retries=self.max_retries,
            default_headers=self.default_headers,
            concurrency=self.concurrency,
            proxy_host=self.proxy_host,
            proxy_port=self.proxy_port,
        )


class FastHttpLocust(FastHttpUser):
    """`FastHttpUser`, by its name from before version 1.0."""

    abstract = True
    min_wait = 1000
    max_wait = 1000

    def __init_subclass__(cls, **kwargs):
        super().__init_subclass__(**kwargs)
        deprecated("FastHttpLocust", "use FastHttpUser")


__all__ = (
    "ErrorResponse",
    "FastHttpLocust",
    "FastHttpSession",
    "FastHttpUser",
    "FastRequest",
    "FastResponse",
    "LocustBadStatusCode",
    "LocustUserAgent",
    "ResponseContextManager",
    "RestResponseContextManager",
)


class _ClientPool:
    """Where geventhttpclient is not installed: the settings of connections that users share."""

    def __init__(self, **client_args):
        self.client_args = client_args
        self.clients = {}

    def close(self):
        """Nothing: the connections are closed with the sessions that use them."""


def __getattr__(name):
    """The pool is geventhttpclient's if that is there."""
    if name != "HTTPClientPool":
        return elsewhere(__name__, name)
    try:
        from geventhttpclient.client import HTTPClientPool
    except ImportError:
        return _ClientPool
    return HTTPClientPool
