"""Watching clusters and databases beside the test: what `--watch` of `throng run` and `THRONG_WATCH` ask for.

Another process watches (`throng locust-watcher`): it has the clients of the cluster's API and of the databases. It is told
of the load line by line and tells what it sees; the page, the log and the end of the run show it.
"""

import json
import logging
import os
import signal
import subprocess
import time

import gevent
import gevent.subprocess
from gevent.event import AsyncResult

from . import _core
from .log import greenlet_exception_logger
from .runners import STATE_RUNNING, STATE_SPAWNING
from .stats import CONSOLE_STATS_INTERVAL_SEC

logger = logging.getLogger("throng.watch")
console_logger = logging.getLogger("locust.stats_logger")

# All that the watcher reads; addresses may have passwords in them, which are no business of a locustfile's.
_PREFIXES = ("THRONG_WATCH", "THRONG_MATCH", "THRONG_EXPECT")
_PROGRAM = "THRONG_WATCHER"
# The exit code of a run whose thresholds were crossed, as for scripts.
CROSSED = 99
# Of a test that was watched to no end.
_NOTHING = {"summary": "", "crossed": []}
# Seconds that a watcher has to say its last word.
_AFTER_CLOSE = 10.0

_variables = {}


def hide():
    """Takes what is asked for out of the environment, before any locustfile is read."""
    for name in [name for name in os.environ if name.startswith(_PREFIXES)]:
        _variables[name] = os.environ.pop(name)


def start(environment, runner, prints):
    """Begins to watch if that is asked for; None if not. `prints`: whether to show what is seen beside the statistics."""
    program = _variables.get(_PROGRAM)
    return Watch(environment, runner, program, prints) if program else None


class Watch:
    """What is seen beside the tests of a runner."""

    def __init__(self, environment, runner, program, prints):
        self._environment = environment
        self._runner = runner
        self._news = {"watched": [], "marks": []}
        self._standing = {"scaling": [], "thresholds": []}
        self._lines = []
        self._ended = None
        self._test = 0
        # Whether the watcher is.
        self._gone = self._closed = False
        self._expects = bool(_variables.get("THRONG_EXPECT"))
        self._latest = _core.Latest()
        # A session of its own: an interrupt is for this process, which then tells it that the load is over.
        self._process = gevent.subprocess.Popen(
            [program, "locust-watcher"],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            env={**os.environ, **_variables},
            start_new_session=True,
        )
        environment.events.test_start.add_listener(self._begin)
        environment.events.test_stop.add_listener(self._end)
        greenlets = [gevent.spawn(self._listen), gevent.spawn(self._tell_load)]
        if prints:
            greenlets.append(gevent.spawn(self._print))
        for greenlet in greenlets:
            greenlet.link_exception(greenlet_exception_logger(logger))

    # ---- what the page asks

    def news(self):
        """What was seen since this was asked last, and how it stands, as parts of an update of the page."""
        news, self._news = self._news, {"watched": [], "marks": []}
        return {**news, **self._standing}

    # ---- the test

    def _begin(self, **_kwargs):
        # Of many tests of one page the one before may still be watched: its end is not this one's.
        self._test += 1
        self._ended = AsyncResult()
        self._order({"begin": {"test": self._test}})
        if self._gone:
            self._ended.set(_NOTHING)

    def go_on(self):
        """The test that is gone on with is watched from now on."""
        self._begin()

    def _end(self, **_kwargs):
        self._order("end")

    def _tell_load(self):
        due = time.monotonic()
        while True:
            due += 1.0
            gevent.sleep(max(0.0, due - time.monotonic()))
            if self._runner.state in (STATE_SPAWNING, STATE_RUNNING):
                p95 = self._latest.p95(self._environment.stats)
                self._order({"second": {"load": self._runner.user_count, "p95": p95}})

    def _order(self, order):
        try:
            self._process.stdin.write(json.dumps(order).encode() + b"\n")
            self._process.stdin.flush()
        except (OSError, ValueError):
            # It says itself why it ended, and `_listen` that it did.
            pass

    # ---- what it tells

    def _listen(self):
        try:
            for line in self._process.stdout:
                (kind, content), = json.loads(line).items()
                getattr(self, f"_take_{kind}")(content)
        finally:
            self._gone = True
            if not self._closed:
                logger.error("what watches beside the test has ended; what is expected of it cannot be judged")
            if self._ended is not None and not self._ended.ready():
                self._ended.set(_NOTHING)

    def _take_seen(self, seen):
        # Pages are told once a second, which is less often.
        known = {(each["chart"], each["label"]): each for each in self._news["watched"]}
        known.update(((each["chart"], each["label"]), each) for each in seen["watched"])
        self._news["watched"] = list(known.values())
        self._news["marks"] += seen["marks"]
        self._standing = {"scaling": seen["scaling"], "thresholds": seen["thresholds"]}
        self._lines = seen["lines"]

    def _take_log(self, line):
        logger.log(logging.WARNING if line["grave"] else logging.INFO, "%s", line["text"])

    def _take_ended(self, ended):
        if ended["test"] != self._test:
            return
        if ended["crossed"]:
            logger.error("thresholds on metrics '%s' have been crossed", ", ".join(ended["crossed"]))
        self._ended.set(ended)

    def _print(self):
        while True:
            gevent.sleep(CONSOLE_STATS_INTERVAL_SEC)
            if self._lines and self._runner.state in (STATE_SPAWNING, STATE_RUNNING):
                console_logger.info("%s\n", "\n".join(self._lines))

    # ---- the end

    def conclude(self, at_once):
        """Returns the summary of the last test, and whether something was crossed, when the time after it is over that is
        watched; if `at_once`, or when that is interrupted, right away."""
        if at_once or self._ended is None:
            self.close()
        if self._ended is None:
            return "", False
        waiting = gevent.getcurrent()
        terminated = gevent.signal_handler(signal.SIGTERM, gevent.kill, waiting, KeyboardInterrupt)
        try:
            ended = self._ended.get(timeout=_AFTER_CLOSE if at_once else None)
        except (KeyboardInterrupt, gevent.Timeout):
            self.close()
            ended = self._ended.wait(_AFTER_CLOSE) or _NOTHING
        finally:
            terminated.cancel()
        self.close()
        # What nobody could look at does not hold.
        crossed = bool(ended["crossed"]) or (ended is _NOTHING and self._expects)
        return ended["summary"], crossed

    def close(self):
        """Ends the watcher; what it knows of a test that was not told is told before."""
        self._closed = True
        try:
            self._process.stdin.close()
        except OSError:
            pass
