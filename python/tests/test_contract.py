"""Locust's endpoints: throng answers each with the status, the type and the keys that Locust 2.47 answers with.

The answers of the real one are recorded as shapes in `contract.json`; `THRONG_REAL_LOCUST=PYTHON python -m
tests.test_contract record` records them again, and where that variable is set, a test compares the record with it.
"""

import json
import os
import socket
import subprocess
import sys
import time
import unittest
from http.client import HTTPConnection
from pathlib import Path
from urllib.parse import urlencode

_HERE = Path(__file__).parent
_RECORD = _HERE / "contract.json"
_REAL = os.environ.get("THRONG_REAL_LOCUST")

# Numbers of either kind are numbers to those who read JSON.
_TYPES = {bool: "boolean", int: "number", float: "number", str: "text", type(None): "null"}


def shape(value):
    """The keys and types of a value; of a list, those of all its elements together."""
    if isinstance(value, dict):
        return {key: shape(each) for key, each in value.items()}
    if isinstance(value, list):
        merged = None
        for each in value:
            merged = _merged(merged, shape(each))
        return [merged] if merged is not None else []
    return _TYPES[type(value)]


def _merged(one, other):
    if one is None or one == other:
        return other
    if isinstance(one, dict) and isinstance(other, dict):
        return {key: _merged(one.get(key), other.get(key)) or one.get(key) for key in {**one, **other}}
    return one


class _Locust:
    """A running Locust, ours or the real one."""

    def __init__(self, interpreter, package=None):
        with socket.socket() as probe:
            probe.bind(("127.0.0.1", 0))
            self.port = probe.getsockname()[1]
        environment = {name: value for name, value in os.environ.items() if not name.startswith("LOCUST")}
        environment.pop("PYTHONPATH", None)
        if package:
            environment["PYTHONPATH"] = str(package)
        arguments = ["-f", str(_HERE / "contract_locustfile.py"), "--web-host", "127.0.0.1", "--class-picker"]
        self.process = subprocess.Popen(
            [interpreter, "-m", "locust", *arguments, "--web-port", str(self.port)],
            env=environment, cwd="/", stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
        )  # fmt: skip
        # The real one says that it serves before it does.
        until = time.monotonic() + 30
        while self.process.poll() is None and time.monotonic() < until:
            with socket.socket() as probe:
                if probe.connect_ex(("127.0.0.1", self.port)) == 0:
                    return
            time.sleep(0.05)
        raise AssertionError(f"{interpreter} -m locust does not serve its page")

    def ask(self, method, path, form=None):
        connection = HTTPConnection("127.0.0.1", self.port, timeout=30)
        body = None if form is None else urlencode(form, doseq=True)
        headers = {"Content-Type": "application/x-www-form-urlencoded"} if body is not None else {}
        connection.request(method, path, body, headers)
        answer = connection.getresponse()
        kind, body = (answer.headers["Content-Type"] or "").split(";")[0], answer.read().decode()
        connection.close()
        return answer.status, kind, body

    def facts(self, method, path, form=None):
        status, kind, body = self.ask(method, path, form)
        facts = {"status": status}
        if status < 400:
            facts["type"] = kind
            if kind == "application/json":
                facts["shape"] = shape(json.loads(body))
            elif kind == "text/csv":
                facts["columns"] = body.splitlines()[0].split(",")
            elif kind == "text/plain" or len(body) < 10:
                facts["text"] = body
        return facts

    def close(self):
        self.process.terminate()
        self.process.wait(timeout=30)


def observe(interpreter, package=None):
    """What each request is answered with, in the course of one test."""
    locust, seen = _Locust(interpreter, package), {}

    def note(label, method, path, form=None):
        seen[f"{label}: {method} {path}"] = locust.facts(method, path, form)

    def get(label):
        for path in ("/stats/requests", "/exceptions", "/tasks", "/logs", "/worker-count", "/stats/requests/csv",
                     "/stats/failures/csv", "/exceptions/csv", "/stats/requests_full_history/csv", "/stats/report",
                     "/stats/report?download=1"):  # fmt: skip
            note(label, "GET", path)

    try:
        get("ready")
        note("no number", "POST", "/swarm", {"user_count": "x", "spawn_rate": "1"})
        note("no rate", "POST", "/swarm", {"user_count": "1"})
        note("no time", "POST", "/swarm", {"user_count": "1", "spawn_rate": "1", "run_time": "never"})
        form = {"user_count": "4", "spawn_rate": "100", "host": "http://other.test", "user_classes": ["Visitor"]}
        note("start", "POST", "/swarm", {**form, "run_time": "10m", "colour": "blue"})
        # All kinds of requests and an exception, and rates, which come two seconds late.
        until = time.monotonic() + 20
        while time.monotonic() < until:
            now = json.loads(locust.ask("GET", "/stats/requests")[2])
            raised = json.loads(locust.ask("GET", "/exceptions")[2])["exceptions"]
            if len(now["stats"]) == 3 and now["current_rps"] and raised:
                break
            time.sleep(0.3)
        get("running")
        note("edit", "POST", "/swarm", {"user_count": "2", "spawn_rate": "100"})
        note("reset by GET", "GET", "/stats/reset")
        note("reset", "POST", "/stats/reset")
        # Longer than the real one keeps its last answer.
        time.sleep(2.5)
        note("stop by GET", "GET", "/stop")
        note("stop", "POST", "/stop")
        time.sleep(2.5)
        note("stopped", "GET", "/stats/requests")
        note("not there", "GET", "/nope")
    finally:
        locust.close()
    return seen


class Contract(unittest.TestCase):
    maxDiff = None

    def test_every_endpoint_answers_as_locust_does(self):
        ours = observe(sys.executable, _HERE.parent)
        recorded = json.loads(_RECORD.read_text())
        self.assertEqual(sorted(ours), sorted(recorded))
        for label, facts in recorded.items():
            with self.subTest(label):
                self.assertEqual(_without_ours(ours[label], facts), facts)

    @unittest.skipUnless(_REAL, "THRONG_REAL_LOCUST is not set")
    def test_the_record_is_what_locust_does(self):
        self.assertEqual(observe(_REAL), json.loads(_RECORD.read_text()))


def _without_ours(facts, theirs):
    """Without keys that we have beyond Locust's: what reads its answers does not mind them."""
    shape = facts.get("shape")
    if not isinstance(shape, dict):
        return facts
    return {**facts, "shape": {key: value for key, value in shape.items() if key in theirs.get("shape", {})}}


if __name__ == "__main__":
    if sys.argv[1:] == ["record"]:
        _RECORD.write_text(json.dumps(observe(_REAL), indent=1, sort_keys=True) + "\n")
    else:
        unittest.main()
