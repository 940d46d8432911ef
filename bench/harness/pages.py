"""What open pages cost the process that serves them."""

import json
import os
import selectors
import signal
import socket
import statistics
import subprocess
import tempfile
import time
from pathlib import Path
from urllib.request import urlopen

from .measure import spread, wait_for_quiet
from .scenarios import verdict
from .servers import Nginx, await_port, free_port

PAGES = 50
NAMES = 500
AIM = 10.0

SCRIPT = """
import http from 'k6/http';
import { sleep } from 'k6';
export const options = { vus: 20, duration: '10m' };
export default function () {
  const name = `request number ${Math.floor(Math.random() * NAMES)} with a name as names are`;
  http.get(__ENV.TARGET, { tags: { name } });
  sleep(0.05);
}
"""

BUSY = """
import http from 'k6/http';
export const options = { vus: 20, duration: 'SECONDSs' };
export default function () {
  const name = `request number ${Math.floor(Math.random() * NAMES)} with a name as names are`;
  http.get(__ENV.TARGET, { tags: { name } });
}
"""


def pages(bench) -> bool:
    """Processor time of the thread that serves 50 open pages, of a run with 500 request names."""
    with tempfile.TemporaryDirectory() as folder, Nginx() as server:
        script = Path(folder) / "script.js"
        script.write_text(SCRIPT.replace("NAMES", str(NAMES)))
        port = free_port()
        command = [*bench.own_face.command, "run", f"--ui=127.0.0.1:{port}", "--quiet", "-e", f"TARGET={server.url}", str(script)]
        wait_for_quiet(1.0, bench.patience)
        process = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        try:
            await_port(port, process)
            # Until most names have been seen.
            time.sleep(bench.seconds)
            figures = {}
            for count in (0, 1, PAGES):
                with Open(port, count) as streams:
                    # What a page costs once, its snapshot, is not what it costs while it is open.
                    streams.read(3)
                    before, began = cpu(process.pid), time.monotonic()
                    received = streams.read(bench.seconds)
                    wall = time.monotonic() - began
                    after = cpu(process.pid)
                share = {name: (after[name] - before.get(name, 0)) / wall * 100 for name in after}
                figures[count] = share["throng-page"]
                rest = ", ".join(f"{name} {value:.1f} %" for name, value in sorted(share.items()) if name != "throng-page")
                kilobytes = received / wall / 1024 / max(1, count)
                print(f"  {count:3} pages: throng-page {figures[count]:.1f} % of a core ({rest}); {kilobytes:.1f} KB/s for each page")
        finally:
            process.send_signal(signal.SIGINT)
            process.wait()
    return verdict(figures[PAGES] < AIM, f"{PAGES} open pages cost under {AIM} % of a core")


def cpu(pid: int) -> dict[str, float]:
    """Seconds of processor time so far, by the name of the thread."""
    times: dict[str, float] = {}
    for task in Path(f"/proc/{pid}/task").iterdir():
        try:
            name = (task / "comm").read_text().strip()
            # In nanoseconds; the ticks of `stat` miss what is shorter than they are, as serving a page is.
            spent = int((task / "schedstat").read_text().split()[0])
        except OSError:
            continue
        times[name] = times.get(name, 0) + spent / 1e9
    return times


class Open:
    """So many event streams."""

    def __init__(self, port: int, count: int):
        self.selector = selectors.DefaultSelector()
        for _ in range(count):
            connection = socket.create_connection(("127.0.0.1", port), timeout=10)
            connection.sendall(b"GET /api/v1/events HTTP/1.1\r\nHost: localhost\r\nAccept: text/event-stream\r\n\r\n")
            connection.setblocking(False)
            self.selector.register(connection, selectors.EVENT_READ)

    def __enter__(self):
        return self

    def __exit__(self, *_):
        for key in list(self.selector.get_map().values()):
            key.fileobj.close()
        self.selector.close()

    def read(self, seconds: float) -> int:
        """Reads what comes for so long; the number of bytes."""
        received, end = 0, time.monotonic() + seconds
        while (left := end - time.monotonic()) > 0:
            if not self.selector.get_map():
                time.sleep(left)
                break
            for key, _ in self.selector.select(left):
                data = key.fileobj.recv(1 << 20)
                if not data:
                    raise RuntimeError("a stream ended")
                received += len(data)
        return received


def open_page(bench) -> bool:
    """Requests per CPU second of the threads that make them, with a page open and without, of 500 request names."""
    ratios, itself = [], []
    with tempfile.TemporaryDirectory() as folder, Nginx() as server:
        script = Path(folder) / "script.js"
        script.write_text(BUSY.replace("NAMES", str(NAMES)).replace("SECONDS", str(bench.seconds)))
        for index in range(bench.pairs):
            wait_for_quiet(1.0, bench.patience)
            rates = [generated(bench, script, server.url, pages) for pages in (0, 1, 0)]
            print(f"  pair {index + 1}: without {rates[0]:,.0f}, with {rates[1]:,.0f}, without again {rates[2]:,.0f}", flush=True)
            ratios.append(rates[1] / ((rates[0] + rates[2]) / 2))
            itself.append(rates[2] / rates[0])
    print(f"  with against without:    {spread(ratios)}")
    print(f"  without against without: {spread(itself)}")
    change = abs(statistics.median(ratios) - 1)
    return verdict(
        change < 0.03 or change < statistics.median(abs(ratio - 1) for ratio in itself),
        f"an open page changes requests per CPU second by {change:.1%}: under 3 %, or less than one run differs from the next",
    )


def generated(bench, script: Path, url: str, count: int) -> float:
    """Requests per CPU second of the generator's threads in a run with so many pages open."""
    port = free_port()
    command = [*bench.own_face.command, "run", f"--ui=127.0.0.1:{port}", "--linger", "--quiet", "-e", f"TARGET={url}", str(script)]
    process = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    try:
        await_port(port, process)
        with Open(port, count) as streams:
            streams.read(bench.seconds)
            while (run := snapshot(port))["state"] != "stopped":
                streams.read(0.2)
        # Threads that made requests have ended by now, and are in the sum alone.
        tick = os.sysconf("SC_CLK_TCK")
        fields = Path(f"/proc/{process.pid}/stat").read_text().rsplit(")", 1)[1].split()
        spent = (int(fields[11]) + int(fields[12])) / tick - sum(cpu(process.pid).values())
        return run["totals"]["count"] / spent
    finally:
        process.send_signal(signal.SIGINT)
        process.wait()


def snapshot(port: int) -> dict:
    with urlopen(f"http://127.0.0.1:{port}/api/v1/snapshot", timeout=10) as answer:
        return json.load(answer)


ALL = {"pages": pages, "open-page": open_page}
