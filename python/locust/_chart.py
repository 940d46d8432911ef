"""Line charts as SVG, for the report: a few lines over time, with a scale and a legend."""

from html import escape

_WIDTH, _HEIGHT = 960, 220
_LEFT, _BOTTOM, _TOP = 60, 24, 8
_COLOURS = ("#0a7d45", "#c8321e", "#2a63c4", "#a66a00", "#7a3fb0", "#4a4a4a")
# A browser draws no more points than the chart has pixels.
_MOST_POINTS = 900


def line_chart(title, times, lines):
    """A figure with one line for each of `lines` (name -> values, one for each of `times`)."""
    step = max(1, -(-len(times) // _MOST_POINTS))
    times = times[::step]
    lines = {name: values[::step] for name, values in lines.items()}
    top = _round_up(max((value or 0 for values in lines.values() for value in values), default=0))
    parts = [_axis(top, times)]
    for (name, values), colour in zip(lines.items(), _COLOURS):
        points = " ".join(
            f"{_x(index, len(times)):.1f},{_y(value or 0, top):.1f}" for index, value in enumerate(values)
        )
        parts.append(
            f'<polyline points="{points}" fill="none" stroke="{colour}" stroke-width="1.5">'
            f"<title>{escape(name)}</title></polyline>"
        )
    legend = " ".join(
        f'<span style="color:{colour}">&#9632;</span> {escape(name)}' for name, colour in zip(lines, _COLOURS)
    )
    return (
        f"<figure><figcaption>{escape(title)}</figcaption>"
        f'<svg viewBox="0 0 {_WIDTH} {_HEIGHT}" role="img" aria-label="{escape(title)}">{"".join(parts)}</svg>'
        f"{legend}</figure>"
    )


def _axis(top, times):
    lines = []
    for fraction in (0, 0.5, 1):
        y = _y(top * fraction, top)
        lines.append(f'<line x1="{_LEFT}" y1="{y:.1f}" x2="{_WIDTH}" y2="{y:.1f}" stroke="#8886"/>')
        lines.append(_text(_LEFT - 6, y + 4, "end", f"{top * fraction:g}"))
    for index, anchor in ((0, "start"), (len(times) - 1, "end")):
        lines.append(_text(_x(index, len(times)), _HEIGHT - 6, anchor, times[index]))
    return "".join(lines)


def _text(x, y, anchor, text):
    return (
        f'<text x="{x:.1f}" y="{y:.1f}" text-anchor="{anchor}" font-size="11" fill="currentColor">{escape(text)}</text>'
    )


def _x(index, count):
    return _LEFT + (_WIDTH - _LEFT) * index / max(1, count - 1)


def _y(value, top):
    return _HEIGHT - _BOTTOM - (_HEIGHT - _BOTTOM - _TOP) * value / top


def _round_up(value):
    """The next of 1, 2 and 5 times a power of ten: where a scale ends well."""
    power = 1.0
    while power > value > 0:
        power /= 10
    while power * 10 <= value:
        power *= 10
    return next((power * factor for factor in (1, 2, 5, 10) if power * factor >= value), power)
