"""Imports locustfiles and finds the user classes and shapes in them."""

import importlib.util
import inspect
import os
import sys

from .._names import elsewhere
from ..shape import LoadTestShape
from ..user.users import User


def is_user_class(item):
    """Whether this is a user class that can run: not a base class."""
    return inspect.isclass(item) and issubclass(item, User) and item.__dict__.get("abstract") is False


def is_shape_class(item):
    """Whether this is a shape class that can run: not a base class."""
    return inspect.isclass(item) and issubclass(item, LoadTestShape) and item.__dict__.get("abstract") is False


def load_locustfile(path):
    """The user classes of a file by name, and its shapes as objects."""
    module = _import(path)
    found = vars(module).items()
    users = {name: item for name, item in found if is_user_class(item)}
    shapes = [item() for _, item in found if is_shape_class(item)]
    return users, shapes


def has_pytest_functions(path):
    """Whether a file that was loaded has functions that pytest would collect."""
    module = sys.modules.get(_module_name(path))
    return any(name.startswith("test") and inspect.isfunction(item) for name, item in vars(module or object).items())


def _module_name(path):
    name = os.path.splitext(os.path.basename(path))[0]
    # A file called locust.py would replace this package.
    return "locustfile" if name == "locust" else name


def _import(path):
    folder = os.path.dirname(os.path.abspath(path))
    for entry in (folder, os.getcwd()):
        if entry in sys.path:
            sys.path.remove(entry)
        sys.path.insert(0, entry)
    name = _module_name(path)
    spec = importlib.util.spec_from_file_location(name, path)
    module = importlib.util.module_from_spec(spec)
    sys.modules[name] = module
    spec.loader.exec_module(module)
    return module


def __getattr__(name):
    """What Locust's module has from others."""
    return elsewhere(__name__, name)
