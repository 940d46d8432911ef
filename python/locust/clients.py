"""The HTTP client of `HttpUser`: a session like that of requests, which reports what it does.

The work is done in Rust (`locust._core.Session`); here is what gives it Locust's constructor and names.
"""

from . import _core
from ._core import Response as LocustResponse
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


class ResponseContextManager(LocustResponse):
    """The response of a request; with `catch_response=True` a context manager that decides its verdict."""


class RestResponseContextManager(ResponseContextManager):
    """The response that `HttpUser.rest` yields; `js` is the parsed body."""


class HttpSession(_core.Session):
    """Requests with shared cookies, headers and connections.

    `base_url` is put in front of every URL that is not absolute; a user name and password in it become Basic
    authentication. `request_event` is the hook that hears of requests, `user` whose `context()` they carry.
    """

    def __init__(self, base_url, request_event, user, *args, pool_manager=None, **kwargs):
        if args or kwargs:
            raise TypeError(f"HttpSession takes no further arguments, got {[*args, *kwargs]}")
        if pool_manager is not None:
            refuse("a shared pool_manager")
        self.request_event = request_event
        self._configure(base_url, sink_of(request_event), user, fast=False)
