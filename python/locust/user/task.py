"""Tasks and task sets: what a user does, picked at random by weight.

A user and a task set both collect tasks when their class is made: those of the base classes, then the `tasks`
attribute, then decorated members in the order they are written. A task is a function, called with
the user or task set, or a task set class, which then runs until it is interrupted.
"""

import logging
import sys
import traceback
from collections import deque
from random import random
from time import time
from typing import Protocol, runtime_checkable

from gevent import GreenletExit

from .. import _core, _legacy
from ..exception import (
    InterruptTaskSet,
    MissingWaitTimeError,
    RescheduleTask,
    RescheduleTaskImmediately,
    StopTest,
    StopUser,
)

logger = logging.getLogger(__name__)

LOCUST_STATE_RUNNING = "running"
LOCUST_STATE_WAITING = "waiting"
LOCUST_STATE_STOPPING = "stopping"


def task(weight=1):
    """Marks a method or nested task set as a task, picked in proportion to `weight`, a whole number."""

    def mark(function):
        if function.__name__ in ("on_start", "on_stop"):
            logger.warning(
                "%s is called by itself at the start and the end; @task makes it a task as well", function.__name__
            )
        if function.__name__ == "run":
            raise Exception("User.run() is what runs the tasks: it cannot be overridden or be a task")
        function.locust_task_weight = weight
        return function

    if callable(weight):
        function, weight = weight, 1
        return mark(function)
    return mark


def tag(*tags):
    """Gives a task or a task set (and then all tasks in it) tags, which `--tags` and `--exclude-tags` select by."""

    def mark(decorated):
        if hasattr(decorated, "tasks"):
            decorated.tasks = [mark(member) for member in decorated.tasks]
        else:
            decorated.locust_tag_set = set(tags) | getattr(decorated, "locust_tag_set", set())
        return decorated

    if not tags or callable(tags[0]):
        raise ValueError("tag needs at least one name: @tag('name')")
    return mark


def collect_tasks(bases, namespace):
    """The tasks of a class that is being made, each as many times as it weighs."""
    tasks = [inherited for base in bases for inherited in getattr(base, "tasks", None) or []]
    if "tasks" in namespace:
        tasks += expand(namespace["tasks"])
    for member in namespace.values():
        # A task set that is nested as a task carries a weight; a list or module does not.
        weight = getattr(member, "locust_task_weight", 0)
        tasks += [member] * weight
    return tasks


def get_tasks_from_base_classes(bases, class_dict):
    """`collect_tasks`, as Locust calls it."""
    return collect_tasks(bases, class_dict)


def is_markov_taskset(task):
    """Whether this is a `MarkovTaskSet`."""
    return bool(getattr(task, "_is_markov", False))


def expand(tasks):
    """Tasks given as a list, a list of (task, weight) or a dict of weights, as one list with repetitions."""
    pairs = tasks.items() if isinstance(tasks, dict) else tasks or []
    expanded = []
    for item in pairs:
        if isinstance(item, tuple):
            expanded += [item[0]] * item[1]
        else:
            expanded.append(item)
    return expanded


def filter_tasks_by_tags(task_holder, tags=None, exclude_tags=None, checked=None):
    """Keeps, in place, the tasks of a user or task set class (and of those nested in it) that the tags select."""
    checked = {} if checked is None else checked
    kept = []
    for member in task_holder.tasks:
        if member not in checked:
            checked[member] = _selected(member, tags, exclude_tags, checked)
        if checked[member]:
            kept.append(member)
    task_holder.tasks = kept
    if not kept:
        logger.warning("%s has no tasks left after filtering by tags; starting one will fail", task_holder.__name__)


def _selected(member, tags, exclude_tags, checked):
    if hasattr(member, "tasks"):
        if getattr(member, "_is_markov", False):
            return True
        filter_tasks_by_tags(member, tags, exclude_tags, checked)
        return bool(member.tasks)
    own = getattr(member, "locust_tag_set", set())
    return (tags is None or bool(own & tags)) and (exclude_tags is None or not own & exclude_tags)


@runtime_checkable
class TaskHolder(Protocol):
    """What has tasks: a user class or a task set, for type annotations."""

    tasks: list


class TaskSetMeta(type):
    """Collects the tasks of a task set class."""

    def __new__(mcs, classname, bases, class_dict):
        class_dict["tasks"] = collect_tasks(bases, class_dict)
        return super().__new__(mcs, classname, bases, class_dict)


