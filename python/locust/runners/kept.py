"""A master's test on disk, so that one that is killed goes on with it when it is started again: `THRONG_STATE_DIR`.

Everything that the result is made of comes from workers, in messages. They are written to a journal as they come and before they
count, beside what the master itself was told to do; reading it again brings about what there was. Workers go on meanwhile, and keep
what they have to say.
"""

import fcntl
import logging
import os
import struct
import time
import zlib

from .messages import Garbled, Message

logger = logging.getLogger("locust.runners")

_VARIABLE = "THRONG_STATE_DIR"
_NAME = "locust.journal"
_HEAD = struct.Struct("<II")


class KeptError(Exception):
    """A state directory cannot be used; says why."""


class Unfinished:
    """A test that a master before this one began."""

    def __init__(self, began, away):
        self.began = began["at"]
        self.checksum = began["checksum"]
        # Seconds for which there was no master, up to now.
        self.away = away
        self.users, self.spawn_rate = began["users"], began["spawn_rate"]
        self.has_shape = began["shape"]
        # By name, in the order in which they came, with their indices.
        self.workers = {}
        # What each reported to run last.
        self.running = {}
        # Reports, exceptions and resets, in their order.
        self.measured = []

    @property
    def elapsed(self):
        """Seconds since it began."""
        return max(0.0, time.time() - self.began)

    def take(self, record):
        """Takes what came after its begin."""
        data = record.data
        if record.type == "wants":
            self.users, self.spawn_rate = data["users"], data["spawn_rate"]
        elif record.type == "worker":
            self.workers[record.node_id] = data
        elif record.type == "gone":
            self.workers.pop(record.node_id, None)
            self.running.pop(record.node_id, None)
        else:
            if record.type == "stats":
                self.running[record.node_id] = dict(data["user_classes_count"])
            self.measured.append(record)


class Nothing:
    """Stands for a state directory where there is none."""

    unfinished, is_over = None, False

    def begin(self, users, spawn_rate, shape, workers):
        """A test begins."""

    def wants(self, users, spawn_rate):
        """So many users are wanted now."""

    def worker(self, name, index):
        """A worker is there."""

    def note(self, message):
        """A worker reported something that counts."""

    def gone(self, name):
        """A worker is gone for good."""

    def reset(self):
        """The statistics were set to nothing."""

    def end(self):
        """The test is over."""


class Journal:
    """The journal in a folder. What it tells of a test that did not end is `unfinished`; `is_over` if one did."""

    def __init__(self, folder, checksum):
        self._checksum = checksum
        path = os.path.join(folder, _NAME)
        try:
            os.makedirs(folder, exist_ok=True)
            self._file = open(path, "a+b")
            fcntl.flock(self._file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            raise KeptError(f"another master uses the state directory {folder}") from None
        except OSError as error:
            raise KeptError(f"cannot use the state directory {folder}: {error}") from None
        self.unfinished, self.is_over = self._read()
        self._runs = self.unfinished is not None
        if self._runs and self.unfinished.checksum != checksum:
            raise KeptError(f"the state directory {folder} has a test of another locustfile; give another one")

    def _read(self):
        """What the journal tells; it ends before what was written in part."""
        self._file.seek(0)
        away = time.time() - os.fstat(self._file.fileno()).st_mtime
        run, over, good = None, False, 0
        while len(head := self._file.read(_HEAD.size)) == _HEAD.size:
            size, checksum = _HEAD.unpack(head)
            body = self._file.read(size)
            if len(body) != size or zlib.crc32(body) != checksum:
                break
            try:
                record = Message.unserialize(body)
            except Garbled:
                break
            good = self._file.tell()
            if record.type == "begin":
                run, over = Unfinished(record.data, max(0.0, away)), False
            elif record.type == "end":
                run, over = None, True
            elif run is not None:
                run.take(record)
        self._file.truncate(good)
        return run, over

    def _write(self, record):
        body = record.serialize()
        self._file.write(_HEAD.pack(len(body), zlib.crc32(body)) + body)
        self._file.flush()

    def begin(self, users, spawn_rate, shape, workers):
        """A test begins; the one before is of no interest any more."""
        self._file.truncate(0)
        self._runs = True
        began = {"at": time.time(), "checksum": self._checksum, "users": users, "spawn_rate": float(spawn_rate), "shape": shape}
        self._write(Message("begin", began, ""))
        os.fsync(self._file.fileno())
        for name, index in workers:
            self.worker(name, index)

    def wants(self, users, spawn_rate):
        """So many users are wanted now."""
        if self._runs:
            self._write(Message("wants", {"users": users, "spawn_rate": float(spawn_rate)}, ""))

    def worker(self, name, index):
        """A worker is there."""
        if self._runs:
            self._write(Message("worker", index, name))

    def note(self, message):
        """A worker reported something that counts."""
        if self._runs:
            self._write(message)

    def gone(self, name):
        """A worker is gone for good."""
        if self._runs:
            self._write(Message("gone", None, name))

    def reset(self):
        """The statistics were set to nothing."""
        if self._runs:
            self._write(Message("reset", None, ""))

    def end(self):
        """The test is over."""
        if self._runs:
            self._write(Message("end", None, ""))
            self._runs = False


def wanted(environment):
    """The journal that the environment asks for."""
    folder = os.environ.get(_VARIABLE)
    if not folder:
        return Nothing()
    # Here, because hardly any run has one.
    from .._history import checksum

    return Journal(folder, checksum(environment))
