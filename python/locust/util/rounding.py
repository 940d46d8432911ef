"""Rounding the way people do it by hand: halves go up."""

from decimal import ROUND_HALF_UP, Decimal


def proper_round(val, digits=0):
    """`val` rounded half up on its decimal text, so that 13.005 becomes 13.01; always a float."""
    # The decimal text is what a reader sees; the binary value of 13.005 lies just below it.
    return float(Decimal(repr(val)).quantize(Decimal(1).scaleb(-digits), rounding=ROUND_HALF_UP))
