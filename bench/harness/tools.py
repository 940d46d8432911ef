"""The programs that are compared, each as a function from a load to its cost and its requests."""

import json
import re
import tempfile
from dataclasses import dataclass
from pathlib import Path

from . import measure

SCRIPTS = Path(__file__).resolve().parent.parent / "scripts"


@dataclass
class Load:
    """A script under one of the shortcuts for virtual users and time."""

    script: Path
    target: str
    flags: list[str]


@dataclass
class Result:
    """What a run cost, how many requests it made, and its summary (None for wrk)."""

    cost: measure.Cost
    requests: int
    summary: dict | None = None

    @property
    def per_cpu_second(self) -> float:
        return self.requests / self.cost.cpu


class K6Like:
    """throng or k6: the same command line for both."""

    def __init__(self, name: str, command: list[str]):
        self.name, self.command = name, command

    def run(self, load: Load, *, env: dict | None = None, expect: int = 0, **how) -> Result:
        with tempfile.TemporaryDirectory() as folder:
            summary = Path(folder, "summary.json")
            command = [*self.command, "run", "--address", "", "--quiet", "--summary-export", str(summary)]
            command += ["--summary-trend-stats", "avg,min,med,max,p(90),p(95),p(99)", *load.flags, str(load.script)]
            cost = measure.run(command, env={"TARGET": load.target} | (env or {}), **how)
            if cost.exit != expect:
                raise RuntimeError(f"{self.name} ended with {cost.exit}:\n{cost.output[-2000:]}")
            data = json.loads(summary.read_text())
        requests = data["metrics"].get("http_reqs", {}).get("count", 0)
        failed = data["metrics"].get("http_req_failed", {}).get("passes", 0)
        if failed:
            raise RuntimeError(f"{self.name}: {failed} of {requests} requests failed; this measures something else")
        return Result(cost, requests, data)


class Wrk:
    """wrk, the cheapest generator there is: what remains is mostly the kernel's TCP."""

    name = "wrk"

    def run(self, connections: int, seconds: int, target: str) -> Result:
        cost = measure.run(["wrk", "-t2", f"-c{connections}", f"-d{seconds}s", target])
        found = re.search(r"(\d+) requests in", cost.output)
        if cost.exit or not found:
            raise RuntimeError(f"wrk ended with {cost.exit}:\n{cost.output}")
        return Result(cost, int(found.group(1)))
