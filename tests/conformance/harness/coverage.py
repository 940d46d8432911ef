"""Which script asserts which function, option and executor, and whether any is left out.

coverage.toml is the inventory: what throng supports. Three things are checked: each of its names
is asserted by a script, scripts assert no name that is not in it, and the engine exports
nothing that is not in it (see `surface.js`), so that a new function cannot arrive without a script.
"""

import json
import re
import tomllib
from pathlib import Path

from .script import COVERED, Script


def inventory(path: Path) -> dict[str, list[str]]:
    """The names of coverage.toml by kind; functions are written per module there."""
    data = tomllib.loads(path.read_text())
    functions = [
        f"{module}.{name}" if module.startswith("k6") else f"{module}{name}"
        for module, names in data["functions"].items()
        for name in names
    ]
    return {
        "functions": functions,
        "options": data["options"]["names"],
        "executors": data["executors"]["names"],
        "without_script": data["options"]["without_script"],
    }


def problems(names: dict[str, list[str]], scripts: list[Script]) -> list[str]:
    """What is not covered, not known, or claimed by a script that does not mention it."""
    found = []
    for kind in COVERED:
        claimed = {name for script in scripts for name in script.covers[kind]}
        found += [f"{kind}: no script asserts {name}" for name in names[kind] if name not in claimed]
        found += [f"{kind}: {name} is asserted but not in coverage.toml" for name in sorted(claimed - set(names[kind]))]
    for script in scripts:
        text = _mentions(script)
        for kind in COVERED:
            for name in script.covers[kind]:
                # `--tag` and `--blacklist-ip` are the flags of `tags` and `blacklistIPs`.
                word = name.rpartition(".")[2].lower().removesuffix("s")
                if word not in text:
                    found.append(f"{script.path.name}: claims {name} and never mentions it")
    return found


def _mentions(script: Script) -> str:
    """The script without its directives of coverage, in lower case; flags and variables count as options."""
    text = "\n".join(
        line for line in script.path.read_text().splitlines() if not re.match(r"// @(functions|options|executors)", line)
    )
    flags = [flag.replace("-", "") for flag in re.findall(r"--([a-z-]+)", text)]
    variables = [variable.replace("_", "") for variable in re.findall(r"K6_([A-Z0-9_]+)", text)]
    return "\n".join([text, *flags, *variables]).lower()


def surface_problems(names: dict[str, list[str]], surface: str) -> list[str]:
    """What an engine exports (one JSON line of `surface.js`) and the inventory does not have."""
    exported = json.loads(surface)
    found = [
        f"functions: {module}.{name} is exported but not in coverage.toml"
        for module, keys in exported["modules"].items()
        for name in keys
        if f"{module}.{name}" not in names["functions"]
    ]
    known = {*names["options"], *names["without_script"]}
    found += [f"options: {name} is known but not in coverage.toml" for name in exported["options"] if name not in known]
    return found


def table(names: dict[str, list[str]], scripts: list[Script]) -> str:
    """The table as Markdown: each name with the scripts that assert it."""
    lines = []
    for kind in COVERED:
        lines += [f"## {kind.capitalize()}", "", "| name | scripts |", "|---|---|"]
        for name in names[kind]:
            asserting = [script.path.name for script in scripts if name in script.covers[kind]]
            lines.append(f"| `{name}` | {', '.join(asserting)} |")
        lines.append("")
    return "\n".join(lines)
