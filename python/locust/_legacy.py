"""Locustfiles from before version 1.0, and other names that were renamed since.

They work as they did, and each old name says once what it is called today. Nothing here is on the way of a modern
locustfile. The old classes are in `_pre1`.
"""

import inspect
import logging
from random import random

logger = logging.getLogger(__name__)

_said = set()

# Modules of this package whose classes mention the old attributes without meaning them.
_OURS = ("locust._pre1", "locust.contrib.fasthttp", "locust.user.users", "locust.user.task")
_OLD_WAITS = ("min_wait", "max_wait", "wait_function")


def deprecated(old, new):
    """Says, once a process, that `old` is now `new`."""
    if old not in _said:
        _said.add(old)
        logger.warning("%s is deprecated: %s", old, new)


_runner = None


def remember_runner(runner):
    """The last runner that was made is the one that module attributes of old led to."""
    global _runner
    _runner = runner


def current_runner(old, new):
    """The runner, for a module attribute of old. AttributeError before there is one."""
    deprecated(old, new)
    if _runner is None:
        raise AttributeError(f"{old}: there is no runner yet")
    return _runner


def adapt_user_class(class_dict):
    """Turns the old attributes of a user class that is being made into today's."""
    if "task_set" in class_dict:
        deprecated("task_set", "use the attribute tasks = [...]")
        # `task_set = None` was how an abstract base said that it has none.
        if class_dict["task_set"] is not None:
            class_dict["tasks"] = [class_dict["task_set"]]
    written = [name for name in _OLD_WAITS if class_dict.get(name) is not None]
    if not written:
        return
    if class_dict.get("__module__") not in _OURS:
        deprecated(" and ".join(written), "use wait_time = between(...), in seconds")
    if "wait_time" not in class_dict:
        # A base class's `wait_time` would win over waits that are written further down.
        class_dict["wait_time"] = lambda self: wait_seconds(self.min_wait, self.max_wait, self.wait_function)


def wait_seconds(min_wait, max_wait, wait_function):
    """The wait that the old attributes mean, which are in milliseconds."""
    if wait_function is not None:
        return wait_function() / 1000
    low = min_wait or 0
    high = max_wait if max_wait is not None else low
    return (low + random() * (high - low)) / 1000


def tolerant(handler):
    """A listener that is called with those of the arguments that the handler takes."""
    try:
        parameters = inspect.signature(handler).parameters.values()
    except (TypeError, ValueError):
        return handler
    if any(parameter.kind is parameter.VAR_KEYWORD for parameter in parameters):
        return handler
    known = {parameter.name for parameter in parameters}
    return lambda **kwargs: handler(**{name: value for name, value in kwargs.items() if name in known})


class _RenamedHook:
    """An old hook: its listeners are called with the old arguments when the new hook fires."""

    def __init__(self, hook, translate):
        self._hook = hook
        self._translate = translate

    def add_listener(self, handler):
        """Adds a listener to the new hook."""
        handler = tolerant(handler)

        def listener(**kwargs):
            arguments = self._translate(kwargs)
            if arguments is not None:
                handler(**arguments)

        self._hook.add_listener(listener)
        return handler

    def __iadd__(self, handler):
        self.add_listener(handler)
        return self

    def fire(self, **kwargs):
        """Fires the new hook."""
        self._hook.fire(**{"exception": None, "context": {}, "response_length": 0, **kwargs})


def _requests(succeeded):
    def translate(kwargs):
        if (kwargs.get("exception") is None) is not succeeded:
            return None
        return kwargs

    return translate


_OLD_HOOKS = {
    "request_success": ("request", _requests(True)),
    "request_failure": ("request", _requests(False)),
    "hatch_complete": ("spawning_complete", lambda kwargs: kwargs),
    "locust_error": (
        "user_error",
        lambda kwargs: {**kwargs, "locust_instance": kwargs.get("user_instance")},
    ),
    "locust_start_hatching": ("test_start", lambda kwargs: kwargs),
    "locust_stop_hatching": ("test_stop", lambda kwargs: kwargs),
    "master_start_hatching": ("test_start", lambda kwargs: kwargs),
    "master_stop_hatching": ("test_stop", lambda kwargs: kwargs),
    "slave_report": ("worker_report", lambda kwargs: kwargs),
}


def old_hook(events, name):
    """The hook that was called `name` before version 1.0. Raises AttributeError if there was none."""
    if name not in _OLD_HOOKS:
        raise AttributeError(f"there is no event called {name!r}")
    new, translate = _OLD_HOOKS[name]
    deprecated(f"events.{name}", f"use events.{new}")
    hook = _RenamedHook(getattr(events, new), translate)
    # Kept, so that `events.name += listener` finds the same object again.
    events.__dict__[name] = hook
    return hook
