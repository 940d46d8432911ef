"""With the real Locust 2.47: its workers under our master, ours under its master, and what either says in the end.

`$THRONG_REAL_LOCUST` is an interpreter that has it; `./x test python` sees to that.
"""

import os
import re
import signal
import time
import unittest

from .support import Cluster as AnyCluster
from .support import Target, until

REAL = os.environ.get("THRONG_REAL_LOCUST")

# Each user makes ten requests and waits then: the counts are known.
TEN = """
from locust import HttpUser, constant, events, task
import gevent

class First(HttpUser):
    weight = 2
    wait_time = constant(0)

    def on_start(self):
        for number in range(10):
            self.client.get("/status/404" if number < 2 else f"/item/{number}", name="item" if number >= 2 else "gone")
        raise_in_task.add(self)

    @task
    def rest(self):
        if self in raise_in_task:
            raise_in_task.remove(self)
            raise RuntimeError("on purpose")
        gevent.sleep(60)

class Second(HttpUser):
    fixed_count = 1
    wait_time = constant(0)

    def on_start(self):
        self.client.post("/item", name="posted")
        self.environment.events.request.fire(
            request_type="OWN", name="own", response_time=1234.5, response_length=7, exception=ValueError("boom")
        )

    @task
    def rest(self):
        gevent.sleep(60)

raise_in_task = set()
"""

STEADY = """
from locust import HttpUser, constant, task

class MyUser(HttpUser):
    wait_time = constant(0.05)

    @task
    def hello(self):
        self.client.get("/hello")
"""

TALKING = """
from datetime import datetime
from locust import User, constant, events, task
from locust.runners import MasterRunner, WorkerRunner

def take(environment, msg, **kwargs):
    assert msg.data["at"] == datetime(2026, 1, 2, 3, 4, 5, 678), msg.data
    assert msg.data[7] == b"bytes"
    environment.runner.send_message("thanks", {"index": environment.runner.worker_index, "at": msg.data["at"]})

def thanked(environment, msg, **kwargs):
    print("thanked", msg.data["index"], msg.data["at"].year, msg.node_id in environment.runner.clients, flush=True)

@events.init.add_listener
def init(environment, runner, **kwargs):
    if isinstance(runner, WorkerRunner):
        runner.register_message("give", take)
    else:
        runner.register_message("thanks", thanked)

@events.test_start.add_listener
def give(environment, **kwargs):
    if isinstance(environment.runner, MasterRunner):
        environment.runner.send_message("give", {7: b"bytes", "at": datetime(2026, 1, 2, 3, 4, 5, 678)})

@events.report_to_master.add_listener
def add(client_id, data, **kwargs):
    data["own"] = 1

@events.worker_report.add_listener
def read(client_id, data, **kwargs):
    print("reported", data["own"], flush=True)

class MyUser(User):
    wait_time = constant(60)

    @task
    def rest(self):
        pass
"""


class Cluster(AnyCluster):
    """A cluster whose master waits for slow workers before it says that all users are spawned."""

    def __init__(self, *args, **kwargs):
        super().__init__(*args, env={"LOCUST_WAIT_FOR_WORKERS_REPORT_AFTER_RAMP_UP": "15"}, **kwargs)


def all_spawned(cluster, times, users):
    line = f"({users} total users)"
    until(lambda: cluster.log().count(line) >= times, what=f"{times} times {line}")


def summary(cluster):
    """Requests and failures by method and name, and errors, as the final tables say them."""
    final = cluster.stderr[cluster.stderr.rindex("Type     Name", 0, cluster.stderr.index("Response time percentiles")) :]
    rows = re.findall(r"^(\w+) +(\S+) +(\d+) +(\d+)\(", final, re.MULTILINE)
    errors = re.findall(r"^(\d+) +(\w+ \S+: .*?) *$", final.partition("Error report")[2], re.MULTILINE)
    return sorted(rows), sorted(errors)


