"""`--processes`: forks the workers of a test from the process that has loaded the locustfile.

The parent becomes the master and the children its workers, each with a socket to it that nobody else can reach. The fork
comes before any runner exists, so that nothing of a test is shared by accident.
"""

import logging
import os
import random
import signal
import socket

from .runners.messages import Link

logger = logging.getLogger("locust.main")


class Children:
    """What the parent knows of the processes it forked."""

    def __init__(self):
        self.links = []
        self._pids = []

    def add(self, pid, link):
        """A child and the link to it."""
        self._pids.append(pid)
        self.links.append(link)

    def wait(self):
        """Waits for all children; says which ended badly."""
        for pid in self._pids:
            _, status = os.waitpid(pid, 0)
            code = os.waitstatus_to_exitcode(status)
            if code != 0:
                logger.error("worker process %d ended with exit code %d", pid, code)


def how_many(wanted):
    """The number of processes that the option means."""
    return os.cpu_count() or 1 if wanted == -1 else wanted


def fork(count):
    """Forks `count` workers. Returns (children, None) in the parent and (None, link) in each child."""
    children = Children()
    for _ in range(count):
        ours, theirs = socket.socketpair()
        pid = os.fork()
        if pid == 0:
            ours.close()
            for link in children.links:
                link.close()
            # The terminal's interrupt reaches all processes; the parent decides what it means.
            signal.signal(signal.SIGINT, signal.SIG_IGN)
            # Otherwise all workers would draw the same numbers.
            random.seed()
            return None, Link(theirs)
        theirs.close()
        children.add(pid, Link(ours))
    return children, None
