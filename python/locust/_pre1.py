"""User and task set classes from before version 1.0, under their old names.

`HttpLocust` with `task_set`, `min_wait` and `max_wait` runs as it did; each name says once what it is called today.
"""

import inspect

from . import _legacy
from .user.task import TaskSet, TaskSetMeta
from .user.users import HttpUser, User, UserMeta


class _RenamedUserMeta(UserMeta):
    """Says, when a locustfile subclasses an old class, what it is called today."""

    def __new__(mcs, classname, bases, class_dict):
        for base in bases:
            new = base.__dict__.get("_renamed_to")
            if new:
                _legacy.deprecated(base.__name__, f"use {new}")
        # A class without tasks was a base for others, and not run.
        if not any(class_dict.get(name) for name in ("task_set", "tasks")) and not any(base.tasks for base in bases):
            class_dict.setdefault("abstract", not any(hasattr(v, "locust_task_weight") for v in class_dict.values()))
        return super().__new__(mcs, classname, bases, class_dict)

    def __call__(cls, environment=None, *args, **kwargs):
        """Makes a user. Constructors took no arguments once, so the environment is there before they run."""
        user = cls.__new__(cls)
        user.environment = environment
        takes = inspect.signature(cls.__init__).parameters.values()
        if any(each.kind is each.VAR_POSITIONAL for each in takes) or len(takes) > 1:
            user.__init__(environment, *args, **kwargs)
        else:
            user.__init__()
        return user


class Locust(User, metaclass=_RenamedUserMeta):
    """`User`, by its old name."""

    abstract = True
    _renamed_to = "User"
    # What users waited by default, in milliseconds.
    min_wait = 1000
    max_wait = 1000

    def __init__(self, environment=None):
        super().__init__(environment or self.environment)


class HttpLocust(HttpUser, metaclass=_RenamedUserMeta):
    """`HttpUser`, by its old name."""

    abstract = True
    _renamed_to = "HttpUser"
    min_wait = 1000
    max_wait = 1000

    def __init__(self, environment=None):
        super().__init__(environment or self.environment)


def seq_task(order):
    """Puts a task of a `TaskSequence` at its place."""

    def mark(function):
        function.locust_task_order = order
        function.locust_task_weight = getattr(function, "locust_task_weight", 1)
        return function

    return mark


class _TaskSequenceMeta(TaskSetMeta):
    """Sorts the tasks by their `seq_task` order."""

    def __new__(mcs, classname, bases, class_dict):
        made = super().__new__(mcs, classname, bases, class_dict)
        if bases != (TaskSet,):
            _legacy.deprecated("TaskSequence", "use SequentialTaskSet, whose tasks run in the order they are written")
        made.tasks = sorted(made.tasks, key=lambda member: getattr(member, "locust_task_order", 0))
        return made


class TaskSequence(TaskSet, metaclass=_TaskSequenceMeta):
    """`SequentialTaskSet`, by its old name."""

    def get_next_task(self):
        if not self.tasks:
            return super().get_next_task()
        index = getattr(self, "_index", -1) + 1
        self._index = index
        return self.tasks[index % len(self.tasks)]
