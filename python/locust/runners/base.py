"""What all runners share: users, counts, state, exceptions, messages, and watching this process."""

import itertools
import logging
import time
import traceback

import gevent
from gevent.pool import Group

from .. import _core, _legacy
from .. import runners as settings
from ..log import greenlet_exception_logger
from . import STATE_INIT, STATE_RUNNING, STATE_SPAWNING, STATE_STOPPED

logger = logging.getLogger("locust.runners")

greenlet_exception_handler = greenlet_exception_logger(logger)

# Spawning gives the users that run already a turn this often, in seconds.
_SPAWN_SLICE = 0.01
# A mean lateness of the loop, in ms, from which on it is said.
_LAG_WORTH_SAYING = 1.0


class Runner:
    """What all runners share: users, counts, state, exceptions, messages."""

    def __init__(self, environment):
        self.environment = environment
        self.user_greenlets = Group()
        # The runner's own background work; the command line ends when this does.
        self.greenlet = Group()
        self.state = STATE_INIT
        # While `test_start` is fired, in which a test may be ended before it has users.
        self._starting = False
        self.spawning_greenlet = None
        self.shape_greenlet = None
        self.shape_last_tick = None
        self.current_cpu_usage = 0.0
        self.current_memory_usage = 0
        self.cpu_warning_emitted = False
        self.worker_cpu_warning_emitted = False
        self.exceptions = {}
        self.custom_messages = {}
        self.target_user_classes_count = {}
        self.target_user_count = 0
        self.final_user_classes_count = {}
        # By class name, then greenlet, in the order they were started: users that were not asked to stop yet.
        self._users = {}
        self._stopping = {}
        self._users_dispatcher = None

        _legacy.remember_runner(self)
        environment.events.request.record_in(environment.stats)
        environment.events.user_error.add_listener(self._on_user_error)
        environment.events.spawning_complete.add_listener(self._on_spawning_complete)
        self.greenlet.spawn(self.monitor_cpu_and_memory).link_exception(greenlet_exception_handler)

    # ---- what others read

    @property
    def stats(self):
        """The environment's statistics."""
        return self.environment.stats

    @property
    def errors(self):
        """The errors of requests, by key."""
        return self.stats.errors

    @property
    def user_classes(self):
        """The environment's user classes."""
        return self.environment.user_classes

    @property
    def user_classes_by_name(self):
        """The environment's user classes by name."""
        return self.environment.user_classes_by_name

    @property
    def user_count(self):
        """How many users are alive."""
        return len(self.user_greenlets)

    @property
    def user_classes_count(self):
        """How many users of each class are alive."""
        return {
            name: len(self._users.get(name, ())) + len(self._stopping.get(name, ()))
            for name in self.environment.user_classes_by_name
        }

    def update_state(self, new_state):
        """Changes the state of the test."""
        logger.debug("Updating state to '%s', old state was '%s'", new_state, self.state)
        self.state = new_state

    def _fire_test_start(self):
        """Returns whether no listener ended the test."""
        self._starting = True
        self.environment.events.test_start.fire(environment=self.environment)
        goes_on, self._starting = self._starting, False
        return goes_on

    # ---- users

    def spawn_users(self, user_classes_spawn_count, wait=False):
        """Starts so many users of each class and returns them. With `wait`, that is when all users have ended."""
        if self.state in (STATE_INIT, STATE_STOPPED):
            # Users that a script starts by hand, without a test.
            self.update_state(STATE_SPAWNING)
        started = time.perf_counter()
        spawned = []
        classes = self.environment.user_classes_by_name
        for name, count in user_classes_spawn_count.items():
            logger.debug("Spawning %d users of class %s", count, name)
            running = self._users.setdefault(name, {})
            for _ in range(count):
                user = classes[name](self.environment)
                greenlet = user.start(self.user_greenlets) or user.greenlet
                running[greenlet] = user
                spawned.append(user)
                greenlet.rawlink(self._user_ended)
                if time.perf_counter() - started > _SPAWN_SLICE:
                    _core.sleep(0)
                    started = time.perf_counter()
        if wait:
            self.user_greenlets.join()
        return spawned

    def stop_users(self, user_classes_stop_count):
        """Stops so many users of each class, those started last first; each may finish its task within the stop timeout."""
        patience = self.environment.stop_timeout
        leaving = []
        for name, count in user_classes_stop_count.items():
            running = self._users.get(name, {})
            for _ in range(min(count, len(running))):
                greenlet, user = running.popitem()
                self._stopping.setdefault(name, {})[greenlet] = user
                # One that already ends itself needs no further order.
                if not greenlet.dead:
                    _tell_to_stop(user, greenlet, force=not patience)
                leaving.append(greenlet)
        if not leaving:
            return
        if patience:
            # The ramp goes on meanwhile.
            self.greenlet.spawn(self._end_users, leaving, patience)
        else:
            gevent.joinall(leaving)

    def _end_users(self, greenlets, patience):
        gevent.joinall(greenlets, timeout=patience)
        late = [greenlet for greenlet in greenlets if not greenlet.dead]
        if late:
            logger.info("Not all users finished their tasks & terminated in %s seconds. Stopping them...", patience)
            gevent.killall(late)

    def _stop_all_users(self):
        counts = {name: len(users) for name, users in self._users.items()}
        self.stop_users(counts)
        everyone = list(self.user_greenlets)
        patience = self.environment.stop_timeout
        if patience:
            self._end_users(everyone, patience)
        else:
            self.user_greenlets.join()

    def _user_ended(self, greenlet):
        for users in itertools.chain(self._users.values(), self._stopping.values()):
            if users.pop(greenlet, None) is not None:
                return

    def _change_users(self, wanted):
        """Starts and stops users until there are so many of each class."""
        missing, surplus = {}, {}
        for name, count in wanted.items():
            # Against those that really run: during a ramp, users that ended by themselves are replaced.
            difference = count - len(self._users.get(name, ()))
            if difference > 0:
                missing[name] = difference
            elif difference < 0:
                surplus[name] = -difference
        if missing:
            self.spawn_users(missing)
        self.stop_users(surplus)

    # ---- the test

    def start(self, user_count, spawn_rate, wait=False, user_classes=None):
        """Starts a test, or changes the running one, to so many users."""
        raise NotImplementedError

    def stop(self):
        """Stops the test."""
        raise NotImplementedError

    def quit(self):
        """Stops the test and ends the runner; the command line then exits."""
        if self._would_end_caller():
            gevent.spawn(self.quit).join()
            return
        self.stop()
        self.greenlet.kill(block=False)

    def _would_end_caller(self):
        """Whether the calling greenlet is one that stopping kills: then a greenlet of its own must do it."""
        current = gevent.getcurrent()
        return current in self.user_greenlets or current in self.greenlet

    def stop_from_user(self):
        """What a user's `StopTest` asks for: without a web page there is nothing left to do afterwards."""
        if self.environment.web_ui is None:
            self.quit()
        else:
            self.stop()

    def start_shape(self):
        """Starts a test whose users follow the environment's shape."""
        if self.shape_greenlet:
            logger.info("There is an ongoing shape test running. Editing is disabled")
            return
        logger.info("Shape test starting.")
        self.update_state(STATE_INIT)
        self.shape_greenlet = self.greenlet.spawn(self.shape_worker)
        self.shape_greenlet.link_exception(greenlet_exception_handler)
        self.shape_last_tick = None
        self.environment.shape_class.reset_time()

    def shape_worker(self):
        """Asks the shape once a second, and makes what it says so."""
        logger.debug("Shape worker starting")
        while self.state in (STATE_INIT, STATE_SPAWNING, STATE_RUNNING):
            wanted = self.environment.shape_class.tick()
            if wanted is None:
                logger.info("Shape test stopping")
                self.shape_greenlet = None
                self.shape_last_tick = None
                # In a greenlet of its own, which quitting does not kill before it is done.
                gevent.spawn(self.stop_from_user)
                return
            if wanted == self.shape_last_tick:
                gevent.sleep(1)
                continue
            user_count, spawn_rate, user_classes = wanted if len(wanted) == 3 else (*wanted, None)
            logger.info("Shape test updating to %d users at %.2f spawn rate", user_count, spawn_rate)
            self.shape_last_tick = wanted
            # The shape is asked again when this is done: a stage shorter than its ramp comes late.
            self.start(user_count=user_count, spawn_rate=spawn_rate, user_classes=user_classes)
            if self.spawning_greenlet:
                self.spawning_greenlet.join()

    # ---- messages

    def register_message(self, msg_type, listener, concurrent=False):
        """Has `listener(environment=, msg=)` called for messages of this type, in a greenlet of its own if `concurrent`."""
        if msg_type in self.custom_messages:
            raise Exception(f"there already is a listener for messages of type {msg_type!r}")
        self.custom_messages[msg_type] = (listener, concurrent)

    def send_message(self, msg_type, data=None, client_id=None):
        """Sends a custom message to the other nodes."""
        raise NotImplementedError

    def _deliver(self, msg):
        listener, concurrent = self.custom_messages[msg.type]
        logger.debug("Received %s message", msg.type)
        if concurrent:
            gevent.spawn(listener, environment=self.environment, msg=msg).link_exception(greenlet_exception_handler)
            return
        try:
            listener(environment=self.environment, msg=msg)
        except Exception:
            logging.error("Uncaught exception in handler for %s\n%s", msg.type, traceback.format_exc())

    # ---- watching

    def log_exception(self, node_id, msg, formatted_tb):
        """Counts an exception of a task; those with the same traceback are one."""
        entry = self.exceptions.setdefault(
            hash(formatted_tb), {"count": 0, "msg": msg, "traceback": formatted_tb, "nodes": set()}
        )
        entry["count"] += 1
        entry["nodes"].add(node_id)

    def _on_user_error(self, user_instance, exception, tb, **_kwargs):
        self.log_exception("local", str(exception), "".join(traceback.format_tb(tb)))

    def _on_spawning_complete(self, user_count, **_kwargs):
        self.update_state(STATE_RUNNING)
        if self.environment.reset_stats:
            logger.info("Resetting stats\n")
            self.stats.reset_all()

    def monitor_cpu_and_memory(self):
        """Watches this process and warns when it is the bottleneck."""
        while True:
            cpu, at = _core.cpu_seconds(), time.perf_counter()
            gevent.sleep(settings.CPU_MONITOR_INTERVAL)
            self.current_memory_usage = _core.memory_bytes()
            self.current_cpu_usage = 100 * (_core.cpu_seconds() - cpu) / (time.perf_counter() - at)
            self.environment.events.usage_monitor.fire(
                environment=self.environment,
                cpu_usage=self.current_cpu_usage,
                memory_usage=self.current_memory_usage,
            )
            if self.current_cpu_usage > settings.CPU_WARNING_THRESHOLD:
                self.environment.events.cpu_warning.fire(environment=self.environment, cpu_usage=self.current_cpu_usage)
                if not self.cpu_warning_emitted:
                    logger.warning(
                        "CPU usage above %d%%! This may constrain your throughput and may even give inconsistent "
                        "response time measurements! One process uses one core: --processes starts more",
                        settings.CPU_WARNING_THRESHOLD,
                    )
                    self.cpu_warning_emitted = True

    def cpu_log_warning(self):
        """Says at the end of a run that the processor was the bottleneck; True if it was."""
        if self.cpu_warning_emitted:
            logger.warning("CPU usage was too high at some point during the test! See the warning above")
        return self.cpu_warning_emitted

    def _say_lag(self):
        mean, worst = _core.lag()
        if mean >= _LAG_WORTH_SAYING:
            logger.info(
                "Generator lag: %.1f ms on average, %.0f ms at most. Tasks that compute delay other users' "
                "requests by as much; response times are taken from the kernel's clock",
                mean,
                worst,
            )


def _tell_to_stop(user, greenlet, force):
    """`user.stop`, which a locustfile's class may have as something else, such as a task: that must not keep a test from ending."""
    try:
        user.stop(force=force)
    except Exception:
        logger.error("%s.stop failed; the user is ended without it\n%s", type(user).__name__, traceback.format_exc())
        if force:
            greenlet.kill(block=False)


class DistributedRunner(Runner):
    """The runners of a test on several nodes. Scripts ask `isinstance(environment.runner, ...)`."""
