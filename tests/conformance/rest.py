#!/usr/bin/env python3
"""k6's REST API and its commands: the same questions to the real k6 and to throng, and the same answers.

    rest.py record --engine k6          writes rest.facts.json
    rest.py compare --engine "throng k6"

Numbers that a run measures are compared by kind, everything else as it is. Where throng differs on purpose, `DIFFERS` says why.
"""

import argparse
import json
import os
import shlex
import signal
import socket
import subprocess
import sys
import tempfile
import time
from http.client import HTTPConnection
from pathlib import Path

FACTS = Path(__file__).with_name("rest.facts.json")
PATIENCE = 20

CONTROLLED = """
import { check, group, sleep } from 'k6';
import { Counter, Gauge, Rate, Trend } from 'k6/metrics';
const counter = new Counter('my_counter'), gauge = new Gauge('my_gauge'), rate = new Rate('my_rate');
const trend = new Trend('my_trend', true);
export const options = {
  scenarios: { x: { executor: 'externally-controlled', vus: 2, maxVUs: 4, duration: '10m' } },
  thresholds: { my_counter: ['count>1000000'], 'my_trend{kind:a}': ['max<1000000'], my_rate: ['rate>0.1'] },
};
export function setup() { return { key: 'value', list: [1, 2] }; }
export default function () {
  group('front', () => {
    group('inner', () => check(null, { 'is there': () => true, 'is not': () => false }));
  });
  counter.add(2); gauge.add(3); rate.add(true); trend.add(5, { kind: 'a' });
  sleep(0.05);
}
export function teardown() {}
export function handleSummary() { return {}; }
"""

PLAIN = """
import { sleep } from 'k6';
export const options = { scenarios: { y: { executor: 'constant-vus', vus: 1, duration: '10m', gracefulStop: '0s' } } };
export function setup() { return { from: 'setup' }; }
export default function () { sleep(0.05); }
export function teardown() {}
export function handleSummary() { return {}; }
"""

SHORT = """
export const options = { iterations: 3 };
export default function () {}
export function handleSummary() { return {}; }
"""

# What throng answers otherwise, by the step's name, and why.
DIFFERS = {
    "lingering: iterations": "k6 knows no metric here: what a run measured can still be asked after it",
    "lingering: paused": "throng says that the run is over",
}


def change(**attributes):
    names = {name.replace("_", "-"): value for name, value in attributes.items()}
    return {"data": {"type": "status", "id": "default", "attributes": names}}


class Run:
    """An engine with a script, asked and told step by step."""

    def __init__(self, engine, script, *flags):
        self.engine = engine
        with socket.socket() as free:
            free.bind(("127.0.0.1", 0))
            self.address = f"127.0.0.1:{free.getsockname()[1]}"
        self.folder = tempfile.TemporaryDirectory(prefix="throng-rest-")
        path = Path(self.folder.name, "script.js")
        path.write_text(script)
        self.env = {"PATH": os.environ["PATH"], "HOME": self.folder.name, "NO_COLOR": "1", "K6_NO_USAGE_REPORT": "true"}
        command = [*engine, "run", "--quiet", "--address", self.address, *flags, str(path)]
        self.process = subprocess.Popen(
            command, env=self.env, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, start_new_session=True
        )
        self.facts = {}

    def send(self, method, path, body=None):
        connection = HTTPConnection(self.address, timeout=PATIENCE)
        text = body if isinstance(body, str) or body is None else json.dumps(body)
        connection.request(method, path, text)
        answer = connection.getresponse()
        text = answer.read().decode()
        connection.close()
        return answer.status, text

    def status(self):
        return json.loads(self.send("GET", "/v1/status")[1])["data"]["attributes"]

    def until(self, what):
        end = time.monotonic() + PATIENCE
        seen = None
        while time.monotonic() < end:
            try:
                seen = self.status()
                if what(seen):
                    return
            except OSError:
                pass
            time.sleep(0.02)
        raise AssertionError(f"waited in vain; last: {seen}")

    def ask(self, name, method, path, body=None):
        status, text = self.send(method, path, body)
        try:
            content = shape(json.loads(text))
        except ValueError:
            content = text
        for error in content.get("errors", ()) if isinstance(content, dict) else ():
            if error["title"] in ("Invalid data", "Error parsing request body"):
                error["detail"] = "in the parser's words"
        if name == "stopped":
            # Who is being interrupted may have gone.
            del content["data"]["attributes"]["vus"]
        self.facts[name] = {"code": status, "content": content}

    def command(self, name, *args, address=None):
        done = subprocess.run(
            [*self.engine, *args, "--address", address or self.address],
            env=self.env,
            capture_output=True,
            text=True,
            timeout=PATIENCE,
        )
        out = done.stdout
        if args[0] == "stats":
            # The order of metrics is the engine's own.
            blocks = sorted(("\n" + masked(out)).split("\n- ")[1:])
            out = [block.strip().split("\n") for block in blocks if "name: my_" in block]
        self.facts[name] = {"exit": done.returncode, "out": out, "has error": bool(done.stderr.strip())}

    def end(self, name, send=None):
        if send:
            self.process.send_signal(send)
        _, stderr = self.process.communicate(timeout=PATIENCE)
        errors = sum("level=error" in line for line in stderr.splitlines())
        self.facts[name] = {"exit": self.process.returncode, "errors": errors}
        self.folder.cleanup()

    def kill(self):
        if self.process.poll() is None:
            self.process.kill()
            self.process.communicate()


