"""The runner of a test in one process."""

import json
import logging
import socket
from uuid import uuid4

import gevent

from .. import _core
from .. import stats as stats_module
from ..exception import StopTest
from . import STATE_CLEANUP, STATE_INIT, STATE_RUNNING, STATE_SPAWNING, STATE_STOPPED
from .base import Runner, greenlet_exception_handler
from .messages import Message
from .nodes import WorkerNode

logger = logging.getLogger("locust.runners")


class LocalRunner(Runner):
    """Runs users in this process."""

    worker_index = 0
    worker_count = 1

    def __init__(self, environment):
        super().__init__(environment)
        self.client_id = f"{socket.gethostname()}_{uuid4().hex}"
        self.spawn_rate = None

    def start(self, user_count, spawn_rate, wait=False, user_classes=None):
        if spawn_rate > 100:
            logger.warning(
                "Your selected spawn rate is very high (>100), and this is known to sometimes cause issues. "
                "Do you really need to ramp up that fast?"
            )
        self.target_user_count = user_count
        self.spawn_rate = spawn_rate
        if self.state not in (STATE_RUNNING, STATE_SPAWNING) and not self._begin_test():
            return
        if self.spawning_greenlet:
            # A ramp that is under way is replaced by this one.
            self.spawning_greenlet.kill()
        for user_class in self.user_classes:
            if self.environment.host:
                user_class.host = self.environment.host
        self.spawning_greenlet = self.greenlet.spawn(self._ramp, user_count, spawn_rate, wait, user_classes)
        self.spawning_greenlet.link_exception(greenlet_exception_handler)

    def _begin_test(self):
        """Returns whether it is to go on."""
        self.stats.clear_all()
        self.exceptions = {}
        self.cpu_warning_emitted = False
        self.final_user_classes_count = {}
        stats_module.apply_bucketing()
        self.environment._filter_tasks_by_tags()
        self._users_dispatcher = None
        _core.watch_lag()
        return self._fire_test_start()

    def _ramp(self, user_count, spawn_rate, wait, user_classes):
        try:
            self._perform_ramp(user_count, spawn_rate, user_classes)
        except StopTest as order:
            logger.error("%s", order)
            logger.warning("Stopping Locust...")
            # A test that could not even start its users has failed, whatever else was counted.
            if self.environment.process_exit_code is None:
                self.environment.process_exit_code = 1
            gevent.spawn(self.stop_from_user)
            return
        if wait:
            self.user_greenlets.join()

    def _perform_ramp(self, user_count, spawn_rate, user_classes):
        self.update_state(STATE_SPAWNING)
        logger.info("Ramping to %d users at a rate of %.2f per second", user_count, spawn_rate)
        if self._users_dispatcher is None:
            here = WorkerNode("local")
            self._users_dispatcher = self.environment.dispatcher_class([here], self.user_classes)
        self._users_dispatcher.new_dispatch(user_count, spawn_rate, user_classes)
        for step in self._users_dispatcher:
            wanted = step["local"]
            self.target_user_classes_count = wanted
            self._change_users(wanted)
        counts = dict(sorted(self.target_user_classes_count.items()))
        logger.info("All users spawned: %s (%d total users)", json.dumps(counts), sum(counts.values()))
        self.environment.events.spawning_complete.fire(user_count=sum(counts.values()))

    def stop(self):
        if self.state in (STATE_STOPPED, STATE_CLEANUP) and not self._starting:
            return
        if self._would_end_caller():
            gevent.spawn(self.stop).join()
            return
        ready = self.state == STATE_INIT and not self._starting
        self._starting = False
        if not ready:
            logger.debug("Stopping all users")
            self.environment.events.test_stopping.fire(environment=self.environment)
        self.final_user_classes_count = self.user_classes_count
        self.update_state(STATE_CLEANUP)
        if self.shape_greenlet:
            self.shape_greenlet.kill(block=False)
            self.shape_greenlet = None
            self.shape_last_tick = None
        if self.spawning_greenlet:
            self.spawning_greenlet.kill()
            self.spawning_greenlet = None
        self._stop_all_users()
        self._users_dispatcher = None
        self.target_user_classes_count = {}
        self.target_user_count = 0
        self.update_state(STATE_STOPPED)
        if not ready:
            self.cpu_log_warning()
            self._say_lag()
            self.environment.events.test_stop.fire(environment=self.environment)

    def send_message(self, msg_type, data=None, client_id=None):
        """Calls the listener of this type: there are no other nodes."""
        logger.debug("Running locally: sending %s message to self", msg_type)
        if msg_type not in self.custom_messages:
            logger.warning("there is no listener for messages of type %s", msg_type)
            return
        self._deliver(Message(msg_type, data, self.client_id))
