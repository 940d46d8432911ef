"""The object that locustfiles know as `environment.web_ui`, and its routes.

The page and its event stream are served by Rust (`_core.WebServer`); everything else comes here as WSGI: Locust's
endpoints, and the routes that a locustfile adds. As soon as there is a Flask application they are all its own, so that what a
locustfile puts before its routes stands before Locust's too (`guards`, `flask_app`).
"""

import functools
import ipaddress
import json
import logging
import socket
from http import HTTPStatus
from urllib.parse import parse_qs, quote

import gevent
from gevent.event import Event

from .. import _core
from .._legacy import deprecated
from .._unsupported import NotSupportedYet, refuse
from ..html import get_html_report
from . import actions, answers, flask_app, guards
from .bridge import Bridge
from .feed import Feed
from .form import read_form
from .login import PASSWORD, TOKEN, USER, OwnLogin, credentials

logger = logging.getLogger("locust.web")


class Answer:
    """What a route answers: a body with its type and, for downloads, a file name."""

    def __init__(self, body, kind="application/json", status=HTTPStatus.OK, download=None):
        self.body = body if isinstance(body, (str, bytes)) else json.dumps(body, indent=2, sort_keys=True) + "\n"
        self.kind = kind
        self.status = HTTPStatus(status)
        self.download = download


# What the server has and Locust has not: a locustfile's route of that name wins.
_YIELDED = ("/healthz", "/readyz", "/metrics", "/login.css")

# The application of locustfiles that have routes before there is a web interface, as was usual before version 1.0.
_early_app = None


def old_app():
    """The application of the web interface that will be made."""
    global _early_app
    deprecated("locust.web.app", "use environment.web_ui.app in a listener of init")
    _early_app = _early_app or flask_app.make("locust.web.app")
    return _early_app


