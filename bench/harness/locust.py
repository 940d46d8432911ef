"""The scenarios of the Locust face: the same locustfile under throng and under the real Locust, in turns."""

import re
import statistics
from datetime import datetime

from . import measure
from .measure import number, spread
from .servers import Nginx, SlowServer
from .tools import Result

FILES = measure.Path(__file__).resolve().parent.parent / "locust"


class LocustLike:
    """throng or Locust: the same command line, and the same interpreter, for both."""

    def __init__(self, name: str, command: list[str], env: dict):
        self.name, self.command, self.env = name, command, env
        self.start_up: float | None = None

    def run(self, file: str, target: str, users: int, seconds: int, client: str = "http") -> Result:
        """One run, net of what starting costs, which is the same however long it takes."""
        if self.start_up is None:
            self.start_up = self.raw(["-f", str(FILES / "get.py"), "--list"]).cpu
        flags = ["-f", str(FILES / file), "--headless", "-u", str(users), "-r", str(users), "-t", f"{seconds}s"]
        cost = self.raw([*flags, "--host", target.rstrip("/"), "--only-summary"], client)
        if cost.exit:
            raise RuntimeError(f"{self.name} ended with {cost.exit}:\n{cost.output[-2000:]}")
        total = re.search(r"^ +Aggregated +(\d+) +(\d+)\([\d.]+%\) \| +(\d+) +(\d+) +(\d+)", cost.output, re.MULTILINE)
        if total is None or int(total.group(2)):
            raise RuntimeError(f"{self.name}: no total, or failures in it:\n{cost.output[-2000:]}")
        cost.cpu = max(cost.cpu - self.start_up, 0.001)
        return Result(cost, int(total.group(1)), {"mean": int(total.group(3)), "max": int(total.group(5))})

    def raw(self, arguments: list[str], client: str = "http") -> measure.Cost:
        return measure.run([*self.command, *arguments], env=self.env | {"CLIENT": client})


def programs(bench) -> tuple[LocustLike, LocustLike]:
    env = {"THRONG_PYTHON": bench.locust_python}
    return LocustLike("throng", [*bench.own_face.command, "locust"], env), LocustLike("Locust", [bench.locust_python, "-m", "locust"], env)


def compare(bench, file: str, client: str, aim: float) -> bool:
    throng, locust = programs(bench)
    ratios = []
    with Nginx() as server:
        for index in range(bench.pairs):
            measure.wait_for_quiet(1.0, bench.patience)
            results = {each.name: each.run(file, server.url, 50, bench.seconds, client) for each in (throng, locust)}
            bench.round(f"{client} pair {index + 1}", results)
            costs = {name: result.cost.cpu / result.requests * 1e6 for name, result in results.items()}
            print("    CPU per request: " + ", ".join(f"{name} {cost:.1f} µs" for name, cost in costs.items()))
            ratios.append(costs["Locust"] / costs["throng"])
    print(f"  throng against {client} users of Locust: {spread(ratios)}")
    met = statistics.median(ratios) >= aim
    print(f"  {'met' if met else 'NOT MET'}: at least {number(aim)} times")
    return met


def locust_get(bench) -> bool:
    """A locustfile with one GET, 50 users, no wait: CPU per request against HttpUser and FastHttpUser."""
    return all([compare(bench, "get.py", "http", 35), compare(bench, "get.py", "fast", 8)])


def locust_options(bench) -> bool:
    """The same with json=, headers=, params= and name=, against HttpUser."""
    return compare(bench, "options.py", "http", 25)


def locust_checked(bench) -> bool:
    """The same with a request listener, catch_response and json(), against FastHttpUser."""
    return compare(bench, "checked.py", "fast", 8)


def locust_users(bench) -> bool:
    """10,000 users that visit once a second, answers after 10 ms: requests a second, memory a user, time to spawn."""
    throng, _ = programs(bench)
    count = bench.vus(10_000)
    seconds = max(5, int(60 * bench.scale))
    with SlowServer(bench.truth_server, 10) as server:
        one = throng.run("wait.py", server.url, 1, 2)
        many = throng.run("wait.py", server.url, count, seconds)
    rate = many.requests / seconds
    kilobytes = (many.cost.peak_mb - one.cost.peak_mb) * 1024 / count
    spawned = seconds_between(many.cost.output, "Ramping to", "All users spawned")
    print(
        f"  {count:,} users: {rate:,.0f} requests a second over {seconds} s, {kilobytes:.1f} KB a user, "
        f"spawned in {spawned:.1f} s, mean response time {many.summary['mean']} ms, slowest {many.summary['max']} ms"
    )
    met = rate >= 0.8 * count and kilobytes <= 30 and spawned <= 5
    print(
        f"  {'met' if met else 'NOT MET'}: at least 80 % of a request per user and second, at most 30 KB a user, "
        "spawned within 5 s"
    )
    return met


def seconds_between(log: str, first: str, last: str) -> float:
    """From the log line with one text to that with another."""
    times = [
        datetime.strptime(match.group(1), "%Y-%m-%d %H:%M:%S,%f")
        for text in (first, last)
        if (match := re.search(rf"^\[([^]]+)\].*{text}", log, re.MULTILINE))
    ]
    return (times[1] - times[0]).total_seconds() if len(times) == 2 else float("inf")


def locust_busy(bench) -> bool:
    """50 users that each compute 2 ms per task: the mean response time must not contain their work."""
    throng, locust = programs(bench)
    with Nginx() as server:
        results = {each.name: each.run("busy.py", server.url, 50, bench.seconds) for each in (throng, locust)}
    for name, result in results.items():
        print(f"  {name}: mean {result.summary['mean']} ms, maximum {result.summary['max']} ms")
    met = results["throng"].summary["mean"] < 2
    print(f"  {'met' if met else 'NOT MET'}: mean under 2 ms")
    return met


ALL = {function.__name__: function for function in (locust_get, locust_options, locust_checked, locust_users, locust_busy)}
