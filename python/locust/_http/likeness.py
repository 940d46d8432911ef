"""Whom `isinstance` takes our objects for: where the locustfile has imported `requests`, for those of its classes that Locust's are
made of.

Responses, their requests and their headers are made in Rust without `requests`. When asked for their class, they name one that
is of both kinds, of which there are no instances.
"""

import sys
import types

from .. import _core

_KINDS = {
    _core.Response: "Response",
    _core.SentRequest: "PreparedRequest",
    _core.CaseInsensitiveDict: "structures.CaseInsensitiveDict",
}
_made = {}


def class_of(kind):
    """The class that an object of that type names."""
    if found := _made.get(kind):
        return found
    theirs = sys.modules.get("requests")
    # Subclasses are somebody's own, who may want to find themselves.
    if kind not in _KINDS or theirs is None:
        return kind
    for name in _KINDS[kind].split("."):
        theirs = getattr(theirs, name, None)
    if not isinstance(theirs, type):
        # It is about to be imported, or is something else of that name.
        return kind
    place = {"__module__": kind.__module__, "__qualname__": kind.__qualname__, "__doc__": kind.__doc__}
    _made[kind] = types.new_class(kind.__name__, (kind, theirs), exec_body=lambda body: body.update(place))
    return _made[kind]


def join_sessions(kind):
    """Makes a class of sessions one of `requests` too; its own methods stand before theirs."""
    theirs = getattr(sys.modules.get("requests"), "Session", None)
    if not isinstance(theirs, type) or issubclass(kind, theirs):
        return
    try:
        kind.__bases__ = (*kind.__bases__, theirs)
    except TypeError:
        # A subclass has `requests.Session` before ours, which Python does not allow then.
        return
