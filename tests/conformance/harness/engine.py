"""Starts the test server and an engine, and brings back everything that a run left behind."""

import json
import os
import re
import signal
import socket
import subprocess
import tempfile
import threading
import time
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path

from .script import Run, Script

# Long enough for a loaded machine; a run that takes it is reported as hanging.
DEADLINE_SECONDS = 90


@dataclass
class Raw:
    """What a run left behind, its addresses and folders replaced by names."""

    exit: int
    stdout: str
    stderr: str
    samples: list[dict]
    summary: dict | None
    files: dict[str, str | None]


def run(engine: list[str], server: Path, script: Script, how: Run, workers: int = 0) -> Raw:
    """Runs the script once, against a server of its own, in a folder of its own; spread over workers if there are any."""
    with tempfile.TemporaryDirectory(prefix="throng-conformance-") as folder:
        work, certificates = Path(folder, "work"), Path(folder, "certificates")
        work.mkdir()
        certificates.mkdir()
        with ExitStack() as servers:
            addresses = servers.enter_context(Server(server, certificates))
            if script.redis:
                addresses["redis"] = servers.enter_context(Redis(folder))
            names = {"CERTIFICATES": str(certificates), "WORK": str(work), "SCRIPTS": str(script.path.parent)}
            return _Runner(engine, script, how, work, addresses, names, workers).run()


class Server:
    """The test server, ended by closing its standard input."""

    def __init__(self, program: Path, certificates: Path):
        self.process = subprocess.Popen(
            [program, certificates], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
        )

    def __enter__(self) -> dict[str, str]:
        return json.loads(self.process.stdout.readline())

    def __exit__(self, *_):
        self.process.stdin.close()
        self.process.wait(10)
        self.process.stdout.close()


class Redis:
    """A Redis server of our own; its address."""

    def __init__(self, folder: str):
        with socket.create_server(("127.0.0.1", 0)) as free:
            self.port = free.getsockname()[1]
        self.process = subprocess.Popen(
            ["redis-server", "--bind", "127.0.0.1", "--port", str(self.port), "--save", "", "--appendonly", "no", "--dir", folder],
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
        )

    def __enter__(self) -> str:
        deadline = time.monotonic() + DEADLINE_SECONDS
        while True:
            try:
                socket.create_connection(("127.0.0.1", self.port)).close()
                return f"127.0.0.1:{self.port}"
            except OSError:
                if time.monotonic() > deadline or self.process.poll() is not None:
                    raise
                time.sleep(0.02)

    def __exit__(self, *_):
        self.process.terminate()
        self.process.wait(10)


class _Runner:
    def __init__(self, engine, script, how, work, addresses, names, workers):
        self.engine, self.script, self.how, self.work = engine, script, how, work
        self.addresses, self.names, self.workers = addresses, names, workers

    def run(self) -> Raw:
        samples, summary = self.work / "samples.json", self.work / "summary.json"
        command = [*self.engine, self.how.command, "--address", "", "--quiet"]
        if not self.script.stderr:
            command += ["--log-format", "json"]
        if self.how.command == "run":
            command += ["-o", f"json={samples}", "--summary-export", str(summary)]
        command += [self._expand(argument) for argument in self.how.arguments]
        command.append("-" if self.how.stdin else str(self.script.path))
        process = subprocess.Popen(
            command,
            cwd=self.work,
            env=self._environment(),
            stdin=subprocess.PIPE if self.how.stdin else subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            start_new_session=True,  # a signal for the engine must not reach us
        )
        stdout, stderr = self._attend(process)
        return Raw(
            exit=process.returncode,
            stdout=self._mask(stdout),
            stderr=self._mask(stderr),
            samples=[json.loads(self._mask(line)) for line in _lines(samples)],
            summary=json.loads(self._mask(summary.read_text())) if summary.exists() else None,
            files={name: self._file(name) for name in self.script.files},
        )

    def _environment(self) -> dict[str, str]:
        """Nothing of the caller's but the path: a run must not depend on who starts it."""
        env = {
            "PATH": os.environ.get("PATH", ""),
            "HOME": str(self.work),
            "K6_NO_USAGE_REPORT": "true",
            "NO_COLOR": "true",
            "SSL_CERT_FILE": f"{self.names['CERTIFICATES']}/ca.pem",
            "CERTIFICATES": self.names["CERTIFICATES"],
            "REFUSED": "http://127.0.0.1:1",
        }
        if self.workers:
            env["THRONG_WORKERS"] = str(self.workers)
        for name, address in self.addresses.items():
            scheme = "https" if name in ("https", "https1", "mutual") else "redis" if name == "redis" else "http"
            env[name.upper()] = f"{scheme}://{address}"
        return env | {name: self._expand(value) for name, value in self.how.env.items()}

    def _attend(self, process) -> tuple[str, str]:
        """Feeds, reads and signals the process until it ends."""
        out, err = [], []
        pending = list(self.how.signals)

        def read_err():
            for line in process.stderr:
                text = line.decode(errors="replace")
                err.append(text)
                while pending and pending[0][1] in text:
                    process.send_signal(signal.Signals[f"SIG{pending.pop(0)[0]}"])

        readers = [
            threading.Thread(target=lambda: out.append(process.stdout.read().decode(errors="replace"))),
            threading.Thread(target=read_err),
        ]
        for reader in readers:
            reader.start()
        if self.how.stdin:
            process.stdin.write(self.script.path.read_bytes())
            process.stdin.close()
        try:
            process.wait(DEADLINE_SECONDS)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()
            err.append(f'{{"level":"error","msg":"killed after {DEADLINE_SECONDS} s"}}\n')
        for reader in readers:
            reader.join()
        process.stdout.close()
        process.stderr.close()
        return "".join(out), "".join(err)

    def _expand(self, text: str) -> str:
        for name, value in self.names.items():
            text = text.replace(f"{{{name}}}", value)
        for name, address in self.addresses.items():
            text = text.replace(f"{{{name}}}", address)
        return text

    def _mask(self, text: str) -> str:
        for name, value in self.names.items():
            text = text.replace(value, name)
        for name, address in self.addresses.items():
            port = address.rpartition(":")[2]
            text = re.sub(rf"(?<=[\w.\]])(:|%3A){port}\b", rf"\g<1>{name}", text)
        return text

    def _file(self, name: str) -> str | None:
        path = self.work / name
        return self._mask(path.read_text(errors="replace")) if path.exists() else None


def _lines(path: Path) -> list[str]:
    return path.read_text().splitlines() if path.exists() else []
