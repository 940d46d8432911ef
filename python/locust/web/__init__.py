"""The web interface: a small page, and the JSON that it and other programs use.

Served by gevent's own WSGI server from a greenlet of the process that runs the users. `server` routes, `actions` is
what requests do, `answers` what they are told, `page` the page.
"""

from .server import WebUI, old_app


def __getattr__(name):
    """What locustfiles took from here before version 1.0."""
    if name == "app":
        return old_app()
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")


__all__ = ("WebUI",)
