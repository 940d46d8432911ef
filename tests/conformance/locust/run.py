#!/usr/bin/env python3
"""Conformance of throng with Locust: the same locustfiles, the same server, the same facts.

    run.py record  --engine LOCUST [NAME...]   write what the real Locust does
    run.py compare --engine THRONG [NAME...]   compare with what was recorded
    run.py table                               which locustfile asserts what, as Markdown

With --workers N each run is spread over N worker processes. Numbers (requests, failures, exceptions, exit codes) have to be those
of one process. What locustfiles note they may note in each process and in any order, but it has to be the same things.

The engine may be several words ("throng locust", "python -m locust"). See README.md.
"""

import argparse
import json
import os
import shlex
import sys
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from harness import coverage, engine, script, server

HERE = Path(__file__).resolve().parent
FILES = HERE / "files"


def main():
    parser = argparse.ArgumentParser(description="Conformance of throng with Locust.")
    parser.add_argument("chore", choices=("record", "compare", "table"))
    parser.add_argument("names", nargs="*")
    parser.add_argument("--engine", type=shlex.split)
    parser.add_argument("--jobs", type=int, default=3)
    parser.add_argument("--workers", type=int, default=0, help="compare runs on so many worker processes")
    parser.add_argument("--verbose", action="store_true", help="print what the engine wrote where facts differ")
    options = parser.parse_intermixed_args()
    scripts = script.load_all(FILES)
    names = coverage.inventory(HERE / "coverage.txt")
    if options.chore == "table":
        print(coverage.table(names, scripts))
        return 0
    if not options.engine:
        parser.error("--engine is needed")
    if "/" in options.engine[0]:
        # The runs have folders of their own. Not resolved: a venv's python is a link.
        options.engine[0] = os.path.abspath(options.engine[0])
    wanted = [each for each in scripts if not options.names or each.name in options.names]
    unknown = set(options.names) - {each.name for each in wanted}
    if unknown:
        parser.error(f"there is no {', '.join(sorted(unknown))}")
    serving, base_url = server.start()
    chore = record if options.chore == "record" else compare
    if options.workers:
        for each in wanted:
            each.runs = [run for run in each.runs if not is_alone(each, run)]
        wanted = [each for each in wanted if each.runs]
    with ThreadPoolExecutor(options.jobs) as pool:
        results = list(pool.map(lambda each: chore(each, options, base_url), wanted))
    serving.shutdown()
    if not options.names:
        results.append(report("coverage", coverage.problems(names, scripts), 0))
    print(f"conformance: {sum(results)} passed, {len(results) - sum(results)} failed")
    return 0 if all(results) else 1


def record(each, options, base_url):
    """Writes the facts, after seeing the same ones twice: what differs is not a fact."""
    started = time.monotonic()
    first, second = (
        {run.name: engine.observe(options.engine, each, run, base_url)[0] for run in each.runs} for _ in "12"
    )
    unstable = difference(first, second)
    if not unstable:
        each.recorded.write_text(
            json.dumps(first, indent=1, sort_keys=True, ensure_ascii=False) + "\n", encoding="utf-8"
        )
    return report(each.name, [f"not the same twice: {line}" for line in unstable], time.monotonic() - started)


def compare(each, options, base_url):
    """Compares the facts with the recorded ones; what is said to differ must."""
    started = time.monotonic()
    if not each.recorded.exists():
        return report(each.name, ["nothing is recorded"], 0)
    recorded = json.loads(each.recorded.read_text(encoding="utf-8"))
    problems, differing = [], set()
    for run in each.runs:
        seen, stdout, stderr = engine.observe(options.engine, each, run, base_url, options.workers)
        expected = recorded.get(run.name, {})
        if options.workers:
            expected, seen = spread(each, expected, seen)
        found = difference({run.name: expected}, {run.name: seen})
        differing |= {key for key in each.differs if any(line.startswith(f"{run.name}: {key}: ") for line in found)}
        found = [line for line in found if not any(line.startswith(f"{run.name}: {key}: ") for key in each.differs)]
        if found and options.verbose:
            found += ["--- standard output", *stdout.splitlines(), "--- standard error", *stderr.splitlines()]
        problems += found
    problems += [f"no longer differs in {key}: take the line out" for key in sorted(set(each.differs) - differing)]
    return report(each.name, problems, time.monotonic() - started)


# What a master says of the whole run: as often as in one process.
OUTPUTS = ("columns ", "rows ", "json ", "exists ")
NUMBERS = {"requests", "errors", "exceptions", "exit code", "exit_code of quit"}


def is_alone(each, run):
    """Whether a run makes no sense on several workers, or has its own."""
    return bool(each.workers or "" in each.alone or run.name in each.alone or "--processes" in run.arguments)


def spread(each, expected, seen):
    """What one process noted and what several did, each without what need not be the same."""
    for key in each.spread:
        expected, seen = ({other: facts[other] for other in facts if other != key} for facts in (expected, seen))
    expected, seen = dict(expected), dict(seen)
    for key in {*expected, *seen}:
        is_part = key in each.parts or "*" in each.parts and key not in NUMBERS
        if key in NUMBERS and not is_part or key.startswith(OUTPUTS):
            continue
        one, other = _once(expected.get(key, [])), _once(seen.get(key, []))
        if is_part:
            other = [value for value in other if value in one]
        expected[key], seen[key] = one, other
    return expected, seen


def _once(values):
    """Each value once, in an order of its own."""
    return [json.loads(text) for text in sorted({json.dumps(value, sort_keys=True) for value in values})]


def difference(expected, seen):
    """One line for each fact that is not the same."""
    lines = []
    for run in expected:
        for key in sorted({*expected[run], *seen[run]}):
            one, other = expected[run].get(key, "nothing"), seen[run].get(key, "nothing")
            if one != other:
                if isinstance(one, list) and isinstance(other, list) and len(one) == len(other) > 1:
                    # Where a long list differs is more use than the list.
                    at = next(index for index in range(len(one)) if one[index] != other[index])
                    key_of, one, other = f"{key}: item {at}", one[at], other[at]
                else:
                    key_of = key
                lines.append(f"{run}: {key_of}: expected {_short(one)}, saw {_short(other)}")
    return lines


def _short(value):
    text = json.dumps(value, ensure_ascii=False)
    return text if len(text) < 600 else f"{text[:600]}... ({len(text)} characters)"


def report(name, problems, seconds):
    print(f"{'FAIL' if problems else 'ok'} {name} ({seconds:.1f} s)", flush=True)
    for line in problems:
        print(f"    {line}", flush=True)
    return not problems


if __name__ == "__main__":
    sys.exit(main())
