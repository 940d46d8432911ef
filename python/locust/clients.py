"""The HTTP client of `HttpUser`: a session like that of requests, which reports what it does.

The work is done in Rust (`locust._core.Session`); here is what gives it Locust's constructor and names.
"""

from . import _core
from ._core import Response as LocustResponse
from ._core import Response as ResponseContextManager
from ._legacy import deprecated
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
        self.request_event = request_event
        options = {} if pool_manager is None else _pool_options(pool_manager)
        self._configure(base_url, sink_of(request_event), user, fast=False, **options)


def _pool_options(manager):
    """The size of a pool, and that as many requests run at a time if it lets others wait."""
    said = getattr(manager, "connection_pool_kw", {})
    size = said.get("maxsize", 1)
    return {"pool": manager, "pool_size": size, "concurrency": size if said.get("block") else None}
