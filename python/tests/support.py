"""What several tests need: a server to load, runs of the command line, environments."""

import json
import os
import socket
import subprocess
import sys
import tempfile
import textwrap
import threading
import time
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from urllib.parse import urlencode
from urllib.request import urlopen

PACKAGE = Path(__file__).resolve().parent.parent
REPOSITORY = PACKAGE.parent


class _Handler(BaseHTTPRequestHandler):
    """Answers 200 with the path as a comment of Python, `/status/N` with N; keeps what was asked in the server's `asked`."""

    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True

    def log_message(self, *_arguments):
        pass

    def answer(self):
        body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
        self.server.asked.append((self.command, self.path, body.decode()))
        parts = self.path.split("?")[0].strip("/").split("/")
        status = int(parts[1]) if parts[0] == "status" else 200
        data = f"# {self.path}".encode()
        self.send_response_only(status)
        self.send_header("Content-Length", str(len(data)))
        self.end_headers()
        self.wfile.write(data)

    do_GET = do_POST = answer


class _Server(ThreadingHTTPServer):
    def handle_error(self, request, client_address):
        """Nothing: users that are stopped do not wait for their answer."""


class Target:
    """A server on a free port: `with Target() as target: target.url`."""

    def __enter__(self):
        self._server = _Server(("127.0.0.1", 0), _Handler)
        self._server.daemon_threads = True
        self._server.asked = self.asked = []
        self.url = f"http://127.0.0.1:{self._server.server_address[1]}"
        threading.Thread(target=self._server.serve_forever, args=(0.05,), daemon=True).start()
        return self

    def __exit__(self, *_exception):
        self._server.shutdown()
        self._server.server_close()


class Ran:
    """A command line that has ended."""

    def __init__(self, process, stdout, stderr, folder):
        self.code = process.returncode
        self.stdout = stdout
        self.stderr = stderr
        self.folder = Path(folder)


class Run:
    """`with Run(locustfile, "--headless ...") as ran`: the command line in a folder of its own, until it ends."""

    def __init__(self, locustfile, arguments, env=None, files=None, during=None):
        self._locustfile = textwrap.dedent(locustfile)
        self._arguments = arguments.split() if isinstance(arguments, str) else arguments
        self._env = env or {}
        self._files = files or {}
        self._during = during

    def __enter__(self):
        self._folder = tempfile.TemporaryDirectory(prefix="throng-test-")
        folder = Path(self._folder.name)
        (folder / "locustfile.py").write_text(self._locustfile, encoding="utf-8")
        for name, text in self._files.items():
            (folder / name).write_text(text, encoding="utf-8")
        process = start([*self._arguments], folder, self._env)
        if self._during:
            try:
                self._during(process, folder)
            except BaseException:
                process.kill()
                raise
        try:
            stdout, stderr = process.communicate(timeout=60)
        except subprocess.TimeoutExpired:
            process.kill()
            stdout, stderr = process.communicate()
            stderr += "\n(did not end within 60 s)"
        return Ran(process, stdout, stderr, folder)

    def __exit__(self, *_exception):
        self._folder.cleanup()


