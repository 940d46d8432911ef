"""Finds the locustfiles that `-f` names: files, folders, URLs; and loads them."""

import atexit
import os
import shutil
import sys
import tempfile
from urllib.request import urlopen

from .util.load_locustfile import has_pytest_functions, load_locustfile


class LocustfileError(Exception):
    """A locustfile cannot be found or used; the message is for the user."""


class Loaded:
    """What the locustfiles of a run define."""

    def __init__(self):
        self.user_classes = {}
        self.shapes = {}
        self.user_tasks = {}
        self.pytest_style = False

    @property
    def shape(self):
        """The first shape found, or None."""
        return next(iter(self.shapes.values()), None)


def find(value, options=None):
    """The paths that `-f` means, comma-separated; `-` is what the master has, which `options` say where to find."""
    paths, folder = [], None
    for item in filter(None, (part.strip() for part in value.split(","))):
        if item == "-":
            if options is None or not options.worker:
                raise LocustfileError("-f - fetches the locustfile from a master, which only a worker has (--worker)")
            found, folder = _from_master(options.master_host, options.master_port)
            paths += found
        elif item.startswith(("http://", "https://")):
            paths.append(_download(item))
        elif os.path.isdir(item):
            paths += _in_folder(item)
        else:
            paths.append(_file(item))
    # The same file reached twice is one file.
    unique = list(dict.fromkeys(os.path.abspath(path) for path in paths))
    if not unique:
        raise LocustfileError(f"Could not find any locustfile in {value!r}")
    if folder is not None:
        # That of the master, whose locustfile finds its data there.
        os.chdir(folder)
    return unique


def load(paths):
    """Loads the files; LocustfileError for classes of the same name in two of them."""
    loaded = Loaded()
    origin = {}
    for path in paths:
        users, shapes = load_locustfile(path)
        found = {**users, **{type(shape).__name__: shape for shape in shapes}}
        for name, item in found.items():
            kind = "user" if name in users else "shape"
            cls = item if name in users else type(item)
            other = origin.setdefault(name, (cls, path))
            # One class that two files import is one class.
            if other[0] is not cls and other[1] != path:
                raise LocustfileError(f"Duplicate {kind} class names: {name} is defined in both {other[1]} and {path}")
        loaded.user_classes.update(users)
        for shape in shapes:
            loaded.shapes[type(shape).__name__] = shape
        for name, cls in users.items():
            loaded.user_tasks[name] = list(cls.tasks)
    if not loaded.user_classes:
        loaded.pytest_style = any(has_pytest_functions(path) for path in paths)
    return loaded


def _file(item):
    for candidate in (item, f"{item}.py"):
        if candidate.endswith(".py") and os.path.isfile(candidate):
            return candidate
    message = (
        f"Could not find '{item}'. Ensure your locustfile ends with '.py' or is a directory with locustfiles. "
        "See --help for available options."
    )
    raise LocustfileError(message)


def _in_folder(folder):
    found = []
    for root, _folders, files in os.walk(folder):
        found += [os.path.join(root, name) for name in files if name.endswith(".py") and not name.startswith("_")]
    if not found:
        raise LocustfileError(f"Could not find any locustfiles in directory '{folder}'")
    return sorted(found)


def _from_master(host, port):
    # Here, because most runs have no other node.
    from ._fetch import FetchError, fetch
    from .runners.archive import Unshipped

    try:
        given, archive = fetch(host, port)
    except FetchError as error:
        raise LocustfileError(str(error)) from None
    paths = []
    # One folder for all: they may import each other.
    folder = tempfile.mkdtemp(prefix="throng-locustfile-")
    atexit.register(shutil.rmtree, folder, ignore_errors=True)
    if archive is not None:
        try:
            return archive.unpack(folder)
        except (Unshipped, OSError) as error:
            raise LocustfileError(f"the files that the master at {host}:{port} sent cannot be used: {error}") from None
    for file in given:
        if isinstance(file, str):
            paths.append(_download(file))
            continue
        # Only the name, whatever it says: the master is not asked where to write on this machine.
        path = os.path.join(folder, os.path.basename(file["filename"]))
        with open(path, "w", encoding="utf-8") as target:
            target.write(file["contents"])
        paths.append(path)
    return paths, None


def _download(url):
    try:
        with urlopen(url, timeout=30) as answer:
            text = answer.read()
    except OSError as error:
        raise LocustfileError(f"Failed to get locustfile from: {url}. {error}") from None
    name = os.path.basename(url.split("?")[0]) or "locustfile.py"
    try:
        compile(text, name, "exec")
    except (SyntaxError, ValueError):
        raise LocustfileError(f"{url} is not Python") from None
    # A folder of its own: two jobs that fetch files of the same name must not share one.
    folder = tempfile.mkdtemp(prefix="throng-locustfile-")
    path = os.path.join(folder, name if name.endswith(".py") else f"{name}.py")
    with open(path, "wb") as file:
        file.write(text)
    atexit.register(_remove, path, folder)
    return path


def _remove(path, folder):
    try:
        os.remove(path)
        os.rmdir(folder)
    except OSError as error:
        sys.stderr.write(f"could not remove the downloaded {path}: {error}\n")
