"""Runs of several processes, from the command line: as a master, or as a worker.

A master's run is a run like any other, after it has waited for its workers; a worker's has no page, no files and no
summary: what its users do is the master's to tell.
"""

import logging
import signal
import sys
import time

import gevent

from . import _interrupts, log
from ._session import Session, greenlet_exception_handler
from .runners import STATE_RUNNING, STATE_SPAWNING
from .runners.tls import TlsError

logger = logging.getLogger("locust.main")

# Seconds after which it is said, and between two times of saying, that workers are missing.
_PATIENCE = 5.0
_REMINDER = 1.0


class MasterSession(Session):
    """A run whose users are in other processes: in `children`, or wherever workers come from."""

    def __init__(self, environment, options, children=None):
        super().__init__(environment, options)
        self._children = children

    def _make_runner(self):
        options = self.options
        if self._children is not None:
            self._expected = len(self._children.sockets)
            return self.environment.create_parent_runner(self._children.sockets)
        self._expected = options.expect_workers
        return self.environment.create_master_runner(options.master_bind_host, options.master_bind_port)

    def _wait(self):
        run = self.runner.kept.unfinished
        if run is None:
            super()._wait()
            return
        self.runner.go_on()
        shape = self.environment.shape_class
        own_clock = shape is not None and not shape.use_common_options
        if self.runner.state in (STATE_SPAWNING, STATE_RUNNING):
            if self.watch:
                self.watch.go_on()
            if run.has_shape:
                self.runner.go_on_with_shape(run.elapsed)
                if self.options.autostart and not self.options.headless:
                    gevent.spawn(self._autoquit_after_shape).link_exception(greenlet_exception_handler)
        if self.options.run_time and not own_clock:
            message, end = "--run-time limit reached, shutting down", self.runner.quit
            if not self.options.headless:
                message, end = "--run-time limit reached, stopping test", self._stop_and_autoquit
            left = max(0.0, self.options.run_time - run.elapsed)
            gevent.spawn(self._limit, left, message, end).link_exception(greenlet_exception_handler)
        self.runner.greenlet.join()

    def _start_test(self, limit_message, end):
        if self.runner.kept.is_over and self.options.headless:
            # What is started again whenever it ends must not run its test again.
            logger.error("The test in this state directory is over; give another one to run it again")
            sys.exit(1)
        self._await_workers()
        super()._start_test(limit_message, end)

    def _await_workers(self):
        """Returns when so many workers are ready as were asked for; ends the program if that takes too long."""
        ready = self.runner.clients.get_by_state
        began = said = time.monotonic()
        while len(ready("ready")) < self._expected:
            now = time.monotonic()
            limit = self.options.expect_workers_max_wait
            if limit and now - began > limit:
                logger.error("Gave up waiting for workers to connect")
                sys.exit(1)
            if now - began > _PATIENCE and now - said > _REMINDER:
                said = now
                logging.info(
                    "Waiting for workers to be ready, %d of %d connected", len(ready("ready")), self._expected
                )
            gevent.sleep(0.02)

    def _end_test(self):
        # Workers leave at once, instead of first becoming ready for another test.
        self.runner.quit()

    def _say_losses(self):
        for line in self.runner.losses.lines():
            logger.warning("%s", line)


class WorkerSession:
    """A worker's process: does what its master says until it is told to leave."""

    def __init__(self, environment, options, sock=None):
        self.environment = environment
        self.options = options
        self._sock = sock

    def run(self):
        """Returns the exit code: results are the master's business."""
        environment = self.environment
        try:
            runner = self._make_runner()
        except (ConnectionError, TlsError) as error:
            logger.error("%s", error)
            return 255
        except KeyboardInterrupt:
            return 0
        environment.events.init.fire(environment=environment, runner=runner, web_ui=None)
        if log.unhandled_greenlet_exception:
            return 1
        terminated = gevent.signal_handler(signal.SIGTERM, self._terminate, runner)
        _interrupts.deliver_here()
        try:
            runner.greenlet.join()
        except KeyboardInterrupt:
            runner.quit()
            runner.greenlet.join()
        terminated.cancel()
        environment.events.quitting.fire(environment=environment, reverse=True)
        code = environment.process_exit_code
        if code is None:
            code = 2 if log.unhandled_greenlet_exception else 0
        logger.info("Shutting down (exit code %s)", code)
        environment.events.quit.fire(exit_code=code)
        return code

    def _make_runner(self):
        if self._sock is not None:
            return self.environment.create_child_runner(self._sock)
        return self.environment.create_worker_runner(self.options.master_host, self.options.master_port)

    def _terminate(self, runner):
        logger.info("Got SIGTERM signal")
        runner.quit()


def supervise(children):
    """Waits for the workers that were forked for a master elsewhere; an order to end is passed on. Returns the exit code."""

    def pass_on(number, _frame):
        logger.info("Got %s signal", signal.Signals(number).name)
        children.signal(signal.SIGTERM)

    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, pass_on)
    return children.wait()
