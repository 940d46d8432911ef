"""Runs of the command line that conformance does not cover: the web modes, tables, a taken port, single users."""

import json
import os
import socket
import subprocess
import sys
import tempfile
import time
import unittest
from urllib.request import urlopen

from .support import PACKAGE, Run, Target

HELLO = """
from locust import HttpUser, constant, run_single_user, task

class MyUser(HttpUser):
    wait_time = constant(0.1)

    @task
    def hello(self):
        self.client.get("/hello")
"""


def free_port():
    with socket.socket() as listening:
        listening.bind(("127.0.0.1", 0))
        return listening.getsockname()[1]


class Modes(unittest.TestCase):
    def test_autostart_and_autoquit(self):
        port = free_port()
        with (
            Target() as target,
            Run(
                HELLO, f"--autostart --autoquit 0 -t 1 -u 2 -r 10 --web-host 127.0.0.1 -P {port} -H {target.url}"
            ) as ran,
        ):
            self.assertEqual(ran.code, 0)
        for line in (
            f"Starting web interface at http://127.0.0.1:{port}, press enter to open your default browser.",
            "--run-time limit reached, stopping test",
            "--autoquit time reached, shutting down",
        ):
            self.assertIn(line, ran.stderr)

    def test_without_headless_nothing_starts_before_it_is_asked_for(self):
        port = free_port()

        def ask(process, _folder):
            end = time.monotonic() + 20
            while True:
                try:
                    answer = json.loads(urlopen(f"http://127.0.0.1:{port}/stats/requests").read())
                    break
                except OSError:
                    if time.monotonic() > end:
                        raise
                    time.sleep(0.05)
            process.terminate()
            self.assertEqual((answer["state"], answer["user_count"]), ("ready", 0))

        with Run(HELLO, f"--web-host 127.0.0.1 -P {port} -H http://127.0.0.1:1", during=ask) as ran:
            self.assertEqual(ran.code, 0)
            self.assertNotIn("Ramping", ran.stderr)

    def test_a_taken_port_is_said(self):
        with socket.socket() as taken:
            taken.bind(("127.0.0.1", 0))
            taken.listen()
            port = taken.getsockname()[1]
            with Run(HELLO, f"--web-host 127.0.0.1 -P {port} -H http://127.0.0.1:1") as ran:
                self.assertEqual(ran.code, 1)
                self.assertIn(f"cannot listen on port {port}", ran.stderr)

    def test_tables_are_printed_every_two_seconds(self):
        with Target() as target, Run(HELLO, f"--headless -t 3 -H {target.url}") as ran:
            self.assertGreaterEqual(ran.stderr.count("Type     Name"), 4)

    def test_a_locustfile_that_cannot_be_imported_ends_with_its_traceback(self):
        with Run("raise ValueError('in the locustfile')", "--headless -t 1") as ran:
            self.assertEqual(ran.code, 1)
            self.assertIn("ValueError: in the locustfile", ran.stderr)

    def test_the_report_is_written_also_after_a_signal(self):
        # Locust 2.47 writes none after SIGTERM, which is what Kubernetes sends.
        with Target() as target:

            def terminate(process, _folder):
                end = time.monotonic() + 20
                while len(target.asked) < 5 and time.monotonic() < end:
                    time.sleep(0.05)
                time.sleep(0.1)
                process.terminate()

            arguments = (
                f"--headless --only-summary -u 2 -r 2 -t 1m --html report_{{u}}_{{r}}_{{t}}.html -H {target.url}"
            )
            with Run(HELLO, arguments, during=terminate) as ran:
                report = (ran.folder / "report_2_2.0_60.html").read_text()
        for text in ("locustfile.py", target.url, "<td class=text>/hello</td>", "100.0 % hello"):
            self.assertIn(text, report)

    def test_lag_of_the_generator_is_said(self):
        busy = HELLO.replace('self.client.get("/hello")', 'self.client.get("/hello"); sum(range(3_000_000))')
        with Target() as target, Run(busy, f"--headless --only-summary -u 20 -r 20 -t 3 -H {target.url}") as ran:
            self.assertRegex(ran.stderr, r"Generator lag: \d+\.\d ms on average")


class Plugins(unittest.TestCase):
    def test_a_package_of_plugins_may_add_options(self):
        plugins = """
from locust import events

@events.init_command_line_parser.add_listener
def add(parser, **_kwargs):
    parser.add_argument("--plugged", type=int, default=1)

@events.init.add_listener
def show(environment, **_kwargs):
    print("plugged", environment.parsed_options.plugged)
"""
        with Run(
            HELLO, "--headless -t 1 --plugged 7 -H http://127.0.0.1:1", files={"locust_plugins.py": plugins}
        ) as ran:
            self.assertIn("plugged 7", ran.stdout, ran.stderr)


class SingleUser(unittest.TestCase):
    SCRIPT = (
        HELLO
        + """
    def on_start(self):
        self.client.get("/status/404", name="missing")
        self.client.get("/hello")
        raise SystemExit(0)

if __name__ == "__main__":
    run_single_user(MyUser, include_length=True)
"""
    )

    def test_requests_are_printed(self):
        # Run as a script, which is what a debugger does.
        with Target() as target:
            with tempfile.TemporaryDirectory() as folder:
                path = os.path.join(folder, "script.py")
                with open(path, "w", encoding="utf-8") as file:
                    file.write(self.SCRIPT)
                ran = subprocess.run(
                    [sys.executable, path, "-H", target.url],
                    env={**os.environ, "PYTHONPATH": str(PACKAGE)},
                    capture_output=True,
                    text=True,
                    timeout=60,
                )
        lines = [[column.strip() for column in line.split("\t")] for line in ran.stdout.splitlines()]
        self.assertEqual(ran.returncode, 0, ran.stderr)
        self.assertEqual(lines[0], ["type", "name", "resp_ms", "length", "exception"])
        self.assertEqual([line[:2] for line in lines[1:]], [["GET", "missing"], ["GET", "/hello"]])
        self.assertIn("404", lines[1][4])


if __name__ == "__main__":
    unittest.main()
