"""Load shapes: a class that says, second by second, how many users there should be."""

import time

from ._names import elsewhere
from .exception import LocustError


class LoadTestShapeMeta(type):
    """A shape is abstract only if it says so itself."""

    def __new__(mcs, classname, bases, class_dict):
        class_dict.setdefault("abstract", False)
        return super().__new__(mcs, classname, bases, class_dict)


class LoadTestShape(metaclass=LoadTestShapeMeta):
    """Subclass it and write `tick`; the runner asks about once a second."""

    abstract = True
    # Whether -u, -r and -t are meant for the shape, which reads them from the options, instead of being ignored.
    use_common_options = False
    runner = None

    def __init__(self):
        self.start_time = time.perf_counter()

    def reset_time(self):
        """Starts the shape's clock again; called when a test starts."""
        self.start_time = time.perf_counter()

    def get_run_time(self):
        """Seconds since the test started."""
        return time.perf_counter() - self.start_time

    def get_current_user_count(self):
        """How many users run now."""
        if self.runner is None:
            raise LocustError("the shape has no runner yet")
        return self.runner.user_count

    def tick(self):
        """What there should be now: (users, spawn rate), or with a list of user classes as third; None ends the test."""
        raise NotImplementedError("a load shape needs a method tick")


def __getattr__(name):
    """What Locust's module has from others."""
    return elsewhere(__name__, name)
