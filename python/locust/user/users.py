"""User classes: what one virtual user is and how it lives.

A user is a greenlet that runs `on_start`, then tasks until it is stopped, then `on_stop`. The runner
makes and stops users; this module only knows how one of them ends.
"""

import logging
import sys
import traceback

import gevent
from gevent import GreenletExit

from .. import _legacy
from .._names import elsewhere
from ..clients import HttpSession
from ..exception import StopTest, StopUser
from ._rest import RestMixin
from .task import (
    LOCUST_STATE_RUNNING,
    LOCUST_STATE_STOPPING,
    LOCUST_STATE_WAITING,
    DefaultTaskSet,
    collect_tasks,
)

logger = logging.getLogger(__name__)


class UserMeta(type):
    """Collects a user class's tasks; a class is abstract only if it says so itself."""

    def __new__(mcs, classname, bases, class_dict):
        _legacy.adapt_user_class(class_dict)
        class_dict["tasks"] = collect_tasks(bases, class_dict)
        class_dict.setdefault("abstract", False)
        return super().__new__(mcs, classname, bases, class_dict)


class User(metaclass=UserMeta):
    """A virtual user without a client: subclass it and give it tasks."""

    host = None
    weight = 1
    fixed_count = 0
    abstract = True
    tasks = []
    # In milliseconds; from before `wait_time` existed.
    min_wait = None
    max_wait = None
    wait_function = None

    def __init__(self, environment):
        super().__init__()
        self.environment = environment
        self._group = None
        self._greenlet = None
        self._taskset_instance = None
        self._state = None

    def wait_time(self):
        """How long to wait between tasks, in seconds; by default not at all. Mostly set to `between(...)` or the like."""
        if self.max_wait is not None or self.wait_function is not None:
            return _legacy.wait_seconds(self.min_wait, self.max_wait, self.wait_function)
        return 0

    def on_start(self):
        """Called when the user starts; to be overridden."""

    def on_stop(self):
        """Called when the user stops; to be overridden."""

    def run(self):
        """The user's life. Not to be overridden."""
        self._state = LOCUST_STATE_RUNNING
        self._taskset_instance = DefaultTaskSet(self)
        try:
            if self._start_safely():
                self._taskset_instance.run()
        except (GreenletExit, StopUser):
            self.on_stop()
        except StopTest as order:
            self._stop_test(order)
            self.on_stop()

    def _start_safely(self):
        try:
            self.on_start()
        except (StopUser, StopTest):
            raise
        except Exception as error:
            self.environment.events.user_error.fire(user_instance=self, exception=error, tb=sys.exc_info()[2])
            logger.error("%s\n%s", error, traceback.format_exc())
            return False
        return True

    def _stop_test(self, order):
        runner = self.environment.runner
        logger.error("%s", order) if str(order) else logger.debug("a user stops the test")
        if runner is None:
            return
        # In a greenlet of its own: stopping the test kills this one.
        gevent.spawn(runner.stop_from_user)

    def wait(self):
        """Waits for `wait_time()`, as after a task."""
        self._taskset_instance.wait()

    def start(self, group):
        """Starts the user as a greenlet of the group (a gevent pool) and returns the greenlet."""
        self._group = group
        self._greenlet = group.spawn(self.run)
        return self._greenlet

    def stop(self, force=False):
        """Ends the user: at once if it waits or `force`, otherwise after its task. True if it was ended at once."""
        if force or self._state == LOCUST_STATE_WAITING:
            self._group.killone(self._greenlet, block=False)
            return True
        if self._state == LOCUST_STATE_RUNNING:
            self._state = LOCUST_STATE_STOPPING
            return False
        # It has not run yet: nothing to finish.
        if self._state is None:
            self._group.killone(self._greenlet, block=False)
            return True
        return False

    @property
    def group(self):
        """The gevent group that the user runs in, once started."""
        return self._group

    @property
    def greenlet(self):
        """The user's greenlet, once started."""
        return self._greenlet

    def context(self):
        """What each request of this user gives its listeners as `context`; to be overridden."""
        return {}

    @classmethod
    def json(cls):
        """What the class picker shows of this class; to be overridden to show more."""
        return {
            "host": cls.host,
            "weight": cls.weight,
            "fixed_count": cls.fixed_count,
            "tasks": [task.__name__ for task in cls.tasks],
        }

    @classmethod
    def fullname(cls):
        """Module and name of the class."""
        return f"{cls.__module__}.{cls.__name__}"


class HttpUser(RestMixin, User):
    """A user with an HTTP client, `self.client`, that behaves like a session of requests."""

    abstract = True
    # A `urllib3.PoolManager`: users with the same one share its connections.
    pool_manager = None

    def __init__(self, *args, **kwargs):
        super().__init__(*args, **kwargs)
        if self.host is None:
            raise StopTest(
                "You must specify the base host. Either in the host attribute in the User class, "
                "or on the command line using the --host option."
            )
        self.client = HttpSession(
            base_url=self.host,
            request_event=self.environment.events.request,
            user=self,
            pool_manager=self.pool_manager,
        )


def __getattr__(name):
    """What Locust's module has from others."""
    return elsewhere(__name__, name)