class TaskSet(metaclass=TaskSetMeta):
    """Tasks that belong together. Runs as a task of its parent until `interrupt` is called."""

    tasks = []
    min_wait = None
    max_wait = None
    wait_function = None

    def __init__(self, parent):
        self._task_queue = deque()
        self._time_start = time()
        self._parent = parent
        self._user = parent.user if isinstance(parent, TaskSet) else parent
        for name in ("min_wait", "max_wait", "wait_function"):
            if getattr(self, name) is None:
                setattr(self, name, getattr(self._user, name, None))
        self._switches = -1

    @property
    def user(self):
        """The user that runs this task set."""
        return self._user

    @property
    def parent(self):
        """The task set this one was started from, or the user."""
        return self._parent

    @property
    def client(self):
        """The user's client."""
        return self._user.client

    @property
    def locust(self):
        """The user, by its name from before version 1.0."""
        _legacy.deprecated("TaskSet.locust", "use self.user")
        return self._user

    def on_start(self):
        """Called when the task set starts; to be overridden."""

    def on_stop(self):
        """Called when it is interrupted or its user stops; to be overridden."""

    def run(self):
        """Runs tasks until something ends the task set: an interruption, or the end of the user or of the test."""
        try:
            self.on_start()
            cls = type(self)
            own_queue = (cls.schedule_task, cls.execute_next_task) != (TaskSet.schedule_task, TaskSet.execute_next_task)
            try:
                while True:
                    self._turn(own_queue)
            except (InterruptTaskSet, StopUser, StopTest, GreenletExit):
                self.on_stop()
                raise
        except InterruptTaskSet as interruption:
            # To the parent an interrupted task set is a task that asks for the next one.
            raise (RescheduleTaskImmediately if interruption.reschedule else RescheduleTask)() from interruption

    def _turn(self, own_queue):
        """One task and the wait after it. Errors of tasks are reported and the user goes on.

        A task goes through the queue only if there are others in it, or a subclass wants to see it there.
        """
        user = self._user
        try:
            task = None
            if not self._task_queue:
                task = self.get_next_task()
                if own_queue:
                    self.schedule_task(task)
            if user._state == LOCUST_STATE_STOPPING:
                raise StopUser()
            try:
                if task is None or own_queue:
                    self.execute_next_task()
                else:
                    self.execute_task(task)
            except RescheduleTaskImmediately:
                if user._state == LOCUST_STATE_STOPPING:
                    raise StopUser() from None
                self._let_others_run()
                return
            except RescheduleTask:
                pass
            self.wait()
        except (InterruptTaskSet, StopUser, StopTest):
            raise
        except Exception as error:
            environment = user.environment
            environment.events.user_error.fire(user_instance=self, exception=error, tb=sys.exc_info()[2])
            if not environment.catch_exceptions:
                raise
            logger.error("%s\n%s", error, traceback.format_exc())
            self.wait()

    def execute_next_task(self):
        """Takes the next task from the queue and runs it."""
        self.execute_task(self._task_queue.popleft())

    def execute_task(self, task):
        """Runs one task: a nested task set until it is interrupted, a function with this task set as its argument."""
        if isinstance(task, type) and issubclass(task, TaskSet):
            task(self).run()
        elif getattr(task, "__self__", None) is self:
            task()
        else:
            task(self)

    def schedule_task(self, task_callable, first=False):
        """Puts a task into the queue, in front of it if `first`."""
        if first:
            self._task_queue.appendleft(task_callable)
        else:
            self._task_queue.append(task_callable)

    def get_next_task(self):
        """The task to run when the queue is empty: one of `tasks` at random. May be overridden."""
        tasks = self.tasks
        if not tasks:
            raise _no_tasks(self)
        # Half the cost of random.choice, which shows at 100,000 tasks a second.
        return tasks[int(random() * len(tasks))]

    def wait_time(self):
        """How long to wait before the next task, in seconds; by default what the user says."""
        user = self._user
        if self.max_wait is not None or self.wait_function is not None:
            return _legacy.wait_seconds(self.min_wait, self.max_wait, self.wait_function)
        if user.wait_time:
            return user.wait_time()
        raise MissingWaitTimeError(f"set wait_time on {type(user).__name__} or {type(self).__name__}")

    def wait(self):
        """Waits for `wait_time()`. A user that is asked to stop meanwhile ends at once."""
        user = self._user
        if user._state == LOCUST_STATE_STOPPING:
            raise StopUser()
        user._state = LOCUST_STATE_WAITING
        self._sleep(self.wait_time())
        user._state = LOCUST_STATE_RUNNING

    def _sleep(self, seconds):
        if seconds > 0:
            _core.sleep(seconds)
        else:
            self._let_others_run()

    def _let_others_run(self):
        # A task that made a request has let the others run already; only one that did not must.
        switches = _core.switches()
        if self._switches == switches:
            _core.sleep(0)
            switches = _core.switches()
        self._switches = switches

    def interrupt(self, reschedule=True):
        """Leaves this task set; the parent picks its next task at once, or after its wait if not `reschedule`."""
        raise InterruptTaskSet(reschedule)


class DefaultTaskSet(TaskSet):
    """The invisible task set at the root of every user: it runs the user's own tasks, with the user as argument."""

    def get_next_task(self):
        tasks = self._user.tasks
        if not tasks:
            raise _no_tasks(self._user)
        return tasks[int(random() * len(tasks))]

    def execute_task(self, task):
        user = self._user
        if isinstance(task, type) and issubclass(task, TaskSet):
            task(user).run()
        else:
            task(user)

    def wait_time(self):
        return self._user.wait_time()


def _no_tasks(owner):
    name = type(owner).__name__
    if getattr(owner, "task", None):
        return Exception(f"No tasks defined on {name}. It has a 'task' attribute: a list of tasks is called 'tasks'")
    return Exception(f"No tasks defined on {name}. Use the @task decorator or set the 'tasks' attribute of the class")
