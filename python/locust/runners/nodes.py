"""Workers, as their master sees them."""

import math
from collections import deque
from collections.abc import MutableMapping

from . import HEARTBEAT_LIVENESS, STATE_INIT, STATE_MISSING, STATE_RUNNING, STATE_SPAWNING


class WorkerNode:
    """A worker: its last word, and how many of its heartbeats may still be missed."""

    def __init__(self, id, state=STATE_INIT, heartbeat_liveness=HEARTBEAT_LIVENESS):
        self.id = id
        self.state = state
        self.heartbeat = heartbeat_liveness
        self.cpu_usage = 0
        self.cpu_warning_emitted = False
        self.memory_usage = 0
        # How late its loop was at worst between its last two heartbeats, in ms; None if it did not say.
        self.lag = None
        # Those that the page has not been told of.
        self.lags = deque(maxlen=60)
        # As it last reported.
        self.user_classes_count = {}

    def note_lag(self, lag):
        """Takes what a heartbeat says: nothing from workers of Locust's, and before the first users."""
        usable = isinstance(lag, (int, float)) and math.isfinite(lag)
        self.lag = float(lag) if usable else None
        if usable:
            self.lags.append(self.lag)

    @property
    def user_count(self):
        """How many users the worker last reported."""
        return sum(self.user_classes_count.values())


class WorkerNodes(MutableMapping):
    """Workers by id."""

    def __init__(self):
        self._nodes = {}

    def get_by_state(self, state):
        """The workers in this state."""
        return [node for node in self._nodes.values() if node.state == state]

    @property
    def all(self):
        """All workers."""
        return list(self._nodes.values())

    @property
    def ready(self):
        """Those that wait for a test."""
        return self.get_by_state(STATE_INIT)

    @property
    def spawning(self):
        """Those that start or stop users."""
        return self.get_by_state(STATE_SPAWNING)

    @property
    def running(self):
        """Those whose users run."""
        return self.get_by_state(STATE_RUNNING)

    @property
    def missing(self):
        """Those that were not heard of."""
        return self.get_by_state(STATE_MISSING)

    def __getitem__(self, node_id):
        return self._nodes[node_id]

    def __setitem__(self, node_id, node):
        self._nodes[node_id] = node

    def __delitem__(self, node_id):
        del self._nodes[node_id]

    def __len__(self):
        return len(self._nodes)

    def __iter__(self):
        return iter(list(self._nodes))
