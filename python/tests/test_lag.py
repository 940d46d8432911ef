"""How late the loops that make the load are: measured where users run, told to the master, shown on the page."""

import json
import unittest
from urllib.request import urlopen

from locust.runners.nodes import WorkerNode

from .support import Cluster, Target, until

# A task that computes for a while keeps its process's loop from turning.
BUSY = """
import time
from locust import HttpUser, constant, task

class MyUser(HttpUser):
    wait_time = constant(0.02)

    @task
    def hello(self):
        self.client.get("/", name="hello")
        until = time.perf_counter() + 0.06
        while time.perf_counter() < until:
            pass
"""


class Lag(unittest.TestCase):
    def test_each_worker_says_how_late_it_is(self):
        def look(cluster):
            cluster.until("2 workers connected")
            cluster.post("/swarm", user_count=2, spawn_rate=2)
            seen = {}

            def is_told():
                with urlopen(f"{cluster.url}/api/v1/snapshot", timeout=20) as answer:
                    seen.update(json.load(answer))
                lags = [worker["lag"] for worker in seen["workers"]]
                return len(lags) == 2 and all(lag and lag > 20 for lag in lags) and seen["lag"]

            until(is_told, what="two late workers")
            self.assertGreater(seen["lag"]["max"], 20)
            self.assertLessEqual(seen["lag"]["p50"], seen["lag"]["p99"])
            cluster.post("/stop")

        with Target() as target:
            with Cluster(BUSY, f"-H {target.url}", during=look) as cluster:
                self.assertNotIn("Traceback", cluster.stderr)

    def test_a_worker_of_locusts_says_nothing_and_one_that_lies_is_not_believed(self):
        node = WorkerNode("a")
        for said in (None, "late", float("nan"), float("inf"), []):
            node.note_lag(said)
            self.assertEqual((node.lag, list(node.lags)), (None, []))
        node.note_lag(3)
        self.assertEqual((node.lag, list(node.lags)), (3.0, [3.0]))


if __name__ == "__main__":
    unittest.main()
