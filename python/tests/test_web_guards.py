"""What a locustfile's Flask application puts before its routes stands before page, endpoints and API, as in Locust."""

import importlib.util
import json
import logging
import os
import sys
import unittest
from http.client import HTTPConnection, IncompleteRead, RemoteDisconnected
from pathlib import Path
from unittest import mock
from urllib.parse import urlencode

import gevent

from .test_contract import _Locust
from .test_web import Web

_LOCUSTFILE = Path(__file__).parent / "guard_locustfile.py"
_PACKAGE = Path(__file__).parent.parent
_REAL = os.environ.get("THRONG_REAL_LOCUST")


def setUpModule():
    logging.disable(logging.CRITICAL)


def tearDownModule():
    logging.disable(logging.NOTSET)


@unittest.skipIf(importlib.util.find_spec("flask") is None, "not installed: flask")
class AsInLocust(unittest.TestCase):
    """One locustfile with guards, under both where the real one is there: who asks with which key gets what."""

    def each(self):
        runs = [(sys.executable, _PACKAGE), *([(_REAL, None)] if _REAL else [])]
        for interpreter, package in runs:
            with self.subTest("throng" if package else "Locust"):
                locust = _Locust(interpreter, package, file=_LOCUSTFILE)
                try:
                    yield locust
                finally:
                    locust.close()

    def ask(self, locust, method, path, key, form=None):
        connection = HTTPConnection("127.0.0.1", locust.port, timeout=30)
        headers = {"X-Key": key, **({"Content-Type": "application/x-www-form-urlencoded"} if form else {})}
        connection.request(method, path, urlencode(form) if form else None, headers)
        answer = connection.getresponse()
        self.answer, self.body = answer, answer.read().decode()
        connection.close()
        return answer.status

    def test_guards_stand_before_the_page_and_all_endpoints(self):
        for locust in self.each():
            for path in ("/", "/stats/requests", "/exceptions", "/logs", "/stats/report", "/login", "/nope"):
                self.assertEqual(self.ask(locust, "GET", path, "no"), 403, path)
                self.assertEqual(json.loads(self.body), {"error": "not for you"}, path)
                self.assertEqual(self.ask(locust, "GET", path, "redirect"), 302, path)
                self.assertEqual(self.answer.headers["Location"], "/elsewhere", path)
                self.assertEqual(self.answer.headers["X-Guard"], "seen", path)
            for path in ("/", "/stats/requests", "/tasks"):
                self.assertEqual(self.ask(locust, "GET", path, "yes"), 200, path)
                self.assertEqual(self.answer.headers["X-Guard"], "seen", path)
            self.assertEqual(self.ask(locust, "POST", "/swarm", "no", {"user_count": 1, "spawn_rate": 1}), 403)
            self.assertEqual(self.ask(locust, "GET", "/stats/requests", "yes"), 200)
            self.assertEqual(json.loads(self.body)["state"], "ready")

    def test_what_guards_see_and_what_becomes_of_their_errors(self):
        for locust in self.each():
            for method, path, endpoint in (
                ("GET", "/", "locust.index"),
                ("GET", "/stats/requests", "locust.request_stats"),
                ("POST", "/swarm", "locust.swarm"),
                ("POST", "/user", "locust.update_user"),
                ("GET", "/stats/requests_full_history/csv", "locust.request_stats_full_history_csv"),
                ("GET", "/login", "locust.login"),
                ("GET", "/broken", "broken"),
                ("GET", "/nope", "None"),
            ):
                self.assertEqual(self.ask(locust, method, path, "names"), 200)
                self.assertEqual(self.body, f"{method} {endpoint}")
            for path in ("/", "/stats/requests"):
                self.assertEqual((self.ask(locust, "GET", path, "boom"), self.body), (500, "of the guard"), path)
                self.assertEqual(self.ask(locust, "GET", path, "teapot"), 418, path)
                self.assertTrue(self.body.startswith("418 I'm a teapot:"), self.body)
            self.assertEqual((self.ask(locust, "GET", "/worker-count", "yes"), self.body), (401, "wrapped"))
            self.assertEqual(self.ask(locust, "GET", "/worker-count", "count"), 200)
            self.assertEqual(self.ask(locust, "POST", "/swarm", "few", {"user_count": 6, "spawn_rate": 1}), 400)
            self.assertEqual(self.ask(locust, "POST", "/swarm", "few", {"user_count": 5, "spawn_rate": 1}), 200)

    def test_a_stream_that_fails_in_the_middle_does_not_look_whole(self):
        for locust in self.each():
            with self.assertRaises((IncompleteRead, RemoteDisconnected)) as caught:
                self.ask(locust, "GET", "/broken", "yes")
            # What breaks at once may take with it what was sent before.
            if isinstance(caught.exception, IncompleteRead):
                self.assertEqual(caught.exception.partial, b"x" * 10)