class WebUI:
    """The web interface of an environment."""

    # Runs for as long as the interface does: scripts wait for it.
    greenlet = None
    server = None

    def __init__(
        self,
        environment,
        host,
        port,
        web_base_path=None,
        web_login=False,
        tls_cert=None,
        tls_key=None,
        stats_csv_writer=None,
        delayed_start=False,
        userclass_picker_is_active=False,
        build_path=None,
    ):
        if build_path:
            refuse("--build-path")
        if bool(tls_cert) != bool(tls_key):
            raise ValueError("--tls-cert and --tls-key are needed together")
        if web_base_path and not web_base_path.startswith("/"):
            raise ValueError(f"the base path must start with /, not {web_base_path!r}")
        self.environment = environment
        environment.web_ui = self
        self.host = host
        self.port = port
        self.tls = (tls_cert, tls_key) if tls_cert else ()
        self.base_path = (web_base_path or "").rstrip("/")
        self.stats_csv_writer = stats_csv_writer
        self.userclass_picker_is_active = userclass_picker_is_active
        self._app = _early_app
        # Those of the views of `app` that are ours, by endpoint.
        self._views = {}
        # What locustfiles may add for the page.
        self.template_args = {}
        # As what runs are kept (`_history.wanted`).
        self.history = None
        # What its own login needs, with --web-login and without credentials in the environment.
        self.auth_args = {}
        self._credentials = credentials()
        self.server = None
        self._stopped = Event()
        self.feed = None
        self._told_routes = []
        self._bridge = None
        self.run_time_greenlet = None
        # Of the test that was started here last, in seconds.
        self.has_started, self.run_time = False, None
        # What is watched beside the test, if something is.
        self.watch = None
        self.routes = {
            ("POST", "/swarm"): lambda request: Answer(actions.swarm(self, request.form())),
            ("POST", "/stop"): lambda request: Answer(actions.stop(self)),
            ("POST", "/stats/reset"): lambda request: Answer(actions.reset(self), "text/html; charset=utf-8"),
            ("POST", "/user"): lambda request: Answer(actions.update_user(self, request.json()), status=201),
            ("GET", "/stats/requests"): lambda request: Answer(answers.statistics(environment)),
            ("GET", "/stats/requests/csv"): lambda request: self._csv("requests"),
            ("GET", "/stats/failures/csv"): lambda request: self._csv("failures"),
            ("GET", "/exceptions/csv"): lambda request: self._csv("exceptions"),
            ("GET", "/stats/requests_full_history/csv"): lambda request: self._history(),
            ("GET", "/exceptions"): lambda request: Answer(answers.exceptions(environment)),
            ("GET", "/tasks"): lambda request: Answer(answers.tasks(environment)),
            ("GET", "/logs"): lambda request: Answer(answers.logs(environment)),
            ("GET", "/worker-count"): lambda request: Answer(answers.worker_count(environment)),
            ("GET", "/stats/report"): self._report,
        }
        self._login = None
        if web_login and self._credentials is None:
            self._login = OwnLogin(self.app)
        if not delayed_start:
            self.start()

    @property
    def app(self):
        """A Flask application: for the routes that a locustfile adds, and for what it puts before all routes."""
        if self._app is None:
            self._app = flask_app.make("web_ui.app")
        if not self._views:
            self._views = flask_app.attach(self._app, self)
        return self._app

    def extend(self, template_args):
        """The page is to show this: what locustfiles render `index.html` with."""
        self.template_args = {**self.template_args, **(template_args or {})}
        if self.feed:
            self.feed.wake()

    def is_guarded(self):
        """Whether the locustfile's application has a say in who sees the page."""
        return self._app is not None and guards.stand_before(self._app, self._views)

    def own_routes(self):
        """Paths of the server's for which the locustfile's application has routes."""
        return [] if self._app is None else flask_app.routed(self._app, _YIELDED)

    def routed(self):
        """The locustfile may have a further route: the server is told at once if that is to win over one of its own."""
        own = self.own_routes()
        # Without a runner there is nothing to tell yet, and the feed will tell of it.
        if self.feed and self.environment.runner and own != self._told_routes:
            self._told_routes = own
            self.feed.push()

    def guard(self, is_guarded=True):
        """Has the server ask before it shows anything, or not any more."""
        if self.server:
            self.server.guard(is_guarded)

    @property
    def has_own_login(self):
        """Whether the locustfile decides who is let in."""
        return self._login is not None

    @property
    def login_manager(self):
        """Flask-Login's, for the user loader of a locustfile's own login."""
        if self._login is None:
            refuse("web_ui.login_manager without --web-login, or with a login that the environment describes,")
        return self._login.manager

    def auth_required_if_enabled(self, view_func):
        """Wraps a view so that only those who have logged in see it. Where the server sees to that, it is the view itself."""
        if self._login is None:
            return view_func

        @functools.wraps(view_func)
        def guarded(*args, **kwargs):
            from flask import redirect, request, url_for

            if self._login.admits(request.environ):
                return view_func(*args, **kwargs)
            return redirect(url_for("locust.login"))

        return guarded

    def admits(self, environ):
        """Whether whoever asks this is let in, where the locustfile's login decides."""
        return self._login is None or self._login.admits(environ)

    def update_template_args(self):
        """What locustfiles call before they render the page; ours is rendered from the state of the moment."""

    @property
    def url(self):
        """Where the interface is found."""
        scheme = "https" if self.tls else "http"
        host = self.host or "0.0.0.0"
        port = self.server.port if self.server else self.port
        return f"{scheme}://{host}:{port}{self.base_path}"

    def start(self):
        """Listens, on a thread of Rust's. OSError if the port is taken."""
        certificates, key = (open(path, "rb").read() for path in self.tls) if self.tls else (None, None)
        login = self._credentials
        if self._login is not None:
            if not self.auth_args:
                raise ValueError(
                    f"--web-login needs {USER} and {PASSWORD}, or {TOKEN}, in the environment; or a locustfile that sets "
                    "web_ui.auth_args"
                )
            login = (None, None, None)
        ip = self._ip()
        self.server = _core.WebServer(ip, self.port, self.base_path, certificates, key, self.history, login)
        if login is None and not ipaddress.ip_address(ip).is_loopback:
            logger.warning(
                "Whoever reaches port %d can watch and stop this test: --web-login asks for a password, --web-host 127.0.0.1 "
                "keeps it to this machine.",
                self.server.port,
            )
        self.guard(self.is_guarded())
        self._bridge = Bridge(self, self.server)
        self.feed = Feed(self, self.server)
        self._told_routes = []
        self.routed()
        self._stopped.clear()
        self.greenlet = gevent.spawn(self._stopped.wait)

    def _ip(self):
        if not self.host:
            return "0.0.0.0"
        return socket.getaddrinfo(self.host, self.port, type=socket.SOCK_STREAM)[0][4][0]

    def stop(self, exit_code=None):
        """Tells open pages how the test ended, and stops listening. Returns what went wrong with keeping the run."""
        if not self.server:
            return None
        self._bridge.close()
        self.feed.close()
        error = self.server.conclude(exit_code)
        self.server.stop()
        self.server = None
        self._stopped.set()
        return error

    def application(self, environ, start_response):
        """The WSGI application."""
        if self._app is not None:
            return self.app(environ, start_response)
        body, status, headers = self.answer(environ)
        start_response(f"{status} {HTTPStatus(status).phrase}", headers)
        return [body]

    def answer(self, environ):
        """Body, status and headers of what one of our routes answers."""
        answer = self._answer(environ)
        body = answer.body.encode(errors="replace") if isinstance(answer.body, str) else answer.body
        headers = [
            ("Content-Type", answer.kind),
            ("Content-Length", str(len(body))),
            ("Access-Control-Allow-Origin", "*"),
            ("Cache-Control", "no-store"),
        ]
        if answer.download:
            headers.append(("Content-Disposition", _attachment(answer.download)))
        return body, answer.status.value, headers

    def _answer(self, environ):
        path = environ["PATH_INFO"]
        method = "GET" if environ["REQUEST_METHOD"] == "HEAD" else environ["REQUEST_METHOD"]
        route = self.routes.get((method, path))
        if route is None:
            known = any(path == other for _, other in self.routes)
            status = HTTPStatus.METHOD_NOT_ALLOWED if known else HTTPStatus.NOT_FOUND
            return Answer(status.phrase, "text/plain", status)
        try:
            return route(_Request(environ))
        except NotSupportedYet as error:
            return Answer(str(error), "text/plain", HTTPStatus.UNPROCESSABLE_ENTITY)
        except (KeyError, ValueError) as error:
            return Answer(str(error), "text/plain", HTTPStatus.BAD_REQUEST)
        except Exception as error:
            logger.exception("%s %s failed", method, path)
            return Answer(str(error), "text/plain", HTTPStatus.INTERNAL_SERVER_ERROR)

    def _report(self, request):
        download = "download" in request.query
        body = get_html_report(self.environment, not download, request.query.get("theme", [""])[0])
        name = f"{answers.download_name(self.environment)}.html" if download else None
        return Answer(body, "text/html; charset=utf-8", download=name)

    def _csv(self, table):
        body = answers.as_csv(self.stats_csv_writer or answers.csv_tables(self.environment), table)
        return Answer(body, "text/csv", download=f"{answers.download_name(self.environment)}_{table}.csv")

    def _history(self):
        name = getattr(self.stats_csv_writer, "stats_history_file_name", None)
        if not name or not self.stats_csv_writer.full_history:
            return Answer(
                "Error: Server was not started with option to generate full history.",
                "text/plain",
                HTTPStatus.NOT_FOUND,
            )
        self.stats_csv_writer.flush()
        with open(name(), "rb") as file:
            body = file.read()
        return Answer(body, "text/csv", download=f"{answers.download_name(self.environment)}_requests_full_history.csv")


def _attachment(name):
    """A header that has a browser keep a file under this name, whatever is in it (RFC 6266)."""
    # What is no file name anywhere, and what would end the header.
    name = "".join("_" if each in '/\\"' or not each.isprintable() else each for each in name)
    if name.isascii() and all(each.isalnum() or each in "!#$&+-.^_`|~" for each in name):
        return f"attachment;filename={name}"
    plain = name.encode("ascii", "replace").decode().replace("?", "_")
    encoded = quote(name.encode(errors="replace"), safe="")
    return f"attachment; filename=\"{plain}\"; filename*=UTF-8''{encoded}"


class _Request:
    """The parts of a WSGI request that routes read."""

    def __init__(self, environ):
        self.environ = environ
        self.query = parse_qs(environ.get("QUERY_STRING", ""))

    def body(self):
        return self.environ["wsgi.input"].read()

    def form(self):
        """Field -> values, of a form in either encoding."""
        return read_form(self.environ.get("CONTENT_TYPE", ""), self.body())

    def json(self):
        return json.loads(self.body())
