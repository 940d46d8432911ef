"""A master and workers on Locust's wire: results are whole, workers come and go, rogue clients do no harm."""

import json
import os
import re
import signal
import socket
import struct
import threading
import time
import unittest
from urllib.request import Request, urlopen

from .support import Cluster, Run, Target, free_port, until

STEADY = """
import os
from locust import HttpUser, constant, events, task

class MyUser(HttpUser):
    wait_time = constant(0.05)

    @task
    def hello(self):
        self.client.get(f"/{os.getpid()}", name="hello")
"""


def requests(cluster):
    return int(re.findall(r"GET +hello +(\d+) +\d+\(", cluster.stderr)[-1])


def pids(target):
    return {path[1:] for _, path, _ in list(target.asked)}


def recent(target, count=20):
    return {path[1:] for _, path, _ in list(target.asked)[-count:]}


def all_spawned(cluster, times, users):
    line = f"({users} total users)"
    until(lambda: cluster.log().count(line) >= times, what=f"{times} times {line}")


class Nodes(unittest.TestCase):
    def test_users_are_dealt_to_all_and_every_request_is_counted(self):
        with Target() as target:
            with Cluster(STEADY, f"--headless --only-summary -u 6 -r 6 -t 2 -H {target.url}") as cluster:
                self.assertEqual((cluster.code, cluster.worker_codes), (0, [0, 0]))
                self.assertEqual(len(pids(target)), 2)
                # A user that was killed had its request on the way: asked, and not finished.
                self.assertLessEqual(len(target.asked) - 6, requests(cluster))
                self.assertLessEqual(requests(cluster), len(target.asked))
                self.assertIn('All users spawned: {"MyUser": 6} (6 total users)', cluster.stderr)
                self.assertIn("to 2 ready workers", cluster.stderr)
                # Bound to this machine: there is nothing to warn of.
                self.assertNotIn("WARNING", cluster.stderr)

    def test_a_worker_may_be_there_before_its_master(self):
        with Target() as target:
            port = free_port()
            found = []

            def later(process, folder):
                time.sleep(1)
                arguments = f"--master --master-bind-port {port} --headless --only-summary -u 1 -t 1 -H {target.url}"
                with Run(STEADY, arguments) as ran:
                    found.append(ran)

            with Run(STEADY, f"--worker --master-port {port}", during=later) as worker:
                self.assertEqual((worker.code, found[0].code), (0, 0), worker.stderr)
            self.assertIn("without authentication", found[0].stderr)

    def test_the_users_of_a_killed_worker_move_at_once(self):
        with Target() as target:

            def kill(cluster):
                all_spawned(cluster, 1, 4)
                victim = cluster.workers[0]
                victim.kill()
                killed = time.monotonic()
                all_spawned(cluster, 2, 4)
                self.assertLess(time.monotonic() - killed, 3)
                self.assertIn("closed its connection, setting state to missing.", cluster.log())

            with Cluster(
                STEADY, f"--headless --only-summary -u 4 -r 4 -H {target.url}", during=kill
            ) as cluster:
                self.assertEqual((cluster.code, cluster.worker_codes), (0, [-9, 0]))
                # The result says it once more.
                self.assertRegex(
                    cluster.stderr[cluster.stderr.rindex("Response time percentiles") :],
                    r"Worker \S+ \(index \d, 50\.0% of the users\) closed its connection \d+\.\ds into the test; "
                    r"what it counted in its last \d\.\ds is missing; its users moved to the others",
                )

    def test_a_worker_that_is_told_to_end_loses_no_results(self):
        with Target() as target:

            def terminate(cluster):
                all_spawned(cluster, 1, 4)
                time.sleep(0.5)
                cluster.workers[0].terminate()
                all_spawned(cluster, 2, 4)

            arguments = f"--headless --only-summary -u 4 -r 4 -H {target.url}"
            with Cluster(STEADY, arguments, during=terminate) as cluster:
                self.assertEqual((cluster.code, cluster.worker_codes), (0, [0, 0]))
                self.assertLessEqual(len(target.asked) - 6, requests(cluster))
                self.assertIn("quit. 0 workers ready.", cluster.stderr)
                self.assertRegex(cluster.stderr, r"50\.0% of the users\) left \d+\.\ds into the test; its users moved to")

    def test_workers_that_join_get_their_share(self):
        with Target() as target:

            def join(cluster):
                all_spawned(cluster, 1, 6)
                # One after the other: Locust 2.47 leaves the second one without users.
                for number in (2, 3):
                    cluster.worker()
                    all_spawned(cluster, number, 6)
                until(lambda: len(recent(target, 60)) == 3)

            arguments = f"--headless --only-summary -u 6 -r 6 -H {target.url}"
            with Cluster(STEADY, arguments, workers=1, during=join) as cluster:
                self.assertEqual((cluster.code, cluster.worker_codes), (0, [0, 0, 0]))

    def test_the_test_ends_with_its_last_worker(self):
        with Target() as target:

            def kill(cluster):
                all_spawned(cluster, 1, 2)
                cluster.workers[0].kill()
                return True

            with Cluster(
                STEADY, f"--headless --only-summary -u 2 -r 2 -H {target.url}", workers=1, during=kill
            ) as cluster:
                self.assertEqual(cluster.code, 0)
                self.assertIn("The last worker went missing, stopping test.", cluster.stderr)
                self.assertIn("is missing; nobody took over its users", cluster.stderr)

    def test_a_frozen_worker_loses_its_users_and_gets_a_share_back(self):
        quick = "\nimport locust.runners\nlocust.runners.HEARTBEAT_INTERVAL = 0.2\n" + STEADY
        with Target() as target:

            def freeze(cluster):
                all_spawned(cluster, 1, 4)
                victim = cluster.workers[1]
                victim.send_signal(signal.SIGSTOP)
                all_spawned(cluster, 2, 4)
                victim.send_signal(signal.SIGCONT)
                all_spawned(cluster, 3, 4)
                until(lambda: len(recent(target)) == 2)

            arguments = f"--headless --only-summary -u 4 -r 4 -H {target.url}"
            with Cluster(quick, arguments, during=freeze) as cluster:
                self.assertEqual((cluster.code, cluster.worker_codes), (0, [0, 0]))
                self.assertIn("failed to send heartbeat, setting state to missing.", cluster.stderr)
                self.assertIn("self-healed with heartbeat", cluster.stderr)
                self.assertRegex(cluster.stderr, r"and came back \d+\.\ds into it with what it had counted")

    def test_a_broken_connection_is_made_again_and_costs_nothing(self):
        with Target() as target:
            proxies = []

            def break_it(cluster):
                proxy = Proxy(cluster.port)
                proxies.append(proxy)
                cluster.worker(f"--master-port {proxy.port}")
                all_spawned(cluster, 1, 4)
                proxy.cut()
                time.sleep(2)
                self.assertEqual(cluster.log().count("total users)"), 1, "users were dealt anew")

            arguments = f"--headless --only-summary -u 4 -r 4 --expect-workers 2 -H {target.url}"
            with Cluster(STEADY, arguments, workers=1, during=break_it) as cluster:
                self.assertEqual((cluster.code, cluster.worker_codes), (0, [0, 0]))
                self.assertLessEqual(len(target.asked) - 4, requests(cluster))
            proxies[0].close()

    def test_a_master_that_starts_again_gets_its_workers_back(self):
        with Target() as target:

            def restart(cluster):
                all_spawned(cluster, 1, 2)
                cluster.master.kill()
                cluster.master.communicate()
                cluster.master = cluster._start("again", cluster.master.args[3:], None)
                cluster.until("2 workers connected", "again")
                self.assertIn("does not know this worker any more", cluster.log("worker-0"))
                cluster.until("(2 total users)", "again")

            arguments = f"--headless --only-summary -u 2 -r 2 -H {target.url}"
            with Cluster(STEADY, arguments, during=restart) as cluster:
                self.assertEqual((cluster.code, cluster.worker_codes), (0, [0, 0]))

    def test_a_worker_gets_its_locustfile_from_the_master(self):
        with Target() as target:

            def fetch(cluster):
                cluster.worker("-f -")

            arguments = f"--headless --only-summary -u 2 -r 2 -t 1 -H {target.url}"
            with Cluster(STEADY, arguments, workers=0, during=fetch) as cluster:
                self.assertEqual((cluster.code, cluster.worker_codes), (0, [0]))
                self.assertGreater(requests(cluster), 0)

    def test_processes_of_a_worker_are_workers_and_end_together(self):
        with Target() as target:

            def fork(cluster):
                worker = cluster.worker("--processes 2")
                all_spawned(cluster, 1, 4)
                until(lambda: len(pids(target)) == 2)
                self.assertNotIn(str(worker.pid), pids(target))
                worker.terminate()
                return True

            arguments = f"--headless --only-summary -u 4 -r 4 --expect-workers 2 -H {target.url}"
            with Cluster(STEADY, arguments, workers=0, during=fork) as cluster:
                self.assertEqual((cluster.code, cluster.worker_codes), (0, [0]))
                self.assertIn("The last worker quit, stopping test.", cluster.stderr)

    def test_results_of_users_that_finish_during_the_stop_are_counted(self):
        slow = STEADY.replace("self.client", "__import__('gevent').sleep(1.5); self.client").replace("0.05", "60")
        with Target() as target:
            arguments = f"--headless --only-summary -u 6 -r 6 -t 1 -s 10 -H {target.url}"
            with Cluster(slow, arguments) as cluster:
                self.assertEqual((cluster.code, requests(cluster)), (0, 6))

    def test_the_page_starts_changes_stops_and_starts_again(self):
        with Target() as target:

            def drive(cluster):
                until(lambda: "2 workers connected" in cluster.log())
                self.assertTrue(cluster.post("/swarm", user_count=4, spawn_rate=4, host=target.url)["success"])
                all_spawned(cluster, 1, 4)
                cluster.post("/swarm", user_count=2, spawn_rate=2, host=target.url)
                all_spawned(cluster, 1, 2)
                stats = cluster.get("/stats/requests")
                self.assertEqual([worker["state"] for worker in stats["workers"]], ["running", "running"])
                self.assertEqual((stats["user_count"], stats["worker_count"]), (2, 2))
                self.assertTrue(cluster.post("/stop")["success"])
                asked = len(target.asked)
                stats = cluster.get("/stats/requests")
                self.assertEqual((stats["state"], stats["user_count"]), ("stopped", 0))
                # All that was asked is counted when the test has ended, but for requests of users that were killed.
                self.assertLessEqual(asked - 4, stats["stats"][-1]["num_requests"])
                cluster.post("/swarm", user_count=3, spawn_rate=3, host=target.url)
                all_spawned(cluster, 1, 3)

            with Cluster(STEADY, "", during=drive) as cluster:
                self.assertEqual((cluster.code, cluster.worker_codes), (0, [0, 0]))

    def test_what_the_page_sets_on_a_user_class_is_set_on_all_workers(self):
        with Target() as target:

            def change(cluster):
                until(lambda: "2 workers connected" in cluster.log())
                settings = json.dumps({"user_class_name": "MyUser", "tasks": ["hello"], "host": f"{target.url}/set"})
                headers = {"Content-Type": "application/json"}
                urlopen(Request(f"{cluster.url}/user", settings.encode(), headers), timeout=30).close()
                # One that comes after it, too.
                cluster.worker()
                until(lambda: "3 workers connected" in cluster.log())
                cluster.post("/swarm", user_count=3, spawn_rate=3)
                until(lambda: len(target.asked) > 20)
                self.assertEqual({path.split("/")[1] for _, path, _ in target.asked}, {"set"})
                self.assertEqual(len({path for _, path, _ in target.asked}), 3)

            with Cluster(STEADY, "", during=change) as cluster:
                self.assertEqual(cluster.code, 0)

    def test_messages_go_both_ways_and_before_the_users(self):
        talking = """
            from datetime import datetime, timezone
            from locust import User, events, task
            from locust.runners import MasterRunner, WorkerRunner

            given = []

            def take(environment, msg, **kwargs):
                given.append(msg.data)
                environment.runner.send_message("thanks", {"index": environment.runner.worker_index, "got": msg.data})

            def thanked(environment, msg, **kwargs):
                print("thanked", msg.data["index"], msg.data["got"]["rows"], msg.data["got"]["at"].year, flush=True)

            @events.init.add_listener
            def init(environment, runner, **kwargs):
                if isinstance(runner, WorkerRunner):
                    print("index", runner.worker_index, flush=True)
                    runner.register_message("rows", take)
                if isinstance(runner, MasterRunner):
                    runner.register_message("thanks", thanked)

            @events.test_start.add_listener
            def hand_out(environment, **kwargs):
                runner = environment.runner
                if isinstance(runner, MasterRunner):
                    for number, worker in enumerate(sorted(runner.clients, key=runner.get_worker_index)):
                        data = {"rows": [number], 7: b"bytes", "at": datetime(2026, 1, 2)}
                        runner.send_message("rows", data, worker)

            class MyUser(User):
                @task
                def work(self):
                    assert given and given[0][7] == b"bytes"
                    self.environment.runner.quit()
        """
        with Cluster(talking, "--headless --only-summary -u 2 -r 2") as cluster:
            self.assertEqual((cluster.code, cluster.worker_codes), (0, [0, 0]), cluster.stderr)
            self.assertEqual(
                sorted(cluster.master.stdout.read().splitlines()), ["thanked 0 [0] 2026", "thanked 1 [1] 2026"]
            )
            said = sorted(worker.stdout.read().strip() for worker in cluster.workers)
            self.assertEqual(said, ["index 0", "index 1"])

    def test_logs_and_exceptions_of_workers_are_at_the_master(self):
        failing = "import locust.runners\nlocust.runners.WORKER_LOG_REPORT_INTERVAL = 0.2\n" + STEADY.replace(
            "self.client", "raise ValueError('on purpose'); self.client"
        )

        def look(cluster):
            until(lambda: "1 workers connected" in cluster.log())
            cluster.post("/swarm", user_count=1, spawn_rate=1, host="http://127.0.0.1:1")
            until(lambda: cluster.get("/exceptions")["exceptions"])
            self.assertEqual(cluster.get("/exceptions")["exceptions"][0]["msg"], "on purpose")
            until(lambda: any("on purpose" in str(lines) for lines in cluster.get("/logs")["workers"].values()))

        with Cluster(failing, "", workers=1, during=look) as cluster:
            self.assertEqual(cluster.code, 1)

    def test_a_missing_host_fails_the_run(self):
        with Cluster(STEADY, "--headless -u 2 -t 5") as cluster:
            self.assertEqual(cluster.code, 1)
            self.assertIn("You must specify the base host", cluster.stderr)


