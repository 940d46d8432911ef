#!/usr/bin/env python3
"""schemathesis against the interface for programs: a k6 run and a locustfile's run, each by its own OpenAPI document.

    run.py --throng target/debug/throng --schemathesis .cache/schemathesis/bin/schemathesis

Every endpoint is called with what its schema allows and with what it does not. An answer that is a server error, that is not as
the document says, or that lets in somebody without credentials fails.
"""

import argparse
import os
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from urllib.request import Request, urlopen

TOKEN = "schemathesis of this test"
PATIENCE = 30

SCRIPT = """
import { check, sleep } from 'k6';
export const options = {
  scenarios: { x: { executor: 'externally-controlled', vus: 1, maxVUs: 3, duration: '10m' } },
  thresholds: { checks: ['rate>0.9'] },
};
export default () => { check(null, { 'is there': () => true }); sleep(0.1); };
"""

LOCUSTFILE = """
from locust import User, constant, task

class Visitor(User):
    wait_time = constant(0.2)

    @task
    def look(self):
        self.environment.events.request.fire(request_type="GET", name="/", response_time=3, response_length=2)
"""


def runs(throng, folder):
    """The two programs, with the ports they are to listen on."""
    Path(folder, "script.js").write_text(SCRIPT)
    Path(folder, "locustfile.py").write_text(LOCUSTFILE)
    yield "k6 script", [throng, "run", "--quiet", "--linger", "--ui=127.0.0.1:{port}", "script.js"]
    yield "locustfile", [throng, "locust", "-f", "locustfile.py", "--web-host", "127.0.0.1", "--web-port", "{port}"]


def free_port():
    import socket

    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        return free.getsockname()[1]


def wait_for(url, process):
    end = time.monotonic() + PATIENCE
    while time.monotonic() < end and process.poll() is None:
        try:
            with urlopen(Request(f"{url}/readyz"), timeout=2):
                return
        except OSError:
            time.sleep(0.05)
    raise SystemExit(f"nobody answers at {url}")


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--throng", required=True, type=os.path.realpath)
    parser.add_argument("--schemathesis", required=True)
    parser.add_argument("--examples", default="25", help="how many inputs an endpoint gets in each phase")
    parser.add_argument("--only", help="one of the runs, by the beginning of its name")
    arguments = parser.parse_args()
    failed = passed = 0
    with tempfile.TemporaryDirectory(prefix="throng-api-") as folder:
        env = {**os.environ, "THRONG_WEB_TOKEN": TOKEN}
        for name, command in runs(arguments.throng, folder):
            if not name.startswith(arguments.only or ""):
                continue
            port = free_port()
            url = f"http://127.0.0.1:{port}"
            log = Path(folder, "log")
            with log.open("w") as said:
                command = [part.format(port=port) for part in command]
                process = subprocess.Popen(command, cwd=folder, env=env, stdout=said, stderr=said)
                try:
                    wait_for(url, process)
                    print(f"==== {name}", flush=True)
                    done = subprocess.run(
                        [
                            arguments.schemathesis, "run", f"{url}/api/v1/openapi.json",
                            "--header", f"Authorization: Bearer {TOKEN}",
                            "--header", "X-Throng: 1",
                            # It never ends.
                            "--exclude-path", "/api/v1/events",
                            "--max-examples", arguments.examples,
                            "--phases", "examples,coverage,fuzzing",
                            "--checks", "not_a_server_error,status_code_conformance,content_type_conformance,response_schema_conformance,ignored_auth",
                            "--request-timeout", "20",
                            "--generation-deterministic",
                            "--no-color",
                        ],
                        cwd=folder,
                    )
                    alive = process.poll() is None
                finally:
                    process.terminate()
                    process.wait(PATIENCE)
            if done.returncode or not alive:
                failed += 1
                print("\n".join(log.read_text().splitlines()[-40:]))
                print(f"{name}: schemathesis ended with {done.returncode}, throng {'lived' if alive else 'died'}")
            else:
                passed += 1
    print(f"harness: {passed} passed; {failed} failed")
    return 0 if passed and not failed else 1


if __name__ == "__main__":
    sys.exit(main())
