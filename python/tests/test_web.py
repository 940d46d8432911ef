"""The web interface: every route, its keys, and what it says to wrong input."""

import csv
import importlib.util
import io
import json
import logging
import unittest
from http.client import HTTPConnection
from urllib.parse import urlencode

import gevent
from locust import LoadTestShape, User, constant, task
from locust.argument_parser import get_parser
from locust.env import Environment


def setUpModule():
    # The users fail on purpose.
    logging.disable(logging.CRITICAL)


def tearDownModule():
    logging.disable(logging.NOTSET)


class Common(User):
    abstract = True
    wait_time = constant(0.05)

    @task
    def report(self):
        self.environment.events.request.fire(request_type="GET", name="/a", response_time=12, response_length=3)

    @task
    def fail(self):
        self.environment.events.request.fire(
            request_type="GET", name="/b", response_time=1, response_length=0, exception=ValueError("bad <b>")
        )

    @task
    def error(self):
        raise RuntimeError("in a task")


class Web(unittest.TestCase):
    shape = None
    picker = False
    base = ""

    def setUp(self):
        self.one, self.two = type("One", (Common,), {}), type("Two", (Common,), {})
        self.environment = Environment(
            user_classes=[self.one, self.two],
            available_user_classes={"One": self.one, "Two": self.two},
            available_shape_classes={},
            shape_class=self.shape and self.shape(),
            parsed_options=get_parser(default_config_files=()).parse_args([]),
            locustfile="mine.py",
        )
        self.runner = self.environment.create_local_runner()
        self.web = self.environment.create_web_ui(
            "127.0.0.1", 0, web_base_path=self.base, userclass_picker_is_active=self.picker
        )
        self.addCleanup(self.web.stop)
        self.addCleanup(self.runner.quit)

    def ask(self, method, path, body=None, kind="application/x-www-form-urlencoded"):
        connection = HTTPConnection("127.0.0.1", self.web.server.port, timeout=20)
        connection.request(method, path, body, {"Content-Type": kind} if body else {})
        answer = connection.getresponse()
        self.headers = answer.headers
        text = answer.read().decode()
        connection.close()
        return answer.status, text

    def swarm(self, **form):
        status, text = self.ask("POST", f"{self.base}/swarm", urlencode(form, doseq=True))
        self.assertEqual(status, 200)
        return json.loads(text)

    def get(self, path):
        status, text = self.ask("GET", self.base + path)
        self.assertEqual(status, 200, text)
        return json.loads(text)

    def snapshot_when(self, what):
        with gevent.Timeout(20):
            while True:
                snapshot = self.get("/api/v1/snapshot")
                if what(snapshot):
                    return snapshot
                gevent.sleep(0.05)


