"""The runner of the master: deals users to its workers and gathers what they report.

Workers are known by the names they give themselves; each has a `WorkerNode`, which says what was last heard of it, and a
link. A worker whose connection breaks has a moment to come back over another one; then, or when its heartbeats stay
away, its users are dealt to the others at once (Locust does this after a minute, or with --enable-rebalancing).
"""

import json
import logging
import os
import time

import gevent

from .. import runners as settings
from .. import stats as stats_module
from . import (
    STATE_INIT,
    STATE_MISSING,
    STATE_RUNNING,
    STATE_SPAWNING,
    STATE_STOPPED,
    STATE_STOPPING,
)
from ._welcome import locustfiles_of, options_for_workers, warn_of_version
from .base import DistributedRunner, greenlet_exception_handler
from .door import STRANGER_MESSAGE_LIMIT, WORKER_MESSAGE_LIMIT, Door
from .links import Link, LinkClosed
from .messages import FINE, Garbled, Message
from .nodes import WorkerNode, WorkerNodes

logger = logging.getLogger("locust.runners")

# How long to wait, in seconds: for users that stop (beyond the stop timeout), for workers to be ready again after
# that, for workers that leave, and for a worker whose connection broke.
_AFTER_STOP = 60.0
_UNTIL_READY = 1.0
_AFTER_QUIT = 5.0
_BROKEN_LINK = 1.0