class Cluster:
    """A master and workers: `with Cluster(locustfile, "--headless ...", workers=2) as cluster`, until the master ends.

    `during(cluster)` runs meanwhile; the master is told to end after it, unless there is a run time or it answers that the
    test ends by itself. A node is throng's, or Locust's if its interpreter is `locust`.
    """

    def __init__(self, locustfile, arguments, workers=2, during=None, master=None, env=None):
        self._locustfile = textwrap.dedent(locustfile)
        self._arguments = arguments.split()
        # Interpreters of the workers that are there from the start; None is ours.
        self._first = [None] * workers if isinstance(workers, int) else workers
        self._during = during
        self._master_python = master
        self._env = env or {}
        self.port = free_port()
        self.web_port = free_port()
        self.workers = []

    def worker(self, arguments="", python=None):
        """Starts a further worker."""
        where = ["--worker", "--master-port", str(self.port)]
        process = self._start(f"worker-{len(self.workers)}", [*where, *arguments.split()], python)
        self.workers.append(process)
        return process

    def log(self, node="master"):
        """What a node has written to its standard error so far."""
        return (self._folder / f"{node}.log").read_text(encoding="utf-8")

    def until(self, text, node="master"):
        """Waits for a text in a node's log."""
        until(lambda: text in self.log(node), what=f"{text!r} in the log of {node}")

    def post(self, path, **form):
        """Posts a form to the web page."""
        return json.loads(urlopen(f"{self.url}{path}", urlencode(form, doseq=True).encode(), timeout=30).read())

    def get(self, path):
        """The page's JSON."""
        return json.loads(urlopen(f"{self.url}{path}", timeout=30).read())

    @property
    def url(self):
        return f"http://127.0.0.1:{self.web_port}"

    def _start(self, name, arguments, python):
        folder = self._folder / name
        folder.mkdir()
        if "-f" not in arguments:
            (folder / "locustfile.py").write_text(self._locustfile, encoding="utf-8")
        with open(self._folder / f"{name}.log", "w", encoding="utf-8") as log:
            return start(arguments, folder, self._env, stderr=log, python=python)

    def __enter__(self):
        self._temporary = tempfile.TemporaryDirectory(prefix="throng-test-")
        self._folder = Path(self._temporary.name)
        here = ["--master", "--master-bind-host", "127.0.0.1", "--master-bind-port", str(self.port)]
        if "--headless" not in self._arguments:
            here += ["--web-host", "127.0.0.1", "--web-port", str(self.web_port)]
        expected = ["--expect-workers", str(max(1, len(self._first)))]
        self.master = self._start("master", [*here, *expected, *self._arguments], self._master_python)
        try:
            for python in self._first:
                self.worker(python=python)
            if self._during:
                ends_itself = self._during(self)
                if not ends_itself and "-t" not in self._arguments and self.master.poll() is None:
                    self.master.terminate()
            self.code = self.master.wait(60)
            self.worker_codes = [worker.wait(15) for worker in self.workers]
        except BaseException:
            names = ["master", *(f"worker-{number}" for number in range(len(self.workers)))]
            for name, process in zip(names, [self.master, *self.workers], strict=True):
                state = "runs" if process.poll() is None else f"ended with {process.returncode}"
                sys.stderr.write(f"---- {name} of {process.args[0]}, {state}\n{self.log(name)[-4000:]}\n")
            self.__exit__()
            raise
        self.stderr = self.log()
        return self

    def __exit__(self, *_exception):
        for process in [self.master, *self.workers]:
            if process.poll() is None:
                process.kill()
            process.wait()
            process.stdout.close()
        self._temporary.cleanup()


def free_port():
    """A port that nobody listens on."""
    with socket.create_server(("127.0.0.1", 0)) as server:
        return server.getsockname()[1]


def until(condition, limit=20, what="it"):
    """Waits until the condition holds."""
    end = time.monotonic() + limit
    while not condition():
        if time.monotonic() > end:
            raise AssertionError(f"{what} did not happen in time")
        time.sleep(0.02)


def start(arguments, folder, env=None, stderr=subprocess.PIPE, python=None):
    """Starts the command line in a folder, with nothing of this machine's settings; with `python`, that of its Locust."""
    clean = {name: value for name, value in os.environ.items() if not name.startswith("LOCUST_")}
    clean.update(HOME=str(folder), PYTHONUNBUFFERED="1", **(env or {}))
    if python is None:
        clean["PYTHONPATH"] = str(PACKAGE)
    else:
        clean.pop("PYTHONPATH", None)
    return subprocess.Popen(
        [python or sys.executable, "-m", "locust", *arguments],
        cwd=folder,
        env=clean,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=stderr,
        text=True,
    )