class Routes(Web):
    def run_for_a_moment(self):
        self.swarm(user_count=4, spawn_rate=50)
        gevent.sleep(0.6)

    def test_start_change_and_stop(self):
        answer = self.swarm(user_count=3, spawn_rate=50, host="http://<x>")
        self.assertEqual(answer, {"success": True, "message": "Swarming started", "host": "http://x"})
        gevent.sleep(0.2)
        self.assertEqual((self.runner.user_count, self.one.host), (3, "http://x"))
        self.swarm(user_count=1, spawn_rate=50)
        gevent.sleep(0.2)
        self.assertEqual(self.runner.user_count, 1)
        status, text = self.ask("POST", "/stop")
        self.assertEqual((status, json.loads(text)), (200, {"success": True, "message": "Test stopped"}))
        self.assertEqual((self.runner.state, self.runner.user_count), ("stopped", 0))

    def test_the_names_of_before_version_1_are_taken(self):
        self.assertTrue(self.swarm(locust_count=2, hatch_rate=50)["success"])
        gevent.sleep(0.2)
        self.assertEqual(self.runner.user_count, 2)

    def test_a_multipart_form_is_a_form(self):
        body = "".join(
            f'--b\r\nContent-Disposition: form-data; name="{name}"\r\n\r\n{value}\r\n'
            for name, value in (("user_count", "2"), ("spawn_rate", "20"))
        )
        _, text = self.ask("POST", "/swarm", f"{body}--b--\r\n", "multipart/form-data; boundary=b")
        self.assertTrue(json.loads(text)["success"], text)

    def test_wrong_forms_are_answered_with_what_is_wrong(self):
        for form, message in (
            ({"user_count": "x", "spawn_rate": 1}, "Invalid user_count value: 'x' (must be an integer)"),
            ({"user_count": 1}, "Missing or invalid user_count or spawn_rate from /swarm request"),
            ({"user_count": 1, "spawn_rate": "x"}, "Invalid spawn_rate value: 'x' (must be a number)"),
            ({"user_count": 1, "spawn_rate": -1}, "Missing or invalid user_count or spawn_rate from /swarm request"),
            ({"user_count": 1, "spawn_rate": "inf"}, "Missing or invalid user_count or spawn_rate from /swarm request"),
            ({"user_count": 10**18, "spawn_rate": 1},
             f"Invalid user_count value: '{10**18}' (must be from 0 to 10000000)"),
            ({"user_count": 1, "spawn_rate": 1, "run_time": "1d"},
             "Valid run_time formats are : 20, 20s, 3m, 2h, 1h20m, 3h30m10s, etc."),
        ):  # fmt: skip
            answer = self.swarm(**form)
            self.assertEqual((answer["success"], answer["message"]), (False, message))
        self.assertEqual(self.runner.state, "ready")

    def test_a_user_class_is_changed_and_shown_as_it_is(self):
        change = {"user_class_name": "One", "weight": 3, "fixed_count": 2, "host": "http://one", "tasks": ["error"]}
        self.assertEqual(self.ask("POST", "/user", json.dumps(change), "application/json")[0], 201)
        form = self.snapshot_when(lambda now: now["form"]["classes"][0]["weight"] == 3)["form"]
        one = {"weight": 3, "fixed_count": 2, "host": "http://one", "tasks": ["error"]}
        self.assertEqual({key: form["classes"][0][key] for key in one}, one)
        self.assertEqual(form["classes"][1]["host"], None)

    def test_what_describes_no_user_is_refused(self):
        one = '{"user_class_name": "One", '
        values = ('"tasks": 3}', '"weight": "x"}', '"weight": -1}', '"fixed_count": 1.5}', '"host": 5}')
        for body in ("[0]", "null", "{}", '{"user_class_name": []}', *(one + value for value in values), "{"):
            status, text = self.ask("POST", "/user", body, "application/json")
            self.assertEqual(status, 400, f"{body}: {text}")

    def test_options_are_set_in_their_types(self):
        self.swarm(user_count=1, spawn_rate=10, stop_timeout="5", only_summary="true", loglevel="DEBUG")
        options = self.environment.parsed_options
        self.assertEqual(
            (options.num_users, options.stop_timeout, options.only_summary, options.loglevel), (1, 5, True, "DEBUG")
        )

    def test_statistics_have_locusts_keys(self):
        self.run_for_a_moment()
        now = self.get("/stats/requests")
        self.assertLessEqual(
            {"current_fail_per_sec", "current_response_time_percentiles", "current_rps", "errors", "fail_ratio", "state",
             "stats", "total_fail_per_sec", "total_rps", "user_count"},
            set(now),
        )  # fmt: skip
        self.assertNotIn("workers", now)
        self.assertEqual((now["state"], now["user_count"]), ("running", 4))
        self.assertEqual([entry["name"] for entry in now["stats"]], ["/a", "/b", "Aggregated"])
        self.assertEqual(
            sorted(now["errors"][0]), ["error", "first_seen", "last_seen", "method", "name", "occurrences"]
        )
        self.assertEqual(
            sorted(now["current_response_time_percentiles"]),
            ["response_time_percentile_0.5", "response_time_percentile_0.95"],
        )

    def test_exceptions_ratios_logs_and_workers(self):
        self.run_for_a_moment()
        exception = self.get("/exceptions")["exceptions"][0]
        self.assertEqual((exception["msg"], exception["nodes"]), ("in a task", "local"))
        self.assertIn('raise RuntimeError("in a task")', exception["traceback"])
        ratios = self.get("/tasks")
        self.assertEqual(ratios["per_class"]["One"]["ratio"], 0.5)
        self.assertAlmostEqual(ratios["total"]["Two"]["tasks"]["fail"]["ratio"], 1 / 6)
        self.assertEqual(sorted(self.get("/logs")), ["master", "workers"])
        self.assertEqual(self.get("/worker-count"), {"worker_count": 0})

    def test_tables_are_downloads(self):
        self.run_for_a_moment()
        for path, columns, name in (
            ("/stats/requests/csv", ["Type", "Name", "Request Count"], "_requests.csv"),
            ("/stats/failures/csv", ["Method", "Name", "Error"], "_failures.csv"),
            ("/exceptions/csv", ["Count", "Message", "Traceback"], "_exceptions.csv"),
        ):
            status, text = self.ask("GET", path)
            self.assertEqual((status, self.headers["Content-Type"]), (200, "text/csv"))
            self.assertEqual(next(csv.reader(io.StringIO(text)))[:3], columns)
            self.assertRegex(self.headers["Content-Disposition"], rf"attachment;filename=Locust_.*_mine.*{name}")

    def test_no_cell_of_a_download_is_a_formula(self):
        fire = self.environment.events.request.fire
        fire(request_type="GET", name='=HYPERLINK("x")', response_time=1, response_length=3, exception=None)
        fire(request_type="@GET", name="/a", response_time=1, response_length=3, exception="-1+1")
        rows = list(csv.reader(io.StringIO(self.ask("GET", "/stats/requests/csv")[1])))
        self.assertEqual([row[:2] for row in rows[1:]], [["'@GET", "/a"], ["GET", '\'=HYPERLINK("x")'], ["", "Aggregated"]])
        rows = list(csv.reader(io.StringIO(self.ask("GET", "/stats/failures/csv")[1])))
        self.assertEqual(rows[1][:3], ["'@GET", "/a", "'-1+1"])

    def test_what_is_no_character_ends_nothing(self):
        fire = self.environment.events.request.fire
        fire(request_type="GE\ud800T", name="/lone\ud800", response_time=1, response_length=3, exception=None)
        fire(request_type="GET", name="/b\udfff", response_time=1, response_length=3, exception=ValueError("no \ud801"))
        self.runner.log_exception("local", "bad \ud802", "trace \ud803")
        self.environment.worker_logs["w"] = ["a line \ud804"]
        for path in ("/stats/requests", "/stats/requests/csv", "/stats/failures/csv", "/exceptions/csv", "/exceptions",
                     "/stats/report", "/logs"):  # fmt: skip
            self.assertEqual(self.ask("GET", path)[0], 200, path)
        seen = self.snapshot_when(lambda now: now["exceptions"] and len(now["requests"]) == 2)
        self.assertEqual([row["count"] for row in seen["requests"]], [1, 1])
        self.assertIn("no ", seen["failures"][0]["error"])

    def test_a_download_is_named_as_a_header_can_say_it(self):
        self.environment.locustfile = 'a;b "ü\n.py'
        self.assertEqual(self.ask("GET", "/stats/requests/csv")[0], 200)
        said = self.headers["Content-Disposition"]
        self.assertRegex(said, r'attachment; filename="Locust_[-0-9h]+_a;b ____requests\.csv"; filename\*=UTF-8\'\'Locust_.*')
        self.assertIn("_a%3Bb%20_%C3%BC__requests.csv", said)

    def test_the_report_is_shown_and_downloaded(self):
        self.run_for_a_moment()
        status, shown = self.ask("GET", "/stats/report?theme=dark")
        self.assertEqual((status, self.headers.get("Content-Disposition")), (200, None))
        self.assertIn("color-scheme: dark", shown)
        self.assertIn("bad &lt;b&gt;", shown, "texts of errors are no HTML")
        self.assertIn("in a task", shown)
        _, downloaded = self.ask("GET", "/stats/report?download=1")
        self.assertRegex(self.headers["Content-Disposition"], r"attachment;filename=Locust_.*_mine\.html")
        self.assertNotIn("download=1", downloaded)

    def test_reset_starts_statistics_over(self):
        heard = []
        self.environment.events.reset_stats.add_listener(lambda **kwargs: heard.append(kwargs))
        self.run_for_a_moment()
        self.ask("POST", "/stop")
        self.assertEqual(self.ask("POST", "/stats/reset"), (200, "ok"))
        self.assertEqual((self.environment.stats.num_requests, self.runner.exceptions, heard), (0, {}, [{}]))

    def test_user_classes_are_changed(self):
        status, _ = self.ask(
            "POST",
            "/user",
            json.dumps({"user_class_name": "One", "tasks": ["report"], "weight": 3}),
            "application/json",
        )
        self.assertEqual((status, self.one.weight, [each.__name__ for each in self.one.tasks]), (201, 3, ["report"]))
        self.assertEqual(self.ask("POST", "/user", '{"user_class_name": "Nope"}', "application/json")[0], 400)

    def test_the_page_and_what_is_not_there(self):
        status, text = self.ask("GET", "/")
        self.assertEqual(status, 200)
        self.assertIn("default-src 'self'", self.headers["content-security-policy"])
        self.assertIn("<title>throng", text)
        self.assertEqual(self.ask("GET", "/nope")[0], 404)
        self.assertEqual(self.ask("GET", "/stop")[0], 405)
        self.assertEqual(self.headers["Access-Control-Allow-Origin"], "*")


