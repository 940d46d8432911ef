"""What open pages cost the process that serves them."""

import os
import selectors
import signal
import socket
import subprocess
import tempfile
import time
from pathlib import Path

from .measure import wait_for_quiet
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
    tick = os.sysconf("SC_CLK_TCK")
    times: dict[str, float] = {}
    for task in Path(f"/proc/{pid}/task").iterdir():
        try:
            text = (task / "stat").read_text()
        except OSError:
            continue
        name = text[text.index("(") + 1 : text.rindex(")")]
        fields = text[text.rindex(")") + 2 :].split()
        times[name] = times.get(name, 0) + (int(fields[11]) + int(fields[12])) / tick
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


ALL = {"pages": pages}
