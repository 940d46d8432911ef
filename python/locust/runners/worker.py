"""The runner of a worker: does what its master says, and reports what its users do."""

import logging
import socket
import time
import traceback
from uuid import uuid4

import gevent

from .. import _core
from .. import runners as settings
from .. import stats as stats_module
from .._version import version
from ..exception import StopTest
from . import STATE_CLEANUP, STATE_INIT, STATE_RUNNING, STATE_SPAWNING
from .base import DistributedRunner, greenlet_exception_handler
from .messages import LinkClosed, Message

logger = logging.getLogger("locust.runners")


class WorkerRunner(DistributedRunner):
    """Runs users for a master, over a `Link`."""

    # Known once the master has answered.
    worker_index = -1
    worker_count = 1

    def __init__(self, environment, link):
        super().__init__(environment)
        self.client_id = f"{socket.gethostname()}_{uuid4().hex}"
        self.master_host = "local"
        self.link = link
        self._last_order = 0.0
        for work in (self._obey, self._beat, self._report):
            self.greenlet.spawn(work).link_exception(greenlet_exception_handler)
        self._tell("client_ready", version)

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
            self._tell(
                "heartbeat",
                {
                    "state": self.state,
                    "current_cpu_usage": self.current_cpu_usage,
                    "current_memory_usage": _core.memory_bytes(),
                },
            )
            gevent.sleep(settings.HEARTBEAT_INTERVAL)

    def _report(self):
        while True:
            gevent.sleep(settings.WORKER_REPORT_INTERVAL)
            self._send_stats()

    def _send_stats(self):
        stats = self.stats
        data = {
            "stats": stats.serialize_stats(),
            "stats_total": stats.total.get_stripped_report(),
            "errors": stats.serialize_errors(),
            "user_classes_count": self.user_classes_count,
            "user_count": self.user_count,
        }
        stats.clear_errors()
        self.environment.events.report_to_master.fire(client_id=self.client_id, data=data)
        self._tell("stats", data)

    def _on_user_error(self, user_instance, exception, tb, **_kwargs):
        trace = "".join(traceback.format_tb(tb))
        self.log_exception("local", str(exception), trace)
        self._tell("exception", {"msg": str(exception), "traceback": trace})

    # ---- from the master

    def _obey(self):
        while True:
            try:
                order = self.link.receive()
            except LinkClosed:
                logger.warning("the master has gone, shutting down")
                gevent.spawn(self._leave)
                return
            self._handle(order)

    def _handle(self, order):
        if order.type == "ack":
            self.worker_index = order.data["index"]
            self.worker_count = order.data["count"]
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
            gevent.spawn(self._leave).link_exception(greenlet_exception_handler)
        elif order.type == "heartbeat":
            self.environment.events.heartbeat_received.fire(client_id=order.node_id, timestamp=time.time())
        elif order.type == "update_user_class":
            self.environment.update_user_class(order.data)
        elif order.type in self.custom_messages:
            self._deliver(order)
        else:
            logger.warning("Unknown message type received: %s", order.type)

    def _spawn(self, order):
        environment = self.environment
        if order["host"]:
            environment.host = order["host"]
            for user_class in self.user_classes:
                user_class.host = order["host"]
        environment.stop_timeout = order["stop_timeout"]
        for name, value in order["parsed_options"].items():
            setattr(environment.parsed_options, name, value)
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
        try:
            self._change_users(wanted)
        except StopTest as order:
            # A test that could not even start its users has failed, whatever else was counted.
            self._tell("stop_test", {"message": str(order), "failed": True})
            return
        self.update_state(STATE_RUNNING)
        self._tell("spawning_complete", {"user_classes_count": self.user_classes_count, "user_count": self.user_count})

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
        self._tell("client_ready")

    def stop_from_user(self):
        """A user's `StopTest` is for the whole test."""
        self._tell("stop_test", {"message": "a user stopped the test", "failed": False})

    def quit(self):
        """Takes this worker out of the test; when the last one goes, the test ends."""
        gevent.spawn(self._leave).link_exception(greenlet_exception_handler)

    def _leave(self):
        self.stop()
        self._send_stats()
        self._tell("quit")
        self.greenlet.kill(block=False)