@unittest.skipUnless(REAL, "THRONG_REAL_LOCUST names no interpreter with Locust")
class Interop(unittest.TestCase):
    def test_the_results_are_the_same_whoever_is_master_and_worker(self):
        seen = {}
        for master, workers in ((REAL, (REAL, REAL)), (None, (REAL, None)), (REAL, (None, None)), (None, (None, None))):
            with Target() as target:

                def wait(cluster, target=target):
                    all_spawned(cluster, 1, 5)
                    until(lambda: len(target.asked) == 41)
                    # Locust's own workers lose what is younger than their last report, when they are killed; at the end of
                    # a test they report, but its master waits half a second only.
                    time.sleep(3.5)

                arguments = f"--headless --only-summary -u 5 -r 5 -H {target.url}"
                with Cluster(TEN, arguments, workers=workers, master=master, during=wait) as cluster:
                    self.assertEqual(cluster.code, 1, cluster.stderr)
                    self.assertEqual(cluster.worker_codes, [0, 0])
                    seen[master, workers] = summary(cluster)
                    spawned = re.search(r"All users spawned: (.*)", cluster.stderr)[1]
                    self.assertEqual(spawned, '{"First": 4, "Second": 1} (5 total users)')
        first, *others = seen.values()
        self.assertEqual(first[0][0][:3], ("GET", "gone", "8"))
        for other in others:
            self.assertEqual(other, first)

    def test_the_page_of_locusts_master_drives_our_workers(self):
        with Target() as target:

            def drive(cluster):
                cluster.until("2 workers connected")
                cluster.post("/swarm", user_count=4, spawn_rate=4, host=target.url)
                all_spawned(cluster, 1, 4)
                cluster.post("/swarm", user_count=2, spawn_rate=2, host=target.url)
                all_spawned(cluster, 1, 2)
                until(lambda: cluster.get("/stats/requests")["user_count"] == 2)
                cluster.post("/stop")
                asked = len(target.asked)
                # Requests of users that were killed are not counted.
                until(lambda: cluster.get("/stats/requests")["stats"][-1]["num_requests"] >= asked - 4)
                # Its page is up to two seconds behind.
                until(lambda: cluster.get("/stats/requests")["state"] == "stopped")
                stats = cluster.get("/stats/requests")
                self.assertLessEqual(stats["stats"][-1]["num_requests"], asked)
                self.assertEqual(stats["fail_ratio"], 0)
                until(lambda: cluster.log().count("reported as ready") == 4)
                before = len(target.asked)
                cluster.post("/swarm", user_count=3, spawn_rate=3, host=target.url)
                all_spawned(cluster, 1, 3)
                until(lambda: len(target.asked) > before + 20)
                until(lambda: {node["state"] for node in cluster.get("/stats/requests")["workers"]} == {"running"})

            with Cluster(STEADY, "", master=REAL, during=drive) as cluster:
                self.assertEqual(cluster.worker_codes, [0, 0])
                self.assertNotIn("Unknown message", cluster.stderr)

    def test_our_page_drives_locusts_worker_beside_ours(self):
        with Target() as target:

            def drive(cluster):
                cluster.until("2 workers connected")
                for users, times in ((4, 1), (2, 1), (6, 1)):
                    cluster.post("/swarm", user_count=users, spawn_rate=users, host=target.url)
                    all_spawned(cluster, times, users)
                stats = cluster.get("/stats/requests")
                self.assertEqual([worker["user_count"] for worker in stats["workers"]], [3, 3])
                cluster.post("/stop")
                cluster.post("/swarm", user_count=4, spawn_rate=4, host=target.url)
                all_spawned(cluster, 2, 4)

            with Cluster(STEADY, "", workers=(REAL, None), during=drive) as cluster:
                self.assertEqual((cluster.code, cluster.worker_codes), (0, [0, 0]))
                self.assertNotIn("Cannot use", cluster.stderr)

    def test_messages_and_reports_carry_the_same_both_ways(self):
        for master, workers in ((None, (REAL, None)), (REAL, (None,))):

            def wait(cluster, workers=workers):
                all_spawned(cluster, 1, 2)
                time.sleep(0.5)

            arguments = "--headless --only-summary -u 2 -r 2"
            with Cluster(TALKING, arguments, workers=workers, master=master, during=wait) as cluster:
                self.assertEqual(cluster.code, 0, cluster.stderr)
                said = set(cluster.master.stdout.read().splitlines())
                expected = {f"thanked {index} 2026 True" for index in range(len(workers))} | {"reported 1"}
                self.assertEqual(said, expected, cluster.stderr)

    def test_the_locustfile_travels_both_ways(self):
        for master, worker in ((None, REAL), (REAL, None)):
            with Target() as target:

                def fetch(cluster, worker=worker):
                    cluster.worker("-f -", python=worker)
                    all_spawned(cluster, 1, 2)
                    time.sleep(0.5)

                arguments = f"--headless --only-summary -u 2 -r 2 -H {target.url}"
                with Cluster(STEADY, arguments, workers=0, master=master, during=fetch) as cluster:
                    self.assertEqual((cluster.code, cluster.worker_codes), (0, [0]), cluster.stderr)
                    self.assertGreater(len(target.asked), 5)

    def test_users_of_a_killed_locust_worker_move_to_ours(self):
        with Target() as target:

            def kill(cluster):
                all_spawned(cluster, 1, 4)
                cluster.workers[0].send_signal(signal.SIGKILL)
                all_spawned(cluster, 2, 4)

            arguments = f"--headless --only-summary -u 4 -r 4 -H {target.url}"
            with Cluster(STEADY, arguments, workers=(REAL, None), during=kill) as cluster:
                self.assertEqual((cluster.code, cluster.worker_codes), (0, [-9, 0]))

    def test_a_test_with_a_stop_timeout_ends_with_all_results(self):
        slow = STEADY.replace("self.client", "__import__('gevent').sleep(1.5); self.client").replace("0.05", "60")
        with Target() as target:
            arguments = f"--headless --only-summary -u 6 -r 6 -t 1 -s 10 -H {target.url}"
            with Cluster(slow, arguments, workers=(REAL, None)) as cluster:
                self.assertEqual(cluster.code, 0, cluster.stderr)
                self.assertEqual(summary(cluster)[0], [("GET", "/hello", "6", "0")])


if __name__ == "__main__":
    unittest.main()
