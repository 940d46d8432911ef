"""A master's test on disk, so that one that is killed goes on with it when it is started again: `THRONG_STATE_DIR`.

Everything that the result is made of comes from workers, in messages. They are written to a journal as they come and before they
count, beside what the master itself was told to do; reading it again brings about what there was. Workers go on meanwhile, and keep
what they have to say.
"""

import errno
import fcntl
import logging
import os
import struct
import time
import zlib

import gevent

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
        # By name, in the order in which they came: those that are there, and the indices of all that were.
        self.workers = {}
        self.indices = {}
        # What each reported to run last.
        self.running = {}

    @property
    def elapsed(self):
        """Seconds since it began."""
        return max(0.0, time.time() - self.began)

    def take(self, record):
        """Takes what came after its begin; what was measured is read when it is counted, as it may be much."""
        data, name = record.data, record.node_id
        if record.type == "wants":
            self.users, self.spawn_rate = data["users"], data["spawn_rate"]
        elif record.type == "worker":
            self.workers[name] = self.indices[name] = data
        elif record.type == "gone":
            self.workers.pop(name, None)
            self.running.pop(name, None)
        elif record.type == "stats" and isinstance(data, dict):
            # As a worker says it: whether it can be used is found out when it is counted.
            counts = data.get("user_classes_count")
            self.running[name] = dict(counts) if isinstance(counts, dict) else {}


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

    def reset(self, exceptions):
        """The statistics were set to nothing, and with `exceptions` what tasks raised."""

    def end(self):
        """The test is over."""

    def measured(self):
        """What counts of the test that is unfinished."""
        return iter(())


class Journal:
    """The journal in a folder. What it tells of a test that did not end is `unfinished`; `is_over` if one did."""

    def __init__(self, folder, checksum):
        self._checksum = checksum
        self._path = path = os.path.join(folder, _NAME)
        # Where the records of the unfinished test are.
        self._began = self._end = 0
        self._can_write = True
        try:
            os.makedirs(folder, exist_ok=True)
            # Without a buffer: what did not fit on the disk is not to be written later on.
            self._file = open(path, "a+b", buffering=0)
            fcntl.flock(self._file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            raise KeptError(f"another master uses the state directory {folder}") from None
        except OSError as error:
            raise KeptError(f"cannot use the state directory {folder}: {error}") from None
        self.unfinished, self.is_over = self._read()
        self._runs = self.unfinished is not None
        if self._runs and self.unfinished.checksum != checksum:
            raise KeptError(f"the state directory {folder} has a test of another locustfile; give another one")

    def _records(self, start=0, end=None):
        """Records with the places behind them, from a place on; up to what was written in part, or to another place."""
        # What is written meanwhile moves the file's own place.
        number = self._file.fileno()
        while start != end and len(head := os.pread(number, _HEAD.size, start)) == _HEAD.size:
            size, checksum = _HEAD.unpack(head)
            body = os.pread(number, size, start + _HEAD.size)
            if len(body) != size or zlib.crc32(body) != checksum:
                return
            try:
                record = Message.unserialize(body)
            except Garbled:
                return
            start += _HEAD.size + size
            yield record, start

    def _read(self):
        """What the journal tells; it ends before what was written in part."""
        away = time.time() - os.fstat(self._file.fileno()).st_mtime
        run, over = None, False
        for record, self._end in self._records():
            if record.type == "begin":
                run, over, self._began = Unfinished(record.data, max(0.0, away)), False, self._end
            elif record.type == "end":
                run, over = None, True
            elif run is not None:
                run.take(record)
        self._file.truncate(self._end)
        return run, over

    def measured(self):
        """What counted of the test that is unfinished when this was opened, in its order: reports, exceptions and resets."""
        for number, (record, _) in enumerate(self._records(self._began, self._end)):
            if record.type in ("stats", "exception", "reset"):
                yield record
            if number % 100 == 0:
                gevent.sleep(0)

    def _write(self, record):
        body = record.serialize()
        data = _HEAD.pack(len(body), zlib.crc32(body)) + body
        try:
            if self._file.write(data) < len(data):
                raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
        except OSError as error:
            self._give_up(error)

    def _give_up(self, error):
        """The test goes on without; half of it is not to be gone on with."""
        logger.error("The test cannot be kept in its state directory any more, and goes on without: %s", error)
        self._runs, self._can_write = False, False
        try:
            os.truncate(self._path, 0)
        except OSError:
            logger.error("Remove %s before a master is started with it again", self._path)

    def begin(self, users, spawn_rate, shape, workers):
        """A test begins; the one before is of no interest any more."""
        if not self._can_write:
            return
        try:
            self._file.truncate(0)
        except OSError as error:
            self._give_up(error)
            return
        self._runs = True
        began = {"at": time.time(), "checksum": self._checksum, "users": users, "spawn_rate": float(spawn_rate), "shape": shape}
        self._write(Message("begin", began, ""))
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

    def reset(self, exceptions):
        """The statistics were set to nothing, and with `exceptions` what tasks raised."""
        if self._runs:
            self._write(Message("reset", exceptions, ""))

    def end(self):
        """The test is over."""
        if self._runs:
            self._write(Message("end", None, ""))
            self._runs = False


def wanted(environment):
    """The journal that the environment asks for."""
    folder = os.environ.get(_VARIABLE)
    # Scripts that use the package as a library go on with nothing.
    if not folder or environment.parsed_options is None:
        return Nothing()
    # Here, because hardly any run has one.
    from .._history import checksum

    return Journal(folder, checksum(environment))