class Options(unittest.TestCase):
    def test_waiting_for_workers_may_be_limited(self):
        port = free_port()
        arguments = f"--master --master-bind-host 127.0.0.1 --master-bind-port {port} --headless --expect-workers-max-wait 1"
        with Run(STEADY, arguments) as ran:
            self.assertEqual(ran.code, 1)
            self.assertIn("Gave up waiting for workers to connect", ran.stderr)

    def test_what_does_not_go_together_is_refused(self):
        with Run(STEADY, "--master --worker") as ran:
            self.assertEqual(ran.code, 255)
            self.assertIn("--master argument cannot be combined with --worker", ran.stderr)
        with Run(STEADY, "--master --processes 2") as ran:
            self.assertEqual(ran.code, 1)
        with Run(STEADY, "-f -") as ran:
            self.assertEqual(ran.code, 1)
            self.assertIn("--worker", ran.stderr)

    def test_a_port_that_is_taken_is_named(self):
        with socket.create_server(("127.0.0.1", 0)) as taken:
            port = taken.getsockname()[1]
            with Run(STEADY, f"--master --master-bind-host 127.0.0.1 --master-bind-port {port} --headless") as ran:
                self.assertEqual(ran.code, 1)
                self.assertIn(f"cannot listen for workers on 127.0.0.1:{port}", ran.stderr)


