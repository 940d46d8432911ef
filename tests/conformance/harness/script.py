"""A conformance script and what its header asks for.

The header is the leading block of `//` comments. Its prose says what the script is about; lines
that start with `@` are directives:

    @functions NAME...        what of the JavaScript API the script asserts (names of coverage.toml)
    @options NAME...          the options it asserts
    @executors NAME...        the executors it asserts
    @run NAME ARGUMENT...     one more run with these arguments (without any: one run, `default`)
    @env RUN KEY=VALUE        an environment variable of that run (`*`: of every run)
    @command RUN NAME         that run is of the command NAME instead of `run`; its JSON output is compared
    @stdin RUN                the script is given on standard input
    @signal RUN NAME MARKER   that signal is sent when MARKER appears in the log
    @near N                   sample counts may differ by N: they depend on the clock
    @timed METRIC...          values of these custom metrics are durations and not compared
    @differs PATH WHY...      throng differs from k6 on purpose in the facts below PATH, and why
    @spread PATH WHY...       the same, but only where the run is spread over workers (--workers)
    @order any                the order of console lines is not compared
    @stdout                   what is printed on standard output is compared, numbers masked
    @stderr                   standard error is compared as text instead of as log records
    @file NAME...             files that the run writes and that are compared
    @redis                    a Redis server is started for each run; its address is REDIS
"""

import shlex
from dataclasses import dataclass, field
from pathlib import Path

COVERED = ("functions", "options", "executors")


@dataclass
class Run:
    """One start of the engine: its arguments and what is special about it."""

    arguments: list[str] = field(default_factory=list)
    env: dict[str, str] = field(default_factory=dict)
    command: str = "run"
    stdin: bool = False
    signals: list[tuple[str, str]] = field(default_factory=list)


@dataclass
class Script:
    """A script with its directives."""

    path: Path
    about: str = ""
    covers: dict[str, list[str]] = field(default_factory=lambda: {kind: [] for kind in COVERED})
    runs: dict[str, Run] = field(default_factory=dict)
    near: int = 0
    timed: set[str] = field(default_factory=set)
    differs: dict[str, str] = field(default_factory=dict)
    spread: dict[str, str] = field(default_factory=dict)
    any_order: bool = False
    stdout: bool = False
    stderr: bool = False
    redis: bool = False
    files: list[str] = field(default_factory=list)

    @property
    def name(self) -> str:
        return self.path.stem

    @property
    def facts_path(self) -> Path:
        return self.path.with_suffix(".facts.json")


class HeaderError(Exception):
    """A directive that cannot be understood, with its place."""


def load_all(folder: Path) -> list[Script]:
    """Every script of the folder in order of name; sub-folders hold what scripts import."""
    return [load(path) for path in sorted(folder.iterdir()) if path.suffix in (".js", ".ts")]


def load(path: Path) -> Script:
    """Reads the header of one script."""
    script = Script(path)
    prose = []
    for number, line in enumerate(path.read_text().splitlines(), 1):
        if not line.startswith("//"):
            break
        text = line[2:].strip()
        if text.startswith("@"):
            try:
                _directive(script, text[1:])
            except (ValueError, IndexError, KeyError) as error:
                raise HeaderError(f"{path}:{number}: {text}: {error}") from error
        else:
            prose.append(text)
    script.about = " ".join(prose).strip()
    if not script.runs:
        script.runs["default"] = Run()
    every = script.runs.pop("*", None)
    if every:
        for run in script.runs.values():
            run.env = every.env | run.env
        if not script.runs:
            script.runs["default"] = every
    return script


def _directive(script: Script, text: str) -> None:
    # The value of a variable is taken as it stands: it may be JSON.
    keyword, *rest = text.split(None, 2) if text.startswith("env ") else shlex.split(text)
    if keyword in COVERED:
        script.covers[keyword] += rest
    elif keyword == "run":
        script.runs.setdefault(rest[0], Run()).arguments += rest[1:]
    elif keyword == "env":
        name, _, value = rest[1].partition("=")
        script.runs.setdefault(rest[0], Run()).env[name] = value
    elif keyword == "command":
        script.runs.setdefault(rest[0], Run()).command = rest[1]
    elif keyword == "stdin":
        script.runs.setdefault(rest[0], Run()).stdin = True
    elif keyword == "signal":
        script.runs.setdefault(rest[0], Run()).signals.append((rest[1], rest[2]))
    elif keyword == "near":
        script.near = int(rest[0])
    elif keyword == "timed":
        script.timed |= set(rest)
    elif keyword in ("differs", "spread"):
        getattr(script, keyword)[rest[0]] = " ".join(rest[1:])
        if len(rest) < 2:
            raise ValueError("say why")
    elif keyword == "order" and rest == ["any"]:
        script.any_order = True
    elif keyword in ("stdout", "stderr", "redis"):
        setattr(script, keyword, True)
    elif keyword == "file":
        script.files += rest
    else:
        raise ValueError("no such directive")
