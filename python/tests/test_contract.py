"""Locust's endpoints: throng answers each with the status, the type and the keys that Locust 2.47 answers with.

The answers of the real one are recorded as shapes in `contract.json`, and where requests are the same each time, as numbers; `THRONG_REAL_LOCUST=PYTHON python -m
tests.test_contract record` records them again, and where that variable is set, a test compares the record with it.
"""

import csv
import io
import json
import os
import re
import shutil
import socket
import subprocess
import sys
import tempfile
import time
import unittest
from http.client import HTTPConnection
from pathlib import Path
from urllib.parse import urlencode

_HERE = Path(__file__).parent
_RECORD = _HERE / "contract.json"
_LOCUSTFILE = _HERE / "contract_locustfile.py"
_FILE = re.compile(r'attachment; ?filename="?(Locust_)[0-9-]{11}[0-9]{2}h[0-9]{2}_.*?((?:_requests|_failures|_exceptions|_requests_full_history)?\.(?:csv|html))"?')
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


def _free_port():
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


def _environment(package):
    """Of a process that imports `locust` from there, or as it is installed."""
    environment = {name: value for name, value in os.environ.items() if not name.startswith("LOCUST")}
    environment.pop("PYTHONPATH", None)
    return {**environment, "PYTHONPATH": str(package)} if package else environment


