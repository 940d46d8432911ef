"""Locust's names: what a locustfile can import from Locust 2.47 and ask of its objects is there, or said to be missing.

The real one's names are recorded in `names.json`; `THRONG_REAL_LOCUST=PYTHON python -m tests.test_names record` records
them again, and where that variable is set, a test compares the record with it. What is deliberately not there is the list at
the end of docs/locust.md, where this test reads it.
"""

import importlib
import inspect
import json
import os
import pkgutil
import re
import subprocess
import sys
import types
import typing
import unittest
from pathlib import Path

_HERE = Path(__file__).parent
_RECORD = _HERE / "names.json"
_REAL = os.environ.get("THRONG_REAL_LOCUST")
_DOCS = _HERE.parents[1] / "docs" / "locust.md"
_SECTION = "## Names of Locust 2.47 that are not there"


def _modules():
    """All modules of the package that is installed; those that need what is not installed are left out."""
    import locust

    yield "locust", locust
    for found in pkgutil.walk_packages(locust.__path__, "locust."):
        if ".test" in found.name or found.name.rsplit(".")[-1].startswith("_"):
            continue
        try:
            yield found.name, importlib.import_module(found.name)
        except Exception:
            continue


def _belongs(value, name):
    """Whether a name is Locust's, not something that a module of it has imported from elsewhere."""
    if isinstance(value, types.ModuleType) or name.startswith("_"):
        return False
    home = getattr(value, "__module__", None)
    if isinstance(home, str):
        return home.split(".")[0] == "locust"
    return name.isupper() and type(value).__module__ == "builtins" and name not in dir(typing)


def _public(value):
    return sorted(name for name in dir(value) if not name.startswith("_"))


def _objects():
    """Objects that locustfiles hold in their hands, which have more names than their classes."""
    from locust import FastHttpUser, HttpUser, TaskSet
    from locust.env import Environment

    environment = Environment(host="http://127.0.0.1:9")
    runner = environment.create_local_runner()
    environment.stats.log_request("GET", "/", 1, 1)
    environment.stats.log_error("GET", "/", ValueError("x"))
    made = {"environment": environment, "environment.runner": runner, "environment.stats": environment.stats}
    made["environment.stats.total"] = environment.stats.total
    made["environment.stats.errors[]"] = next(iter(environment.stats.errors.values()))
    for kind in (HttpUser, FastHttpUser):
        user = type("Visitor", (kind,), {"host": "http://127.0.0.1:9"})(environment)
        name = kind.__name__
        # Nobody listens there.
        response = user.client.get("/")
        made |= {name: user, f"{name}.client": user.client, f"{name}.client.get()": response}
    made["TaskSet"] = TaskSet(user)
    made["FastHttpUser.client.client"] = user.client.client
    return made


def observe():
    """The public names of the package that is installed."""
    modules, classes = {}, {}
    for name, module in _modules():
        modules[name] = sorted(each for each, value in vars(module).items() if _belongs(value, each))
        for each in modules[name]:
            value = getattr(module, each)
            if inspect.isclass(value) and value.__module__ == name:
                plain = set(dir(BaseException)) if issubclass(value, BaseException) else set()
                classes[f"{name}.{each}"] = [member for member in _public(value) if member not in plain]
    objects = {name: _public(value) for name, value in _objects().items()}
    return {"modules": modules, "classes": classes, "objects": objects}


class _Search:
    """Which recorded names this package does not have, as (where, name); for a module without its like, ("", module)."""

    def __init__(self, recorded):
        from locust._unsupported import NotSupportedYet

        self.missing = set()
        # What else a name may be listed under: the classes that the holder is one of.
        self.kinds = {}
        self._absent = (AttributeError, NotSupportedYet)
        for module, names in recorded["modules"].items():
            try:
                self._look(importlib.import_module(module), module, names)
            except (ImportError, NotSupportedYet):
                self.missing.add(("", module))
        for path, members in recorded["classes"].items():
            module, _, name = path.rpartition(".")
            if {("", module), (module, name)} & self.missing:
                continue
            try:
                holder = getattr(importlib.import_module(module), name)
            except ImportError:
                # Of requests, where that is not installed.
                continue
            self._look(holder, path, members)
        ours = _objects()
        for place, names in recorded["objects"].items():
            self._look(ours[place], place, names)

    def _look(self, holder, where, names):
        of = holder if inspect.isclass(holder) else type(holder)
        for kind in [] if isinstance(holder, types.ModuleType) else of.__mro__:
            # Modules of ours that are packages have their classes in files of their own.
            module = re.sub(r"^(locust\.(?:runners|stats|web))\..*", r"\1", kind.__module__)
            self.kinds.setdefault(where, []).append(f"{module}.{kind.__name__}")
        for name in names:
            try:
                getattr(holder, name)
            except self._absent:
                self.missing.add((where, name))
            except Exception:
                # Such as `ok` without a response: it is there, and has something to say.
                continue

    def unlisted(self, listed):
        """Of the missing, those that a list does not have."""

        def known(where, name):
            return any((place, name) in listed for place in (where, *self.kinds.get(where, ())))

        return sorted(missing for missing in self.missing if not known(*missing))

    def stale(self, listed):
        """What is listed and not missing."""
        found = {(place, name) for where, name in self.missing for place in (where, *self.kinds.get(where, ()))}
        return sorted(listed - found)


def _listed():
    """What docs/locust.md says is not there, as (where, name)."""
    section = _DOCS.read_text(encoding="utf-8").split(_SECTION)[1].split("\n## ")[0]
    listed = set()
    for item in re.split(r"\n- ", section)[1:]:
        modules, colon, _ = item.partition(": the modules.")
        if colon:
            listed |= {("", module) for module in re.findall(r"`([^`]+)`", modules)}
        for where, names in re.findall(r"`([^`]+)`: ((?:`[^`]+`[,.]?\s*)+?)(?=\.|$)", item):
            listed |= {(where, name) for name in re.findall(r"`([^`]+)`", names)}
    return listed


class Names(unittest.TestCase):
    maxDiff = None

    @classmethod
    def setUpClass(cls):
        cls.recorded = json.loads(_RECORD.read_text(encoding="utf-8"))
        cls.search = _Search(cls.recorded)
        cls.listed = _listed()

    def test_every_name_of_locust_is_there_or_listed_as_missing(self):
        self.assertEqual(self.search.unlisted(self.listed), [])

    def test_what_is_listed_as_missing_is_missing(self):
        self.assertGreater(len(self.listed), 50)
        self.assertEqual(self.search.stale(self.listed), [])

    @unittest.skipUnless(_REAL, "THRONG_REAL_LOCUST is not set")
    def test_the_record_is_what_locust_has(self):
        self.assertEqual(json.loads(_record(_REAL)), self.recorded)


def _record(interpreter):
    """What `observe` sees in another interpreter's Locust."""
    environment = {name: value for name, value in os.environ.items() if name != "PYTHONPATH"}
    code = f"import runpy, json; print(json.dumps(runpy.run_path({str(_HERE / 'test_names.py')!r})['observe']()))"
    done = subprocess.run([interpreter, "-c", code], env=environment, cwd="/", capture_output=True, text=True, check=True)
    return done.stdout


if __name__ == "__main__":
    if sys.argv[1:] == ["record"]:
        recorded = json.dumps(json.loads(_record(_REAL)), indent=0, sort_keys=True)
        _RECORD.write_text(recorded + "\n", encoding="utf-8")
    else:
        unittest.main()
