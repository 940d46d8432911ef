"""What stands before page and endpoints in a locustfile's Flask application.

In Locust they are routes of that application: its `before_request` functions, wrapped views and middleware are asked for all of
them. Here the endpoints of Locust are routes of it too, once there is one; the page and `/api/v1` are served by Rust, which asks
first whether the application lets through whoever asks. A locustfile knows only Locust's paths: what is ours is asked for as the
endpoint of Locust that does the same.
"""

import io
import json
from urllib.parse import urlencode

from .form import start_form

# Where an asked request says that it got through, in its environment.
ASKED = "throng.asked"

# The blueprint of Locust's endpoints, whose own hooks would count too.
_SCOPES = (None, "locust")
# What is replaced on an application to stand before its routes.
_REPLACED = ("wsgi_app", "full_dispatch_request", "preprocess_request", "dispatch_request", "process_response")

_STATISTICS, _REPORT, _SWARM = ("GET", "/stats/requests"), ("GET", "/stats/report"), ("POST", "/swarm")
# Beginnings of our paths, and what does the same in Locust.
_SAME = (
    ("/api/v1/start", _SWARM),
    ("/api/v1/users", _SWARM),
    ("/api/v1/pause", _SWARM),
    ("/api/v1/resume", _SWARM),
    ("/api/v1/scale", _SWARM),
    ("/api/v1/stop", ("POST", "/stop")),
    ("/api/v1/reset", ("POST", "/stats/reset")),
    ("/api/v1/snapshot", _STATISTICS),
    ("/api/v1/events", _STATISTICS),
    ("/api/v1/requests/", _STATISTICS),
    ("/metrics", _STATISTICS),
    ("/api/v1/report", _REPORT),
    ("/api/v1/summary", _REPORT),
    ("/api/v1/history", _REPORT),
    ("/api/v1/compare", _REPORT),
)


class Asked:
    """A request that is not to be done: what came of asking."""

    def __init__(self):
        # Whether the view was reached, and whether a login lets through whoever asks.
        self.reached = False
        self.admitted = False


def stand_before(app, views):
    """Whether anything of `app` is asked before the views that we gave it, or has a say after them."""
    hooks = (app.before_request_funcs, app.after_request_funcs, app.url_value_preprocessors)
    if any(each.get(scope) for each in hooks for scope in _SCOPES):
        return True
    if any(name in vars(app) for name in _REPLACED):
        return True
    return any(app.view_functions.get(name) is not view for name, view in views.items())


def as_locusts(environ, asked):
    """The request for that endpoint of Locust which does what this one of ours does; `asked` hears what comes of it."""
    path, method = environ["PATH_INFO"], environ["REQUEST_METHOD"]
    same = next((found for start, found in _SAME if path.startswith(start)), ("GET", "/"))
    if path.startswith("/api/v1/history") and method not in ("GET", "HEAD"):
        # It changes or removes what was measured.
        same = ("POST", "/stats/reset")
    body = b""
    if path in ("/api/v1/start", "/api/v1/users"):
        body = urlencode(_form(environ["wsgi.input"].read()), doseq=True).encode()
    request = {
        **environ,
        "REQUEST_METHOD": same[0],
        "PATH_INFO": same[1],
        "CONTENT_LENGTH": str(len(body)),
        "wsgi.input": io.BytesIO(body),
        "throng.path": path,
        ASKED: asked,
    }
    if body:
        request["CONTENT_TYPE"] = "application/x-www-form-urlencoded"
    else:
        request.pop("CONTENT_TYPE", None)
    return request


def _form(body):
    """A start as Locust's form has it; nothing of what is no start, which is refused later."""
    try:
        given = json.loads(body)
    except ValueError:
        return {}
    return start_form(given) if isinstance(given, dict) else {}