TIMED = ("vus", "vus_max")


def shape(value, key=None):
    """The value without what depends on when it was asked."""
    if isinstance(value, dict):
        if key == "sample":
            return sorted(value)
        return {name: shape(inner, name) for name, inner in sorted(value.items())}
    if isinstance(value, list):
        inner = [shape(one) for one in value if not (isinstance(one, dict) and one.get("id") in TIMED)]
        if inner and all(isinstance(one, dict) and "id" in one for one in inner):
            inner.sort(key=lambda one: one["id"])
        return inner
    if key in ("passes", "fails"):
        return "number"
    return value


def masked(text):
    lines = []
    for line in text.splitlines():
        name, colon, value = line.partition(": ")
        try:
            float(value)
            lines.append(f"{name}: NUMBER")
        except ValueError:
            lines.append(line)
    return "\n".join(lines)


def controlled(engine):
    run = Run(engine, CONTROLLED)
    try:
        run.until(lambda now: now["status"] == 7 and now["vus"] == 2)
        # Thresholds are judged every two seconds.
        run.until(lambda now: now["tainted"])
        ask = run.ask
        ask("status", "GET", "/v1/status")
        ask("status, another method", "POST", "/v1/status", {})
        ask("status, deleted", "DELETE", "/v1/status")
        ask("metrics", "GET", "/v1/metrics")
        ask("metrics, another method", "POST", "/v1/metrics", {})
        for name in ("my_counter", "my_gauge", "my_rate", "my_trend", "my_trend{kind:a}", "nope"):
            ask(f"metric {name}", "GET", f"/v1/metrics/{name.replace('{', '%7B').replace('}', '%7D')}")
        ask("groups", "GET", "/v1/groups")
        ask("the root group", "GET", "/v1/groups/d41d8cd98f00b204e9800998ecf8427e")
        ask("no group", "GET", "/v1/groups/nope")
        ask("setup data", "GET", "/v1/setup")
        ask("setup data, another method", "DELETE", "/v1/setup")
        ask("teardown, another method", "GET", "/v1/teardown")
        for path in ("/ping", "/", "/nope", "/v1/nope"):
            ask(f"path {path}", "GET", path)
        ask("no JSON", "PATCH", "/v1/status", "{")
        ask("no document", "PATCH", "/v1/status", [1])
        ask("nothing", "PATCH", "/v1/status", change())
        ask("three", "PATCH", "/v1/status", change(vus=3))
        run.until(lambda now: now["vus"] == 3)
        ask("more than the maximum", "PATCH", "/v1/status", change(vus=9))
        ask("a maximum below the script's", "PATCH", "/v1/status", change(vus_max=3))
        ask("a negative number", "PATCH", "/v1/status", change(vus=-1))
        ask("a higher maximum", "PATCH", "/v1/status", change(vus_max=6))
        run.until(lambda now: now["vus-max"] == 6)
        ask("both", "PATCH", "/v1/status", change(vus=5, vus_max=6))
        run.until(lambda now: now["vus"] == 5)
        ask("paused", "PATCH", "/v1/status", change(paused=True))
        run.until(lambda now: now["vus"] == 0)
        ask("status, paused", "GET", "/v1/status")
        ask("paused again", "PATCH", "/v1/status", change(paused=True))
        ask("resumed", "PATCH", "/v1/status", change(paused=False))
        run.until(lambda now: now["vus"] == 5)
        ask("resumed again", "PATCH", "/v1/status", change(paused=False))
        run.command("command scale", "scale", "-u", "2")
        run.until(lambda now: now["vus"] == 2)
        run.command("command scale, both", "scale", "--vus", "2", "--max", "7")
        run.command("command scale, neither", "scale")
        run.command("command scale, too many", "scale", "-u", "99")
        run.until(lambda now: now["vus"] == 2 and now["vus-max"] == 7)
        run.command("command status", "status")
        run.command("command stats", "stats")
        run.command("command pause", "pause")
        run.until(lambda now: now["vus"] == 0)
        run.command("command resume", "resume")
        run.until(lambda now: now["vus"] == 2)
        run.command("command to nobody", "status", address="127.0.0.1:1")
        ask("stopped", "PATCH", "/v1/status", change(stopped=True))
        run.end("end")
        return run.facts
    finally:
        run.kill()


