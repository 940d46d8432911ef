"""Masters that are killed and go on with their test: `THRONG_STATE_DIR`."""

import re
import signal
import tempfile
import time
import unittest
from pathlib import Path
from unittest import mock

from locust.runners import kept
from locust.runners.messages import Message

from .support import Target, free_port, start, until

LOCUSTFILE = """
import itertools, os
import gevent
from locust import HttpUser, LoadTestShape, constant, events, task

numbers = itertools.count()

class Visitor(HttpUser):
    wait_time = constant(0.05)

    @task
    def visit(self):
        # So many names that a report is larger than what a master bears of somebody that it does not know.
        self.client.get("/visit", name=f"/visit/{'x' * 200}{next(numbers) % 150}")

@events.init.add_listener
def slow(environment, **_):
    if os.path.exists("slow") and type(environment.runner).__name__ == "MasterRunner":
        gevent.sleep(5.5)

@events.test_start.add_listener
def started(environment, **_):
    print("test_start of", type(environment.runner).__name__, flush=True)

@events.worker_report.add_listener
def report(client_id, data):
    environment_reports.append(client_id)

@events.quitting.add_listener
def quitting(environment, **_):
    print("reports", len(environment_reports), flush=True)

environment_reports = []
"""

SHAPE = """
class Stairs(LoadTestShape):
    def tick(self):
        now = self.get_run_time()
        return None if now > 12 else (4, 4) if now > 10 else (2, 2)
"""


