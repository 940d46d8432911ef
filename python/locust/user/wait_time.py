"""Ways to say how long a user waits between its tasks, in seconds.

Each function here returns a function of the waiting user (or task set), to be assigned to the class
attribute `wait_time`. `constant` returns the one callable whose value is known beforehand, which the
task loop uses to skip a wait of nothing.
"""

import random
from time import perf_counter


def between(min_wait, max_wait):
    """A uniformly random wait from `min_wait` to `max_wait` seconds."""
    return lambda instance: min_wait + random.random() * (max_wait - min_wait)


def constant(wait_time):
    """The same wait, `wait_time` seconds, after every task."""
    return lambda instance: wait_time


def constant_pacing(wait_time):
    """A wait that makes tasks start `wait_time` seconds apart, or at once where one took longer."""

    def pace(instance):
        now = perf_counter()
        # Kept on the instance: a task set paces its own tasks, apart from its user's.
        previous = getattr(instance, "_pacing", None)
        if previous is None:
            # The first task began when the instance was set up, which is as good as now: one full interval.
            wait = wait_time
        else:
            last_call, last_wait = previous
            wait = max(0, wait_time - (now - last_call - last_wait))
        instance._pacing = (now, wait)
        return wait

    return pace


def constant_throughput(task_runs_per_second):
    """A wait that makes a user start `task_runs_per_second` tasks a second, where its tasks allow it."""
    if task_runs_per_second <= 0:
        raise ValueError(f"constant_throughput needs a rate above 0, not {task_runs_per_second}")
    return constant_pacing(1 / task_runs_per_second)


def poisson(rate):
    """Exponentially distributed waits: `rate` tasks a second on average, arriving independently."""
    if rate <= 0:
        raise ValueError(f"poisson needs a rate above 0, not {rate}")
    return lambda instance: random.expovariate(rate)