class _Locust:
    """A running Locust, ours or the real one."""

    def __init__(self, interpreter, package=None, *more, file=_LOCUSTFILE):
        self.port = _free_port()
        arguments = ["-f", str(file), "--web-host", "127.0.0.1", *more]
        self.process = subprocess.Popen(
            [interpreter, "-m", "locust", *arguments, "--web-port", str(self.port)],
            env=_environment(package), cwd="/", stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
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
        """Status, type, body and headers; `form` is a dict for a URL-encoded form, or (type, body)."""
        connection = HTTPConnection("127.0.0.1", self.port, timeout=30)
        kind, body = form if isinstance(form, tuple) else ("application/x-www-form-urlencoded", form)
        if isinstance(body, dict):
            body = urlencode(body, doseq=True)
        connection.request(method, path, body, {"Content-Type": kind} if body is not None else {})
        answer = connection.getresponse()
        kind, body = (answer.headers["Content-Type"] or "").split(";")[0], answer.read().decode()
        connection.close()
        return answer.status, kind, body, answer.headers

    def json(self, path):
        return json.loads(self.ask("GET", path)[2])

    def facts(self, method, path, form=None):
        status, kind, body, headers = self.ask(method, path, form)
        facts = {"status": status}
        if headers["Content-Disposition"]:
            # Between the two are the locustfile and the host, ours without what a file's name cannot have.
            begin, end = _FILE.fullmatch(headers["Content-Disposition"]).groups()
            facts["file"] = f"{begin} ... {end}"
        if headers["Location"]:
            facts["location"] = headers["Location"]
        if status < 300:
            facts["type"] = kind
            if kind == "application/json":
                facts["shape"] = shape(_parts_named(path, json.loads(body)))
                facts |= _messages(json.loads(body))
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
    history = Path(tempfile.mkdtemp(prefix="throng-contract-"), "table")
    locust = _Locust(interpreter, package, "--class-picker", "--csv", str(history), "--csv-full-history")
    seen = {}

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
            now, raised = locust.json("/stats/requests"), locust.json("/exceptions")["exceptions"]
            if len(now["stats"]) == 3 and now["current_rps"] and raised:
                break
            time.sleep(0.3)
        get("running")
        note("edit", "POST", "/swarm", {"user_count": "2", "spawn_rate": "100"})
        user = {"user_class_name": "Visitor", "tasks": ["look"], "host": "http://changed.test"}
        note("user", "POST", "/user", ("application/json", json.dumps(user)))
        note("without a login", "GET", "/login")
        note("reset by GET", "GET", "/stats/reset")
        note("reset", "POST", "/stats/reset")
        # Longer than the real one keeps its last answer.
        time.sleep(2.5)
        note("stop by GET", "GET", "/stop")
        note("stop", "POST", "/stop")
        time.sleep(2.5)
        note("stopped", "GET", "/stats/requests")
        note("not there", "GET", "/nope")
        # As a browser's script sends a form.
        note("multipart", "POST", "/swarm", _multipart(user_count="1", spawn_rate="1", user_classes="Visitor"))
        note("shape while one runs", "POST", "/swarm", {"user_classes": ["Visitor"], "shape_class": "Stairs"})
        note("stop", "POST", "/stop")
        note("shape", "POST", "/swarm", {"user_classes": ["Visitor"], "shape_class": "Stairs"})
        note("while a shape runs", "POST", "/swarm", {"user_count": "1", "spawn_rate": "1", "host": "<b>x</b>"})
    finally:
        locust.close()
        shutil.rmtree(history.parent)
    return seen


# What depends on when something happened.
_TIMED = {"current_rps", "current_fail_per_sec", "total_rps", "total_fail_per_sec", "first_seen", "last_seen",
          "current_response_time_percentiles"}  # fmt: skip
_TIMED_COLUMNS = {"Requests/s", "Failures/s", "First Seen", "Last Seen"}


def numbers(interpreter, package=None):
    """What the endpoints say of requests that are the same each time: what their numbers mean."""
    locust = _Locust(interpreter, package, "--class-picker")
    try:
        form = {"user_count": "3", "spawn_rate": "100", "user_classes": ["Steady"], "shape_class": "Default"}
        locust.ask("POST", "/swarm", form)
        _until(lambda: locust.json("/stats/requests")["stats"][-1]["num_requests"] == 600)
        # The answer of before is kept for a while, and the state may still be that of spawning.
        _until(lambda: locust.json("/stats/requests")["state"] == "running")
        statistics = _without(locust.json("/stats/requests"), _TIMED)
        # Theirs are in no order that means something.
        statistics["errors"].sort(key=str)
        seen = {"statistics": statistics}
        seen["tasks"] = locust.json("/tasks")
        seen["workers"] = locust.json("/worker-count")
        for table in ("/stats/requests/csv", "/stats/failures/csv"):
            heading, *rows = csv.reader(io.StringIO(locust.ask("GET", table)[2]))
            kept = [place for place, name in enumerate(heading) if name not in _TIMED_COLUMNS]
            seen[table] = sorted([row[place] for place in kept] for row in rows)
        locust.ask("POST", "/stats/reset")
        _until(lambda: locust.json("/stats/requests")["stats"][-1]["num_requests"] == 0)
        seen["reset"] = _without(locust.json("/stats/requests"), _TIMED)
    finally:
        locust.close()
    return seen


def distributed(interpreter, package=None):
    """What a master with one worker answers."""
    port = str(_free_port())
    listens = ("--master-bind-host", "127.0.0.1", "--master-bind-port", port)
    locust = _Locust(interpreter, package, "--class-picker", "--master", *listens)
    worker, seen = None, {}
    try:
        seen["alone"] = locust.facts("GET", "/stats/requests")
        seen["nobody"] = locust.facts("GET", "/worker-count")
        worker = subprocess.Popen(
            [interpreter, "-m", "locust", "-f", str(_LOCUSTFILE), "--worker", "--master-host", "127.0.0.1",
             "--master-port", port],
            env=_environment(package), cwd="/", stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
        )  # fmt: skip
        _until(lambda: locust.json("/worker-count") == {"worker_count": 1})
        seen["one"] = locust.json("/worker-count")
        locust.ask("POST", "/swarm", {"user_count": "2", "spawn_rate": "100"})

        def reports():
            now = locust.json("/stats/requests")
            of_late = now["current_response_time_percentiles"].values()
            users = sum(worker["user_count"] for worker in now["workers"])
            return users == 2 and len(now["stats"]) > 3 and None not in of_late

        _until(reports)
        _until(lambda: locust.json("/exceptions")["exceptions"])
        for path in ("/stats/requests", "/exceptions", "/tasks", "/logs"):
            seen[path] = locust.facts("GET", path)
        seen["stop"] = locust.facts("POST", "/stop")
    finally:
        if worker:
            worker.terminate()
            worker.wait(timeout=30)
        locust.close()
    return seen


def record(interpreter, package=None):
    """All that is compared."""
    return {
        "answers": observe(interpreter, package),
        "numbers": numbers(interpreter, package),
        "distributed": distributed(interpreter, package),
    }


def _parts_named(path, answer):
    """Without the names of what runs: of workers in the log, which are random."""
    if path == "/logs":
        return {**answer, "workers": list(answer["workers"].values())}
    return answer


def _messages(answer):
    """Sentences that programs look at."""
    return {"says": answer["message"]} if isinstance(answer, dict) and "message" in answer else {}


def _without(value, names):
    if isinstance(value, dict):
        return {key: _without(each, names) for key, each in value.items() if key not in names}
    if isinstance(value, list):
        return [_without(each, names) for each in value]
    return round(value, 6) if isinstance(value, float) else value


def _multipart(**fields):
    part = '--xx\r\nContent-Disposition: form-data; name="{}"\r\n\r\n{}\r\n'
    body = "".join(part.format(name, value) for name, value in fields.items()) + "--xx--\r\n"
    return "multipart/form-data; boundary=xx", body


def _until(true, patience=20):
    end = time.monotonic() + patience
    while not true():
        if time.monotonic() > end:
            raise AssertionError("waited in vain")
        time.sleep(0.2)


class Contract(unittest.TestCase):
    maxDiff = None

    @classmethod
    def setUpClass(cls):
        cls.recorded = json.loads(_RECORD.read_text())

    def test_every_endpoint_answers_as_locust_does(self):
        self._compare(observe(sys.executable, _HERE.parent), self.recorded["answers"])

    def test_a_master_answers_as_locusts_does(self):
        self._compare(distributed(sys.executable, _HERE.parent), self.recorded["distributed"])

    def _compare(self, ours, recorded):
        self.assertEqual(sorted(ours), sorted(recorded))
        for label, facts in recorded.items():
            with self.subTest(label):
                self.assertEqual(_without_ours(ours[label], facts), facts)

    def test_numbers_mean_what_they_mean_to_locust(self):
        ours = numbers(sys.executable, _HERE.parent)
        for label, facts in self.recorded["numbers"].items():
            with self.subTest(label):
                self.assertEqual(_known(ours[label], facts), facts)

    @unittest.skipUnless(_REAL, "THRONG_REAL_LOCUST is not set")
    def test_the_record_is_what_locust_does(self):
        self.assertEqual(record(_REAL), self.recorded)


def _known(ours, theirs):
    """Without keys that we have beyond Locust's."""
    if isinstance(ours, dict) and isinstance(theirs, dict):
        return {key: _known(value, theirs[key]) for key, value in ours.items() if key in theirs}
    if isinstance(ours, list) and isinstance(theirs, list) and len(ours) == len(theirs):
        return [_known(one, other) for one, other in zip(ours, theirs, strict=True)]
    return ours


def _without_ours(facts, theirs):
    """Without keys that we have beyond Locust's: what reads its answers does not mind them."""
    shape = facts.get("shape")
    if not isinstance(shape, dict):
        return facts
    return {**facts, "shape": {key: value for key, value in shape.items() if key in theirs.get("shape", {})}}


if __name__ == "__main__":
    if sys.argv[1:] == ["record"]:
        _RECORD.write_text(json.dumps(record(_REAL), indent=1, sort_keys=True) + "\n")
    else:
        unittest.main()
