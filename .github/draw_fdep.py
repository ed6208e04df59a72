"""Draw fdep.svg beside this file: training with two branches, one deployed.

python .github/draw_fdep.py
"""

from pathlib import Path

GRAY, BLUE, ORANGE = '#57606a', '#0969da', '#bc4c00'
STYLE = """
<style>
text { font: 15px Helvetica, Arial, sans-serif; fill: #24292f; }
.small { font-size: 12px; fill: #57606a; }
.title { font-size: 13px; font-weight: bold; fill: #57606a; }
.box { fill: #ffffff; stroke-width: 1.6; rx: 7; }
.arrow { fill: none; stroke-width: 1.8; }
</style>"""


def box(x, y, width, label, color=GRAY, note='', dashed=False):
    """A rounded box 52 px high, its left edge and middle at x, y."""
    dash = ' stroke-dasharray="6 4"' if dashed else ''
    lines = [(label, '')] + [(note, ' class="small"')] * bool(note)
    first = y + 5 - 8 * (len(lines) - 1)
    texts = ''.join(
        f'<text x="{x + width / 2}" y="{first + 16 * i}" '
        f'text-anchor="middle"{kind}>{text}</text>'
        for i, (text, kind) in enumerate(lines)
    )
    return (
        f'<rect class="box" x="{x}" y="{y - 26}" width="{width}" height="52" '
        f'stroke="{color}"{dash}/>{texts}'
    )


def arrow(points, color=GRAY):
    """A line through points (x, y), with a head."""
    path = 'M' + ' L'.join(f'{x} {y}' for x, y in points)
    return (
        f'<path class="arrow" d="{path}" stroke="{color}" '
        f'marker-end="url(#{color[1:]})"/>'
    )


def head(color):
    """The head of arrows of a color."""
    return (
        f'<marker id="{color[1:]}" viewBox="0 0 10 10" refX="9" refY="5" '
        f'markerWidth="7" markerHeight="7" orient="auto">'
        f'<path d="M0 0 L10 5 L0 10 z" fill="{color}"/></marker>'
    )


def panel(x, width, title):
    """The frame of one half of the figure."""
    return (
        f'<rect x="{x}" y="8" width="{width}" height="264" rx="10" '
        f'fill="#f6f8fa" stroke="#d0d7de"/>'
        f'<text class="title" x="{x + 14}" y="31">{title}</text>'
    )


PARTS = [
    panel(8, 740, 'TRAINING: two branches, one set of weights'),
    panel(764, 388, 'DEPLOYED: the host, unchanged'),
    box(24, 150, 76, 'image'),
    box(132, 88, 150, 'frozen VFM', ORANGE, 'no gradient', dashed=True),
    box(132, 212, 150, 'encoder', BLUE),
    box(330, 88, 126, 'SAMF', ORANGE, 'at the bottleneck'),
    box(504, 88, 110, 'decoder', BLUE),
    box(504, 212, 110, 'decoder', BLUE),
    arrow([(62, 124), (62, 88), (130, 88)]),
    arrow([(62, 176), (62, 212), (130, 212)]),
    arrow([(282, 88), (328, 88)], ORANGE),
    arrow([(282, 212), (393, 212), (393, 116)], BLUE),
    arrow([(393, 212), (502, 212)], BLUE),
    arrow([(456, 88), (502, 88)], ORANGE),
    arrow([(614, 88), (660, 88)]),
    arrow([(614, 212), (660, 212)]),
    '<text x="664" y="93">main loss</text>',
    '<text x="664" y="217">light loss</text>',
    '<path d="M559 116 L559 184" stroke="#0969da" stroke-width="1.6" '
    'stroke-dasharray="3 4"/>',
    '<text class="small" x="568" y="155">shared weights</text>',
    box(780, 150, 70, 'image'),
    box(880, 150, 96, 'encoder', BLUE),
    box(1006, 150, 96, 'decoder', BLUE),
    arrow([(850, 150), (878, 150)]),
    arrow([(976, 150), (1004, 150)], BLUE),
    arrow([(1102, 150), (1130, 150)]),
    '<text class="small" x="880" y="212">no VFM, no prior,</text>',
    '<text class="small" x="880" y="229">no weight and no millisecond more'
    '</text>',
]


def main() -> None:
    """Write the file."""
    body = '\n'.join(PARTS)
    heads = ''.join(map(head, (GRAY, BLUE, ORANGE)))
    Path(__file__).with_name('fdep.svg').write_text(
        '<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 1160 280" '
        f'width="1160" height="280">{STYLE}\n<defs>{heads}</defs>\n'
        f'<rect width="1160" height="280" fill="#ffffff"/>\n{body}\n</svg>\n'
    )


if __name__ == '__main__':
    main()
