"""A task set that runs its tasks one after the other, in the order they are written, and starts over."""

from itertools import cycle

from .._names import elsewhere
from .task import TaskSet, TaskSetMeta, expand


class SequentialTaskSetMeta(TaskSetMeta):
    """Collects the tasks in order; a `tasks` attribute is inserted where it is written."""

    def __new__(mcs, classname, bases, class_dict):
        tasks = [inherited for base in bases for inherited in getattr(base, "tasks", None) or []]
        for name, member in class_dict.items():
            if name == "tasks":
                tasks += expand(member)
            else:
                tasks += [member] * getattr(member, "locust_task_weight", 0)
        class_dict["tasks"] = tasks
        # Not TaskSetMeta's: it would collect the members a second time.
        return type.__new__(mcs, classname, bases, class_dict)


class SequentialTaskSet(TaskSet, metaclass=SequentialTaskSetMeta):
    """Tasks in order, for ever; a task of weight n runs n times in a row."""

    def __init__(self, *args, **kwargs):
        super().__init__(*args, **kwargs)
        self._cycle = None

    def get_next_task(self):
        if self._cycle is None:
            if not self.tasks:
                return super().get_next_task()
            self._cycle = cycle(self.tasks)
        return next(self._cycle)


def __getattr__(name):
    """What Locust's module has from others."""
    return elsewhere(__name__, name)
