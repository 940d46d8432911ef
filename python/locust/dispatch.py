"""Deals users to workers.

The order is Locust's, so that the same options give the same users: classes are interleaved so that every
prefix of the sequence is as close to the weights as it can be, workers take turns, and ramping down undoes the
last additions first. Iterating a dispatcher yields, step by step, the whole map of which worker runs how many
of which class, waiting between the steps as the spawn rate asks.
"""

import itertools
import math
from collections.abc import Iterator
from heapq import heapify, heapreplace
from time import perf_counter

import gevent


def interleave(weights):
    """An endless sequence of names, in proportion to the weights of (name, weight) pairs.

    Each step takes the name whose addition keeps the Kullback-Leibler divergence from the weights
    smallest; ties go to the one taken less often, then to the lighter, then by name. Weights of 0 are left out.
    """
    # An entry is (cost of taking one more, count after that, weight, name), where counts start at the weight.
    heap = [_cost(weight, weight, name) for name, weight in weights if weight]
    if not heap:
        return
    heapify(heap)
    while True:
        _, count, weight, name = heap[0]
        yield name
        heapreplace(heap, _cost(count, weight, name))


def _cost(count, weight, name):
    return (weight * math.log2(count / (count + 1)), count + 1, weight, name)


class UsersDispatcher(Iterator):
    """Decides which user starts or stops next, and on which worker.

    `worker_nodes` are objects with an `id`; `user_classes` are classes with `weight` and `fixed_count`.
    """

    def __init__(self, worker_nodes, user_classes):
        self._workers = list(worker_nodes)
        self._original_classes = sorted(user_classes, key=lambda cls: cls.__name__)
        self._classes = self._original_classes
        self._target = 0
        self._rate = 1.0
        self._steps = None
        self._in_progress = False
        self._durations = []
        self._rebalance = False
        # Everything that was added, in order, as (worker id, class name): what ramping down undoes.
        self._active = []
        self._forget_distribution()

    # ---- what others see

    @property
    def dispatch_in_progress(self):
        """Whether a ramp is under way."""
        return self._in_progress

    @property
    def dispatch_iteration_durations(self):
        """How long the steps of the last ramp took to compute, in seconds."""
        return self._durations

    def get_current_user_count(self):
        """How many users are dealt out."""
        return len(self._active)

    def new_dispatch(self, target_user_count, spawn_rate, user_classes=None):
        """Starts a ramp to `target_user_count` at `spawn_rate` users a second; iterate to perform it."""
        if user_classes is not None and user_classes != self._classes:
            self._classes = sorted(user_classes, key=lambda cls: cls.__name__)
            self._sequence = self._order_of_users()
        self._target = target_user_count
        self._rate = spawn_rate
        self._steps = self._ramp()
        self._in_progress = True
        self._durations = []

    def add_worker(self, worker_node):
        """A worker came: with the next step the users are dealt anew."""
        self._workers.append(worker_node)
        self._start_rebalance()

    def remove_worker(self, worker_node):
        """A worker went: with the next step its users are dealt to the others."""
        self._workers = [worker for worker in self._workers if worker.id != worker_node.id]
        if self._workers:
            self._start_rebalance()

    def __next__(self):
        if self._steps is None:
            raise StopIteration
        users = next(self._steps)
        return {worker: dict(counts) for worker, counts in users.items()}

    # ---- the ramp

    def _ramp(self):
        """The steps of one ramp. A step is due `users a step / rate` seconds after the one before it."""
        per_step = max(1, math.floor(self._rate))
        pause = per_step / self._rate
        if len(self._active) == self._target and not self._rebalance:
            yield self._users
            self._in_progress = False
            return
        step_due = None
        while self._rebalance or len(self._active) != self._target:
            if step_due is not None and not self._rebalance:
                gevent.sleep(max(0, step_due - perf_counter()))
            started = perf_counter()
            step_due = started + pause
            if self._rebalance:
                self._deal_anew()
                # The ramp goes on at once: nothing was started or stopped on the whole.
                step_due = started
            elif len(self._active) < self._target:
                if not self._add(min(per_step, self._target - len(self._active))):
                    # Only classes of fixed count are left, and all of them run.
                    self._in_progress = False
                    yield self._users
                    return
            else:
                self._remove(min(per_step, len(self._active) - self._target))
            self._durations.append(perf_counter() - started)
            if len(self._active) == self._target and not self._rebalance:
                self._in_progress = False
            yield self._users
        self._in_progress = False

    def _add(self, count):
        """Adds up to `count` users; False if there was none left to add."""
        added = False
        for name in itertools.islice(self._sequence, count):
            if name is None:
                break
            worker = next(self._turns)
            self._users[worker][name] += 1
            self._active.append((worker, name))
            self._running[name] = self._running.get(name, 0) + 1
            added = True
        return added

    def _remove(self, count):
        for _ in range(count):
            worker, name = self._active.pop()
            self._users[worker][name] -= 1
            self._running[name] -= 1
            if name in self._fixed:
                self._fixed_missing = True

    def _order_of_users(self):
        """Class names in the order they start: what is missing of the fixed counts, then by weight; None when done."""
        fixed = {cls.__name__: cls.fixed_count for cls in self._classes if cls.fixed_count}
        weighted = interleave([(cls.__name__, cls.weight) for cls in self._classes if not cls.fixed_count])
        self._fixed = fixed
        self._fixed_missing = bool(fixed)
        while True:
            if self._fixed_missing:
                missing = {name: count - self._running.get(name, 0) for name, count in fixed.items()}
                missing = {name: count for name, count in missing.items() if count > 0}
                self._fixed_missing = False
                yield from itertools.islice(interleave(missing.items()), sum(missing.values()))
                continue
            yield next(weighted, None)

    # ---- workers

    def _start_rebalance(self):
        self._rebalance = True
        if not self._in_progress:
            self._target = len(self._active)
            self._steps = self._ramp()
            self._in_progress = True

    def _deal_anew(self):
        count = len(self._active)
        self._active = []
        self._forget_distribution()
        self._rebalance = False
        self._add(count)

    def _forget_distribution(self):
        """Begins a new distribution over the workers there are: nothing is dealt yet."""
        # Hosts take turns, so that one machine does not fill up before the next one gets a user.
        per_host = {}
        ranked = []
        for worker in sorted(self._workers, key=lambda worker: worker.id):
            host = worker.id.split("_")[0]
            rank = per_host[host] = per_host.get(host, -1) + 1
            ranked.append((rank, worker.id))
        self._workers.sort(key=lambda worker: worker.id)
        order = [worker_id for _, worker_id in sorted(ranked)]
        names = [cls.__name__ for cls in self._original_classes]
        self._users = {worker_id: dict.fromkeys(names, 0) for worker_id in order}
        self._turns = itertools.cycle(order)
        self._running = {}
        self._sequence = self._order_of_users()
