"""What the test of guards runs under Locust and under throng: hooks that stand before all routes of the web interface."""

from flask import Response, abort, jsonify, redirect, request

from locust import User, events, task


class Idle(User):
    host = "http://example.test"

    @task
    def rest(self):
        pass


@events.init.add_listener
def guard(environment, web_ui, **_kwargs):
    app = web_ui.app

    @app.before_request
    def look():
        key = request.headers.get("X-Key")
        if key == "boom":
            raise RuntimeError("of the guard")
        if key == "redirect":
            return redirect("/elsewhere")
        if key == "few" and request.path == "/swarm" and int(request.form["user_count"]) > 5:
            return jsonify(error="too many"), 400
        if key == "names":
            return f"{request.method} {request.endpoint}"
        if key == "no":
            abort(403)
        if key == "teapot":
            abort(418)
        return None

    @app.after_request
    def mark(response):
        response.headers["X-Guard"] = "seen"
        return response

    @app.errorhandler(403)
    def forbidden(_error):
        return jsonify(error="not for you"), 403

    @app.route("/broken")
    def broken():
        def parts():
            yield "x" * 10
            raise RuntimeError("in the middle")

        return Response(parts(), mimetype="text/plain")

    views = app.view_functions
    worker_count = views["locust.get_worker_count"]

    def wrapped():
        return worker_count() if request.headers.get("X-Key") == "count" else ("wrapped", 401)

    views["locust.get_worker_count"] = wrapped
