"""The object that locustfiles know as `environment.web_ui`, and its routes.

The page and its event stream are served by Rust (`_core.WebServer`); everything else comes here as WSGI: Locust's
endpoints, and the routes that a locustfile adds.
"""

import functools
import ipaddress
import json
import logging
import socket
from http import HTTPStatus
from urllib.parse import parse_qs

from .. import _core
from .._legacy import deprecated
from .._unsupported import NotSupportedYet, refuse
from ..html import get_html_report
from . import actions, answers
from .bridge import Bridge
from .feed import Feed
from .form import read_form
from .login import PASSWORD, TOKEN, USER, OwnLogin, credentials
from .login import routes as login_routes

logger = logging.getLogger("locust.web")


class Answer:
    """What a route answers: a body with its type and, for downloads, a file name."""

    def __init__(self, body, kind="application/json", status=HTTPStatus.OK, download=None):
        self.body = body if isinstance(body, (str, bytes)) else json.dumps(body, indent=2, sort_keys=True) + "\n"
        self.kind = kind
        self.status = HTTPStatus(status)
        self.download = download


# The application of locustfiles that have routes before there is a web interface, as was usual before version 1.0.
_early_app = None


def _make_app(asked_for):
    try:
        from flask import Flask
    except ImportError:
        refuse(f"{asked_for} without Flask (pip install flask)")
    return Flask("locust.web", static_folder=None)


# What locustfiles render to show the page with what they add to it: it is known from then on, and the page is elsewhere.
_INDEX = '<!doctype html><meta charset="utf-8"><title>Locust</title>{{ throng_extend(template_args) }}'


def old_app():
    """The application of the web interface that will be made."""
    global _early_app
    deprecated("locust.web.app", "use environment.web_ui.app in a listener of init")
    _early_app = _early_app or _make_app("locust.web.app")
    return _early_app


class WebUI:
    """The web interface of an environment."""

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
        # What locustfiles may add for the page.
        self.template_args = {}
        # As what runs are kept (`_history.wanted`).
        self.history = None
        # What its own login needs, with --web-login and without credentials in the environment.
        self.auth_args = {}
        self._credentials = credentials()
        self._login = OwnLogin(self.app) if web_login and self._credentials is None else None
        self.server = None
        self.feed = None
        self._bridge = None
        self.run_time_greenlet = None
        # Of the test that was started here last, in seconds.
        self.has_started, self.run_time = False, None
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
        if not delayed_start:
            self.start()

    @property
    def app(self):
        """A Flask application for the routes that a locustfile adds; asked for what is not among our own routes."""
        if self._app is None:
            self._app = _make_app("web_ui.app")
        if "throng_extend" not in self._app.jinja_env.globals:
            from jinja2 import DictLoader

            self._app.jinja_env.globals["throng_extend"] = self._extend
            self._app.jinja_loader = DictLoader({"index.html": _INDEX})
        if "locust" not in self._app.blueprints:
            login_routes(self._app, self)
        return self._app

    def _extend(self, template_args):
        from markupsafe import Markup, escape

        self.template_args = {**self.template_args, **(template_args or {})}
        if self.feed:
            self.feed.wake()
        return Markup('<meta http-equiv="refresh" content="0; url={}/">').format(escape(self.base_path))

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
        self._bridge = Bridge(self, self.server)
        self.feed = Feed(self, self.server)

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
        return error

    def application(self, environ, start_response):
        """The WSGI application."""
        if self._app is not None and not self._is_ours(environ):
            return self._app(environ, start_response)
        if not self.admits(environ):
            start_response("302 Found", [("Location", f"{self.base_path}/login"), ("Content-Length", "0")])
            return [b""]
        answer = self._answer(environ)
        body = answer.body.encode() if isinstance(answer.body, str) else answer.body
        headers = [
            ("Content-Type", answer.kind),
            ("Content-Length", str(len(body))),
            ("Access-Control-Allow-Origin", "*"),
            ("Cache-Control", "no-store"),
        ]
        if answer.download:
            headers.append(("Content-Disposition", f"attachment;filename={answer.download}"))
        if self._app is not None and any(self._app.after_request_funcs.values()):
            # Listeners of a locustfile add to what our routes answer.
            with self._app.request_context(environ):
                response = self._app.make_response((body, answer.status.value, headers))
                return self._app.process_response(response)(environ, start_response)
        start_response(f"{answer.status.value} {answer.status.phrase}", headers)
        return [body]

    def _is_ours(self, environ):
        path = environ["PATH_INFO"]
        return any(path == known for _, known in self.routes)

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
