"""Locustfiles from before version 1.0."""

import importlib.util
import unittest
import urllib.request

from .support import Run, Target

OLD = """
from locust import HttpLocust, TaskSet, events, task

class UserBehavior(TaskSet):
    def on_start(self):
        self.client.get("/start")

    @task(2)
    def index(self):
        self.client.get("/")

    @task(1)
    def profile(self):
        self.locust.client.get("/profile")

class WebsiteUser(HttpLocust):
    task_set = UserBehavior
    min_wait = 50
    max_wait = 90

def on_success(request_type, name, response_time, response_length):
    on_success.count += 1
on_success.count = 0
events.request_success += on_success

def on_quitting():
    print("successes", on_success.count > 3)
events.quitting += on_quitting
"""


class Before1(unittest.TestCase):
    def test_a_locustfile_of_2018_runs_with_the_options_of_its_time(self):
        with Target() as target, Run(OLD, f"--no-web -c 2 --hatch-rate 2 -t 2s --host {target.url}") as ran:
            self.assertEqual(ran.code, 0, ran.stderr)
            self.assertIn("successes True", ran.stdout)
        for name in (
            "HttpLocust",
            "task_set",
            "min_wait and max_wait",
            "events.request_success",
            "TaskSet.locust",
            "--no-web",
            "-c",
            "--hatch-rate",
        ):
            said = [line for line in ran.stderr.splitlines() if f"{name} is deprecated" in line]
            self.assertEqual(len(said), 1, name)

    def test_a_modern_locustfile_hears_nothing_of_it(self):
        modern = OLD.replace("HttpLocust", "HttpUser").replace("task_set = UserBehavior", "tasks = [UserBehavior]")
        modern = modern.replace("    min_wait = 50\n    max_wait = 90\n", "").replace("self.locust.", "self.")
        modern = modern[: modern.index("def on_success")]
        with Target() as target, Run(modern, f"--headless -t 1 --host {target.url}") as ran:
            self.assertEqual(ran.code, 0)
            self.assertNotIn("deprecated", ran.stderr)

    def test_hooks_are_imported_from_where_they_were(self):
        imported = OLD.replace(
            "from locust import HttpLocust", "from locust.events import request_success\nfrom locust import HttpLocust"
        )
        imported = imported.replace("events.request_success += on_success", "request_success += on_success")
        with Target() as target, Run(imported, f"--no-web -t 2 --host {target.url}") as ran:
            self.assertEqual(ran.code, 0, ran.stderr)
            self.assertIn("successes True", ran.stdout)

    def test_a_client_of_ones_own_with_a_constructor_of_its_time(self):
        own = """
            import time
            from locust import Locust, TaskSet, events, runners, task

            class Client:
                def __init__(self, host):
                    self.host = host

                def call(self):
                    events.request_success.fire(request_type="own", name=self.host, response_time=5, response_length=0)
                    events.request_failure.fire(request_type="own", name="bad", response_time=5, exception=ValueError("x"))

            class Tasks(TaskSet):
                @task
                def call(self):
                    self.client.call()
                    runners.locust_runner.quit()

            class Mine(Locust):
                host = "here"
                task_set = Tasks

                def __init__(self):
                    super(Mine, self).__init__()
                    self.client = Client(self.host)
        """
        with Run(own, "--no-web -c 1 -r 1") as ran:
            self.assertEqual(ran.code, 1, ran.stderr)
            self.assertRegex(ran.stderr, r"own +here +1 +0\(")
            self.assertRegex(ran.stderr, r"own +bad +1 +1\(")
            self.assertIn("runners.locust_runner is deprecated: use environment.runner", ran.stderr)

    def test_runners_have_their_old_names(self):
        old = """
            from locust import HttpLocust, TaskSet, runners, task
            from locust.clients import HttpSession
            from locust.runners import LocalLocustRunner, MasterLocustRunner, SlaveLocustRunner

            class Base(HttpLocust):
                min_wait = max_wait = 100

            class Tasks(TaskSet):
                @task
                def t(self):
                    other = HttpSession(self.locust.host)
                    other.get("/other")
                    runners.logger.info("counted %s", runners.global_stats.num_requests)
                    assert isinstance(runners.locust_runner, LocalLocustRunner)
                    assert not isinstance(runners.locust_runner, (MasterLocustRunner, SlaveLocustRunner))

            class Visitor(Base):
                task_set = Tasks
        """
        with Target() as target, Run(old, f"--no-web -c 1 -r 1 -t 1s --host {target.url}") as ran:
            self.assertEqual(ran.code, 0, ran.stderr)
        self.assertIn("All users spawned: {\"Visitor\": 1}", ran.stderr)
        self.assertIn("counted 1", ran.stderr)
        for name in ("runners.MasterLocustRunner", "runners.global_stats", "HttpSession(base_url)"):
            self.assertEqual(ran.stderr.count(f"{name} is deprecated"), 1, name)

    @unittest.skipUnless(importlib.util.find_spec("flask"), "flask is not installed")
    def test_routes_are_added_to_the_web_interface_while_the_file_is_imported(self):
        from locust import web
        from locust.env import Environment

        @web.app.route("/added")
        def added():
            return "my page"

        environment = Environment()
        environment.create_local_runner()
        ui = environment.create_web_ui("127.0.0.1", 0)
        try:
            with urllib.request.urlopen(f"http://127.0.0.1:{ui.server.port}/added") as answer:
                self.assertEqual(answer.read(), b"my page")
        finally:
            ui.stop()
            web.server._early_app = None

    def test_the_old_worker_option_is_known(self):
        # A worker would wait for its master; one that is a master as well is refused at once.
        with Run(OLD, "--slave --master") as ran:
            self.assertEqual(ran.code, 255)
            self.assertIn("--slave is deprecated: use --worker", ran.stderr)


if __name__ == "__main__":
    unittest.main()
