"""The HTTP client of `HttpUser`: a session like that of requests, which reports what it does.

The work is done in Rust (`locust._core.Session`); here is what gives it Locust's constructor and names.
"""

from . import _core
from ._core import Response as LocustResponse
from ._core import Response as ResponseContextManager
from ._http import likeness, sending
from ._legacy import deprecated
from ._names import elsewhere
from ._unsupported import refuse
from .event import sink_of
from .exception import CatchResponseError, LocustError, ResponseError

__all__ = (
    "CatchResponseError",
    "HttpSession",
    "LocustError",
    "LocustResponse",
    "ResponseContextManager",
    "ResponseError",
    "RestResponseContextManager",
)


class RestResponseContextManager(ResponseContextManager):
    """The response that `HttpUser.rest` yields; `js` is the parsed body."""


class HttpSession(_core.Session):
    """Requests with shared cookies, headers and connections.

    `base_url` is put in front of every URL that is not absolute; a user name and password in it become Basic
    authentication. `request_event` is the hook that hears of requests, `user` whose `context()` they carry. Sessions
    with the same `pool_manager`, which may be a `urllib3.PoolManager`, share their connections.
    """

    def __init__(self, base_url, request_event=None, user=None, *args, pool_manager=None, **kwargs):
        if request_event is None:
            # Before version 1.0 there was one event for all, and no user to name.
            from . import events

            deprecated("HttpSession(base_url)", "use HttpSession(base_url, environment.events.request, user)")
            request_event = events.request
        if args or kwargs:
            raise TypeError(f"HttpSession takes no further arguments, got {[*args, *kwargs]}")
        likeness.join_sessions(HttpSession)
        self.request_event = request_event
        options = {} if pool_manager is None else _pool_options(pool_manager)
        self._configure(base_url, sink_of(request_event), user, fast=False, **options)

    def __reduce_ex__(self, protocol):
        refuse("copying or pickling a client")

    def prepare_request(self, request):
        """What a `requests.Request` becomes with the session's headers, cookies and the like."""
        return sending.twin(self).prepare_request(request)

    def send(self, request, **kwargs):
        """Sends a prepared request. As in Locust, it is not counted, and what fails it is raised."""
        return sending.send(self, request, kwargs)

    def merge_environment_settings(self, url, proxies, stream, verify, cert):
        """A request's settings with those of the session, and of the environment if that is trusted."""
        return sending.twin(self).merge_environment_settings(url, proxies, stream, verify, cert)

    def get_redirect_target(self, resp):
        """Where a response redirects to; None if it does not."""
        return sending.twin(self).get_redirect_target(resp)

    def resolve_redirects(
        self, resp, req, stream=False, timeout=None, verify=True, cert=None, proxies=None, yield_requests=False
    ):
        """The responses that a redirect which was not followed leads to, one by one."""
        options = {"stream": stream, "timeout": timeout, "verify": verify, "cert": cert, "proxies": proxies}
        return sending.resolve_redirects(self, resp, yield_requests, options)

    def rebuild_auth(self, prepared_request, response):
        """Takes credentials out of a redirected request that are not for its host."""
        sending.twin(self).rebuild_auth(prepared_request, response)

    def rebuild_method(self, prepared_request, response):
        """Gives a redirected request the method that the redirect asks for."""
        sending.twin(self).rebuild_method(prepared_request, response)

    def rebuild_proxies(self, prepared_request, proxies):
        """The proxies for a redirected request."""
        return sending.twin(self).rebuild_proxies(prepared_request, proxies)

    def should_strip_auth(self, old_url, new_url):
        """Whether a redirect leads to someone who must not see the credentials."""
        return sending.twin(self).should_strip_auth(old_url, new_url)

    @property
    def adapters(self):
        """Requests go through no adapters."""
        refuse("session.adapters")


def _pool_options(manager):
    """The size of a pool, and that as many requests run at a time if it lets others wait."""
    said = getattr(manager, "connection_pool_kw", {})
    size = said.get("maxsize", 1)
    return {"pool": manager, "pool_size": size, "concurrency": size if said.get("block") else None}


def __getattr__(name):
    """What needs `requests`, or is in another module."""
    if name == "LocustHttpAdapter":
        return _adapter_class()
    if name == "DEFAULT_CA_BUNDLE_PATH":
        from requests.utils import DEFAULT_CA_BUNDLE_PATH

        return DEFAULT_CA_BUNDLE_PATH
    return elsewhere(__name__, name)


def _adapter_class():
    from requests.adapters import HTTPAdapter

    class LocustHttpAdapter(HTTPAdapter):
        """An adapter that may be mounted for its repetitions; a pool of connections is the user class's to share."""

        __module__ = __name__

        def __init__(self, pool_manager, *args, **kwargs):
            self.pool_manager = pool_manager
            super().__init__(*args, **kwargs)

    globals()["LocustHttpAdapter"] = LocustHttpAdapter
    return LocustHttpAdapter