class MasterRunner(DistributedRunner):
    """Runs no users itself. Workers come through the door at `master_bind_host` and `master_bind_port`.

    With `sockets`, which lead to forked workers, there is a door only if `listen` says so.
    """

    def __init__(self, environment, master_bind_host="*", master_bind_port=5557, sockets=(), listen=True):
        super().__init__(environment)
        self.clients = WorkerNodes()
        self.spawn_rate = 0
        self.master_bind_host = master_bind_host
        self.master_bind_port = master_bind_port
        self._links = {}
        self._indices = {}
        # What each worker was last told to run, for those whose link breaks.
        self._told = {}
        # The fine parts of reports that listeners are reading.
        self._fine = {}
        self._private = set()
        self._handlers = {
            "heartbeat": self._on_heartbeat,
            "stats": self._on_stats,
            "spawning": self._on_spawning,
            "spawning_complete": self._on_worker_spawned,
            "client_stopped": self._on_client_stopped,
            "exception": self._on_exception,
            "logs": self._on_logs,
            "quit": self._on_quit,
            "stop_test": self._on_stop_test,
        }
        environment.events.worker_report.add_listener(self._merge_report)
        self._door = Door(master_bind_host, master_bind_port, self._listen) if listen else None
        for sock in sockets:
            link = Link(sock, "ROUTER")
            self._private.add(link)
            self.greenlet.spawn(self._listen, link).link_exception(greenlet_exception_handler)
        self.greenlet.spawn(self._count_heartbeats).link_exception(greenlet_exception_handler)

    # ---- what others read

    @property
    def user_count(self):
        """How many users the workers report."""
        return sum(node.user_count for node in self.clients.values())

    @property
    def user_classes_count(self):
        """How many users of each class the workers report."""
        return self.reported_user_classes_count

    @property
    def reported_user_classes_count(self):
        """How many users of each class the workers report."""
        counts = dict.fromkeys(self.environment.user_classes_by_name, 0)
        for node in self.clients.values():
            for name, count in node.user_classes_count.items():
                counts[name] = counts.get(name, 0) + count
        return counts

    @property
    def worker_count(self):
        """How many workers there are that can run users."""
        return len(self.clients) - len(self.clients.missing)

    def get_worker_index(self, client_id):
        """A number for the worker, from 0 on, that stays the same; -1 for one that is not known."""
        return self._indices.get(client_id, -1)

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
            stats_module.apply_bucketing()
            self.environment._filter_tasks_by_tags()
            self._users_dispatcher = self.environment.dispatcher_class(workers, self.user_classes)
            self.environment.events.test_start.fire(environment=self.environment)
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

    def _ramp(self):
        """Performs the dispatcher's steps; again, if a worker came or went meanwhile."""
        dispatcher, wanted = self._users_dispatcher, {}
        while dispatcher.dispatch_in_progress:
            for step in dispatcher:
                wanted = {name: sum(users[name] for users in step.values()) for name in next(iter(step.values()), {})}
                self.target_user_classes_count = wanted
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
        order = {
            "timestamp": time.time(),
            "host": self.environment.host,
            "stop_timeout": self.environment.stop_timeout,
            "parsed_options": options_for_workers(self.environment.parsed_options),
        }
        self._told = step
        for worker_id, users in step.items():
            if worker_id in self.clients:
                # Before it says so itself: a stop that follows at once must wait for it.
                self.clients[worker_id].state = STATE_SPAWNING
            self._send(worker_id, "spawn", {**order, "user_classes_count": users})

    def stop(self):
        self._end_test("stop")

    def _end_test(self, order):
        """Has the workers end their users, by `stop`, after which they wait for the next test, or by `quit`."""
        if self.state not in (STATE_SPAWNING, STATE_RUNNING):
            return
        if self._would_end_caller():
            gevent.spawn(self._end_test, order).join()
            return
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
        self.update_state(STATE_STOPPED)
        self.environment.events.test_stop.fire(environment=self.environment)

    def quit(self):
        if self._would_end_caller():
            gevent.spawn(self.quit).join()
            return
        told = self.state in (STATE_SPAWNING, STATE_RUNNING)
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

    def _wait_until(self, condition, seconds):
        until = time.monotonic() + seconds
        while not condition():
            if time.monotonic() > until:
                return False
            gevent.sleep(0.02)
        return True

    # ---- messages

    def send_message(self, msg_type, data=None, client_id=None):
        """Sends a message to one worker, or to all."""
        if client_id is None:
            self._send_all(msg_type, data)
        else:
            self._send(client_id, msg_type, data)

    def _send_all(self, msg_type, data=None):
        for client_id in self.clients:
            self._send(client_id, msg_type, data)

    def _send(self, client_id, msg_type, data=None):
        link = self._links.get(client_id)
        if link is None:
            return
        logger.debug("Sending %s message to worker %s", msg_type, client_id)
        try:
            link.send(Message(msg_type, data, client_id))
        except LinkClosed as end:
            logger.debug("there is no way to worker %s now: %s", client_id, end)

    def _listen(self, link, message=None):
        """Does what comes over a link until it ends; `message` came first."""
        while True:
            try:
                if message is not None:
                    self._handle(link, message)
                message = link.receive()
            except Garbled as error:
                self._on_garbled(link, error)
                message = None
            except LinkClosed as end:
                self._on_closed(link, end)
                return

    def _handle(self, link, message):
        client_id = link.identity or message.node_id
        if message.type == "locustfile":
            self._on_locustfile(link, message)
        elif message.type == "client_ready":
            self._on_client_ready(link, client_id, message.data)
        else:
            node = self.clients.get(client_id)
            if node is not None:
                self._know(link, node)
            self._on_message(link, client_id, node, message)

    def _on_message(self, link, client_id, node, message):
        if node is None:
            link.accept(STRANGER_MESSAGE_LIMIT)
        handler = self._handlers.get(message.type)
        if handler is None:
            if message.type in self.custom_messages:
                self._deliver(message)
            else:
                logger.warning(
                    "Unknown message type received from worker %s (index %d): %s",
                    client_id,
                    self.get_worker_index(client_id),
                    message.type,
                )
            return
        try:
            if node is None:
                self._on_unknown_worker(link, client_id, message)
            else:
                handler(message, node)
        except (KeyError, TypeError, ValueError, OverflowError, AttributeError) as error:
            logger.error("Cannot use a %s message of worker %s: %r", message.type, client_id, error)

    def _on_unknown_worker(self, link, client_id, message):
        if message.type in ("spawning", "spawning_complete"):
            # It runs users of a test that this master knows nothing of.
            link.send(Message("quit", None, client_id))
        elif message.type == "stats" and client_id in self._indices:
            # One that was given up, or has just stopped: what it measured, it measured.
            self.stats.merge(message.data, message.data.get(FINE))
        elif message.type == "stats":
            logger.info("Discarded report from unrecognized worker %s", client_id)
        else:
            logger.debug("%s message of a worker that is not known: %s", message.type, client_id)

    def _on_garbled(self, link, error):
        client_id = link.identity
        if client_id in self.clients:
            logger.error("A message of worker %s cannot be read: %s. Asking it to reconnect", client_id, error)
            self._send(client_id, "reconnect")
        else:
            logger.warning("A message of %s, which is no worker, cannot be read: %s", client_id or "a client", error)

    # ---- workers that come

    def _on_locustfile(self, link, message):
        warn_of_version(message.node_id, (message.data or {}).get("version"))
        link.send(Message("locustfile", locustfiles_of(self.environment), message.node_id))

    def _on_client_ready(self, link, client_id, client_version):
        if client_version is None:
            logger.error("A worker (%s) of a Locust before version 2.0 tried to connect and was not accepted", client_id)
            return
        warn_of_version(client_id, client_version)
        before = self._indices.get(client_id)
        index = self._indices.setdefault(client_id, len(self._indices))
        node = WorkerNode(client_id, heartbeat_liveness=settings.HEARTBEAT_LIVENESS)
        self.clients[client_id] = node
        self._know(link, node)
        # `count` is for our own workers.
        self._send(client_id, "ack", {"index": index, "count": max(len(self._private), self.worker_count)})
        for settings_of_class in self.environment._changed_user_classes.values():
            self._send(client_id, "update_user_class", settings_of_class)
        logger.info("%s (index %d) reported as ready. %d workers connected.", client_id, index, self.worker_count)
        self.environment.events.worker_connect.fire(client_id=client_id)
        if self.state in (STATE_SPAWNING, STATE_RUNNING):
            if before is not None:
                # One that was known begins anew, without users.
                self._users_dispatcher.remove_worker(node)
            self._users_dispatcher.add_worker(node)
            self._rebalance()

    def _know(self, link, node):
        """This is the link that leads to the worker, whichever it was before."""
        before = self._links.get(node.id)
        if before is link:
            return
        link.accept(WORKER_MESSAGE_LIMIT)
        self._links[node.id] = link
        if before is None:
            return
        if not before.closed:
            gevent.spawn(before.close, linger=0)
        # What was sent over the old link may be lost.
        if node.state == STATE_STOPPING:
            self._send(node.id, "stop")
        elif node.id in self._told and node.state in (STATE_SPAWNING, STATE_RUNNING):
            self._send_step(self._told)

    def _on_heartbeat(self, message, node):
        data = message.data
        state, node.cpu_usage, node.memory_usage = (
            data["state"],
            float(data["current_cpu_usage"]),
            int(data.get("current_memory_usage") or 0),
        )
        node.heartbeat = settings.HEARTBEAT_LIVENESS
        if node.state == STATE_MISSING:
            self._heal(node, state)
        # Of one that has just been told to start or stop, the order counts, not the beat before it.
        if node.cpu_usage > settings.CPU_WARNING_THRESHOLD and not node.cpu_warning_emitted:
            node.cpu_warning_emitted = self.worker_cpu_warning_emitted = True
            logger.warning(
                "Worker %s (index %d) exceeded cpu threshold (will only log this once per worker)",
                node.id,
                self._indices[node.id],
            )
        self._send(node.id, "heartbeat")
        self.environment.events.heartbeat_sent.fire(client_id=node.id, timestamp=time.time())

    def _heal(self, node, state):
        logger.info("Worker %s self-healed with heartbeat, setting state to %s.", node.id, state)
        node.state = state
        if self.state in (STATE_SPAWNING, STATE_RUNNING):
            self._users_dispatcher.add_worker(node)
            self._rebalance()
        elif state in (STATE_SPAWNING, STATE_RUNNING):
            # The test ended while it was away.
            node.state = STATE_STOPPING
            self._send(node.id, "stop")

    def _on_spawning(self, message, node):
        """The order has arrived; the state was set when it was sent."""

    def _on_worker_spawned(self, message, node):
        node.user_classes_count = dict(message.data["user_classes_count"])
        if node.state == STATE_SPAWNING:
            node.state = STATE_RUNNING

    def _on_client_stopped(self, message, node):
        node.user_classes_count = {}
        # Until it says that it is ready.
        node.state = STATE_STOPPED
        logger.info("%s (index %d) reported that it has stopped", node.id, self._indices[node.id])

    # ---- what they report

    def _on_stats(self, message, node):
        data = message.data
        if node.state != STATE_STOPPED:
            node.user_classes_count = dict(data["user_classes_count"])
        self._fine[node.id] = data.pop(FINE, None)
        self.environment.events.worker_report.fire(client_id=node.id, data=data)

    def _merge_report(self, client_id, data, **_kwargs):
        """A listener as others are: those that were there before it see the statistics without this report."""
        try:
            self.stats.merge(data, self._fine.pop(client_id, None))
        except (KeyError, TypeError, ValueError, OverflowError, AttributeError) as error:
            logger.error("Cannot use the report of worker %s: %r", client_id, error)

    def _on_exception(self, message, node):
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

    # ---- workers that go

    def _on_quit(self, message, node):
        self._lose(node, "quit")

    def _on_closed(self, link, end):
        if str(end):
            logger.warning("The connection of worker %s was closed: %s", link.identity, end)
        node = self.clients.get(link.identity)
        if node is None or self._links.get(node.id) is not link:
            return
        if link in self._private:
            # Its process has ended.
            self._lose(node, "went missing")
        else:
            gevent.spawn_later(_BROKEN_LINK, self._miss_broken, node, link)

    def _miss_broken(self, node, link):
        if self.clients.get(node.id) is node and self._links.get(node.id) is link and node.state != STATE_MISSING:
            logger.info("Worker %s closed its connection, setting state to missing.", node.id)
            self._miss(node)

    def _count_heartbeats(self):
        while True:
            gevent.sleep(settings.HEARTBEAT_INTERVAL)
            for node in self.clients.all:
                node.heartbeat -= 1
                if node.heartbeat < 0 and node.state != STATE_MISSING:
                    logger.info("Worker %s failed to send heartbeat, setting state to missing.", node.id)
                    self._miss(node)
                elif node.heartbeat <= settings.HEARTBEAT_DEAD_INTERNAL:
                    logger.info("Worker %s has been missing for long and is forgotten.", node.id)
                    self._forget(node)

    def _miss(self, node):
        node.state = STATE_MISSING
        node.user_classes_count = {}
        self._take_out(node, "The last worker went missing, stopping test.")

    def _forget(self, node):
        del self.clients[node.id]
        link = self._links.pop(node.id, None)
        if link is not None:
            gevent.spawn(link.close, linger=0)

    def _lose(self, node, how):
        missing = node.state == STATE_MISSING
        del self.clients[node.id]
        logger.info(
            "Worker '%s' (index %d) %s. %d workers ready.",
            node.id,
            self._indices[node.id],
            how,
            len(self.clients.ready),
        )
        if not missing:
            self._take_out(node, "The last worker quit, stopping test.")

    def _take_out(self, node, if_last):
        if self.state not in (STATE_SPAWNING, STATE_RUNNING):
            return
        if not self.worker_count:
            logger.info(if_last)
            gevent.spawn(self.stop_from_user)
        elif self._users_dispatcher is not None:
            self._users_dispatcher.remove_worker(node)
            self._rebalance()

    def _rebalance(self):
        """Deals the users anew, unless a ramp is under way, whose next step does it."""
        if self.state == STATE_RUNNING and not (self.spawning_greenlet and not self.spawning_greenlet.dead):
            self.update_state(STATE_SPAWNING)
            self.spawning_greenlet = self.greenlet.spawn(self._ramp)
            self.spawning_greenlet.link_exception(greenlet_exception_handler)


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