class Page(Web):
    """What the page is told, and what it may ask for."""

    def command(self, name, body=None, expect=202):
        connection = HTTPConnection("127.0.0.1", self.web.server.port, timeout=20)
        headers = {"X-Throng": "1", "Host": "localhost"}
        connection.request("POST", f"{self.base}/api/v1/{name}", body and json.dumps(body), headers)
        answer = connection.getresponse()
        text = answer.read().decode()
        connection.close()
        self.assertEqual(answer.status, expect, text)
        return json.loads(text)

    def test_the_same_failure_in_a_second_test_is_told_again(self):
        class Once(User):
            wait_time = constant(60)

            def on_start(self):
                self.environment.events.request.fire(
                    request_type="GET", name="/once", response_time=1, response_length=0, exception=ValueError("no")
                )

            @task
            def rest(self):
                pass

        self.environment.user_classes = [Once]
        for _ in range(3):
            self.command("start", {"users": 1, "spawn_rate": 50})
            seen = self.snapshot_when(lambda now: now["state"] == "running" and now["failures"])
            self.assertEqual([each["count"] for each in seen["failures"]], [1])
            self.command("stop")
            self.snapshot_when(lambda now: now["state"] == "stopped")

    def test_a_change_of_the_users_keeps_the_limit_that_is_shown(self):
        self.command("start", {"users": 1, "spawn_rate": 50, "run_time": "2s"})
        self.snapshot_when(lambda now: now["state"] == "running" and now["planned"] == 2)
        self.command("users", {"users": 2, "spawn_rate": 50})
        self.snapshot_when(lambda now: now["state"] == "stopped")
        # As in Locust a form without a limit has none; nor does the page show that of before.
        self.swarm(user_count=1, spawn_rate=50, host="http://there")
        self.snapshot_when(lambda now: now["state"] == "running" and now["planned"] is None)
        self.assertEqual(self.environment.parsed_options.host, "http://there")

    def test_a_test_is_started_seen_changed_reset_and_stopped(self):
        ready = self.snapshot_when(lambda now: now["kind"] == "locust")
        self.assertEqual((ready["state"], ready["can"], ready["file"]), ("ready", ["start", "reset"], "mine.py"))
        self.assertEqual((ready["started_at"], ready["timeline"]["rps"]), (None, []))
        self.assertEqual([each["name"] for each in ready["form"]["classes"]], ["One", "Two"])
        self.assertEqual(ready["form"]["classes"][0]["tasks"], ["report", "fail", "error"])

        self.command("start", {"users": 4, "spawn_rate": 50, "host": "http://other", "run_time": None})
        self.command("start", {"users": 4, "spawn_rate": 50}, expect=409)
        seen = self.snapshot_when(lambda now: len(now["timeline"]["rps"]) >= 2 and len(now["requests"]) == 2)
        self.assertEqual((seen["state"], seen["host"]), ("running", "http://other"))
        self.assertEqual(seen["users"]["by_class"], {"One": 2, "Two": 2})
        rows = {row["name"]: row for row in seen["requests"]}
        self.assertEqual((rows["/a"]["fails"], rows["/a"]["p95"], rows["/a"]["size"]), (0, 12, 3))
        self.assertEqual(rows["/b"]["fails"], rows["/b"]["count"])
        self.assertGreater(rows["/a"]["rps"], 1)
        self.assertEqual(seen["totals"]["count"], rows["/a"]["count"] + rows["/b"]["count"])
        self.assertEqual((seen["failures"][0]["name"], seen["failures"][0]["error"]), ("/b", "ValueError('bad <b>')"))
        self.assertEqual((seen["exceptions"][0]["message"], seen["exceptions"][0]["nodes"]), ("in a task", ["local"]))
        self.assertEqual(seen["task_ratio"]["per_class"]["One"]["ratio"], 0.5)
        points = self.get(f"/api/v1/requests/{rows['/a']['id']}/timeline")
        self.assertGreater(max(points["rps"]), 1)

        self.command("users", {"users": 1})
        self.snapshot_when(lambda now: now["users"]["now"] == 1 and now["users"]["target"] == 1)
        self.command("reset")
        seen = self.snapshot_when(lambda now: now["totals"]["count"] < 20)
        self.assertGreaterEqual(len(seen["timeline"]["rps"]), 2, "the charts stay")
        self.command("stop")
        ended = self.snapshot_when(lambda now: now["state"] == "stopped")
        self.assertIsNotNone(ended["ended_at"])
        self.command("stop", expect=409)
        self.command("start", {"users": 1, "spawn_rate": 1})
        again = self.snapshot_when(lambda now: now["state"] == "running")
        self.assertEqual(again["started_at"] > ended["started_at"], True)

    def test_news_between_two_seconds_do_not_put_off_the_next(self):
        self.command("start", {"users": 2, "spawn_rate": 50})
        for users in (3, 4, 5, 6):
            gevent.sleep(0.3)
            self.command("users", {"users": users, "spawn_rate": 50})
        gevent.sleep(1.2)
        points = self.get("/api/v1/snapshot")["timeline"]["rps"]
        self.assertGreaterEqual(len([each for each in points if each is not None]), 2, points)

    def test_what_cannot_be_used_is_refused(self):
        self.snapshot_when(lambda now: now["can"])
        one = {"users": 1, "spawn_rate": 1}
        for form, message in (
            ({"spawn_rate": 1}, "user_count"),
            ({**one, "run_time": "x"}, "run_time"),
            ({**one, "classes": ["One"]}, "--class-picker"),
        ):
            self.assertIn(message, self.command("start", form, expect=400)["error"])
        self.assertIn("cannot be paused", self.command("pause", expect=422)["error"])
        self.command("users", {"users": 3}, expect=409)
        status, _ = self.ask("POST", "/api/v1/start", "{}")
        self.assertEqual((status, self.runner.state), (403, "ready"))

    def test_log_records_reach_the_page(self):
        logging.disable(logging.NOTSET)
        self.addCleanup(logging.disable, logging.CRITICAL)
        logging.getLogger("mine").error("look %s", "here")
        seen = self.snapshot_when(lambda now: now["logs"])
        self.assertEqual((seen["logs"][0]["level"], seen["logs"][0]["text"]), ("error", "mine: look here"))


