"""How likely each task is: `--show-task-ratio`, and the page's tab of ratios."""

import json
import sys

from .._names import elsewhere
from .task import TaskSet


def get_ratio(user_classes, user_spawned, total):
    """Share of each user class and, nested, of its tasks. With `total`, tasks are shares of everything."""
    everyone = sum(user_spawned.values())
    ratios = {}
    for user_class in user_classes:
        share = user_spawned.get(user_class.__name__, 0) / everyone if everyone else 0.0
        ratios[user_class.__name__] = {
            "ratio": share,
            "tasks": _task_ratios(user_class.tasks, share if total else 1.0, total),
        }
    return ratios


def _task_ratios(tasks, parent, total):
    ratios = {}
    for task in dict.fromkeys(tasks):
        # In this order the last digits are Locust's.
        share = (parent if total else 1.0) * tasks.count(task) / len(tasks)
        entry = {"ratio": share}
        if isinstance(task, type) and issubclass(task, TaskSet):
            entry["tasks"] = _task_ratios(task.tasks, share, total)
        ratios[task.__name__] = entry
    return ratios


def _distribution(user_classes, num_users):
    """How many users of each class are taken for the shares; without a number, those of fixed count, or the weights.

    Observed on Locust 2.47: each is rounded for itself, so that few users of many classes are none at all.
    """
    fixed = {cls.__name__: cls.fixed_count for cls in user_classes if cls.fixed_count}
    weights = {cls.__name__: cls.weight for cls in user_classes if not cls.fixed_count}
    together, whole = sum(fixed.values()), sum(weights.values())
    rest = max(0, (num_users or together or whole) - together)
    return {**fixed, **{name: round(rest * weight / whole) for name, weight in weights.items() if whole}}


def print_task_ratio(user_classes, num_users, total):
    """Prints the ratios as an indented list to standard output."""
    _print_level(get_ratio(user_classes, _distribution(user_classes, num_users), total), "")


def _print_level(ratios, indent):
    for name, entry in ratios.items():
        percent = f"{indent}{entry['ratio'] * 100:<6.1f}"
        sys.stdout.write(f" {percent:<10} {indent + name:<50}\n")
        _print_level(entry.get("tasks", {}), indent + "  ")


def print_task_ratio_json(user_classes, num_users):
    """Prints the ratios, per class and in total, as JSON to standard output."""
    spawned = _distribution(user_classes, num_users)
    whole = {
        "per_class": get_ratio(user_classes, spawned, False),
        "total": get_ratio(user_classes, spawned, True),
    }
    sys.stdout.write(json.dumps(whole, indent=4) + "\n")


def __getattr__(name):
    """What Locust's module has from others."""
    return elsewhere(__name__, name)
