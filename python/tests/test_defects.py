"""What is wrong in Locust 2.47 and must not be here; numbers are those of the compatibility notes."""

import csv
import json
import signal
import time
import unittest
from urllib.parse import urlencode
from urllib.request import urlopen

import gevent
from locust import User, constant, task
from locust.env import Environment

from .support import Run, Target

WAITING = """
    from locust import HttpUser, constant, task

    class MyUser(HttpUser):
        wait_time = constant(0.1)

        @task
        def hello(self):
            self.client.get("/hello")
"""


class Idle(User):
    abstract = True
    wait_time = constant(0.05)

    @task
    def nothing(self):
        pass


class Defects(unittest.TestCase):
    def test_01_run_time_ends_a_test_that_still_ramps_up(self):
        environment = Environment(user_classes=[type("Slow", (Idle,), {})])
        runner = environment.create_local_runner()
        web_ui = environment.create_web_ui("127.0.0.1", 0)
        self.addCleanup(web_ui.stop)
        self.addCleanup(runner.quit)
        form = urlencode({"user_count": 10, "spawn_rate": 1, "run_time": "1s"}).encode()
        answer = gevent.get_hub().threadpool.apply(lambda: urlopen(f"{web_ui.url}/swarm", form).read())
        self.assertEqual(json.loads(answer)["run_time"], 1)
        gevent.sleep(1.5)
        self.assertEqual((runner.state, runner.user_count), ("stopped", 0))
        gevent.sleep(1.2)
        self.assertEqual((runner.state, runner.user_count), ("stopped", 0), "the ramp does not go on")

    def test_05_stopping_lasts_only_as_long_as_users_need(self):
        environment = Environment(user_classes=[type("Quick", (Idle,), {})], stop_timeout=60)
        runner = environment.create_local_runner()
        runner.start(5, 100)
        gevent.sleep(0.3)
        started = time.monotonic()
        runner.stop()
        self.assertLess(time.monotonic() - started, 2)
        runner.start(2, 100)
        gevent.sleep(0.2)
        self.assertEqual((runner.state, runner.user_count), ("running", 2), "a new test may start at once")
        runner.quit()

    def test_06_run_time_is_not_short(self):
        # A slow start is what made it short: the loop's clock was that of before.
        with (
            Target() as target,
            Run(
                "import time\ntime.sleep(1)\n" + WAITING.replace("\n    ", "\n"),
                ["--headless", "--only-summary", "-t", "2", "-H", target.url],
            ) as ran,
        ):
            limit, ramp = (
                line.split("]")[0][1:]
                for line in ran.stderr.splitlines()
                if "limit set" in line or "limit reached" in line
            )
            self.assertGreaterEqual(_seconds(ramp) - _seconds(limit), 1.99)

    def test_07_csv_files_have_the_last_request(self):
        with (
            Target() as target,
            Run(
                """
            from locust import HttpUser, task

            class MyUser(HttpUser):
                @task
                def hello(self):
                    for _ in range(37):
                        self.client.get("/hello")
                    self.environment.runner.quit()
            """,
                ["--headless", "--only-summary", "--csv", "out/run", "-H", target.url],
            ) as ran,
        ):
            with open(ran.folder / "out/run_stats.csv", newline="", encoding="utf-8") as file:
                rows = {row["Name"]: row for row in csv.DictReader(file)}
        self.assertEqual((rows["/hello"]["Request Count"], rows["Aggregated"]["Request Count"]), ("37", "37"))

    def test_08_both_json_outputs_and_the_summary_have_the_numbers(self):
        with (
            Target() as target,
            Run(
                """
            from locust import HttpUser, task

            class MyUser(HttpUser):
                @task
                def hello(self):
                    self.client.get("/hello")
                    self.environment.runner.quit()
            """,
                ["--headless", "--only-summary", "--json", "--json-file", "result", "-H", target.url],
            ) as ran,
        ):
            printed = json.loads(ran.stdout)
            written = json.loads((ran.folder / "result.json").read_text())
        self.assertEqual([entry["num_requests"] for entry in printed], [1])
        self.assertEqual(printed, written)

    def test_08_the_summary_after_json_is_not_zero(self):
        with (
            Target() as target,
            Run(WAITING, ["--headless", "--only-summary", "--json", "-t", "1", "-H", target.url]) as ran,
        ):
            count = json.loads(ran.stdout)[0]["num_requests"]
        row = next(line for line in ran.stderr.splitlines() if line.startswith("GET      /hello"))
        self.assertEqual(int(row.split()[2]), count)
        self.assertGreater(count, 0)

    def test_09_a_missing_host_fails_the_run(self):
        with Run(WAITING, "--headless -t 5") as ran:
            self.assertEqual(ran.code, 1)
            self.assertIn("You must specify the base host", ran.stderr)

    def test_10_sigterm_ends_in_order_and_keeps_the_results(self):
        with Target() as target:

            def terminate(process, _folder):
                _until(lambda: len(target.asked) > 5)
                process.send_signal(signal.SIGTERM)

            with Run(
                WAITING, ["--headless", "--only-summary", "--csv", "run", "-H", target.url], during=terminate
            ) as ran:
                self.assertEqual(ran.code, 0)
                self.assertIn("Got SIGTERM signal", ran.stderr)
                self.assertIn("Shutting down (exit code 0)", ran.stderr)
                self.assertIn("/hello", (ran.folder / "run_stats.csv").read_text())

    def test_16_locustfiles_of_one_name_from_two_places_do_not_meet(self):
        from locust import _locustfiles

        with Target() as target:
            first = _locustfiles._download(f"{target.url}/a/test.py")
            second = _locustfiles._download(f"{target.url}/b/test.py")
        self.assertNotEqual(first, second)
        with open(first, encoding="utf-8") as one, open(second, encoding="utf-8") as other:
            self.assertEqual((one.read(), other.read()), ("# /a/test.py", "# /b/test.py"))


def _seconds(stamp):
    hours, minutes, seconds = stamp.split(" ")[1].replace(",", ".").split(":")
    return int(hours) * 3600 + int(minutes) * 60 + float(seconds)


def _until(condition, limit=20):
    end = time.monotonic() + limit
    while not condition():
        if time.monotonic() > end:
            raise AssertionError("it did not happen in time")
        time.sleep(0.02)


if __name__ == "__main__":
    unittest.main()
