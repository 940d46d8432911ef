"""The Flask application of a locustfile: Locust's endpoints are routes of it, beside those that the file adds.

Made only when a locustfile asks for it, as Flask need not be installed.
"""

import logging

from .._unsupported import refuse
from .guards import ASKED
from .login import POLICY, page

logger = logging.getLogger("locust.web")

# What locustfiles render to show the page with what they add to it: it is known from then on, and the page is elsewhere.
_INDEX = '<!doctype html><meta charset="utf-8"><title>Locust</title>{{ throng_extend(template_args) }}'

# What Locust calls its endpoints: guards ask for these names.
_NAMES = {
    "/swarm": "swarm",
    "/stop": "stop",
    "/stats/reset": "reset_stats",
    "/stats/report": "stats_report",
    "/stats/requests": "request_stats",
    "/stats/requests/csv": "request_stats_csv",
    "/stats/requests_full_history/csv": "request_stats_full_history_csv",
    "/stats/failures/csv": "failures_stats_csv",
    "/exceptions": "exceptions",
    "/exceptions/csv": "exceptions_csv",
    "/tasks": "tasks",
    "/logs": "logs",
    "/user": "update_user",
    "/worker-count": "get_worker_count",
}


def make(asked_for):
    """An application; refuses `asked_for` by name where there is no Flask."""
    try:
        from flask import Flask
    except ImportError:
        refuse(f"{asked_for} without Flask (pip install flask)")

    class App(Flask):
        """Says when something is put before its routes."""

        # That whose application it is, which may be made later.
        web_ui = None

        def _check_setup_finished(self, f_name):
            super()._check_setup_finished(f_name)
            if self.web_ui:
                self.web_ui.guard()

        def add_url_rule(self, *args, **kwargs):
            super().add_url_rule(*args, **kwargs)
            if self.web_ui:
                self.web_ui.routed()

    return App("locust.web", static_folder=None)


def attach(app, web_ui):
    """Has `app` serve the endpoints of `web_ui` as Locust's. Returns their views by the names of the endpoints."""
    app.web_ui = None
    if "locust" not in app.blueprints:
        _register(app, web_ui.routes)
    app.web_ui = web_ui
    return {name: view for name, view in app.view_functions.items() if name.startswith("locust.")}


def routed(app, paths):
    """Those of `paths` that `app` serves: by a rule, or by what a `DispatcherMiddleware` before it has there."""
    from werkzeug.exceptions import HTTPException, NotFound

    rules = app.url_map.bind("localhost")

    def has_rule(path):
        try:
            rules.match(path)
        except NotFound:
            return False
        except HTTPException:
            # For another method, or with a slash behind it.
            pass
        return True

    mounts, outer, seen = set(), vars(app).get("wsgi_app"), []
    while outer is not None and all(outer is not each for each in seen):
        seen.append(outer)
        mounts.update(getattr(outer, "mounts", None) or ())
        outer = getattr(outer, "app", None)
    return [path for path in paths if path in mounts or has_rule(path)]


def _register(app, routes):
    from flask import Blueprint, Response, make_response, redirect, request, session, url_for
    from jinja2 import DictLoader
    from markupsafe import Markup, escape

    def extend(template_args):
        app.web_ui.extend(template_args)
        return Markup('<meta http-equiv="refresh" content="0; url={}/">').format(escape(app.web_ui.base_path))

    app.jinja_env.globals["throng_extend"] = extend
    app.jinja_loader = DictLoader({"index.html": _INDEX})
    ours = Blueprint("locust", __name__)

    def view_of(path):
        def view():
            asked = request.environ.get(ASKED)
            admits = app.web_ui.admits(request.environ)
            if asked is not None:
                asked.reached, asked.admitted = True, admits
                # Hooks after the view may read what is in these, and see nothing of the others, which may be orders.
                if not admits or path not in ("/", "/stats/requests"):
                    return Response("{}", mimetype="application/json")
            if not admits:
                return redirect(url_for("locust.login"))
            if path == "/":
                # The page is the server's; only its address is asked for.
                return Response("", mimetype="text/html") if asked else redirect("./")
            return Response(*app.web_ui.answer(request.environ))

        return view

    for method, path in routes:
        ours.add_url_rule(path, _NAMES[path], view_of(path), methods=[method])
    ours.add_url_rule("/", "index", view_of("/"), methods=["GET"])

    @ours.route("/login", endpoint="login")
    def login():
        if not app.web_ui.has_own_login:
            return redirect(url_for("locust.index"))
        said = {}
        if app.secret_key:
            said = {kind: session.pop(f"auth_{kind}", None) for kind in ("error", "info")}
        answer = make_response(page({**(app.web_ui.auth_args or {}), **{k: v for k, v in said.items() if v}}))
        answer.headers["Content-Security-Policy"] = POLICY
        return answer

    @ours.errorhandler(Exception)
    def failed(error):
        # As Locust: what went wrong is the answer, also of a guard before its endpoints.
        status = getattr(error, "code", None)
        # Errors of others have codes of their own, such as texts.
        status = status if isinstance(status, int) else 500
        if status >= 500:
            name, method, path = type(error).__name__, request.method, request.path
            text = "UI got request for %s %s, but it resulted in a %d: %s"
            logger.error(text, method, path, status, name, exc_info=error)
        return make_response(str(error), status)

    app.register_blueprint(ours)
