#!/usr/bin/env python3
"""Conformance of throng with k6: the same scripts, the same server, the same facts.

    run.py record  --engine K6     --server SERVER [SCRIPT...]   write what the real k6 does
    run.py compare --engine THRONG --server SERVER [SCRIPT...]   compare with what was recorded
    run.py table                                                 which script asserts what, as Markdown

With --workers N each run is spread over N worker processes; the facts are the same, but for the order of console lines
and what a script's header says about it (@spread).

The engine may be several words ("throng k6"). Scripts are named without their ending. See README.md.
"""

import argparse
import json
import shlex
import sys
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from harness import coverage, engine, facts
from harness.script import Run, Script, load, load_all

HERE = Path(__file__).resolve().parent
SCRIPTS = HERE / "k6"
SURFACE = HERE / "surface.js"


def main() -> int:
    parser = argparse.ArgumentParser(description="Conformance of throng with k6.")
    parser.add_argument("chore", choices=("record", "compare", "table"))
    parser.add_argument("scripts", nargs="*")
    parser.add_argument("--engine", type=shlex.split)
    parser.add_argument("--server", type=Path)
    parser.add_argument("--jobs", type=int, default=2)
    parser.add_argument("--workers", type=int, default=0, help="compare runs on so many worker processes")
    parser.add_argument("--verbose", action="store_true", help="print what the engine wrote when facts differ")
    options = parser.parse_intermixed_args()

    scripts = load_all(SCRIPTS)
    names = coverage.inventory(HERE / "coverage.toml")
    if options.chore == "table":
        print(coverage.table(names, scripts))
        return 0
    if not options.engine or not options.server:
        parser.error("--engine and --server are needed")
    options.server = options.server.resolve()
    options.engine[0] = str(Path(options.engine[0]).resolve()) if "/" in options.engine[0] else options.engine[0]
    wanted = select(scripts, options.scripts)
    chore = record if options.chore == "record" else compare
    with ThreadPoolExecutor(options.jobs) as pool:
        results = list(pool.map(lambda script: chore(script, options), wanted))
    if not options.scripts:
        results.append(report("coverage", coverage.problems(names, scripts), 0))
        if options.chore == "compare":
            results.append(report("surface", surface(names, options), 0))
    passed = sum(results)
    print(f"conformance: {passed} passed, {len(results) - passed} failed")
    return 0 if passed == len(results) else 1


def select(scripts: list[Script], names: list[str]) -> list[Script]:
    unknown = set(names) - {script.name for script in scripts}
    if unknown:
        sys.exit(f"run.py: no such script: {', '.join(sorted(unknown))}")
    return [script for script in scripts if not names or script.name in names]


def observe(script: Script, options) -> tuple[dict, dict]:
    """The facts of each run, and what it left behind."""
    raw = {name: engine.run(options.engine, options.server, script, run, options.workers) for name, run in script.runs.items()}
    return {name: facts.reduce(script, script.runs[name].command, left) for name, left in raw.items()}, raw


def record(script: Script, options) -> bool:
    """Writes the facts, after seeing the same ones twice: what differs is not a fact."""
    started = time.monotonic()
    try:
        first, _ = observe(script, options)
        second, _ = observe(script, options)
    except (KeyError, ValueError, OSError) as error:
        return report(script.name, [f"{type(error).__name__}: {error}"], time.monotonic() - started)
    unstable = facts.difference(first, second, script.near)
    if not unstable:
        script.facts_path.write_text(json.dumps(first, indent=1, ensure_ascii=False) + "\n")
    return report(script.name, [f"not stable: {line}" for line in unstable], time.monotonic() - started)


def compare(script: Script, options) -> bool:
    """Compares with the recorded facts."""
    started = time.monotonic()
    if not script.facts_path.exists():
        return report(script.name, ["nothing recorded: ./x record-conformance " + script.name], 0)
    expected = json.loads(script.facts_path.read_text())
    if options.workers:
        spread(script, expected)
    try:
        actual, raw = observe(script, options)
    except (KeyError, ValueError, OSError) as error:  # output that is not what k6's looks like
        return report(script.name, [f"{type(error).__name__}: {error}"], time.monotonic() - started)
    lines = facts.unexplained(facts.difference(expected, actual, script.near), script.differs)
    if lines and options.verbose:
        lines += [f"{name}: {line}" for name, left in raw.items() for line in left.stderr.splitlines()]
    return report(script.name, lines, time.monotonic() - started)


def spread(script: Script, expected: dict) -> None:
    """What is expected of workers: the same, in no order."""
    script.any_order = True
    script.differs |= script.spread
    for facts_of_run in expected.values():
        facts_of_run.get("console", []).sort()


def surface(names: dict, options) -> list[str]:
    """What the engine exports beyond the inventory."""
    left = engine.run(options.engine, options.server, load(SURFACE), Run())
    for line in left.stderr.splitlines():
        message = json.loads(line).get("msg", "")
        if message.startswith("{"):
            return coverage.surface_problems(names, message)
    return [f"surface.js said nothing: {left.stderr}"]


def report(name: str, lines: list[str], seconds: float) -> bool:
    text = f"{'FAIL' if lines else 'ok  '} {name} ({seconds:.1f} s)"
    shown = lines[:25] + ([f"… and {len(lines) - 25} more"] if len(lines) > 25 else [])
    print("\n".join([text, *(f"     {line}" for line in shown)]), flush=True)
    return not lines


if __name__ == "__main__":
    sys.exit(main())
