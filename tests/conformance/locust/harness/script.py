"""A locustfile of the suite and what its header says: what it asserts, and how it is run.

The header is the comments that a file begins with:

    # asserts: task, tag                 names of coverage.txt
    # run: --headless -u 1               the arguments; `-f FILE` and `--host` are added
    # run tagged: --tags a               a further run under a name
    # env tagged: LOCUST_TAGS=[a, b]     an environment variable of that run (or of all: `# env: ...`)
    # file locust.conf: users = 3\\nhost = HOST     a file in the run's folder
    # output: log ^Starting              what else is compared; the kinds are in `engine._output`
    # unordered: key                     facts of this key are compared sorted
    # differs: key: why                  a fact in which throng differs on purpose
    # signal: TERM when ready            a signal once the fact `ready` was noted
    # workers: 2                         the run is a master's, and has so many workers with the same file
    # alone: why                         it is not run on several workers (`run.py compare --workers`)
    # alone NAME: why                    one of its runs is not
    # parts: key: why                    workers note something besides what one process notes; `*` is all that is noted
    # spread: key: why                   a fact that is another one on several workers
    # throng-only: why                   there is nothing to compare with; the recorded facts are throng's
"""

import re
from dataclasses import dataclass, field
from pathlib import Path

_DIRECTIVE = re.compile(r"# (asserts|run|env|file|unordered|differs|signal|workers|alone|parts|spread|throng-only|output)( [^:]+)?: ?(.*)")


@dataclass
class Run:
    name: str
    arguments: str
    env: dict = field(default_factory=dict)
    files: dict = field(default_factory=dict)


@dataclass
class Script:
    path: Path
    asserts: list
    runs: list
    unordered: set
    differs: dict
    signal: str
    workers: int
    alone: dict
    parts: dict
    spread: dict
    throng_only: bool
    outputs: list

    @property
    def name(self):
        return self.path.stem

    @property
    def recorded(self):
        return self.path.with_suffix(".facts.json")


def load(path):
    """Reads a locustfile's header. ValueError if it has none."""
    script = Script(path, [], [], set(), {}, "", 0, {}, {}, {}, False, [])
    runs, settings = {}, []
    for line in path.read_text(encoding="utf-8").splitlines():
        if not line.startswith("#"):
            break
        found = _DIRECTIVE.fullmatch(line)
        if not found:
            continue
        word, which, rest = found[1], (found[2] or "").strip(), found[3].strip()
        if word == "asserts":
            script.asserts += [name.strip() for name in rest.split(",")]
        elif word == "run":
            runs[which or "run"] = Run(which or "run", rest)
        elif word in ("env", "file"):
            settings.append((word, which, rest))
        elif word == "unordered":
            script.unordered.add(rest)
        elif word == "differs":
            key, _, why = rest.partition(": ")
            script.differs[key] = why
        elif word == "signal":
            script.signal = rest
        elif word == "workers":
            script.workers = int(rest)
        elif word == "alone":
            script.alone[which] = rest
        elif word in ("parts", "spread"):
            key, _, why = rest.partition(": ")
            (script.parts if word == "parts" else script.spread)[key] = why
        elif word == "output":
            script.outputs.append(rest)
        else:
            script.throng_only = True
        if word in ("alone", "parts", "spread") and not (rest if word == "alone" else why):
            raise ValueError(f"{path}: `# {word}:` does not say why")
    if not runs or not script.asserts:
        raise ValueError(f"{path}: the header needs `# asserts:` and `# run:`")
    for word, which, rest in settings:
        if word == "env":
            name, _, value = rest.partition("=")
            for run in [runs[which]] if which else runs.values():
                run.env[name] = value
        else:
            for run in runs.values():
                run.files[which] = rest.replace("\\n", "\n") + "\n"
    script.runs = list(runs.values())
    return script


def load_all(folder):
    """All locustfiles of the folder, by name."""
    paths = sorted(path for path in folder.glob("*.py") if path.stem != "facts" and not path.stem.startswith("_"))
    return [load(path) for path in paths]