@unittest.skipIf(importlib.util.find_spec("flask") is None, "not installed: flask")
class OfOurs(Web):
    """What Locust has not is asked for as the endpoint that does the same."""

    def setUp(self):
        super().setUp()
        self.seen = []

    def guarded(self, *refused):
        from flask import request

        @self.web.app.before_request
        def guard():
            self.seen.append((request.method, request.path, request.form.to_dict(), request.environ.get("throng.path")))
            return ("no", 403) if request.path in refused else None

    def command(self, name, body):
        connection = HTTPConnection("127.0.0.1", self.web.server.port, timeout=20)
        connection.request("POST", f"/api/v1/{name}", json.dumps(body), {"X-Throng": "1"})
        answer = connection.getresponse()
        text = answer.read().decode()
        connection.close()
        return answer.status, text

    def test_who_may_not_swarm_may_not_start(self):
        self.guarded("/swarm")
        self.assertEqual(self.command("start", {"users": 3, "spawn_rate": 2, "host": "http://x"}), (403, "no"))
        form = {"user_count": "3", "spawn_rate": "2", "host": "http://x", "run_time": ""}
        self.assertEqual(self.seen, [("POST", "/swarm", form, "/api/v1/start")])
        self.assertEqual(self.command("users", {"users": 1})[0], 403)
        self.assertEqual(self.runner.state, "ready")
        self.assertEqual(self.ask("GET", "/api/v1/snapshot")[0], 200)

    def test_who_may_not_see_statistics_sees_neither_state_nor_metrics(self):
        self.guarded("/stats/requests")
        for path in ("/api/v1/snapshot", "/api/v1/events", "/metrics", "/api/v1/requests/1/timeline"):
            self.assertEqual(self.ask("GET", path)[0], 403, path)
        self.assertEqual(self.ask("GET", "/healthz")[0], 200)
        self.assertEqual(self.ask("GET", "/")[0], 200)
        self.assertEqual(self.command("start", {"users": 1, "spawn_rate": 20})[0], 202)
        self.assertEqual(self.ask("GET", "/api/v1/openapi.json")[0], 200)

    def test_a_route_that_wins_over_one_of_ours_is_asked_for_as_it_is(self):
        self.web.app.add_url_rule("/metrics", "metrics", lambda: "mine")
        self.web.app.add_url_rule("/healthz", "health", lambda: "well")
        self.guarded("/metrics")
        self.assertEqual(self.ask("GET", "/metrics"), (403, "no"))
        self.assertEqual(self.ask("GET", "/healthz"), (200, "well"))
        self.assertEqual([each[1] for each in self.seen], ["/metrics", "/healthz"])
        self.assertEqual(self.ask("GET", "/readyz"), (200, "ok\n"))

    def test_commands_are_the_endpoints_of_locust(self):
        self.guarded()
        for name in ("stop", "reset", "pause"):
            self.command(name, {})
        self.ask("GET", "/api/v1/report")
        self.assertEqual(
            [each[:2] for each in self.seen],
            [("POST", "/stop"), ("POST", "/stats/reset"), ("POST", "/swarm"), ("GET", "/stats/report")],
        )

    def test_middleware_is_a_guard(self):
        inner = self.web.app.wsgi_app

        def outer(environ, start_response):
            if environ.get("HTTP_AUTHORIZATION"):
                return inner(environ, start_response)
            start_response("401 Unauthorized", [("WWW-Authenticate", 'Basic realm="x"')])
            return [b"who are you?"]

        self.web.app.wsgi_app = outer
        # Nobody is told of this one: it is found when the page is told how the test stands.
        self.web.feed.push()
        for path in ("/", "/api/v1/snapshot", "/stats/requests"):
            self.assertEqual(self.ask("GET", path), (401, "who are you?"), path)
            self.assertEqual(self.headers["WWW-Authenticate"], 'Basic realm="x"')

    def test_a_guard_that_comes_late_counts_at_once(self):
        self.assertEqual(self.ask("GET", "/api/v1/snapshot")[0], 200)
        self.guarded("/", "/stats/requests")
        self.assertEqual(self.ask("GET", "/api/v1/snapshot")[0], 403)

    def test_nobody_is_asked_where_there_is_no_guard(self):
        @self.web.app.route("/mine")
        def mine():
            return "mine"

        gevent.sleep(0)
        self.web.feed.push()
        with mock.patch.object(type(self.web), "admits", side_effect=AssertionError("asked")) as asked:
            self.assertEqual(self.ask("GET", "/api/v1/snapshot")[0], 200)
            self.assertEqual(self.ask("GET", "/mine"), (200, "mine"))
        asked.assert_not_called()

    def test_hooks_after_the_view_see_statistics_and_may_add_headers(self):
        from flask import request

        bodies = {}

        @self.web.app.after_request
        def add(response):
            bodies[request.path] = response.get_data(as_text=True)
            response.set_cookie("seen", "1")
            if request.path == "/stats/requests":
                response.set_data(json.dumps({**response.json, "extended_stats": []}))
            return response

        status, text = self.ask("GET", "/api/v1/snapshot")
        self.assertEqual((status, json.loads(text)["kind"]), (200, "locust"))
        self.assertEqual(self.headers["Set-Cookie"], "seen=1; Path=/")
        self.assertEqual(self.headers["Content-Type"], "application/json")
        self.assertEqual(json.loads(bodies["/stats/requests"])["state"], "ready")


if __name__ == "__main__":
    unittest.main()