def paused(engine):
    run = Run(engine, PLAIN, "--paused", "--no-setup", "--no-teardown")
    try:
        run.until(lambda now: now["status"] == 4)
        ask = run.ask
        ask("status", "GET", "/v1/status")
        ask("metrics", "GET", "/v1/metrics")
        ask("groups", "GET", "/v1/groups")
        ask("no setup data", "GET", "/v1/setup")
        ask("setup is run", "POST", "/v1/setup")
        ask("setup data", "GET", "/v1/setup")
        ask("setup data is put", "PUT", "/v1/setup", {"mine": 1})
        ask("setup data that is no JSON", "PUT", "/v1/setup", "{")
        ask("what was put", "GET", "/v1/setup")
        ask("scaled before the start", "PATCH", "/v1/status", change(vus=2))
        ask("paused again", "PATCH", "/v1/status", change(paused=True))
        ask("resumed", "PATCH", "/v1/status", change(paused=False, stopped=False))
        run.until(lambda now: now["status"] == 7 and now["vus"] == 1)
        ask("status, running", "GET", "/v1/status")
        ask("resumed again", "PATCH", "/v1/status", change(paused=False))
        ask("paused, running", "PATCH", "/v1/status", change(paused=True))
        ask("scaled, running", "PATCH", "/v1/status", change(vus=2))
        run.command("command pause", "pause")
        run.command("command scale", "scale", "-u", "3")
        ask("teardown is run", "POST", "/v1/teardown")
        ask("stopped", "PATCH", "/v1/status", change(stopped=True))
        run.end("end")
        return run.facts
    finally:
        run.kill()


def waiting(engine):
    run = Run(engine, CONTROLLED, "--paused")
    try:
        run.until(lambda now: now["status"] == 4)
        run.ask("scaled before the start", "PATCH", "/v1/status", change(vus=3))
        run.ask("resumed", "PATCH", "/v1/status", change(paused=False))
        run.until(lambda now: now["status"] == 7 and now["vus"] > 0)
        time.sleep(0.3)
        run.ask("status", "GET", "/v1/status")
        run.ask("stopped", "PATCH", "/v1/status", change(stopped=True))
        run.end("end")
        return run.facts
    finally:
        run.kill()


def lingering(engine):
    run = Run(engine, SHORT, "--linger")
    try:
        run.until(lambda now: now["status"] in (9, 10))
        run.ask("status", "GET", "/v1/status")
        run.ask("iterations", "GET", "/v1/metrics/iterations")
        run.ask("paused", "PATCH", "/v1/status", change(paused=True))
        run.end("end", signal.SIGINT)
        return run.facts
    finally:
        run.kill()


PARTS = {"controlled": controlled, "paused": paused, "waiting": waiting, "lingering": lingering}


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("what", choices=("record", "compare"))
    parser.add_argument("--engine", required=True, type=shlex.split)
    arguments = parser.parse_args()
    seen = {name: part(arguments.engine) for name, part in PARTS.items()}
    if arguments.what == "record":
        FACTS.write_text(json.dumps(seen, indent=1, sort_keys=True) + "\n")
        return 0
    known = json.loads(FACTS.read_text())
    passed = failed = 0
    for part, steps in known.items():
        for step, expected in steps.items():
            name = f"{part}: {step}"
            same = seen[part].get(step) == expected
            if same != (name in DIFFERS):
                passed += 1
                continue
            failed += 1
            print(f"{name}:\n  k6:     {json.dumps(expected)}\n  throng: {json.dumps(seen[part].get(step))}")
            if same:
                print("  (it no longer differs: take it out of DIFFERS)")
    print(f"conformance: {passed} passed; {failed} failed")
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
