#!/usr/bin/env python3
"""Benchmarks of throng against k6, Locust and wrk. Start it with `./x bench NAME`, which builds what it needs.

None of this runs in CI: figures need a quiet machine. Each scenario prints its rounds with the load
average, medians with their range, throng against itself, and whether its aim was met.
"""

import argparse
import os
import platform
import shlex
import sys
from pathlib import Path

from harness import measure
from harness import locust
from harness import pages
from harness.scenarios import ALL as K6_SCENARIOS, Bench

ALL = K6_SCENARIOS | locust.ALL | pages.ALL


def main() -> int:
    if sys.argv[1:2] in ([], ["help"]):
        print("usage: ./x bench NAME... [--pairs 7] [--seconds 10] [--scale 1]\n")
        for name, scenario in ALL.items():
            print(f"  {name:14} {scenario.__doc__}")
        print("  all        every one of them")
        return 0
    parser = argparse.ArgumentParser(prog="./x bench")
    parser.add_argument("names", nargs="+", choices=[*ALL, "all"], metavar="NAME")
    parser.add_argument("--pairs", type=int, default=7, help="alternating rounds")
    parser.add_argument("--seconds", type=int, default=10, help="length of a measured run")
    parser.add_argument("--scale", type=float, default=1, help="factor on counts and long times, to try the harness")
    parser.add_argument("--patience", type=float, default=60, help="longest wait for a quiet machine, in seconds")
    parser.add_argument("--throng", type=shlex.split, required=True)
    parser.add_argument("--k6", type=shlex.split, required=True)
    parser.add_argument("--locust-python", required=True, help="an interpreter with the real Locust")
    parser.add_argument("--truth-server", type=Path, required=True)
    options = parser.parse_intermixed_args()

    print(f"{platform.system()} {platform.release()}, {os.cpu_count()} CPUs, load average {measure.load_average():.2f}")
    if measure.load_average() >= 1:
        print("the load average is not under 1: these figures are not for keeping")
    bench = Bench(options)
    met = True
    for name in ALL if "all" in options.names else options.names:
        print(f"\n{name}: {ALL[name].__doc__}")
        met &= ALL[name](bench)
    return 0 if met else 1


if __name__ == "__main__":
    sys.exit(main())
