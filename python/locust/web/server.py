"""Routes requests of the web interface, and the object that locustfiles know as `environment.web_ui`."""

import json
import logging
from http import HTTPStatus
from urllib.parse import parse_qs

import gevent
from gevent.pywsgi import WSGIServer

from .._legacy import deprecated
from .._unsupported import NotSupportedYet, refuse
from ..html import get_html_report
from . import actions, answers
from .form import read_form
from .page import page

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
        if web_login:
            refuse("--web-login")
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
        self.tls = {"certfile": tls_cert, "keyfile": tls_key} if tls_cert else {}
        self.base_path = (web_base_path or "").rstrip("/")
        self.stats_csv_writer = stats_csv_writer
        self.userclass_picker_is_active = userclass_picker_is_active
        self._app = _early_app
        # What locustfiles may add for the page.
        self.template_args = {}
        self.server = None
        self.greenlet = None
        self.run_time_greenlet = None
        self.routes = {
            ("GET", "/"): lambda request: Answer(page(self), "text/html; charset=utf-8"),
            ("POST", "/swarm"): lambda request: Answer(actions.swarm(self, request.form())),
            ("POST", "/stop"): lambda request: Answer(actions.stop(self)),
            ("POST", "/stats/reset"): lambda request: Answer(actions.reset(self), "text/plain"),
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
        return self._app

    def auth_required_if_enabled(self, view_func):
        """What locustfiles wrap their views in; as `--web-login` is refused, the view itself."""
        return view_func

    def update_template_args(self):
        """What locustfiles call before they render the page; ours is rendered from the state of the moment."""

    @property
    def url(self):
        """Where the interface is found."""
        scheme = "https" if self.tls else "http"
        host = self.host or "0.0.0.0"
        port = self.server.server_port if self.server and self.server.started else self.port
        return f"{scheme}://{host}:{port}{self.base_path}"

    def start(self):
        """Listens, and answers from a greenlet. OSError if the port is taken."""
        # The default log would print a line for each request.
        self.server = WSGIServer((self.host, self.port), self.application, log=None, error_log=logger, **self.tls)
        self.server.start()
        self.greenlet = gevent.spawn(self.server._stop_event.wait)

    def stop(self):
        """Stops listening."""
        if self.server:
            self.server.stop(timeout=0)

    def application(self, environ, start_response):
        """The WSGI application."""
        if self._app is not None and not self._is_ours(environ):
            return self._app(environ, start_response)
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
        start_response(f"{answer.status.value} {answer.status.phrase}", headers)
        return [body]

    def _path(self, environ):
        """The path of a request below the base path; None if it is not below it."""
        path = environ["PATH_INFO"]
        if self.base_path:
            return path[len(self.base_path) :] if path.startswith(self.base_path + "/") else None
        return path

    def _is_ours(self, environ):
        path = self._path(environ)
        return any(path == known for _, known in self.routes)

    def _answer(self, environ):
        path = self._path(environ)
        if path is None:
            return Answer("Not Found", "text/plain", HTTPStatus.NOT_FOUND)
        method = "GET" if environ["REQUEST_METHOD"] == "HEAD" else environ["REQUEST_METHOD"]
        route = self.routes.get((method, path))
        if route is None:
            known = any(path == other for _, other in self.routes)
            status = HTTPStatus.METHOD_NOT_ALLOWED if known else HTTPStatus.NOT_FOUND
            return Answer(status.phrase, "text/plain", status)
        try:
            return route(_Request(environ))
        except NotSupportedYet as error:
            return Answer(str(error), "text/plain", HTTPStatus.NOT_IMPLEMENTED)
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
