"""The runner of the master: deals users to its workers and gathers what they report."""

import json
import logging
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
from .base import DistributedRunner, greenlet_exception_handler
from .messages import LinkClosed, Message
from .nodes import WorkerNode, WorkerNodes

logger = logging.getLogger("locust.runners")

# How long to wait for reports, in seconds: of counts after a ramp, of users that stop, of workers that leave.
_AFTER_RAMP = 1.0
_AFTER_STOP = 60.0
_AFTER_QUIT = 5.0


class MasterRunner(DistributedRunner):
    """Runs no users itself; its workers are at the other ends of `links`."""

    def __init__(self, environment, links):
        super().__init__(environment)
        self.clients = WorkerNodes()
        self.spawn_rate = 0
        self._links = {}
        self._indices = {}
        self._expected = len(links)
        for link in links:
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

    def wait_for_workers(self):
        """Returns when all workers are ready."""
        while len(self.clients.ready) < self._expected:
            gevent.sleep(0.02)

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
        dispatcher, wanted = self._users_dispatcher, {}
        until = 0
        while dispatcher.dispatch_in_progress or (
            self.reported_user_classes_count != wanted and time.monotonic() < until
        ):
            if not dispatcher.dispatch_in_progress:
                gevent.sleep(0.02)
                continue
            # Again, if a worker came or went while the last reports were waited for.
            for step in dispatcher:
                wanted = {name: sum(users[name] for users in step.values()) for name in next(iter(step.values()), {})}
                self.target_user_classes_count = wanted
                self._send_step(step)
            until = time.monotonic() + _AFTER_RAMP
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
        environment = self.environment
        for worker_id, users in step.items():
            if worker_id in self.clients:
                # Before it says so itself: a stop that follows at once must wait for it.
                self.clients[worker_id].state = STATE_SPAWNING
            self._send(
                worker_id,
                "spawn",
                {
                    "timestamp": time.time(),
                    "user_classes_count": users,
                    "host": environment.host,
                    "stop_timeout": environment.stop_timeout,
                    "parsed_options": self._custom_options(),
                },
            )

    def _custom_options(self):
        """Options that the locustfile added: the web page may have changed them since the workers were forked."""
        from ..argument_parser import default_args_dict

        if self.environment.parsed_options is None:
            return {}
        ours = default_args_dict()
        return {name: value for name, value in vars(self.environment.parsed_options).items() if name not in ours}

    def stop(self):
        if self.state not in (STATE_SPAWNING, STATE_RUNNING):
            return
        if self._would_end_caller():
            gevent.spawn(self.stop).join()
            return
        self.environment.events.test_stopping.fire(environment=self.environment)
        self.final_user_classes_count = self.reported_user_classes_count
        self.update_state(STATE_STOPPING)
        for greenlet in (self.shape_greenlet, self.spawning_greenlet):
            if greenlet:
                greenlet.kill()
        self.shape_greenlet = self.spawning_greenlet = self.shape_last_tick = None
        for node in self.clients.values():
            if node.state != STATE_MISSING:
                node.state = STATE_STOPPING
        self._send_all("stop")
        until = time.monotonic() + self.environment.stop_timeout + _AFTER_STOP
        while any(node.state not in (STATE_INIT, STATE_MISSING) for node in self.clients.values()):
            if time.monotonic() > until:
                logger.warning(
                    "not all workers stopped in time: %s",
                    [node.id for node in self.clients.get_by_state(STATE_STOPPING)],
                )
                break
            gevent.sleep(0.02)
        self.target_user_classes_count = {}
        self.target_user_count = 0
        self.update_state(STATE_STOPPED)
        self.environment.events.test_stop.fire(environment=self.environment)

    def quit(self):
        if self._would_end_caller():
            gevent.spawn(self.quit).join()
            return
        self.stop()
        self._send_all("quit")
        until = time.monotonic() + _AFTER_QUIT
        while self.clients and time.monotonic() < until:
            gevent.sleep(0.02)
        self.greenlet.kill(block=False)

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
        except LinkClosed:
            logger.debug("worker %s has gone", client_id)

    def _listen(self, link):
        client_id = None
        while True:
            try:
                message = link.receive()
            except LinkClosed:
                break
            client_id = message.node_id
            if client_id not in self._links:
                self._links[client_id] = link
                self._indices[client_id] = len(self._indices)
            self._handle(message)
        if client_id in self.clients:
            self._lose(client_id, "went missing")

    def _handle(self, message):
        node = self.clients.get(message.node_id)
        handler = getattr(self, f"_on_{message.type}", None)
        if message.type == "client_ready" or (node is not None and handler is not None):
            handler(message, node)
        elif message.type in self.custom_messages:
            self._deliver(message)
        elif handler is None:
            logger.warning("Unknown message type received from worker %s: %s", message.node_id, message.type)

    def _on_client_ready(self, message, node):
        client_id = message.node_id
        if node is not None:
            node.state = STATE_INIT
            return
        self.clients[client_id] = WorkerNode(client_id, heartbeat_liveness=settings.HEARTBEAT_LIVENESS)
        index = self._indices[client_id]
        self._send(client_id, "ack", {"index": index, "count": self._expected})
        logger.info("%s (index %d) reported as ready. %d workers connected.", client_id, index, self.worker_count)
        self.environment.events.worker_connect.fire(client_id=client_id)

    def _on_client_stopped(self, message, node):
        node.user_classes_count = {}
        logger.info("%s (index %d) reported that it has stopped", node.id, self._indices[node.id])

    def _on_heartbeat(self, message, node):
        if node.state == STATE_MISSING:
            logger.info("Worker %s self-healed with heartbeat, setting state to %s.", node.id, message.data["state"])
            if self._users_dispatcher is not None:
                self._users_dispatcher.add_worker(node)
                self._rebalance()
        node.heartbeat = settings.HEARTBEAT_LIVENESS
        # Of a worker that has just been told to start or stop, the last word counts, not the beat before it.
        if node.state == STATE_MISSING:
            node.state = message.data["state"]
        node.cpu_usage = message.data["current_cpu_usage"]
        node.memory_usage = message.data["current_memory_usage"]
        if node.cpu_usage > settings.CPU_WARNING_THRESHOLD and not node.cpu_warning_emitted:
            node.cpu_warning_emitted = self.worker_cpu_warning_emitted = True
            logger.warning(
                "Worker %s (index %d) exceeded cpu threshold (will only log this once per worker)",
                node.id,
                self._indices[node.id],
            )
        self._send(node.id, "heartbeat")
        self.environment.events.heartbeat_sent.fire(client_id=node.id, timestamp=time.time())

    def _on_spawning(self, message, node):
        """The order has arrived; the state was set when it was sent."""

    def _on_spawning_complete(self, message=None, node=None, user_count=None, **_kwargs):
        # Both the message of a worker and, by the base class, the listener of the event.
        if node is None:
            super()._on_spawning_complete(user_count)
            return
        if node.state == STATE_SPAWNING:
            node.state = STATE_RUNNING
        node.user_classes_count = message.data["user_classes_count"]

    def _on_stats(self, message, node):
        data = message.data
        node.user_classes_count = data["user_classes_count"]
        self.environment.events.worker_report.fire(client_id=node.id, data=data)
        self.stats.merge(data)

    def _on_exception(self, message, node):
        self.log_exception(node.id, message.data["msg"], message.data["traceback"])

    def _on_stop_test(self, message, node):
        logger.error("%s", message.data["message"])
        if message.data["failed"] and self.environment.process_exit_code is None:
            self.environment.process_exit_code = 1
        gevent.spawn(self.stop_from_user)

    def _on_quit(self, message, node):
        self._lose(node.id, "quit")

    # ---- workers that go

    def _count_heartbeats(self):
        while True:
            gevent.sleep(settings.HEARTBEAT_INTERVAL)
            for node in self.clients.all:
                node.heartbeat -= 1
                if node.heartbeat < 0 and node.state != STATE_MISSING:
                    logger.info("Worker %s failed to send heartbeat, setting state to missing.", node.id)
                    node.state = STATE_MISSING
                    node.user_classes_count = {}
                    self._take_out(node)

    def _lose(self, client_id, how):
        node = self.clients.pop(client_id)
        logger.info(
            "Worker '%s' (index %d) %s. %d workers ready.",
            client_id,
            self._indices[client_id],
            how,
            len(self.clients.ready),
        )
        self._take_out(node)

    def _take_out(self, node):
        if self.state not in (STATE_SPAWNING, STATE_RUNNING):
            return
        if not self.worker_count:
            logger.info("The last worker quit, stopping test.")
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
