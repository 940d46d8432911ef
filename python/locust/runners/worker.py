"""The runner of a worker: does what its master says, and reports what its users do.

The master may be Locust's own or ours. Ours is told more than Locust's protocol has: the fine distribution of response
times beside each rounded one, and that a user ended the whole test. What it did not say in its `ack`, a worker does not
expect of it.
"""

import logging
import os
import socket
import time
import traceback
from uuid import uuid4

import gevent
from gevent.event import Event
from gevent.lock import BoundedSemaphore

from .. import _core, log
from .. import runners as settings
from .. import stats as stats_module
from .._version import version
from ..exception import StopTest
from . import STATE_CLEANUP, STATE_INIT, STATE_RUNNING, STATE_SPAWNING, token
from ._welcome import apply_options
from .base import DistributedRunner, greenlet_exception_handler
from .links import Dealer, Link, LinkClosed
from .messages import FINE, LAG, Garbled, Message

logger = logging.getLogger("locust.runners")

# New lines between two reports of the log from which on it is not worth sending.
_LOG_LINES_AT_MOST = 70


# Heartbeats without an answer after which a master that was found again is another one.
_UNKNOWN_AFTER = 4


class WorkerRunner(DistributedRunner):
    """Runs users for the master at a host and port, or at the other end of `sock`."""

    # Known once the master has answered.
    worker_index = -1
    worker_count = 1

    def __init__(self, environment, master_host, master_port, sock=None):
        super().__init__(environment)
        self.client_id = f"{socket.gethostname()}_{uuid4().hex}"
        self.master_host = master_host
        self.master_port = master_port
        self._last_order = 0.0
        self._last_heard = time.monotonic()
        self._connected_again = 0.0
        # Set by the master's `ack`, which says whether it is one of ours.
        self._acknowledged = Event()
        # Why there will be no `ack`.
        self._refusal = None
        self._master_is_ours = False
        self._leaving = False
        self._last_report = {}, {}
        self._reporting = BoundedSemaphore()
        environment.events.report_to_master.add_listener(self._fill_report)
        if sock is not None:
            self.link = Link(sock, "DEALER", self.client_id)
        else:
            self.link = Dealer(master_host, master_port, self.client_id)
            self.link.on_open = self._opened_again
            self.link.greeting = self._introduction
        self._in_background(self._obey)
        self._connect()
        self._in_background(self._beat)
        self._in_background(self._report)
        self._in_background(self._report_logs)
        if sock is None:
            self._in_background(self._watch_master)

    def _in_background(self, work):
        self.greenlet.spawn(work).link_exception(greenlet_exception_handler)

    # ---- finding the master

    def _connect(self):
        """Returns when the master has answered; ConnectionError if it does not."""
        for attempt in range(settings.CONNECT_RETRY_COUNT + 1):
            if attempt:
                logger.warning(
                    "Failed to connect to master %s:%s, retry %d/%d.",
                    self.master_host,
                    self.master_port,
                    attempt,
                    settings.CONNECT_RETRY_COUNT,
                )
            if not isinstance(self.link, Dealer) or self.link.wait_open(settings.CONNECT_TIMEOUT):
                self._tell("client_ready", version)
                if self._acknowledged.wait(settings.CONNECT_TIMEOUT):
                    if self._refusal:
                        raise ConnectionError(self._refusal)
                    return
            if self.link.closed:
                break
        raise ConnectionError(f"there is no master at {self.master_host}:{self.master_port}")

    def _introduction(self):
        """What goes first over a connection that is made anew; the master may be another one."""
        if not self._acknowledged.is_set():
            return None
        if self.state == STATE_INIT:
            return Message("client_ready", version, self.client_id)
        return Message("heartbeat", self._pulse(), self.client_id)

    def _opened_again(self):
        if self._acknowledged.is_set() and self.state != STATE_INIT:
            self._connected_again = time.monotonic()

    def _begin_anew(self):
        """The test that this worker's users belong to is over: its master has started again and does not know it."""
        logger.warning("The master does not know this worker any more; its users are stopped, and it waits for a new test")
        self._last_order = 0.0
        self.stop()
        self.stats.clear_all()
        self._tell("client_ready", version)

    def _watch_master(self):
        while True:
            gevent.sleep(settings.HEARTBEAT_INTERVAL)
            again = self._connected_again
            if again > self._last_heard and time.monotonic() - again > _UNKNOWN_AFTER * settings.HEARTBEAT_INTERVAL:
                # Masters answer the heartbeats of workers that they know.
                self._connected_again = 0.0
                self._begin_anew()
            if time.monotonic() - self._last_heard > settings.MASTER_HEARTBEAT_TIMEOUT:
                logger.error(
                    "Didn't get heartbeat from master in over %ss, shutting down", settings.MASTER_HEARTBEAT_TIMEOUT
                )
                self.quit()
                return

    # ---- to the master

    def send_message(self, msg_type, data=None, client_id=None):
        """Sends a message to the master."""
        logger.debug("Sending %s message to master", msg_type)
        self._tell(msg_type, data)

    def _tell(self, msg_type, data=None):
        try:
            self.link.send(Message(msg_type, data, self.client_id))
        except LinkClosed:
            logger.debug("there is no master to tell of %s", msg_type)

    def _beat(self):
        while True:
            self._tell("heartbeat", self._pulse())
            gevent.sleep(settings.HEARTBEAT_INTERVAL)

    def _pulse(self):
        return {
            # Locust's masters know three states of workers.
            "state": STATE_RUNNING if self.state == STATE_CLEANUP else self.state,
            "current_cpu_usage": self.current_cpu_usage,
            "current_memory_usage": _core.memory_bytes(),
            # Locust's masters pass over it.
            LAG: _core.worst_lag(),
        }

    def _report(self):
        while True:
            gevent.sleep(settings.WORKER_REPORT_INTERVAL)
            self._send_stats()

    def _send_stats(self):
        # A listener may wait, and the end of a test reports too.
        with self._reporting:
            self._send_one_report()

    def _send_one_report(self):
        data = {}
        self.environment.events.report_to_master.fire(client_id=self.client_id, data=data)
        counts, fine = self._last_report
        try:
            self._tell("stats", {**data, FINE: fine})
        except (TypeError, ValueError, OverflowError) as error:
            # What a listener put in; the counts must not be lost with it.
            logger.error("Cannot send what a report_to_master listener added: %s", error)
            self._tell("stats", {**counts, FINE: fine})

    def _fill_report(self, client_id, data, **_kwargs):
        """The counts are a listener's addition themselves: others that were there before find an empty report."""
        counts, fine = self.stats.take_report()
        counts["user_classes_count"] = self.user_classes_count
        counts["user_count"] = self.user_count
        self._last_report = counts, fine
        data.update(counts)

    def _report_logs(self):
        interval = settings.WORKER_LOG_REPORT_INTERVAL
        sent = 0
        while interval >= 0:
            lines = log.lines_logged()
            if lines - sent > _LOG_LINES_AT_MOST and sent:
                logger.warning(
                    "This worker logs more than %d lines in %s seconds; its log is no longer sent to the master",
                    _LOG_LINES_AT_MOST,
                    interval,
                )
                return
            if lines != sent:
                sent = lines
                self._tell("logs", {"worker_id": self.client_id, "logs": log.get_logs()})
            gevent.sleep(interval)

    def _on_user_error(self, user_instance, exception, tb, **_kwargs):
        self._tell("exception", {"msg": str(exception), "traceback": "".join(traceback.format_tb(tb))})

    # ---- from the master

    def _obey(self):
        while True:
            try:
                order = self.link.receive()
            except Garbled as error:
                logger.error("A message of the master cannot be read: %s", error)
                continue
            except LinkClosed:
                if not self._leaving:
                    logger.warning("the master has gone, shutting down")
                    self.quit()
                return
            try:
                self._handle(order)
            except (KeyError, TypeError, ValueError, AttributeError) as error:
                logger.error("Cannot use a %s message of the master: %r", order.type, error)

    def _handle(self, order):
        if order.type == "ack":
            self.worker_index = order.data["index"]
            self._master_is_ours = "count" in order.data
            self.worker_count = order.data.get("count", 1)
            self._last_heard = time.monotonic()
            self._acknowledged.set()
            # Whoever made this runner comes before the next order, which may be here already: `init` before `test_start`.
            gevent.sleep(0)
        elif order.type == "spawn":
            self._tell("spawning")
            if order.data["timestamp"] > self._last_order:
                self._last_order = order.data["timestamp"]
                self._spawn(order.data)
        elif order.type == "spawning_complete":
            self.environment.events.spawning_complete.fire(user_count=order.data["user_count"])
        elif order.type == "stop":
            gevent.spawn(self._stop_for_master).link_exception(greenlet_exception_handler)
        elif order.type == "quit":
            logger.info("Got quit message from master, shutting down...")
            self.quit()
        elif order.type == "heartbeat":
            self._last_heard = time.monotonic()
            self.environment.events.heartbeat_received.fire(client_id=order.node_id, timestamp=time.time())
        elif order.type == "reconnect":
            logger.warning("The master could not read a message of this worker and wants it to connect again")
            if isinstance(self.link, Dealer):
                self.link.reconnect()
        elif order.type == token.ASK:
            self._prove(order.data["nonce"])
        elif order.type == token.REFUSED:
            self._refused(f"refuses this worker: {order.data}")
        elif order.type == "update_user_class":
            self.environment.update_user_class(order.data)
        elif order.type in self.custom_messages:
            self._deliver(order)
        else:
            logger.warning("Unknown message type received: %s", order.type)

    def _prove(self, asked):
        known = token.known()
        if known is None:
            self._refused("wants a join token: set THRONG_TOKEN to the master's")
        else:
            self.link.say(Message(token.ANSWER, {"proof": token.proof(known, asked, self.client_id)}, self.client_id))

    def _refused(self, why):
        text = f"the master at {self.master_host}:{self.master_port} {why}"
        if self._acknowledged.is_set():
            # It was let in once: another master listens there now.
            logger.error("%s", text)
            self.quit()
        self._refusal = text
        self._acknowledged.set()

    def _spawn(self, order):
        environment = self.environment
        if order["host"]:
            environment.host = order["host"]
            for user_class in self.user_classes:
                user_class.host = order["host"]
        environment.stop_timeout = order["stop_timeout"] or 0.0
        apply_options(environment, order["parsed_options"])
        if self.state not in (STATE_SPAWNING, STATE_RUNNING):
            self.stats.clear_all()
            self.exceptions = {}
            self.cpu_warning_emitted = False
            stats_module.apply_bucketing()
            environment._filter_tasks_by_tags()
            _core.watch_lag()
            environment.events.test_start.fire(environment=environment)
        self.update_state(STATE_SPAWNING)
        if self.spawning_greenlet:
            self.spawning_greenlet.kill()
        self.spawning_greenlet = self.greenlet.spawn(self._follow, order["user_classes_count"])
        self.spawning_greenlet.link_exception(greenlet_exception_handler)

    def _follow(self, wanted):
        known = self.environment.user_classes_by_name
        for name in wanted.keys() - known.keys():
            if wanted[name]:
                logger.error("The master wants users of class %s, which this worker's locustfile does not have", name)
        try:
            self._change_users({name: count for name, count in wanted.items() if name in known})
        except StopTest as order:
            # A test that could not even start its users has failed, whatever else was counted.
            self._end_whole_test(str(order), failed=True)
            return
        self.update_state(STATE_RUNNING)
        self._tell("spawning_complete", {"user_classes_count": self.user_classes_count, "user_count": self.user_count})

    # ---- the end

    def start(self, user_count, spawn_rate, wait=False, user_classes=None):
        """Only the master starts tests."""
        raise NotImplementedError("use start on the master")

    def stop(self):
        """Stops this worker's users."""
        if self.state not in (STATE_SPAWNING, STATE_RUNNING):
            return
        if self._would_end_caller():
            gevent.spawn(self.stop).join()
            return
        self.environment.events.test_stopping.fire(environment=self.environment)
        self.update_state(STATE_CLEANUP)
        if self.spawning_greenlet:
            self.spawning_greenlet.kill()
            self.spawning_greenlet = None
        self._stop_all_users()
        self.cpu_log_warning()
        self._say_lag()
        self.environment.events.test_stop.fire(environment=self.environment)
        self.update_state(STATE_INIT)

    def _stop_for_master(self):
        self.stop()
        # Before the word that the users are gone, so that the master has everything when the test is over.
        self._send_stats()
        self._tell("client_stopped")
        gevent.sleep(int(os.environ.get("LOCUST_WORKER_ADDITIONAL_WAIT_BEFORE_READY_AFTER_STOP", "0")))
        self._tell("client_ready", version)

    def stop_from_user(self):
        """A user's `StopTest` is for the whole test."""
        self._end_whole_test("a user stopped the test", failed=False)

    def _end_whole_test(self, message, failed):
        if self._master_is_ours:
            self._tell("stop_test", {"message": message, "failed": failed})
            return
        # Locust's masters end a test when the last worker leaves.
        logger.error("%s", message)
        logger.warning("Stopping Locust...")
        self.quit()

    def quit(self):
        """Takes this worker out of the test; when the last one goes, the test ends."""
        gevent.spawn(self._leave).link_exception(greenlet_exception_handler)

    def _leave(self):
        if self._leaving:
            return
        self._leaving = True
        try:
            self.stop()
            self._send_stats()
        finally:
            # Whatever failed: a worker that stayed would be waited for.
            self._tell("quit")
            self.link.close()
            self.greenlet.kill(block=False)
