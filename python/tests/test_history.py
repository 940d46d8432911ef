"""Runs that are kept: what THRONG_HISTORY does for each way to run a locustfile."""

import gzip
import hashlib
import json
import sqlite3
import tempfile
import unittest
from contextlib import closing
from pathlib import Path
from urllib.request import Request, urlopen

from .support import Run, Target, free_port, until

FILE = """
    from locust import HttpUser, task, constant

    class One(HttpUser):
        wait_time = constant(0.01)

        @task
        def page(self):
            self.client.get("/a", name="the <page>")
            self.client.get("/status/404")
"""


class History(unittest.TestCase):
    def setUp(self):
        folder = tempfile.TemporaryDirectory(prefix="throng-history-")
        self.addCleanup(folder.cleanup)
        self.folder = Path(folder.name) / "runs"

    def run_with(self, arguments, url, **kwargs):
        return Run(FILE, f"--host {url} {arguments}", env={"THRONG_HISTORY": str(self.folder)}, **kwargs)

    def runs(self):
        with closing(sqlite3.connect(self.folder / "history.db")) as database:
            database.row_factory = sqlite3.Row
            return database.execute("SELECT runs.*, body FROM runs JOIN snapshots ON run = id ORDER BY id").fetchall()

    def test_a_run_without_a_page_is_kept_with_its_exit_code(self):
        with Target() as target, self.run_with("--headless -u 2 -r 10 -t 2s", target.url) as ran:
            self.assertEqual(ran.code, 1, ran.stderr)
            content = (ran.folder / "locustfile.py").read_bytes()
            (run,) = self.runs()
            asked = len(target.asked)
        self.assertEqual((run["name"], run["kind"], run["exit_code"], run["verdict"]), ("locustfile", "locust", 1, "failed"))
        # Users that were stopped may not have had their last answer.
        self.assertAlmostEqual(run["requests"], asked, delta=4)
        self.assertAlmostEqual(run["failures"], asked / 2, delta=4)
        self.assertEqual(run["checksum"], hashlib.sha256(content).hexdigest()[:32])
        snapshot = json.loads(gzip.decompress(run["body"]))
        self.assertEqual(snapshot["state"], "stopped")
        self.assertIn("the <page>", [row["name"] for row in snapshot["requests"]])
        self.assertGreaterEqual(len(snapshot["timeline"]["rps"]), 2)

    def test_a_master_keeps_the_run_once(self):
        with Target() as target, self.run_with("--headless -u 2 -r 10 -t 2s --processes 2", target.url) as ran:
            self.assertEqual(ran.code, 1, ran.stderr)
        (run,) = self.runs()
        self.assertGreater(run["requests"], 10)

    def test_each_test_of_a_page_is_a_run(self):
        port = free_port()

        def ask(path, body=b""):
            request = Request(f"http://127.0.0.1:{port}{path}", body, {"X-Throng": "1"})
            return json.loads(urlopen(request, timeout=20).read())

        def during(process, folder):
            def serves():
                try:
                    return urlopen(f"http://127.0.0.1:{port}/healthz", timeout=5)
                except OSError:
                    return None

            until(serves, what="the page")
            for kept in (1, 2):
                ask("/api/v1/start", b'{"users": 1, "spawn_rate": 10}')
                until(lambda: json.load(urlopen(f"http://127.0.0.1:{port}/stats/requests"))["state"] == "running", what="users")
                until(lambda: json.load(urlopen(f"http://127.0.0.1:{port}/stats/requests"))["stats"], what="requests")
                ask("/api/v1/stop")
                listed = f"http://127.0.0.1:{port}/api/v1/history"
                until(lambda: len(json.load(urlopen(listed))["runs"]) == kept, what=f"{kept} kept runs")
            process.terminate()

        arguments = f"--web-host 127.0.0.1 --web-port {port}"
        with Target() as target, self.run_with(arguments, target.url, during=during) as ran:
            self.assertEqual(ran.code, 1, ran.stderr)
        self.assertEqual([run["exit_code"] for run in self.runs()], [None, 1])

    def test_what_cannot_be_kept_ends_the_run_before_it_begins(self):
        for env, message in (
            ({"THRONG_HISTORY": str(self.folder), "THRONG_HISTORY_KEEP": "x"}, "THRONG_HISTORY_KEEP must be a whole number"),
            ({"THRONG_HISTORY": "/dev/null/below"}, "cannot use the folder /dev/null/below"),
        ):
            with Run(FILE, "--headless -t 1s --host http://127.0.0.1:1", env=env) as ran:
                self.assertEqual(ran.code, 1)
                self.assertIn(message, ran.stderr)
                self.assertNotIn("Traceback", ran.stderr)


if __name__ == "__main__":
    unittest.main()
