#!/usr/bin/env python3
"""Checks the licences of all dependencies against deny.toml, where cargo-deny is not installed.

cargo-deny takes longer to build than the rest of the lint step to run; of its rules, the licences are those that a
dependency's update can break unseen. Reads `cargo metadata`, evaluates each SPDX expression, names what is not allowed.
"""

import json
import re
import subprocess
import sys
import tomllib
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent


def is_allowed(expression: str, allowed: set[str]) -> bool:
    """Whether an SPDX expression can be met with the allowed licences: `OR` by one side, `AND` by both.

    >>> is_allowed("(MIT OR GPL-3.0) AND Zlib", {"MIT", "Zlib"})
    True
    >>> is_allowed("MIT AND MPL-2.0", {"MIT"})
    False
    >>> is_allowed("Apache-2.0/MIT", {"MIT"})
    True
    >>> is_allowed("Apache-2.0 WITH LLVM-exception", {"Apache-2.0"})
    False
    """
    # A slash is how crates said `OR` before SPDX expressions were asked for.
    tokens = re.findall(r"[()]|[^\s()]+(?:\s+WITH\s+[^\s()]+)?", expression.replace("/", " OR "))

    def alternatives() -> bool:
        met = conjunction()
        while tokens and tokens[0] == "OR":
            tokens.pop(0)
            met = conjunction() or met
        return met

    def conjunction() -> bool:
        met = term()
        while tokens and tokens[0] == "AND":
            tokens.pop(0)
            met = term() and met
        return met

    def term() -> bool:
        token = tokens.pop(0)
        if token != "(":
            return token in allowed
        met = alternatives()
        tokens.pop(0)
        return met

    return alternatives()


def main() -> int:
    rules = tomllib.loads((ROOT / "deny.toml").read_text())["licenses"]
    exceptions = {entry["crate"]: set(entry["allow"]) for entry in rules["exceptions"]}
    metadata = subprocess.run(
        ["cargo", "metadata", "--locked", "--format-version", "1"], cwd=ROOT, check=True, stdout=subprocess.PIPE
    ).stdout
    packages = [package for package in json.loads(metadata)["packages"] if package["source"]]
    refused = [
        f"{package['name']} {package['version']}: {package['license'] or 'no licence'}"
        for package in packages
        if not package["license"]
        or not is_allowed(package["license"], set(rules["allow"]) | exceptions.get(package["name"], set()))
    ]
    unused = exceptions.keys() - {package["name"] for package in packages}
    for line in refused:
        print(f"not allowed by deny.toml: {line}")
    for name in sorted(unused):
        print(f"deny.toml has an exception for {name}, which is not a dependency")
    print(f"licences: {len(packages) - len(refused)} dependencies allowed, {len(refused)} refused")
    return 1 if refused or unused else 0


if __name__ == "__main__":
    sys.exit(main())
