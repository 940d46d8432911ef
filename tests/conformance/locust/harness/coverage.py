"""Which part of Locust's interface which locustfile asserts."""

from pathlib import Path


def inventory(path: Path):
    """The names that are supported: section -> names. One name a line, sections in brackets, `#` comments."""
    sections, current = {}, None
    for line in path.read_text(encoding="utf-8").splitlines():
        line = line.split("#", 1)[0].strip()
        if line.startswith("["):
            current = sections.setdefault(line.strip("[]"), [])
        elif line:
            current.append(line)
    return sections


def problems(sections, scripts):
    """Names without a locustfile, and claims of names that are not in the list."""
    known = {name for names in sections.values() for name in names}
    claimed = {name for script in scripts for name in script.asserts}
    return [f"no locustfile asserts {name}" for name in sorted(known - claimed)] + [
        f"{script.name} asserts {name}, which is not in the list"
        for script in scripts
        for name in sorted(set(script.asserts) - known)
    ]


def table(sections, scripts):
    """Name -> locustfiles, as Markdown."""
    lines = []
    for title, names in sections.items():
        lines += [f"## {title}", "", "| name | locustfiles |", "|---|---|"]
        for name in names:
            files = ", ".join(script.name for script in scripts if name in script.asserts)
            lines.append(f"| `{name}` | {files or '-'} |")
        lines.append("")
    return "\n".join(lines)
