#!/usr/bin/env python3
"""schemathesis against the interface for programs: a k6 run and a locustfile's run, each by its own OpenAPI document.

    run.py --throng target/debug/throng --schemathesis .cache/schemathesis/bin/schemathesis

Every endpoint is called with what its schema allows and with what it does not. An answer that is a server error, that is not as
the document says, or that lets in somebody without credentials fails; so does a program that takes longer than `--patience`.
Past runs are there too: two of them, of a script that makes requests.
"""

import argparse
import os
import shutil
import socket
import subprocess
import sys
import tempfile
import threading
import time
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from urllib.request import Request, urlopen

TOKEN = "schemathesis of this test"
STARTS = 30

SCRIPT = """
import { check, sleep } from 'k6';
export const options = {
  scenarios: { x: { executor: 'externally-controlled', vus: 1, maxVUs: 3, duration: '10m' } },
  thresholds: { checks: ['rate>0.9'] },
};
export default () => { check(null, { 'is there': () => true }); sleep(0.1); };
"""

PAST = """
import http from 'k6/http';
export const options = { vus: 2, iterations: 300 };
export default () => { http.get(`${__ENV.TARGET}/`, { tags: { name: 'front' } }); };
"""

# Of a fixed number of users: whatever is asked for, no more are started.
LOCUSTFILE = """
from locust import User, constant, task

class Visitor(User):
    fixed_count = 3
    wait_time = constant(0.2)

    @task
    def look(self):
        self.environment.events.request.fire(request_type="GET", name="/", response_time=3, response_length=2)
"""

RUNS = {
    "k6 script": ["run", "--quiet", "--linger", "--ui=127.0.0.1:{port}", "script.js"],
    "locustfile": ["locust", "-f", "locustfile.py", "--web-host", "127.0.0.1", "--web-port", "{port}"],
}


class Target(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def do_GET(self):
        self.send_response(200)
        self.send_header("Content-Length", "2")
        self.end_headers()
        self.wfile.write(b"ok")

    def log_message(self, *_):
        pass


def past_runs(throng, folder):
    """A history with two runs in it."""
    Path(folder, "past.js").write_text(PAST)
    target = ThreadingHTTPServer(("127.0.0.1", 0), Target)
    threading.Thread(target=target.serve_forever, daemon=True).start()
    url = f"TARGET=http://127.0.0.1:{target.server_port}"
    for _ in range(2):
        command = [throng, "run", "--quiet", "--history", "past", "-e", url, "past.js"]
        subprocess.run(command, cwd=folder, check=True, stdout=subprocess.DEVNULL)
    target.shutdown()
    return Path(folder, "past")


class Run:
    """One program with schemathesis at its page."""

    def __init__(self, name, command, folder, arguments):
        self.name = name
        self.folder = folder
        self.arguments = arguments
        with socket.socket() as free:
            free.bind(("127.0.0.1", 0))
            port = free.getsockname()[1]
        self.url = f"http://127.0.0.1:{port}"
        env = {**os.environ, "THRONG_WEB_TOKEN": TOKEN, "THRONG_HISTORY": str(folder / "runs")}
        self.log = folder / "log"
        with self.log.open("w") as said:
            command = [arguments.throng, *(part.format(port=port) for part in command)]
            self.program = subprocess.Popen(command, cwd=folder, env=env, stdout=said, stderr=said)
        self.checks = None

    def begin(self):
        """Calls everything, beside the others."""
        end = time.monotonic() + STARTS
        while True:
            try:
                with urlopen(Request(f"{self.url}/readyz"), timeout=2):
                    break
            except OSError:
                if time.monotonic() > end or self.program.poll() is not None:
                    raise SystemExit(f"{self.name}: nobody answers at {self.url}: {self.log.read_text()}") from None
                time.sleep(0.05)
        self.begun = time.monotonic()
        self.report = self.folder / "report"
        with self.report.open("w") as said:
            self.checks = subprocess.Popen(
                [
                    self.arguments.schemathesis, "run", f"{self.url}/api/v1/openapi.json",
                    "--header", f"Authorization: Bearer {TOKEN}",
                    "--header", "X-Throng: 1",
                    # It never ends.
                    "--exclude-path", "/api/v1/events",
                    "--max-examples", self.arguments.examples,
                    "--phases", "examples,coverage,fuzzing",
                    "--checks", "not_a_server_error,status_code_conformance,content_type_conformance,response_schema_conformance,ignored_auth",
                    "--request-timeout", "20",
                    "--generation-deterministic",
                    "--no-color",
                ],
                cwd=self.folder, stdout=said, stderr=said,
            )  # fmt: skip

    def passed(self):
        """Whether nothing was found, when all is done."""
        left = self.arguments.patience - (time.monotonic() - self.begun)
        try:
            code = self.checks.wait(max(1, left))
        except subprocess.TimeoutExpired:
            code = "nothing within its time"
        alive = self.program.poll() is None
        print(f"==== {self.name}, {time.monotonic() - self.begun:.0f} s\n{self.report.read_text()}", flush=True)
        if code == 0 and alive:
            return True
        print("\n".join(self.log.read_text().splitlines()[-40:]))
        print(f"{self.name}: schemathesis ended with {code}, throng {'lived' if alive else 'died'}")
        return False

    def end(self):
        for process in (self.checks, self.program):
            if process is not None and process.poll() is None:
                process.terminate()
                try:
                    process.wait(STARTS)
                except subprocess.TimeoutExpired:
                    process.kill()


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--throng", required=True, type=os.path.realpath)
    parser.add_argument("--schemathesis", required=True, type=os.path.abspath)
    parser.add_argument("--examples", default="10", help="how many inputs an endpoint gets in each phase")
    parser.add_argument("--patience", default=110, type=float, help="seconds that all may take")
    parser.add_argument("--only", default="", help="one of the runs, by the beginning of its name")
    arguments = parser.parse_args()
    runs = []
    with tempfile.TemporaryDirectory(prefix="throng-api-") as folder:
        past = past_runs(arguments.throng, folder)
        try:
            for name, command in RUNS.items():
                if name.startswith(arguments.only):
                    own = Path(folder, name.split()[0])
                    shutil.copytree(past, own / "runs")
                    (own / "script.js").write_text(SCRIPT)
                    (own / "locustfile.py").write_text(LOCUSTFILE)
                    runs.append(Run(name, command, own, arguments))
            for run in runs:
                run.begin()
            passed = sum(run.passed() for run in runs)
        finally:
            for run in runs:
                run.end()
    failed = len(runs) - passed
    print(f"harness: {passed} passed; {failed} failed")
    return 0 if passed and not failed else 1


if __name__ == "__main__":
    sys.exit(main())
