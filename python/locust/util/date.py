"""Times and durations as text."""

from datetime import datetime, timezone


def format_utc_timestamp(unix_timestamp):
    """An ISO time in UTC with whole seconds, such as `2026-11-22T05:00:00Z`."""
    return datetime.fromtimestamp(unix_timestamp, timezone.utc).strftime("%Y-%m-%dT%H:%M:%SZ")


def format_safe_timestamp(unix_timestamp):
    """Local time for file names, such as `2026-11-22-05h00`."""
    return datetime.fromtimestamp(unix_timestamp).strftime("%Y-%m-%d-%Hh%M")


def format_duration(start_time, end_time):
    """How long it was in words, such as `1 hour, 2 minutes and 3 seconds`; parts that are zero are left out."""
    rest = int(end_time - start_time)
    parts = []
    for unit, length in (("day", 86400), ("hour", 3600), ("minute", 60), ("second", 1)):
        count, rest = divmod(rest, length)
        if count:
            parts.append(f"{count} {unit}{'s' if count > 1 else ''}")
    if not parts:
        return "0 seconds"
    return parts[0] if len(parts) == 1 else f"{', '.join(parts[:-1])} and {parts[-1]}"
