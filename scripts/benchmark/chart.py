"""The cases as a picture: a bar for how far each is over its gate, a mark where reach lies."""

import math
from collections.abc import Sequence
from typing import Final
from xml.sax.saxutils import escape

from scripts.benchmark.case import Case

_LEFT: Final = 400
_WIDTH, _ROW = 420, 26
_DECADES: Final = 3  # from a tenth of the gate to a hundred times it
_STYLE: Final = """text{font:13px system-ui,sans-serif;fill:#1d2733}.bar{fill:#2f6f9f}.miss{fill:#b3261e}
.gate{stroke:#1d2733;stroke-width:1.5}.reach{stroke:#2e7d32;stroke-width:3}
@media(prefers-color-scheme:dark){text{fill:#e6edf3}.gate{stroke:#e6edf3}}"""


def chart(cases: Sequence[Case]) -> str:
    """SVG on a logarithmic scale whose 1 is the gate (the yardstick, where there is no gate)."""
    height = _ROW * (len(cases) + 2)
    lines = [
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {_LEFT + _WIDTH + 110} {height}" role="img"'
        ' aria-label="How far each case is over its gate">',
        f"<style>{_STYLE}</style>",
        f'<line class="gate" x1="{_x(1):.0f}" x2="{_x(1):.0f}" y1="18" y2="{height - 12}"/>',
        f'<text x="{_x(1) + 4:.0f}" y="14">gate; green: reach</text>',
    ]
    for number, case in enumerate(cases, 1):
        y = number * _ROW
        width = max(_x(over_gate(case)) - _LEFT, 2)
        shade = "bar" if case.passes else "miss"
        lines.append(f'<text x="{_LEFT - 8}" y="{y + 15}" text-anchor="end">{escape(case.name)}</text>')
        lines.append(f'<rect class="{shade}" x="{_LEFT}" y="{y + 3}" width="{width:.0f}" height="16" rx="2"/>')
        lines.append(f'<text x="{_LEFT + width + 6:.0f}" y="{y + 15}">{escape(said(case))}</text>')
        if case.reach:
            x = _x(_over(case, case.reach))
            lines.append(f'<line class="reach" x1="{x:.0f}" x2="{x:.0f}" y1="{y + 1}" y2="{y + 21}"/>')
    return "\n".join([*lines, "</svg>", ""])


def over_gate(case: Case) -> float:
    """How many times better than its gate; an upper limit counts the other way round."""
    if case.at_most:
        return (case.gate or case.measured) / case.measured
    return (case.ratio or 0.0) / (case.gate or 1.0)


def said(case: Case) -> str:
    """The judged figure."""
    return f"{case.measured:.0f} {case.unit}" if case.at_most else f"{case.ratio or 0:.2f}"


def _over(case: Case, limit: float) -> float:
    gate = case.gate or (limit if case.at_most else 1.0)
    return gate / limit if case.at_most else limit / gate


def _x(over: float) -> float:
    place = (math.log10(min(max(over, 0.1), 100)) + 1) / _DECADES
    return _LEFT + place * _WIDTH
