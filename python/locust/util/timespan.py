"""Durations as the command line and the web form take them: `20`, `20s`, `3m`, `2h`, `1h20m`, `3h30m10s`."""

import re

_SPAN = re.compile(r"(?:(\d+)h)?(?:(\d+)m)?(?:(\d+)s)?", re.ASCII)
FORMATS = "20, 20s, 3m, 2h, 1h20m, 3h30m10s, etc."


def parse_timespan(time_str):
    """The whole seconds that the text means; a bare integer is seconds. Raises ValueError."""
    if re.fullmatch(r"\d+", time_str, re.ASCII):
        return int(time_str)
    found = _SPAN.fullmatch(time_str)
    if not time_str or found is None:
        raise ValueError(f"Invalid time span format. Valid formats: {FORMATS}")
    hours, minutes, seconds = (int(part or 0) for part in found.groups())
    return hours * 3600 + minutes * 60 + seconds
