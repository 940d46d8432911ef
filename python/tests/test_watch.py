"""Watching a database beside a locustfile: `throng run --watch`, by the binary that `THRONG` names. Clusters are watched by
`crates/cli/tests/watch_cluster.rs`, which has a stand-in for one."""

import json
import os
import shutil
import signal
import subprocess
import sys
import tempfile
import textwrap
import time
import unittest
from pathlib import Path
from urllib.parse import urlencode
from urllib.request import urlopen

from .support import Run, Target, free_port, until

THRONG = os.environ.get("THRONG")
MISSING = [name for name, there in (("redis-server", shutil.which("redis-server")), ("THRONG", THRONG)) if not there]

LOCUSTFILE = """
    import os
    from locust import HttpUser, constant, task

    print("sees", [name for name in os.environ if name.startswith(("THRONG_WATCH", "THRONG_EXPECT"))])

    class Visitor(HttpUser):
        wait_time = constant(0.05)

        @task
        def visit(self):
            self.client.get("/")
"""


@unittest.skipIf(MISSING, f"not there: {', '.join(MISSING)}")
class Watching(unittest.TestCase):
    def setUp(self):
        folder = tempfile.TemporaryDirectory()
        self.addCleanup(folder.cleanup)
        self.folder = Path(folder.name)
        (self.folder / "locustfile.py").write_text(textwrap.dedent(LOCUSTFILE), encoding="utf-8")
        self.target = self.enterContext(Target()) if hasattr(self, "enterContext") else self.enter(Target())
        port = free_port()
        redis = subprocess.Popen(
            ["redis-server", "--port", str(port), "--bind", "127.0.0.1", "--save", ""], stdout=subprocess.DEVNULL
        )
        self.addCleanup(redis.wait)
        self.addCleanup(redis.kill)
        self.redis = f"redis://127.0.0.1:{port}"

    def enter(self, context):
        # Python 3.10 has no `enterContext`.
        value = context.__enter__()
        self.addCleanup(context.__exit__, None, None, None)
        return value

    def start(self, *arguments, **env):
        clean = {name: value for name, value in os.environ.items() if not name.startswith("THRONG")}
        self.output = open(self.folder / "output", "wb")  # noqa: SIM115
        self.addCleanup(self.output.close)
        process = subprocess.Popen(
            [THRONG, *arguments],
            cwd=self.folder,
            env={**clean, "THRONG_PYTHON": sys.executable, **env},
            stdin=subprocess.DEVNULL, stdout=self.output, stderr=subprocess.STDOUT,
        )  # fmt: skip
        self.addCleanup(process.wait)
        self.addCleanup(process.kill)
        return process

    def said(self):
        """What the process that was started last has said so far."""
        return Path(self.output.name).read_text(encoding="utf-8")

    def until_said(self, process, text):
        until(lambda: text in self.said() or process.poll() is not None, what=text)
        self.assertIsNone(process.poll(), self.said())

    def ended(self, *arguments, **env):
        process = self.start(*arguments, **env)
        process.wait(60)
        return process.returncode, self.said()

    def headless(self, seconds=2):
        return "--headless", "-u", "3", "-r", "3", "-t", f"{seconds}s", "-H", self.target.url

    def test_what_is_watched_is_shown_and_judged(self):
        code, output = self.ended(
            "run", "locustfile.py", *self.headless(3), "--watch", self.redis, "--watch-interval=200ms",
            "--expect", "db_connections: min>=1", "--expect=db_connections: max<1", "--expect", "db_queries: count>0",
        )  # fmt: skip
        self.assertEqual(code, 99, output)
        self.assertIn("thresholds on metrics 'db_connections' have been crossed", output)
        for text in ("✓ 'min>=1' min=1", "✗ 'max<1' max=", "✓ 'count>0' count=", "while p(95)=", "sees []"):
            self.assertIn(text, output)
        self.assertIn("/10000 connections", output, "beside the statistics")

    def test_what_holds_changes_no_code_and_the_time_after_the_load_counts(self):
        code, output = self.ended(
            "run", "locustfile.py", *self.headless(1), "--watch", self.redis, "--watch-interval", "200ms",
            "--watch-after", "50s", "--expect", "db_connections: value>=1 within 1s of end",
        )  # fmt: skip
        self.assertEqual(code, 0, output)
        self.assertIn("the load is over; watching for up to 50s", output)
        self.assertIn("✓ 'value>=1 within 1s of end'", output)

    def test_an_interrupt_ends_the_time_after_the_load_with_the_verdict(self):
        for number in (signal.SIGINT, signal.SIGTERM):
            process = self.start("locust", *self.headless(1), THRONG_WATCH=self.redis, THRONG_WATCH_AFTER="10m")
            self.until_said(process, "the load is over; watching for up to 10m")
            # The load may have to end a little more before anybody waits: both are interrupted alike.
            process.send_signal(number)
            self.assertEqual(process.wait(30), 0, self.said())
            self.assertIn("db_connections", self.said())

    def test_an_interrupted_test_is_judged_without_the_time_after_it(self):
        process = self.start("locust", *self.headless(600), THRONG_WATCH=self.redis, THRONG_WATCH_AFTER="10m")
        self.until_said(process, "/10000 connections")
        process.send_signal(signal.SIGINT)
        self.assertEqual(process.wait(30), 0, self.said())
        self.assertIn("db_connections.", self.said())

    def test_the_page_has_it_and_each_test_is_judged_anew(self):
        port = free_port()
        process = self.start(
            "run", "locustfile.py", "--web-host", "127.0.0.1", "--web-port", str(port), "-H", self.target.url,
            "--watch", self.redis, "--watch-interval=200ms", "--expect=db_queries: count<1000",
        )  # fmt: skip

        def page(path, form=None):
            data = None if form is None else urlencode(form).encode()
            with urlopen(f"http://127.0.0.1:{port}{path}", data, timeout=5) as response:
                return json.load(response)

        def listens():
            try:
                return page("/api/v1/snapshot")
            except OSError:
                return None

        until(listens, what="the page")
        for _ in range(2):
            page("/swarm", {"user_count": 2, "spawn_rate": 2})
            until(lambda: page("/api/v1/snapshot")["thresholds"], what="a threshold")
            snapshots = [{}]

            def is_seen():
                snapshots.append(page("/api/v1/snapshot"))
                return snapshots[-1]["watched"] and snapshots[-1]["thresholds"][0]["ok"]

            try:
                until(is_seen, what="what is watched")
            except AssertionError:
                process.terminate()
                process.wait(30)
                self.fail(f"nothing is seen in {snapshots[-1]}: {self.said()}")
            snapshot = snapshots[-1]
            charts = {each["chart"] for each in snapshot["watched"]}
            self.assertIn("Database connections", charts)
            threshold = snapshot["thresholds"][0]
            self.assertEqual((threshold["metric"], threshold["source"]), ("db_queries", "count<1000"))
            page("/stop", {})
            until(lambda: page("/api/v1/snapshot")["state"] == "stopped", what="its end")

    def test_what_cannot_be_watched_is_refused_before_the_test(self):
        for arguments, message in (
            (["--watch", "hpa/"], "hpa/"),
            (["--watch", self.redis, "--expect", "http_req_duration: max<1"], "is measured in k6 scripts"),
            (["--watch", self.redis, "--worker"], "is for the master"),
            (["--expect", "db_queries: count>0"], "needs --watch"),
            (["--watch-after", "1s"], "needs --watch"),
        ):
            code, output = self.ended("run", "locustfile.py", "--headless", *arguments)
            self.assertEqual(code, 104, output)
            self.assertIn(message, output)
            self.assertNotIn("Starting Locust", output)
        code, output = self.ended("run", "locustfile.py", "--watch", self.redis, "--version")
        self.assertEqual(code, 0, output)

    def test_a_watcher_that_ends_too_early_is_said_and_holds_nobody_up(self):
        env = {"THRONG_WATCHER": "/bin/false", "THRONG_WATCH": self.redis, "THRONG_EXPECT": "db_queries: count>0"}
        with Run(LOCUSTFILE, f"--headless -u 1 -t 1 -H {self.target.url}", env) as ran:
            self.assertEqual(ran.code, 99, ran.stderr)
            self.assertIn("what watches beside the test has ended", ran.stderr)
            self.assertIn("Aggregated", ran.stderr)

    def test_a_server_that_is_not_there_is_said_once_and_the_test_goes_on(self):
        began = time.monotonic()
        url = f"redis://someone:s3cr3t@127.0.0.1:{free_port()}"
        code, output = self.ended("locust", *self.headless(3), THRONG_WATCH=url)
        self.assertEqual(code, 0, output)
        self.assertLess(time.monotonic() - began, 30)
        self.assertEqual(output.count("is tried again, the test goes on"), 1, output)
        self.assertNotIn("s3cr3t", output)


if __name__ == "__main__":
    unittest.main()
