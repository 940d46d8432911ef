"""Who a master's workers are: their links and messages, how they come, fall silent and leave.

Workers are known by the names they give themselves; each has a `WorkerNode`, which says what was last heard of it, and a
link. A worker whose connection breaks has a moment to come back over another one; then, or when its heartbeats stay
away, its users are dealt to the others at once (Locust does this after a minute, or with --enable-rebalancing).
"""

import logging
import time

import gevent
from gevent.event import Event

from .. import runners as settings
from . import (
    STATE_MISSING,
    STATE_RUNNING,
    STATE_SPAWNING,
    STATE_STOPPED,
    STATE_STOPPING,
    kept,
    tls,
    token,
)
from ._welcome import Files, locustfiles_of, warn_of_version
from .base import DistributedRunner, greenlet_exception_handler
from .door import STRANGER_MESSAGE_LIMIT, WORKER_MESSAGE_LIMIT, Door
from .links import Link, LinkClosed
from .losses import Losses
from .messages import FINE, LAG, Garbled, Message
from .nodes import WorkerNode, WorkerNodes

logger = logging.getLogger("locust.runners")

# Seconds that a worker whose connection broke has to come back.
_BROKEN_LINK = 1.0
# Messages that wait for a proof.
_SAID_AT_MOST = 16


class Membership(DistributedRunner):
    """The half of a master that knows its workers; the other half, `MasterRunner`, knows the test.

    Workers come through the door at a host and port; with `sockets`, which lead to forked workers, there is a door only
    if `listen` says so.
    """

    def __init__(self, environment, host, port, sockets, listen):
        super().__init__(environment)
        self.clients = WorkerNodes()
        self._links = {}
        self._indices = {}
        # What each worker was last told to run, for those whose link breaks.
        self._told = {}
        # Who went while a test ran, for its result.
        self.losses = Losses()
        self._private = set()
        self._handlers = {
            "heartbeat": self._on_heartbeat,
            "spawning": self._on_spawning,
            "spawning_complete": self._on_worker_spawned,
            "client_stopped": self._on_client_stopped,
            "quit": self._on_quit,
        }
        self._token = token.known()
        self._files = Files(environment)
        self.kept = kept.wanted(environment) if listen else kept.Nothing()
        # Nobody is heard before a test that is gone on with is there again.
        self._hears = Event()
        if self.kept.unfinished is None:
            self._hears.set()
        admit = None if self._token is None else self._admit
        self._door = Door(host, port, self._meet, admit, tls.of_master(), self._hears) if listen else None
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

    # ---- what the other half does

    def _send_step(self, step):
        """Tells each worker which users to run."""
        raise NotImplementedError

    def _rebalance(self):
        """Deals the users anew."""
        raise NotImplementedError

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

    def _admit(self, link, first):
        """What a client said until it proved that it knows the token: next to nothing, as ours prove it first."""
        asked = token.question()
        link.accept(STRANGER_MESSAGE_LIMIT)
        link.send(Message(token.ASK, {"nonce": asked}, first.node_id))
        said = [first]
        while len(said) < _SAID_AT_MOST:
            message = link.receive()
            if message.type != token.ANSWER:
                said.append(message)
                continue
            proof = message.data.get("proof") if isinstance(message.data, dict) else None
            if token.is_proof(self._token, asked, message.node_id, proof):
                return said
            link.send(Message(token.REFUSED, "its join token is another one than the master's", first.node_id))
            link.close()
            raise LinkClosed(f"the join token of {message.node_id} is another one")
        raise LinkClosed(
            "it does not prove that it knows the join token: workers of Locust cannot, and ours need THRONG_TOKEN"
        )

    def _meet(self, link, said):
        """A client has come in over the network."""
        *before, last = said
        for message in before:
            self._handle(link, message)
        self._listen(link, last)

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
            self.kept.note(Message("stats", message.data, client_id))
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
        asked = message.data if isinstance(message.data, dict) else {}
        warn_of_version(message.node_id, asked.get("version"))
        ours = asked.get("throng")
        if isinstance(ours, dict) and self._token is not None:
            answer = self._files.part(ours.get("part"))
        else:
            answer = locustfiles_of(self.environment)
        link.send(Message("locustfile", answer, message.node_id))

    def _on_client_ready(self, link, client_id, client_version):
        if client_version is None:
            logger.error("A worker (%s) of a Locust before version 2.0 tried to connect and was not accepted", client_id)
            return
        warn_of_version(client_id, client_version)
        before = self._indices.get(client_id)
        index = self._indices.setdefault(client_id, max(self._indices.values(), default=-1) + 1)
        node = WorkerNode(client_id, heartbeat_liveness=settings.HEARTBEAT_LIVENESS)
        self.clients[client_id] = node
        self._know(link, node)
        # `count` is for our own workers.
        self.kept.worker(client_id, index)
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
        node.note_lag(data.get(LAG))
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
        self.losses.back(node.id)
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
            self._miss(node, "closed its connection")

    def _count_heartbeats(self):
        # Nobody can be missed while nobody is let in.
        self._hears.wait()
        while True:
            gevent.sleep(settings.HEARTBEAT_INTERVAL)
            for node in self.clients.all:
                node.heartbeat -= 1
                if node.heartbeat < 0 and node.state != STATE_MISSING:
                    logger.info("Worker %s failed to send heartbeat, setting state to missing.", node.id)
                    self._miss(node, "sent no heartbeat any more")
                elif node.heartbeat <= settings.HEARTBEAT_DEAD_INTERNAL:
                    logger.info("Worker %s has been missing for long and is forgotten.", node.id)
                    self._forget(node)

    def _miss(self, node, how):
        self._note_loss(node, how)
        node.state = STATE_MISSING
        node.user_classes_count = {}
        self._take_out(node, "The last worker went missing, stopping test.")

    def _forget(self, node):
        self.kept.gone(node.id)
        del self.clients[node.id]
        link = self._links.pop(node.id, None)
        if link is not None:
            gevent.spawn(link.close, linger=0)

    def _note_loss(self, node, how, in_order=False):
        if self.state in (STATE_SPAWNING, STATE_RUNNING):
            # What it was told to run: one that leaves has ended its users by now.
            users = {worker: sum(classes.values()) for worker, classes in self._told.items()}
            share = users.get(node.id, 0) / max(1, sum(users.values()))
            self.losses.lost(node.id, self._indices[node.id], share, how, in_order)

    def _lose(self, node, how):
        missing = node.state == STATE_MISSING
        if not missing:
            self._note_loss(node, "left" if how == "quit" else how, in_order=how == "quit")
        self.kept.gone(node.id)
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
            self.losses.moved()
            self._rebalance()
