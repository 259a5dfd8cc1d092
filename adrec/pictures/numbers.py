"""Numbers for narrow tables."""

import numpy as np


def number(value: float) -> str:
    """Formats a number for a narrow table: about three significant digits, integers in full, an exponent only for tiny or huge values."""
    size = abs(value)
    if not np.isfinite(value):
        return "∞"
    if value == int(value) and size < 1e6:
        text = f"{int(value):,}"
    elif size >= 1e6 or size < 1e-4:
        digits, power = f"{value:.0e}".split("e")
        text = f"{digits}e{int(power)}"
    elif size >= 10:
        text = f"{value:,.1f}" if size < 1000 else f"{value:,.0f}"
    else:
        text = np.format_float_positional(value, precision=3 if size >= 0.01 else 2, fractional=False, trim="-")
    return text.replace("-", "−")
