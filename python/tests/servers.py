"""Databases that several tests need, each a process of its own in a temporary folder."""

import contextlib
import glob
import importlib.util
import os
import pwd
import shutil
import socket
import subprocess
import sys
import tempfile
import time

from .support import free_port

PATH = os.pathsep.join([os.path.dirname(sys.executable), os.environ.get("PATH", "")])


def missing(*needed):
    """Which of these modules and programs are not installed."""
    return [
        name
        for name in needed
        if importlib.util.find_spec(name.replace("-", "_")) is None and shutil.which(name, path=PATH) is None
    ]


class MongoDB:
    """A stand-in that speaks MongoDB's protocol: there is no real one to install here."""

    NEEDS = ("pymongo", "nx-27017")

    def __init__(self, test):
        folder = tempfile.TemporaryDirectory()
        test.addCleanup(folder.cleanup)
        self.port = free_port()
        self.url = f"mongodb://127.0.0.1:{self.port}/?directConnection=true"
        place = folder.name
        self.process = process = subprocess.Popen(
            [shutil.which("nx-27017", path=PATH), "--data-dir", place, "--host", "127.0.0.1", "-p", str(self.port),
             "--log-file", f"{place}/log", "--pid-file", f"{place}/pid"],
            stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
        )  # fmt: skip
        test.addCleanup(process.wait)
        test.addCleanup(process.kill)
        end = time.monotonic() + 20
        while True:
            with contextlib.suppress(OSError):
                socket.create_connection(("127.0.0.1", self.port), timeout=1).close()
                return
            test.assertLess(time.monotonic(), end, "the server did not start")
            time.sleep(0.05)


def _postgres_program(name):
    # Debian keeps the server's programs off the path.
    found = sorted(glob.glob(f"/usr/lib/postgresql/*/bin/{name}"))
    return found[-1] if found else shutil.which(name)


class Postgres:
    """A PostgreSQL server with the database `postgres`; `None` for PROGRAM where there is none."""

    PROGRAM = _postgres_program("initdb")

    def __init__(self, test):
        folder = tempfile.TemporaryDirectory()
        test.addCleanup(folder.cleanup)
        self.port = free_port()
        self.url = f"postgres://demo@127.0.0.1:{self.port}/postgres"
        self._user = []
        if os.getuid() == 0:
            # The server refuses to be root.
            owner = pwd.getpwnam("postgres")
            os.chown(folder.name, owner.pw_uid, owner.pw_gid)
            self._user = ["runuser", "-u", "postgres", "--"]
        data = f"{folder.name}/data"
        self._run("initdb", "-U", "demo", "-E", "UTF8", "--no-sync", "-A", "trust", "-D", data)
        options = f"-p {self.port} -c listen_addresses=127.0.0.1 -c unix_socket_directories={folder.name} -c fsync=off"
        self._run("pg_ctl", "-w", "-o", options, "-l", f"{folder.name}/log", "start", "-D", data)
        test.addCleanup(self._run, "pg_ctl", "-m", "immediate", "stop", "-D", data)

    def _run(self, name, *arguments):
        subprocess.run(
            [*self._user, _postgres_program(name), *arguments],
            check=True, cwd="/", stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL,
        )  # fmt: skip
