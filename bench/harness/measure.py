"""Running one program and asking the operating system what it cost."""

import os
import resource
import statistics
import subprocess
import tempfile
import threading
import time
from dataclasses import dataclass, field
from pathlib import Path


@dataclass
class Cost:
    """CPU seconds and peak memory of one process, from wait4(2), and what it printed.

    The peak cannot come out lower than our own 13 MB or so, of which the child is a copy before it starts the program.
    """

    cpu: float
    peak_mb: float
    wall: float
    exit: int
    output: str
    memory: list[tuple[float, float]] = field(default_factory=list)  # (seconds since start, resident MB)


def run(command: list[str], *, cpus: set[int] | None = None, env: dict | None = None, sample: float = 0) -> Cost:
    """Runs a program to its end. `cpus` pins it; `sample` notes its resident memory every so many seconds."""

    def prepare():
        hard = resource.getrlimit(resource.RLIMIT_NOFILE)[1]
        resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))
        if cpus:
            os.sched_setaffinity(0, cpus)

    with tempfile.TemporaryFile() as output:
        started = time.monotonic()
        process = subprocess.Popen(
            command, stdin=subprocess.DEVNULL, stdout=output, stderr=subprocess.STDOUT, preexec_fn=prepare,
            env=os.environ | {"K6_NO_USAGE_REPORT": "true", "NO_COLOR": "true"} | (env or {}),
        )
        memory: list[tuple[float, float]] = []
        ended = threading.Event()
        watcher = threading.Thread(target=_watch, args=(process.pid, sample, started, memory, ended))
        if sample:
            watcher.start()
        # wait4 gives the usage of this child alone, unlike RUSAGE_CHILDREN.
        _, status, usage = os.wait4(process.pid, 0)
        wall = time.monotonic() - started
        process.returncode = os.waitstatus_to_exitcode(status)
        ended.set()
        if sample:
            watcher.join()
        output.seek(0)
        text = output.read().decode(errors="replace")
    return Cost(usage.ru_utime + usage.ru_stime, usage.ru_maxrss / 1024, wall, process.returncode, text, memory)


def _watch(pid: int, every: float, started: float, memory: list, ended: threading.Event) -> None:
    page = os.sysconf("SC_PAGE_SIZE")
    while not ended.wait(every):
        try:
            resident = int(Path(f"/proc/{pid}/statm").read_text().split()[1]) * page / 2**20
        except (OSError, IndexError):
            return
        memory.append((time.monotonic() - started, resident))


def load_average() -> float:
    return os.getloadavg()[0]


def wait_for_quiet(limit: float, patience: float) -> None:
    """Waits until the load average is under the limit, so that no one else's work is measured; says when it is not."""
    deadline = time.monotonic() + patience
    while load_average() >= limit and time.monotonic() < deadline:
        time.sleep(2)


def spread(values: list[float]) -> str:
    """Median and range of a list of figures."""
    return f"{number(statistics.median(values))} ({number(min(values))} to {number(max(values))})"


def number(value: float) -> str:
    return f"{value:,.0f}" if abs(value) >= 100 else f"{value:.3g}"


def percentile(values: list[float], p: float) -> float:
    """The value below which p percent lie, interpolated between neighbours."""
    ordered = sorted(values)
    place = (len(ordered) - 1) * p / 100
    low = int(place)
    high = min(low + 1, len(ordered) - 1)
    return ordered[low] + (ordered[high] - ordered[low]) * (place - low)
