"""Tests in several processes: results are whole, workers come and go, whoever is told to stop stops."""

import os
import re
import signal
import time
import unittest

from .support import Run, Target, until

STEADY = """
import os
from locust import HttpUser, constant, events, task

class MyUser(HttpUser):
    wait_time = constant(0.05)

    @task
    def hello(self):
        self.client.get(f"/{os.getpid()}", name="hello")
"""


def requests(ran):
    return int(re.search(r"GET +hello +(\d+)", ran.stderr)[1])


def pids(target):
    return {path[1:] for _, path, _ in list(target.asked)}


class Processes(unittest.TestCase):
    def test_users_are_dealt_to_all_and_every_request_is_counted(self):
        with (
            Target() as target,
            Run(STEADY, f"--headless --only-summary -u 6 -r 6 -t 2 --processes 2 -H {target.url}") as ran,
        ):
            self.assertEqual(ran.code, 0, ran.stderr)
            self.assertEqual(len(pids(target)), 2)
            # A user that was killed had its request on the way: asked, and not finished.
            self.assertLessEqual(len(target.asked) - 6, requests(ran))
            self.assertLessEqual(requests(ran), len(target.asked))
        self.assertIn('All users spawned: {"MyUser": 6} (6 total users)', ran.stderr)

    def test_04_results_of_users_that_finish_during_the_stop_are_counted(self):
        slow = STEADY.replace("self.client", "__import__('gevent').sleep(1.5); self.client").replace("0.05", "60")
        with (
            Target() as target,
            Run(slow, f"--headless --only-summary -u 6 -r 6 -t 1 -s 10 --processes 2 -H {target.url}") as ran,
        ):
            self.assertEqual(requests(ran), 6)

    def test_03_the_users_of_a_killed_worker_move_at_once(self):
        with Target() as target:

            def kill(process, _folder):
                until(lambda: len(pids(target)) == 2)
                victim = pids(target).pop()
                os.kill(int(victim), signal.SIGKILL)
                until(lambda: f"/{victim}" not in [path for _, path, _ in target.asked[-20:]])

            with Run(
                STEADY, f"--headless --only-summary -u 4 -r 4 -t 3 --processes 2 -H {target.url}", during=kill
            ) as ran:
                _, lost, after = ran.stderr.partition("went missing. ")
                self.assertTrue(lost)
                self.assertIn('All users spawned: {"MyUser": 4} (4 total users)', after)
                self.assertIn("ended with exit code -9", ran.stderr)

    def test_a_frozen_worker_loses_its_users_and_gets_a_share_back(self):
        quick = "\nimport locust.runners\nlocust.runners.HEARTBEAT_INTERVAL = 0.2\n" + STEADY
        with Target() as target:

            def freeze(process, folder):
                until(lambda: len(pids(target)) == 2)
                victim = pids(target).pop()
                os.kill(int(victim), signal.SIGSTOP)
                until(lambda: f"/{victim}" not in [path for _, path, _ in target.asked[-40:]])
                time.sleep(1.5)
                os.kill(int(victim), signal.SIGCONT)
                until(lambda: f"/{victim}" in [path for _, path, _ in target.asked[-10:]])

            arguments = f"--headless --only-summary -u 4 -r 4 -t 5 --processes 2 -H {target.url}"
            with Run(quick, arguments, during=freeze) as ran:
                self.assertEqual(ran.code, 0, ran.stderr)
                self.assertIn("failed to send heartbeat, setting state to missing.", ran.stderr)
                self.assertIn("self-healed with heartbeat", ran.stderr)

    def test_when_the_last_worker_leaves_the_test_ends(self):
        leaving = STEADY + "        self.environment.runner.quit()\n"
        with (
            Target() as target,
            Run(leaving, f"--headless --only-summary -u 4 -r 4 --processes 2 -H {target.url}") as ran,
        ):
            self.assertEqual(ran.code, 0, ran.stderr)
            self.assertIn("The last worker quit, stopping test.", ran.stderr)

    def test_sigterm_of_the_first_process_ends_all(self):
        with Target() as target:

            def terminate(process, _folder):
                until(lambda: len(pids(target)) == 2)
                process.send_signal(signal.SIGTERM)

            with Run(
                STEADY, f"--headless --only-summary -u 4 -r 4 --processes 2 -H {target.url}", during=terminate
            ) as ran:
                self.assertEqual(ran.code, 0, ran.stderr)
                self.assertGreater(requests(ran), 0)
                for pid in pids(target):
                    with self.assertRaises(ProcessLookupError):
                        os.kill(int(pid), 0)

    def test_a_task_named_stop_keeps_no_test_from_ending(self):
        """Seen as a run that never ended: what ends a user is a method of that name, which the class had replaced."""
        named = STEADY.replace("def hello", "def stop").replace("constant(0.05)", "constant(60)")
        for processes in ("", "--processes 2"):
            with (
                Target() as target,
                Run(named, f"--headless --only-summary -u 4 -r 4 -t 1 {processes} -H {target.url}") as ran,
            ):
                self.assertEqual(ran.code, 0, ran.stderr)
                self.assertEqual(requests(ran), 4)
                self.assertIn("MyUser.stop failed; the user is ended without it", ran.stderr)

    def test_workers_leave_when_their_master_dies(self):
        with Target() as target:

            def kill(process, _folder):
                until(lambda: len(pids(target)) == 2)
                process.kill()

                def gone(pid):
                    try:
                        os.kill(int(pid), 0)
                    except ProcessLookupError:
                        return True
                    return False

                until(lambda: all(gone(pid) for pid in pids(target)))

            with Run(STEADY, f"--headless --only-summary -u 4 -r 4 --processes 2 -H {target.url}", during=kill) as ran:
                self.assertEqual(ran.code, -signal.SIGKILL)

    def test_a_missing_host_fails_the_run(self):
        with Run(STEADY, "--headless -u 2 -t 5 --processes 2") as ran:
            self.assertEqual(ran.code, 1)
            self.assertIn("You must specify the base host", ran.stderr)

    def test_a_test_that_is_ended_before_it_has_users_starts_none(self):
        ending = STEADY.replace("    @task", "    def on_start(self):\n        print('started')\n\n    @task")
        ending += "\n@events.test_start.add_listener\ndef end(environment, **_):\n    environment.runner.quit()\n"
        with Run(ending, "--headless --only-summary -u 4 -r 4 --processes 2 -H http://127.0.0.1:1") as ran:
            self.assertEqual((ran.code, ran.stdout), (0, ""), ran.stderr)
            self.assertNotIn("Sending spawn jobs", ran.stderr)

    def test_workers_draw_different_numbers(self):
        drawing = """
            import random
            import sys
            from locust import User, constant, task

            class MyUser(User):
                wait_time = constant(60)

                @task
                def draw(self):
                    # In one piece: `print` writes the end of the line by itself, and all processes share a pipe.
                    sys.stdout.write(f"{random.random()}\\n")
        """
        with Run(drawing, "--headless --only-summary -u 2 -r 2 -t 1 --processes 2") as ran:
            drawn = ran.stdout.split()
            self.assertEqual((len(drawn), len(set(drawn))), (2, 2))


if __name__ == "__main__":
    unittest.main()
