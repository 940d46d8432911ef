"""What is put under load: nginx answering from memory, and the server that notes its own times."""

import json
import socket
import subprocess
import tempfile
import time
from pathlib import Path

HERE = Path(__file__).resolve().parent.parent


class Nginx:
    """nginx with one worker, in a folder of its own; `url` ends with a slash."""

    def __enter__(self):
        self.folder = tempfile.TemporaryDirectory(prefix="throng-bench-")
        root = Path(self.folder.name)
        root.chmod(0o755)  # its worker is another user when it is started by root
        for name in ("www", "tmp", "logs"):
            (root / name).mkdir()
        (root / "www/big.json").write_text(big_json())
        port = free_port()
        (root / "nginx.conf").write_text((HERE / "nginx.conf.in").read_text().replace("@PORT@", str(port)))
        self.process = subprocess.Popen(["nginx", "-p", root, "-c", "nginx.conf"], stderr=subprocess.DEVNULL)
        self.url = f"http://127.0.0.1:{port}/"
        await_port(port, self.process)
        return self

    def __exit__(self, *_):
        self.process.terminate()
        self.process.wait(10)
        self.folder.cleanup()


class TruthServer:
    """throng-truthserver; after the `with`, `times` has the nanoseconds that each id took."""

    def __init__(self, program: Path):
        self.program = program

    def __enter__(self):
        self.file = tempfile.NamedTemporaryFile()
        self.process = subprocess.Popen(
            [self.program, self.file.name], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
        )
        self.url = f"http://{self.process.stdout.readline().strip()}/"
        return self

    def __exit__(self, *_):
        self.process.stdin.close()
        self.process.wait(30)
        self.process.stdout.close()
        lines = Path(self.file.name).read_text().split("\n")
        self.times = {int(id): int(took) for id, took in (line.split() for line in lines if line)}
        self.file.close()


class SlowServer:
    """throng-truthserver with the same delay for every answer."""

    def __init__(self, program: Path, milliseconds: int):
        self.command = [program, "-", str(milliseconds)]

    def __enter__(self):
        self.process = subprocess.Popen(self.command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
        self.url = f"http://{self.process.stdout.readline().strip()}/"
        return self

    def __exit__(self, *_):
        self.process.stdin.close()
        self.process.wait(30)
        self.process.stdout.close()


def big_json() -> str:
    """About 10 KB, as an API would answer a list."""
    rows = [
        {
            "id": n,
            "name": f"article number {n}",
            "price": 10 + n * 0.25,
            "quantity": n % 7,
            "active": n % 3 != 0,
            "tags": ["even" if n % 2 == 0 else "odd", f"group-{n % 5}"],
        }
        for n in range(90)
    ]
    return json.dumps({"rows": rows})


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


def await_port(port: int, process: subprocess.Popen) -> None:
    deadline = time.monotonic() + 10
    while time.monotonic() < deadline and process.poll() is None:
        with socket.socket() as probe:
            if probe.connect_ex(("127.0.0.1", port)) == 0:
                return
        time.sleep(0.02)
    raise RuntimeError("nginx did not start: is nginx installed, and the port free?")
