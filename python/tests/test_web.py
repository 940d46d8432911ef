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
        connection = HTTPConnection("127.0.0.1", self.web.server.server_port, timeout=20)
        connection.request(method, path, body, {"Content-Type": kind} if body else {})
        answer = connection.getresponse()
        self.headers = dict(answer.getheaders())
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
            ({"user_count": 1, "spawn_rate": "x"}, "Missing or invalid user_count or spawn_rate from /swarm request"),
            ({"user_count": 1, "spawn_rate": 1, "run_time": "1d"},
             "Valid run_time formats are : 20, 20s, 3m, 2h, 1h20m, 3h30m10s, etc."),
        ):  # fmt: skip
            answer = self.swarm(**form)
            self.assertEqual((answer["success"], answer["message"]), (False, message))
        self.assertEqual(self.runner.state, "ready")

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
        self.assertIn("window.templateArgs = {", text)
        self.assertIn("mine.py", text)
        self.assertEqual(self.ask("GET", "/nope")[0], 404)
        self.assertEqual(self.ask("GET", "/stop")[0], 405)
        self.assertEqual(self.headers["Access-Control-Allow-Origin"], "*")


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


class UnderAPath(Web):
    base = "/load"

    def test_routes_are_under_the_path(self):
        self.assertEqual(self.get("/stats/requests")["state"], "ready")
        self.assertEqual(self.ask("GET", "/stats/requests")[0], 404)


if __name__ == "__main__":
    unittest.main()
