"""Reads configuration files: `key = value` lines, and the section `[tool.locust]` of a pyproject.toml."""

import re

_LINE = re.compile(r"(?P<key>[^:=;#\s]+)\s*(?:[:=\s]\s*(?P<value>.*?))?\s*")


def read(paths, fail):
    """(path, {option: value}) of each file, in order. `fail` is called with a message for one that cannot be read."""
    for path in paths:
        try:
            with open(path, encoding="utf-8") as file:
                text = file.read()
            values = _toml(text, path) if path.endswith(".toml") else _lines(text)
        except (OSError, ValueError) as error:
            fail(f"could not read {path}: {error}")
        else:
            yield path, values


def bracketed(text):
    """A list if the text is written `[a, b]`, otherwise the text."""
    stripped = text.strip()
    if stripped.startswith("[") and stripped.endswith("]"):
        return [_unquote(item.strip()) for item in stripped[1:-1].split(",") if item.strip()]
    return text


def _lines(text):
    values = {}
    for number, line in enumerate(text.splitlines(), 1):
        line = line.strip()
        if not line or line[0] in "#;[" or line.startswith("---"):
            continue
        found = _LINE.fullmatch(line)
        if found is None:
            raise ValueError(f"line {number} is neither `key = value` nor a comment: {line}")
        value = found["value"]
        # A key alone is a flag.
        values[found["key"].lstrip("-")] = "true" if value is None else bracketed(_unquote(_uncomment(value)))
    return values


def _uncomment(value):
    return re.split(r"\s[#;]", value, maxsplit=1)[0].strip()


def _unquote(value):
    if len(value) >= 2 and value[0] == value[-1] and value[0] in "'\"":
        return value[1:-1]
    return value


def _toml(text, path):
    try:
        import tomllib
    except ImportError:
        return _toml_section(text, path)
    return tomllib.loads(text).get("tool", {}).get("locust", {})


def _toml_section(text, path):
    """Python 3.10 has no reader of TOML: this one knows strings, numbers, booleans and flat lists of them."""
    values, inside = {}, False
    for number, line in enumerate(text.splitlines(), 1):
        line = line.strip()
        if line.startswith("["):
            inside = line.split("#")[0].strip() == "[tool.locust]"
        elif inside and line and not line.startswith("#"):
            key, separator, value = line.partition("=")
            value = _uncomment(value.strip())
            if (
                not separator
                or (value.startswith("[") and not value.endswith("]"))
                or value.startswith(("{", '"""', "'''"))
            ):
                raise ValueError(f"line {number}: only values of one line are understood by Python 3.10: {line}")
            values[key.strip().strip("\"'")] = bracketed(_unquote(value))
    return values
