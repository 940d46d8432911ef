"""`--processes`: forks the workers of a test from the process that has loaded the locustfile.

The parent becomes the master and the children its workers, each with a socket to it that nobody else can reach. With
`--worker` the children are workers of another master, and the parent only waits for them. The fork comes before any
runner exists, so that nothing of a test is shared by accident.
"""

import logging
import os
import random
import signal
import socket

logger = logging.getLogger("locust.main")


class Children:
    """What the parent knows of the processes it forked."""

    def __init__(self):
        # One to each child of a master, in the order of their process ids.
        self.sockets = []
        self._pids = []

    def add(self, pid, sock=None):
        """A child and the socket that leads to it."""
        self._pids.append(pid)
        if sock is not None:
            self.sockets.append(sock)

    def signal(self, number):
        """Sends a signal to all children that there still are."""
        for pid in self._pids:
            try:
                os.kill(pid, number)
            except ProcessLookupError:
                pass

    def wait(self):
        """Waits for all children and says which ended badly. Returns the largest exit code, 1 for one that was killed."""
        worst = 0
        while self._pids:
            _, status = os.waitpid(self._pids[0], 0)
            code = os.waitstatus_to_exitcode(status)
            if code != 0:
                logger.error("worker process %d ended with exit code %d", self._pids[0], code)
            worst = max(worst, code if code >= 0 else 1)
            del self._pids[0]
        return worst


def how_many(wanted):
    """The number of processes that the option means."""
    return os.cpu_count() or 1 if wanted == -1 else wanted


def fork(count):
    """Forks `count` workers of this process. Returns (children, None) in the parent and (None, socket) in each child."""
    children = Children()
    for _ in range(count):
        ours, theirs = socket.socketpair()
        pid = os.fork()
        if pid == 0:
            ours.close()
            for sock in children.sockets:
                sock.close()
            _begin_child()
            return None, theirs
        theirs.close()
        children.add(pid, ours)
    return children, None


def fork_workers(count):
    """Forks `count` workers of a master elsewhere. Returns them in the parent, None in each child."""
    children = Children()
    for _ in range(count):
        pid = os.fork()
        if pid == 0:
            _begin_child()
            return None
        children.add(pid)
    return children


def _begin_child():
    # The terminal's interrupt reaches all processes; the parent decides what it means.
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    # Otherwise all workers would draw the same numbers.
    random.seed()
