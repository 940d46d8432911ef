"""What several tests need: a server to load, runs of the command line, environments."""

import os
import subprocess
import sys
import tempfile
import textwrap
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

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


def start(arguments, folder, env=None):
    """Starts the command line in a folder, with nothing of this machine's settings."""
    clean = {name: value for name, value in os.environ.items() if not name.startswith("LOCUST_")}
    clean.update(HOME=str(folder), PYTHONPATH=str(PACKAGE), PYTHONUNBUFFERED="1", **(env or {}))
    return subprocess.Popen(
        [sys.executable, "-m", "locust", *arguments],
        cwd=folder,
        env=clean,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