@unittest.skipIf(importlib.util.find_spec("flask") is None, "not installed: flask")
class WithRoutes(Web):
    def test_routes_of_a_locustfile_are_served_beside_ours(self):
        @self.web.app.route("/added/<name>", methods=["GET", "POST"])
        @self.web.auth_required_if_enabled
        def added(name):
            return {"hello": name, "users": self.runner.user_count}

        status, text = self.ask("GET", "/added/x")
        self.assertEqual((status, json.loads(text)), (200, {"hello": "x", "users": 0}))
        self.assertEqual(self.get("/stats/requests")["state"], "ready")
        self.assertEqual(self.ask("GET", "/nope")[0], 404)
        self.assertEqual(self.ask("GET", "/stop")[0], 405)

    def test_routes_of_a_locustfile_win_over_those_that_locust_has_not(self):
        self.assertIn("throng_users", self.ask("GET", "/metrics")[1])
        self.assertEqual(self.ask("GET", "/readyz"), (200, "ok\n"))
        ready = []
        own = {"/metrics": "mine 1\n", "/logout": "bye", "/assets/mine.txt": "a file", "/login.css": "of mine"}
        for path, text in own.items():
            self.web.app.add_url_rule(path, path.replace(".", "-"), lambda text=text: text)
        self.web.app.add_url_rule("/readyz", "ready", lambda: ("yes", 200) if ready else ("not yet", 503))
        for path, text in own.items():
            self.assertEqual(self.ask("GET", path), (200, text), path)
        self.assertEqual(self.ask("GET", "/readyz"), (503, "not yet"))
        ready.append(True)
        self.assertEqual(self.ask("GET", "/readyz"), (200, "yes"))
        self.assertEqual(self.ask("GET", "/healthz"), (200, "ok\n"))
        # As Flask has it: the path is the route's, by another method too.
        self.assertEqual(self.ask("POST", "/metrics", "x")[0], 405)
        self.assertNotIn("/metrics", self.get("/api/v1/openapi.json")["paths"])
        self.web.feed.push()
        self.assertEqual(self.ask("GET", "/metrics"), (200, "mine 1\n"))

    def test_routes_of_a_locustfile_do_not_win_over_those_of_locust_and_the_page(self):
        for path in ("/", "/stats/requests", "/tasks", "/api/v1/snapshot", "/<path:all>"):
            self.web.app.add_url_rule(path, f"own {path.replace('.', '-')}", lambda **_: "mine")
        self.assertEqual(self.get("/stats/requests")["state"], "ready")
        self.assertIn("total", self.get("/tasks"))
        self.assertEqual(self.get("/api/v1/snapshot")["kind"], "locust")
        self.assertIn("<title>throng", self.ask("GET", "/")[1])
        for path in ("/metrics", "/healthz", "/any"):
            self.assertEqual(self.ask("GET", path), (200, "mine"), path)

    def test_what_is_mounted_before_the_application_wins_as_its_routes_do(self):
        from werkzeug.middleware.dispatcher import DispatcherMiddleware
        from werkzeug.middleware.proxy_fix import ProxyFix

        def exporter(environ, start_response):
            start_response("200 OK", [("Content-Type", "text/plain")])
            return [b"mounted"]

        app = self.web.app
        app.wsgi_app = ProxyFix(DispatcherMiddleware(app.wsgi_app, {"/metrics": exporter}))
        # Nobody is told of it: it is found when the page is told how the test stands.
        self.web.feed.push()
        self.assertEqual(self.ask("GET", "/metrics"), (200, "mounted"))
        self.assertEqual(self.ask("GET", "/healthz"), (200, "ok\n"))
        self.assertEqual(self.get("/stats/requests")["state"], "ready")

    def test_tabs_and_tables_of_a_locustfile_are_told_to_the_page_with_their_data(self):
        from flask import render_template

        columns = [{"key": "name", "title": "Name"}, {"key": "length", "title": "Length"}]

        @self.web.app.route("/extend")
        def extend():
            self.web.update_template_args()
            more = {
                "extended_tabs": [{"title": "Content <b>", "key": "content-length"}],
                "extended_tables": [{"key": "content-length", "structure": columns}],
                "extended_csv_files": [{"href": "/content-length/csv", "title": "Lengths"}],
            }
            return render_template("index.html", template_args={**self.web.template_args, **more})

        @self.web.app.after_request
        def add(response):
            from flask import request

            if request.path != "/stats/requests":
                return response
            data = [{"name": "/a", "length": 3}]
            response.set_data(json.dumps({**response.json, "extended_stats": [{"key": "content-length", "data": data}]}))
            return response

        status, text = self.ask("GET", "/extend")
        self.assertEqual(status, 200, text)
        self.assertIn('content="0; url=/"', text)
        found = self.get("/stats/requests")
        self.assertEqual((found["state"], found["extended_stats"][0]["data"][0]["length"]), ("ready", 3))
        self.assertEqual(self.headers["Content-Type"], "application/json")
        told = self.snapshot_when(lambda now: now["extended"])["extended"]
        self.assertEqual(told["tabs"], [{"title": "Content <b>", "key": "content-length"}])
        self.assertEqual(told["tables"][0]["structure"], columns)
        self.assertEqual(told["files"][0]["href"], "/content-length/csv")


