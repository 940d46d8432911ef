"""A task set that is a Markov chain: each task says, with weights, which ones may follow it.

The chain is checked when the class is made, so that a misspelt transition is found before a run.
"""

import logging
from random import random

from ..exception import LocustError
from .task import TaskSet, TaskSetMeta

logger = logging.getLogger(__name__)


class NoMarkovTasksError(LocustError):
    """The class has no method with transitions."""


class InvalidTransitionError(LocustError):
    """A transition leads to a name that the class does not have."""


class NonMarkovTaskTransitionError(LocustError):
    """A transition leads to a method that has no transitions of its own."""


class MarkovTaskTagError(LocustError):
    """A method with transitions is tagged; leaving it out would break the chain."""


def transition(func_name, weight=1):
    """Says that the method `func_name` may follow the decorated one, with this weight."""
    return transitions({func_name: weight})


def transitions(weights):
    """Several transitions: a dict of weights, or a list of names and (name, weight) pairs."""
    pairs = weights.items() if isinstance(weights, dict) else weights
    targets = dict(pair if isinstance(pair, tuple) else (pair, 1) for pair in pairs)

    def mark(function):
        if function.__name__ in ("on_start", "on_stop"):
            logger.warning(
                "%s is called by itself at the start and the end; now it is a state as well", function.__name__
            )
        if function.__name__ == "run":
            raise Exception("TaskSet.run() is what runs the tasks: it cannot be a state")
        function.transitions = {**getattr(function, "transitions", {}), **targets}
        return function

    return mark


def is_markov_task(member):
    """Whether this is a method with transitions."""
    return callable(member) and hasattr(member, "transitions")


def get_markov_tasks(class_dict):
    """The methods with transitions, in the order they are written."""
    return [member for member in class_dict.values() if is_markov_task(member)]


class MarkovTaskSetMeta(TaskSetMeta):
    """Checks the chain and picks its start."""

    def __new__(mcs, classname, bases, class_dict):
        abstract = class_dict.setdefault("abstract", False)
        if not abstract:
            inherited = {}
            for base in reversed(bases):
                inherited.update({name: getattr(base, name) for name in dir(base)})
            states = get_markov_tasks(class_dict) or get_markov_tasks(inherited)
            _validate(states, {**inherited, **class_dict}, classname)
            class_dict["current"] = states[0]
        return super().__new__(mcs, classname, bases, class_dict)


class MarkovTaskSet(TaskSet, metaclass=MarkovTaskSetMeta):
    """Runs the current state, then moves on to one of those it leads to. Starts with the first state written."""

    abstract = True
    _is_markov = True

    def get_next_task(self):
        state = self.current
        names, weights = zip(*state.transitions.items())
        point = random() * sum(weights)
        for name, weight in zip(names, weights):
            point -= weight
            if point < 0:
                break
        self.current = getattr(type(self), name)
        return state


def _validate(states, members, classname):
    if not states:
        raise NoMarkovTasksError(
            f"No Markov tasks defined in class {classname}. Use @transition or @transitions to define some"
        )
    for state in states:
        for target in state.transitions:
            if target not in members:
                raise InvalidTransitionError(
                    f"Transition to {target} from {state.__name__} is invalid since class {classname} has no such method"
                )
            if not is_markov_task(members[target]):
                raise NonMarkovTaskTransitionError(
                    f"{classname}.{target} cannot follow {state.__name__}: it has no transitions of its own"
                )
        if getattr(state, "locust_tag_set", None):
            raise MarkovTaskTagError(
                f"{classname}.{state.__name__} is tagged, but leaving out a state would break the chain: {state.locust_tag_set}"
            )
    reached, frontier = set(), [states[0].__name__]
    while frontier:
        name = frontier.pop()
        if name not in reached:
            reached.add(name)
            frontier += members[name].transitions
    unreachable = {state.__name__ for state in states} - reached
    if unreachable:
        logger.warning("The following markov tasks are unreachable in class %s: %s", classname, unreachable)