GREETING = bytes([0xFF, 0, 0, 0, 0, 0, 0, 0, 1, 0x7F, 3, 1]) + b"NULL".ljust(52, b"\0")
READY = b"\x04\x1c\x05READY\x0bSocket-Type\0\0\0\x06DEALER"


class Rogues(unittest.TestCase):
    def test_they_neither_join_nor_harm_a_running_test(self):
        sockets = []

        def knock(cluster, *texts):
            client = socket.create_connection(("127.0.0.1", cluster.port))
            sockets.append(client)
            for text in texts:
                client.sendall(text)
            return client

        def closed(client):
            client.settimeout(10)
            try:
                while client.recv(4096):
                    pass
            except ConnectionResetError:
                pass
            return True

        with Target() as target:

            def attack(cluster):
                all_spawned(cluster, 1, 2)
                self.assertTrue(closed(knock(cluster, b"GET / HTTP/1.1\r\n\r\n")))
                cluster.until("this looks like HTTP")
                self.assertTrue(closed(knock(cluster, os.urandom(100).replace(b"\xff", b"\0"))))
                # A frame of a gigabyte, announced.
                gigabyte = b"\x02" + struct.pack(">Q", 1 << 30)
                self.assertTrue(closed(knock(cluster, GREETING, READY, gigabyte)))
                # No message, no worker: what a worker would say, from one that never said that it is ready.
                message = b"\x93\xa5stats\x80\xa5rogue"
                knock(cluster, GREETING, READY, bytes([0, len(message)]) + message)
                message = b"\x93\xaeon_user_error_\xc0\xa1x"
                knock(cluster, GREETING, READY, bytes([0, len(message)]) + message)
                knock(cluster, GREETING, READY, b"\x00\x03\xc1\xc1\xc1")
                for _ in range(400):
                    knock(cluster, GREETING[:10])
                cluster.worker()
                cluster.until("2 workers connected")
                all_spawned(cluster, 2, 2)

            try:
                arguments = f"--headless --only-summary -u 2 -r 2 -H {target.url}"
                with Cluster(STEADY, arguments, workers=1, during=attack) as cluster:
                    self.assertEqual((cluster.code, cluster.worker_codes), (0, [0, 0]), cluster.stderr)
                    self.assertNotIn("Traceback", cluster.stderr)
                    self.assertLessEqual(len(target.asked) - 4, requests(cluster))
            finally:
                for client in sockets:
                    client.close()

    def test_a_garbled_message_of_a_worker_is_answered_with_reconnect(self):
        def send(cluster, client, body):
            client.sendall(bytes([0, len(body)]) + body)

        def receive(client, text):
            seen = b""
            while text not in seen:
                seen += client.recv(4096)

        def garble(cluster):
            cluster.until("Starting web interface")
            client = socket.create_connection(("127.0.0.1", cluster.port))
            client.settimeout(10)
            client.sendall(GREETING + b"\x04\x2b\x05READY\x0bSocket-Type\0\0\0\x06DEALER\x08Identity\0\0\0\x02w1")
            # A worker in another language: -1 stands for its version.
            send(cluster, client, b"\x93\xacclient_ready\xff\xa2w1")
            receive(client, b"\xa3ack")
            send(cluster, client, b"\xc1")
            receive(client, b"\xa9reconnect")
            client.close()

        with Cluster(STEADY, "-H http://127.0.0.1:1", workers=0, during=garble) as cluster:
            self.assertEqual(cluster.code, 0)
            self.assertIn("w1 (index 0) reported as ready. 1 workers connected.", cluster.stderr)


class Proxy:
    """Passes bytes on to a port, until it is cut; new connections are passed on again."""

    def __init__(self, port):
        self._to = port
        self._server = socket.create_server(("127.0.0.1", 0))
        self.port = self._server.getsockname()[1]
        self._open = []
        threading.Thread(target=self._accept, daemon=True).start()

    def cut(self):
        for sock in self._open:
            try:
                sock.shutdown(socket.SHUT_RDWR)
            except OSError:
                # Its other end was first.
                pass
            sock.close()
        self._open = []

    def close(self):
        self._server.close()
        for sock in self._open:
            sock.close()

    def _accept(self):
        while True:
            try:
                near, _ = self._server.accept()
            except OSError:
                return
            try:
                far = socket.create_connection(("127.0.0.1", self._to))
            except OSError:
                # The master does not listen yet.
                near.close()
                continue
            self._open += [near, far]
            for source, sink in ((near, far), (far, near)):
                threading.Thread(target=self._pump, args=(source, sink), daemon=True).start()

    def _pump(self, source, sink):
        try:
            while data := source.recv(65536):
                sink.sendall(data)
            sink.shutdown(socket.SHUT_RDWR)
        except OSError:
            pass


if __name__ == "__main__":
    unittest.main()