class WithShape(Web):
    class shape(LoadTestShape):
        def tick(self):
            return (2, 50) if self.get_run_time() < 1 else None

    def test_a_shape_is_started_and_ends_the_test(self):
        self.assertEqual(self.swarm()["message"], "Swarming started using shape class 'shape'")
        gevent.sleep(0.4)
        self.assertEqual(self.runner.user_count, 2)
        gevent.sleep(2)
        self.assertEqual(self.runner.state, "stopped")


class WithPicker(Web):
    picker = True

    def test_classes_are_picked(self):
        answer = self.swarm(user_count=4, spawn_rate=50, user_classes=["Two"])
        self.assertEqual(answer["user_classes"], ["Two"])
        gevent.sleep(0.2)
        self.assertEqual(self.runner.user_classes_count, {"Two": 4})
        self.assertEqual(self.environment.parsed_options.user_classes, ["Two"])
        # A running test keeps its classes; the next one has all unless it is told.
        self.assertEqual(self.swarm(user_count=2, spawn_rate=50)["user_classes"], ["Two"])
        self.ask("POST", "/stop")
        self.assertEqual(self.swarm(user_count=4, spawn_rate=50)["user_classes"], ["One", "Two"])
        gevent.sleep(0.2)
        self.assertEqual(self.runner.user_classes_count, {"One": 2, "Two": 2})

    def test_a_test_without_any_weight_is_refused(self):
        self.one.weight = self.two.weight = 0
        status, text = self.ask("POST", "/swarm", urlencode({"user_count": 1, "spawn_rate": 1}))
        self.assertEqual((status, self.runner.state), (400, "ready"), text)
        self.assertIn("weight 0", text)


class UnderAPath(Web):
    base = "/load"

    def test_routes_are_under_the_path(self):
        self.assertEqual(self.get("/stats/requests")["state"], "ready")
        self.assertEqual(self.ask("GET", "/stats/requests")[0], 404)


if __name__ == "__main__":
    unittest.main()
