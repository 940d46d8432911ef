"""The runner of the master: deals users to its workers and gathers what they report.

Who the workers are, and what becomes of users of one that is lost, is in `membership`.
"""

import json
import logging
import os
import time

import gevent

from .. import runners as settings
from .. import stats as stats_module
from . import STATE_MISSING, STATE_RUNNING, STATE_SPAWNING, STATE_STOPPED, STATE_STOPPING
from ._welcome import options_for_workers
from .base import greenlet_exception_handler
from .kept import Nothing
from .membership import Membership
from .messages import FINE, Message
from .nodes import WorkerNode

logger = logging.getLogger("locust.runners")

# How long to wait, in seconds: for users that stop (beyond the stop timeout), for workers to be ready again after
# that, for workers that leave.
_AFTER_STOP = 60.0
_UNTIL_READY = 1.0
_AFTER_QUIT = 5.0
# And for workers to find a master that has started again.
_UNTIL_BACK = 10.0


class MasterRunner(Membership):
    """Runs no users itself. Workers come through the door at `master_bind_host` and `master_bind_port`, and over
    `sockets` if they were forked.
    """

    def __init__(self, environment, master_bind_host="*", master_bind_port=5557, sockets=(), listen=True):
        super().__init__(environment, master_bind_host, master_bind_port, sockets, listen)
        self.spawn_rate = 0
        self.master_bind_host = master_bind_host
        self.master_bind_port = master_bind_port
        self._handlers |= {
            "stats": self._on_stats,
            "exception": self._on_exception,
            "logs": self._on_logs,
            "stop_test": self._on_stop_test,
        }
        # The fine parts of reports that listeners are reading.
        self._fine = {}
        environment.events.worker_report.add_listener(self._merge_report)
        environment.events.reset_stats.add_listener(self._on_reset)

    # ---- the test

    def start(self, user_count, spawn_rate, wait=False, user_classes=None):
        workers = self.clients.ready + self.clients.spawning + self.clients.running
        if not workers:
            logger.warning("You can't start a distributed test before at least one worker processes has connected")
            return
        for user_class in self.user_classes:
            if self.environment.host:
                user_class.host = self.environment.host
        self.target_user_count = user_count
        self.spawn_rate = spawn_rate
        if spawn_rate / len(workers) > 100:
            logger.warning(
                "Your selected total spawn rate is quite high (>100 per worker), and this is known to sometimes cause "
                "issues. Do you really need to ramp up that fast?"
            )
        if self.state not in (STATE_RUNNING, STATE_SPAWNING):
            self.stats.clear_all()
            self.exceptions = {}
            self.final_user_classes_count = {}
            self.losses.begin()
            self._keep(user_count, spawn_rate, workers)
            stats_module.apply_bucketing()
            self.environment._filter_tasks_by_tags()
            self._users_dispatcher = self.environment.dispatcher_class(workers, self.user_classes)
            if not self._fire_test_start():
                return
        else:
            self.kept.wants(user_count, spawn_rate)
        if self.spawning_greenlet:
            self.spawning_greenlet.kill()
        self.update_state(STATE_SPAWNING)
        logger.info(
            "Sending spawn jobs of %d users at %.2f spawn rate to %d ready workers",
            user_count,
            spawn_rate,
            len(workers),
        )
        self._users_dispatcher.new_dispatch(user_count, spawn_rate, user_classes)
        self.spawning_greenlet = self.greenlet.spawn(self._ramp)
        self.spawning_greenlet.link_exception(greenlet_exception_handler)

    def _keep(self, user_count, spawn_rate, workers):
        web_ui = self.environment.web_ui
        if web_ui is not None and web_ui.has_started:
            # What its form says (classes, shape, host, time) is nowhere else.
            self.kept.end()
            if not isinstance(self.kept, Nothing):
                logger.warning("A test that is started on the page is not kept in the state directory")
            return
        indices = [(node.id, self._indices[node.id]) for node in workers]
        self.kept.begin(user_count, spawn_rate, self.shape_greenlet is not None, indices)

    def _ramp(self):
        """Performs the dispatcher's steps; again, if a worker came or went meanwhile."""
        dispatcher, wanted = self._users_dispatcher, {}
        while dispatcher.dispatch_in_progress:
            for step in dispatcher:
                self.target_user_classes_count = wanted = _by_class(step)
                self._send_step(step)
            self._wait_until(
                lambda: dispatcher.dispatch_in_progress or self.reported_user_classes_count == wanted,
                _report_patience(),
            )
            if not dispatcher.dispatch_in_progress:
                self._say_spawned(wanted)

    def _say_spawned(self, wanted):
        total = sum(wanted.values())
        counts = json.dumps(dict(sorted(self.reported_user_classes_count.items())))
        if self.reported_user_classes_count == wanted:
            logger.info("All users spawned: %s (%d total users)", counts, total)
        else:
            logger.info(
                "Spawning is complete and report waittime is expired, but not all reports received from workers: "
                "%s (%d total users)",
                counts,
                self.user_count,
            )
        self._send_all("spawning_complete", {"user_count": total})
        self.environment.events.spawning_complete.fire(user_count=total)

    def _send_step(self, step):
        # In Locust's order, to the byte.
        timestamp = time.time()
        order = {
            "host": self.environment.host,
            "stop_timeout": self.environment.stop_timeout,
            "parsed_options": options_for_workers(self.environment.parsed_options),
        }
        self._told = step
        for worker_id, users in step.items():
            node = self.clients.get(worker_id)
            if node is not None:
                if node.state == STATE_MISSING:
                    # Its users are being dealt to the others; when it is heard again, it gets a share anew.
                    continue
                # Before it says so itself: a stop that follows at once must wait for it.
                node.state = STATE_SPAWNING
            self._send(worker_id, "spawn", {"timestamp": timestamp, "user_classes_count": users, **order})

    # ---- a test that a master before this one began

    def go_on(self):
        """Goes on with the test that the state directory tells of: all that was measured counts, and `test_start` is not fired."""
        run = self.kept.unfinished
        logger.warning(
            "Going on with the test that began %.1fs ago; there was no master for about %.1fs", run.elapsed, run.away
        )
        self.stats.clear_all()
        self.exceptions = {}
        self.losses.begin(run.elapsed)
        stats_module.apply_bucketing()
        self.environment._filter_tasks_by_tags()
        for user_class in self.user_classes:
            if self.environment.host:
                user_class.host = self.environment.host
        self._indices.update(run.indices)
        for name in run.workers:
            node = WorkerNode(name, STATE_RUNNING, settings.HEARTBEAT_LIVENESS + int(_UNTIL_BACK))
            node.user_classes_count = run.running.get(name, {})
            self.clients[name] = node
        self._measure_again()
        self.target_user_count, self.spawn_rate = run.users, run.spawn_rate
        self.update_state(STATE_RUNNING)
        known = list(self.clients.values())
        if not known:
            # It was killed while it ended the test.
            self._hears.set()
            gevent.spawn(self.stop_from_user).join()
            return
        # What runs stays, on whom it runs as far as the dealing of users goes; the rest of a ramp follows. All before anybody is
        # heard, as those who come and go need somebody who deals.
        there = min(run.users, sum(node.user_count for node in known))
        self._users_dispatcher = self.environment.dispatcher_class(known, self.user_classes)
        self._users_dispatcher.new_dispatch(there, max(1, there))
        for step in self._users_dispatcher:
            self._told = step
        self.target_user_classes_count = _by_class(self._told)
        self._hears.set()
        self._wait_until(lambda: all(node.id in self._links for node in known), _UNTIL_BACK)
        for node in known:
            if node.id not in self._links and node.state != STATE_MISSING and node.id in self.clients:
                logger.warning("Worker %s did not come back to the master", node.id)
                self._miss(node, "did not come back to the master")
        if self.state not in (STATE_RUNNING, STATE_SPAWNING) or not self.worker_count:
            return
        # Also if somebody came or went, for whom all was dealt anew: those who came back only after that do not know of it.
        self._send_step(self._told)
        if there < run.users and not run.has_shape:
            self.start(run.users, run.spawn_rate)

    def _measure_again(self):
        for record in self.kept.measured():
            try:
                if record.type == "stats":
                    node = self.clients.get(record.node_id) or WorkerNode(record.node_id)
                    self._count_report(record.data, node)
                elif record.type == "exception":
                    self.log_exception(record.node_id, record.data["msg"], record.data["traceback"])
                else:
                    self.stats.reset_all()
                    self.exceptions = {} if record.data else self.exceptions
            except (KeyError, TypeError, ValueError, OverflowError, AttributeError) as error:
                logger.error("Cannot use a kept %s message of worker %s: %r", record.type, record.node_id, error)

    def go_on_with_shape(self, elapsed):
        """Asks the shape again, whose clock goes on where it was."""
        shape = self.environment.shape_class
        shape.start_time = time.perf_counter() - elapsed
        self.shape_last_tick = None
        self.shape_greenlet = self.greenlet.spawn(self.shape_worker)
        self.shape_greenlet.link_exception(greenlet_exception_handler)

    def _on_reset(self, **_kwargs):
        self.kept.reset(exceptions=True)

    def _on_spawning_complete(self, user_count, **_kwargs):
        if self.environment.reset_stats:
            self.kept.reset(exceptions=False)
        super()._on_spawning_complete(user_count)

    def stop(self):
        self._end_test("stop")

    def _end_test(self, order):
        """Has the workers end their users, by `stop`, after which they wait for the next test, or by `quit`."""
        if self.state not in (STATE_SPAWNING, STATE_RUNNING) and not self._starting:
            return
        if self._would_end_caller():
            gevent.spawn(self._end_test, order).join()
            return
        self._starting = False
        self.environment.events.test_stopping.fire(environment=self.environment)
        self.final_user_classes_count = self.reported_user_classes_count
        self.update_state(STATE_STOPPING)
        for greenlet in (self.shape_greenlet, self.spawning_greenlet):
            if greenlet:
                greenlet.kill()
        self.shape_greenlet = self.spawning_greenlet = self.shape_last_tick = None
        self._told = {}
        for node in self.clients.values():
            if node.state != STATE_MISSING:
                node.state = STATE_STOPPING
        self._send_all(order)
        stopping = self.environment.stop_timeout + _AFTER_STOP
        if not self._wait_until(lambda: not self.clients.get_by_state(STATE_STOPPING), stopping):
            late = [node.id for node in self.clients.get_by_state(STATE_STOPPING)]
            logger.warning("Not all workers stopped within %s seconds: %s", stopping, ", ".join(late))
        # Workers of Locust's own come back only after the stop timeout; that is not waited for.
        self._wait_until(lambda: not self.clients.get_by_state(STATE_STOPPED), _UNTIL_READY)
        self.target_user_classes_count = {}
        self.target_user_count = 0
        self.kept.end()
        self.update_state(STATE_STOPPED)
        self.environment.events.test_stop.fire(environment=self.environment)

    def quit(self):
        if self._would_end_caller():
            gevent.spawn(self.quit).join()
            return
        told = self._starting or self.state in (STATE_SPAWNING, STATE_RUNNING)
        self._end_test("quit")
        if not told:
            self._send_all("quit")
        # Their last reports come before they say that they leave.
        self._wait_until(lambda: not self.worker_count, _AFTER_QUIT)
        if self._door:
            self._door.close()
            self._door = None
        for link in self._links.values():
            link.close(linger=0)
        self.greenlet.kill(block=False)

    def _rebalance(self):
        """Deals the users anew, unless a ramp is under way, whose next step does it."""
        if self.state == STATE_RUNNING and not (self.spawning_greenlet and not self.spawning_greenlet.dead):
            self.update_state(STATE_SPAWNING)
            self.spawning_greenlet = self.greenlet.spawn(self._ramp)
            self.spawning_greenlet.link_exception(greenlet_exception_handler)

    def _wait_until(self, condition, seconds):
        until = time.monotonic() + seconds
        while not condition():
            if time.monotonic() > until:
                return False
            gevent.sleep(0.02)
        return True

    # ---- what they report

    def _on_stats(self, message, node):
        self.kept.note(Message("stats", message.data, node.id))
        self._count_report(message.data, node)

    def _count_report(self, data, node):
        if node.state != STATE_STOPPED:
            node.user_classes_count = dict(data["user_classes_count"])
        self._fine[node.id] = data.pop(FINE, None)
        self.losses.reported(node.id)
        self.environment.events.worker_report.fire(client_id=node.id, data=data)

    def _merge_report(self, client_id, data, **_kwargs):
        """A listener as others are: those that were there before it see the statistics without this report."""
        try:
            self.stats.merge(data, self._fine.pop(client_id, None))
        except (KeyError, TypeError, ValueError, OverflowError, AttributeError) as error:
            logger.error("Cannot use the report of worker %s: %r", client_id, error)

    def _on_exception(self, message, node):
        self.kept.note(Message("exception", message.data, node.id))
        self.log_exception(node.id, message.data["msg"], message.data["traceback"])

    def _on_logs(self, message, node):
        self.environment.worker_logs[message.data["worker_id"]] = list(message.data["logs"])

    def _on_stop_test(self, message, node):
        logger.error("%s", message.data["message"])
        if message.data["failed"] and self.environment.process_exit_code is None:
            self.environment.process_exit_code = 1
        gevent.spawn(self.stop_from_user)

    def cpu_log_warning(self):
        """Says at the end of a run that a processor was the bottleneck; True if one was."""
        if self.worker_cpu_warning_emitted:
            logger.warning("CPU usage of some worker was too high at some point during the test! See the warnings above")
        return super().cpu_log_warning() or self.worker_cpu_warning_emitted


def _by_class(step):
    """How many users of each class the workers run together."""
    return {name: sum(users[name] for users in step.values()) for name in next(iter(step.values()), {})}


def _report_patience():
    """Seconds that reports of all users are waited for after a ramp: LOCUST_WAIT_FOR_WORKERS_REPORT_AFTER_RAMP_UP.

    A number, or a multiple such as `1.25 * WORKER_REPORT_INTERVAL`.
    """
    text = os.environ.get("LOCUST_WAIT_FOR_WORKERS_REPORT_AFTER_RAMP_UP", "").strip()
    if not text:
        return 1.0
    factor, star, name = text.partition("*")
    if star and name.strip() == "WORKER_REPORT_INTERVAL":
        return float(factor) * settings.WORKER_REPORT_INTERVAL
    return float(text)
