"""Which workers a master lost while a test ran: when, with what share of the users, and what is missing for it.

The result of a test says it once, in the end, as only then it is known who came back.
"""

import time


class _Loss:
    def __init__(self, name, index, share, at, how, silent):
        self.name, self.index, self.share = name, index, share
        # Seconds into the test; seconds of which it had not reported, or None if it left in order.
        self.at, self.silent = at, silent
        self.how = how
        self.moved = False
        # Seconds into the test at which it came back, if it did.
        self.back = None

    def __str__(self):
        text = f"Worker {self.name} (index {self.index}, {self.share:.1%} of the users) {self.how} {self.at:.1f}s into the test"
        if self.back is not None:
            return f"{text}, and came back {self.back:.1f}s into it with what it had counted"
        if self.silent is not None:
            text += f"; what it counted in its last {self.silent:.1f}s is missing"
        return f"{text}; its users moved to the others" if self.moved else f"{text}; nobody took over its users"


class Losses:
    """See the module's description."""

    def __init__(self):
        self._began = 0.0
        self._all = []
        # When each worker reported last.
        self._reported = {}

    def begin(self, ago=0.0):
        """A test began so many seconds ago: those of the one before are forgotten."""
        self._began = time.monotonic() - ago
        self._all = []

    def reported(self, client_id):
        """A worker has told what it counted."""
        self._reported[client_id] = time.monotonic()

    def lost(self, client_id, index, share, how, in_order=False):
        """A worker is gone; one that leaves in order has told everything."""
        now = time.monotonic()
        silent = None if in_order else now - max(self._began, self._reported.get(client_id, self._began))
        self._all.append(_Loss(client_id, index, share, now - self._began, how, silent))

    def moved(self):
        """The users were dealt anew, to those who are there."""
        for loss in self._all:
            loss.moved = True

    def back(self, client_id):
        """One that was lost is heard again."""
        for loss in reversed(self._all):
            if loss.name == client_id:
                loss.back = time.monotonic() - self._began
                break

    def lines(self):
        """A sentence for each."""
        return [str(loss) for loss in self._all]