class Masters(unittest.TestCase):
    def setUp(self):
        folder = tempfile.TemporaryDirectory()
        self.addCleanup(folder.cleanup)
        self.folder = Path(folder.name)
        self.port = free_port()
        self.write(LOCUSTFILE)

    def write(self, text):
        (self.folder / "locustfile.py").write_text(text, encoding="utf-8")

    def node(self, name, arguments):
        with open(self.folder / f"{name}.log", "w", encoding="utf-8") as log:
            process = start(arguments, self.folder, {"THRONG_STATE_DIR": "state"}, stderr=log)
        self.addCleanup(process.stdout.close)
        self.addCleanup(process.wait)
        self.addCleanup(process.kill)
        return process

    def master(self, name, *arguments):
        here = ["--master-bind-host", "127.0.0.1", "--master-bind-port", str(self.port), "--expect-workers", "2"]
        return self.node(name, ["--master", "--headless", "--only-summary", *here, *arguments])

    def workers(self):
        return [self.node(f"worker-{number}", ["--worker", "--master-port", str(self.port)]) for number in range(2)]

    def log(self, name):
        return (self.folder / f"{name}.log").read_text(encoding="utf-8")

    def killed_and_started_again(self, arguments, requests, prepare=lambda: None):
        """The output of both masters, and of the requests that were asked and counted how many."""
        with Target() as target:
            arguments = [*arguments.split(), "-H", target.url]
            first, workers = self.master("first", *arguments), self.workers()
            until(lambda: len(target.asked) > requests, what="the first requests")
            first.kill()
            before, _ = first.communicate()
            time.sleep(0.5)
            prepare()
            second = self.master("second", *arguments)
            after, _ = second.communicate(timeout=60)
            log = self.log("second")
            self.assertEqual([process.wait(20) for process in (second, *workers)], [0, 0, 0], log)
            counted = int(re.findall(r"Aggregated +(\d+) +\d+\(", log)[-1])
            return before, after, log, len(target.asked), counted

    def test_what_was_measured_counts_and_the_test_ends_when_it_was_to(self):
        began = time.monotonic()
        before, after, log, asked, counted = self.killed_and_started_again("-u 4 -r 4 -t 8", 120)
        self.assertLess(time.monotonic() - began, 30)
        self.assertIn("test_start of MasterRunner", before)
        self.assertNotIn("test_start", after)
        self.assertRegex(log, r"Going on with the test that began \d+\.\ds ago; there was no master for about \d")
        self.assertNotIn("did not come back", log)
        for name in ("worker-0", "worker-1"):
            self.assertNotIn("its users are stopped", self.log(name))
        # Of users that are stopped the last requests are asked and not counted. A report may have been on its way.
        self.assertLessEqual(counted, asked)
        self.assertGreater(counted, asked - 8 - 4 * 20 * 3 // 2, log)
        # Listeners had all reports, those to the master before included.
        self.assertGreater(int(re.findall(r"reports (\d+)", after)[-1]), 3)

    def test_who_does_not_come_back_is_lost_once_and_gets_a_share_when_it_is_heard_again(self):
        with Target() as target:
            arguments = ["-u", "4", "-r", "4", "-t", "60", "-H", target.url]
            first, workers = self.master("first", *arguments), self.workers()
            until(lambda: len(target.asked) > 40, what="the first requests")
            workers[1].send_signal(signal.SIGSTOP)
            first.kill()
            second = self.master("second", *arguments)
            until(lambda: "did not come back to the master" in self.log("second"), what="that it is missed")
            workers[1].send_signal(signal.SIGCONT)
            until(lambda: "self-healed with heartbeat" in self.log("second"), what="that it is heard again")
            second.terminate()
            self.assertEqual([process.wait(40) for process in (second, *workers)], [0, 0, 0], self.log("second"))
            losses = re.findall(r"Worker .* of the users\) did not come back to the master .*", self.log("second"))
            self.assertEqual(len(losses), 1, self.log("second"))
            self.assertIn(", and came back ", losses[0])

    def test_a_shape_goes_on_where_its_clock_is(self):
        self.write(LOCUSTFILE + SHAPE)
        # Slower to start than workers wait for a master that they found again.
        _, _, log, asked, counted = self.killed_and_started_again("", 40, (self.folder / "slow").touch)
        for name in ("worker-0", "worker-1"):
            self.assertNotIn("its users are stopped", self.log(name))
        self.assertIn("Shape test updating to 4 users", log)
        self.assertIn('All users spawned: {"Visitor": 4} (4 total users)', log)
        self.assertLessEqual(counted, asked)
        self.assertGreater(counted, asked - 8 - 2 * 20 * 3 // 2, log)

    def test_without_a_master_there_is_nothing_to_keep(self):
        alone = self.node("alone", ["--headless", "-u", "1", "-t", "1"])
        self.assertEqual(alone.wait(20), 1)
        self.assertIn("needs --master", self.log("alone"))

    def test_what_is_over_is_not_run_again_and_what_is_another_test_is_refused(self):
        with Target() as target:
            first, workers = self.master("first", "-u", "2", "-r", "2", "-t", "1", "-H", target.url), self.workers()
            self.assertEqual([process.wait(60) for process in (first, *workers)], [0, 0, 0], self.log("first"))
            second = self.master("second", "-u", "2", "-t", "1", "-H", target.url)
            self.assertEqual(second.wait(20), 1)
            self.assertIn("is over; give another one", self.log("second"))


class Journals(unittest.TestCase):
    def setUp(self):
        folder = tempfile.TemporaryDirectory()
        self.addCleanup(folder.cleanup)
        self.folder = folder.name

    def journal(self, checksum="a"):
        journal = kept.Journal(self.folder, checksum)
        self.addCleanup(journal._file.close)
        return journal

    def again(self, journal, checksum="a"):
        journal._file.close()
        return self.journal(checksum)

    def test_it_tells_what_was_noted_until_it_ends(self):
        journal = self.journal()
        self.assertIsNone(journal.unfinished)
        journal.note(Message("stats", {"user_classes_count": {}}, "nobody runs anything"))
        journal.begin(5, 2, False, [("w", 0)])
        journal.worker("v", 1)
        journal.wants(7, 3)
        journal.note(Message("stats", {"user_classes_count": {"A": 2}}, "w"))
        journal.reset(exceptions=True)
        journal.note(Message("exception", {"msg": "x"}, "v"))
        journal.gone("v")
        journal = self.again(journal)
        run = journal.unfinished
        self.assertEqual((run.users, run.spawn_rate, run.workers, run.running), (7, 3.0, {"w": 0}, {"w": {"A": 2}}))
        measuring = journal.measured()
        measured = [next(measuring)]
        # What comes meanwhile neither ends that nor is part of it.
        journal.reset(exceptions=True)
        measured += measuring
        self.assertEqual([record.type for record in measured], ["stats", "reset", "exception"])
        self.assertEqual((measured[0].node_id, measured[1].data, run.indices), ("w", True, {"w": 0, "v": 1}))
        # It goes on where it ends.
        journal.note(Message("stats", "no report", "w"))
        journal = self.again(journal)
        self.assertEqual(journal.unfinished.workers, {"w": 0})
        measured = [record.type for record in journal.measured()]
        self.assertEqual(measured, ["stats", "reset", "exception", "reset", "stats"])
        journal.end()
        journal = self.again(journal)
        self.assertEqual((journal.unfinished, journal.is_over), (None, True))

    def test_what_was_written_in_part_is_left_out_and_written_over(self):
        journal = self.journal()
        journal.begin(1, 1, False, [])
        journal.wants(2, 1)
        whole = Path(self.folder, "locust.journal").read_bytes()
        for cut in (1, 5, 9, len(whole) // 2):
            Path(self.folder, "locust.journal").write_bytes(whole[:-cut])
            journal = self.again(journal)
            if cut < 9:
                self.assertEqual(journal.unfinished.users, 1)
                journal.wants(3, 1)
                journal = self.again(journal)
                self.assertEqual(journal.unfinished.users, 3)

    def test_a_directory_is_of_one_test_and_one_master(self):
        journal = self.journal()
        with self.assertRaisesRegex(kept.KeptError, "another master uses"):
            self.journal()
        journal.begin(1, 1, False, [])
        journal._file.close()
        with self.assertRaisesRegex(kept.KeptError, "of another locustfile"):
            self.journal("b")
        with self.assertRaisesRegex(kept.KeptError, "cannot use the state directory"):
            kept.Journal("/dev/null/x", "a")

    def test_a_full_disk_is_said_and_the_test_goes_on_without(self):
        journal = self.journal()
        journal.begin(1, 1, False, [])
        with mock.patch.object(journal, "_file") as file, self.assertLogs("locust.runners", "ERROR") as logs:
            file.write.return_value = 5
            journal.wants(2, 1)
        self.assertIn("No space left", logs.output[0])
        for _ in range(2):
            journal.wants(3, 1)
            journal.end()
        journal.begin(1, 1, False, [])
        self.assertIsNone(self.journal_of_another_process().unfinished)

    def journal_of_another_process(self):
        with mock.patch("fcntl.flock"):
            return self.journal()

    def test_without_the_variable_there_is_none(self):
        with mock.patch.dict("os.environ", clear=True):
            self.assertIsInstance(kept.wanted(None), kept.Nothing)


if __name__ == "__main__":
    unittest.main()
