"""The files of a test on their way to workers that have none: the locustfile's folder, as `throng k8s` takes it along.

Hidden files, virtual environments and what `.throngignore` names stay where they are. Paths are kept from the nearest folder
above all of them and the working directory, which is the worker's then: `open("users.csv")` finds what it finds on the master.
"""

import hashlib
import io
import os
import zipfile
from pathlib import PurePosixPath

# Together, as they are; and of one message.
MOST = 50 << 20
PART = 1 << 20
_LEFT_OUT = frozenset(
    ("__pycache__", "venv", "node_modules", "throng-results", "site-packages", "target", "dist-info")
)


class Unshipped(Exception):
    """The files cannot travel; says why."""


class Archive:
    """What is in the folders of these locustfiles."""

    def __init__(self, locustfiles):
        here = os.getcwd()
        paths = [os.path.abspath(path) for path in locustfiles]
        files = _Files(here)
        for folder in dict.fromkeys(map(os.path.dirname, paths)):
            files.add(folder)
        root = os.path.commonpath([here, *files.found])
        packed = io.BytesIO()
        with zipfile.ZipFile(packed, "w", zipfile.ZIP_DEFLATED, strict_timestamps=False) as target:
            for path in files.found:
                target.write(path, _inside(path, root))
        self._data = packed.getvalue()
        self._facts = {
            "sha256": hashlib.sha256(self._data).hexdigest(),
            "parts": max(1, -(-len(self._data) // PART)),
            "folder": _inside(here, root),
            "paths": [_inside(path, root) for path in paths],
        }

    def part(self, number):
        """The message with part `number` of it."""
        return {**self._facts, "part": number, "bytes": self._data[number * PART : (number + 1) * PART]}


class _Files:
    def __init__(self, here):
        self.found = {}
        self._here = here
        self._size = 0
        try:
            with open(os.path.join(here, ".throngignore"), encoding="utf-8") as file:
                lines = [line.strip().rstrip("/") for line in file]
        except OSError:
            lines = []
        self._ignored = [line.lstrip("/") for line in lines if line and not line.startswith("#")]

    def add(self, folder):
        try:
            entries = sorted(os.scandir(folder), key=lambda entry: entry.name)
        except OSError as error:
            raise Unshipped(f"cannot read {folder}: {error.strerror}") from None
        for entry in entries:
            name, path = entry.name, entry.path
            if name.startswith(".") or name in _LEFT_OUT or self._is_ignored(name, path):
                continue
            if entry.is_dir():
                # A virtual environment by any name.
                if not os.path.exists(os.path.join(path, "pyvenv.cfg")):
                    self.add(path)
            elif entry.is_file() and not name.endswith(".pyc") and path not in self.found:
                self.found[path] = True
                self._size += entry.stat().st_size
                if self._size > MOST:
                    raise Unshipped(
                        f"the files beside the locustfile have more than {MOST >> 20} MB (with {path}); "
                        "name what is not needed in .throngignore"
                    )

    def _is_ignored(self, name, path):
        relative = os.path.relpath(path, self._here)
        return any(
            name.endswith(pattern[1:]) if pattern.startswith("*") else pattern in (relative, name)
            for pattern in self._ignored
        )


def _inside(path, root):
    relative = os.path.relpath(path, root)
    return "" if relative == "." else relative.replace(os.sep, "/")


class Arriving:
    """The parts of an archive as they come."""

    def __init__(self):
        self._facts = None
        self._parts = []

    @property
    def wanted(self):
        """The number of the next part; None when all are there."""
        if self._facts is not None and len(self._parts) == self._facts["parts"]:
            return None
        return len(self._parts)

    def take(self, message):
        """Takes a part if it is the next. One of other files, as the master has started again, begins anew."""
        if self._facts is None or message["sha256"] != self._facts["sha256"]:
            self._facts, self._parts = message, []
        if message["part"] == len(self._parts):
            self._parts.append(message["bytes"])

    def unpack(self, into):
        """Writes the files below the folder `into`; returns the paths of the locustfiles and the working directory there."""
        data = b"".join(self._parts)
        if hashlib.sha256(data).hexdigest() != self._facts["sha256"]:
            raise Unshipped("they did not arrive as they were sent")
        try:
            with zipfile.ZipFile(io.BytesIO(data)) as packed:
                if sum(entry.file_size for entry in packed.infolist()) > MOST:
                    raise Unshipped(f"they have more than {MOST >> 20} MB")
                for name in packed.namelist():
                    _below(into, name)
                packed.extractall(into)
        except zipfile.BadZipFile as error:
            raise Unshipped(str(error)) from None
        folder = _below(into, self._facts["folder"])
        os.makedirs(folder, exist_ok=True)
        return [_below(into, path) for path in self._facts["paths"]], folder


def _below(into, path):
    # The master is not asked where to write on this machine.
    parts = PurePosixPath(path).parts
    if path.startswith("/") or ".." in parts or "\\" in path:
        raise Unshipped(f"{path!r} is no path inside of a folder")
    return os.path.join(into, *parts)
