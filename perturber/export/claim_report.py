"""A test as a report: one HTML file that needs no network, or the PDF that the machine's Chromium prints of it."""

import os
import subprocess
import tempfile
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from html import escape
from pathlib import Path

from perturber import chromium
from perturber.errors import InvalidInputError
from perturber.experiments.claims import ABOUT, SEEDS, Case
from perturber.experiments.paired import CONFIDENCE, FLIPS, RESAMPLES
from perturber.experiments.smallest import named, written
from perturber.experiments.tested import Outcome, Row
from perturber.figures.claims import effects_figure

PRINT_SECONDS = 60

STYLE = """
body { font: 14px/1.45 system-ui, 'Liberation Sans', Arial, sans-serif; color: #212529; max-width: 860px;
  margin: 24px auto; padding: 0 16px; }
h1 { font-size: 22px; } h2 { font-size: 16px; margin: 24px 0 6px; }
.sentence { font-size: 18px; } .pictures { display: flex; flex-wrap: wrap; gap: 12px; }
figure { margin: 0; width: 224px; break-inside: avoid; } figure.pair { width: 340px; }
figure img { width: 224px; height: 224px; } figure.pair img { width: 166px; height: 166px; margin-right: 4px; }
figcaption { font-size: 12px; color: #495057; } table { border-collapse: collapse; font-size: 12px; }
th, td { text-align: left; padding: 3px 12px 3px 0; border-bottom: 1px solid #ced4da; vertical-align: top; }
td.code { font-family: monospace; word-break: break-all; } tr { break-inside: avoid; }
"""


@dataclass(frozen=True)
class Shown:
    """A pair that is shown as an example.

    Attributes:
        place: of the pair.
        pictures: A's and B's, as ``data:`` addresses.
    """

    place: int
    pictures: tuple[str, str]


def report_html(
    found: Outcome, pictures: tuple[str, str], examples: Mapping[str, Sequence[Shown]], *, link: str = ""
) -> bytes:
    """The report; whatever users wrote is escaped.

    Args:
        pictures: of A and of B, as ``data:`` addresses.
        examples: heading → pairs.
        link: of the page that shows the test, or "".
    """
    figure = effects_figure(found).update_layout(paper_bgcolor="white")
    drawn = figure.to_html(full_html=False, include_plotlyjs=True, config={"staticPlot": True}, div_id="effects")
    parts = [
        f"<h1>Test: {escape(found.claim.clause())}</h1>",
        f'<p class="sentence">{escape(found.sentence)}</p>',
        f"<p>{escape(found.about)}</p>",
        "<h2>What was seen</h2>",
        f'<div class="pictures">{_figure("A", pictures[0])}{_figure("B", pictures[1])}</div>',
        _table(("What differs", "A", "B"), _differences(found)),
        "<h2>What was found</h2>",
        drawn,
        _table(
            ("Network", "Over", f"B − A ({found.unit})", "95 % interval", "p", "Holm", "Pairs / units"), _rows(found)
        ),
        *(f"<p>{escape(note)}</p>" for note in found.notes),
    ]
    for heading, some in examples.items():
        shown = "".join(_pair(found, one) for one in some)
        parts += [f"<h2>{escape(heading)}</h2>", f'<div class="pictures">{shown}</div>']
    parts += ["<h2>Method</h2>", f"<p>{escape(_method(found))}</p>", "<h2>Settings</h2>", _settings(found, link)]
    body = "\n".join(parts)
    head = (
        '<meta charset="utf-8"><meta http-equiv="Content-Security-Policy" content="default-src \'none\'; '
        "img-src data:; style-src 'unsafe-inline'; script-src 'unsafe-inline'\">"
        f"<title>Perturber: test</title><style>{STYLE}</style>"
    )
    return f'<!doctype html><html lang="en"><head>{head}</head><body>{body}</body></html>'.encode()


def report_pdf(html: bytes) -> bytes:
    """A report as Chromium prints it: from a file of ours in a folder of its own, without a network.

    Raises:
        InvalidInputError: there is no Chromium, or it does not print.
    """
    program = chromium.find()
    if program is None:
        raise InvalidInputError(
            "The server has no Chromium, which prints PDF. Save the report as HTML, and print that."
        )
    with tempfile.TemporaryDirectory(prefix="perturber-report-") as folder:
        page, out = Path(folder, "report.html"), Path(folder, "report.pdf")
        page.write_bytes(html)
        root = ["--no-sandbox"] if hasattr(os, "geteuid") and os.geteuid() == 0 else []  # it refuses one to root
        command = [
            program, "--headless", *root, "--disable-gpu", "--no-first-run", "--disable-extensions",
            "--host-resolver-rules=MAP * ~NOTFOUND", f"--user-data-dir={folder}/profile", "--no-pdf-header-footer",
            "--virtual-time-budget=10000", f"--print-to-pdf={out}", page.as_uri(),
        ]  # fmt: skip
        try:
            subprocess.run(command, check=True, capture_output=True, timeout=PRINT_SECONDS)
            return out.read_bytes()
        except (OSError, subprocess.SubprocessError) as error:
            raise InvalidInputError("Chromium could not print the report. Save it as HTML, and print that.") from error


def _figure(name: str, picture: str) -> str:
    return f'<figure><img src="{escape(picture)}" alt="Scene {name}"><figcaption><b>{name}</b></figcaption></figure>'


def _pair(found: Outcome, one: Shown) -> str:
    case = found.cases[one.place]
    images = "".join(
        f'<img src="{escape(picture)}" alt="{name}">' for name, picture in zip("AB", one.pictures, strict=True)
    )
    said = []
    for n, model in enumerate(found.models):
        (a, b), (first, second) = found.values[one.place, n].tolist(), found.tops[one.place, n].tolist()
        said.append(f"{found.labels[model]}: {a:.3g} → {b:.3g} {found.unit}; {first} → {second}")
    caption = "<br>".join(escape(line) for line in (_place(case), *said))
    return f'<figure class="pair">{images}<figcaption>{caption}</figcaption></figure>'


def _place(case: Case) -> str:
    if case.file is not None:
        return case.file.name
    seed = "" if case.seed is None else f", seed {case.seed}"
    view = f"yaw {case.a.yaw:.1f}°, pitch {case.a.pitch:.1f}°, distance {case.a.distance:.2f}".replace("-", "−")
    return f"{case.thing.label} before {written('background', case.background)}, {view}{seed}"


def _differences(found: Outcome) -> list[tuple[str, ...]]:
    sides = (found.claim.a, found.claim.b)
    return [(named(key), *(written(key, getattr(side, key)) for side in sides)) for key in found.claim.keys]


def _rows(found: Outcome) -> list[tuple[str, ...]]:
    return [
        (
            " − ".join(found.labels[model] for model in row.models),
            row.group or "All",
            _number(row.mean, "+.3g"),
            _interval(row),
            _number(row.p, ".4f"),
            _number(row.holm, ".4f"),
            f"{row.pairs} / {row.units}",
        )
        for row in found.rows
    ]


def _interval(row: Row) -> str:
    return f"{_number(row.low, '+.3g')} … {_number(row.high, '+.3g')}" if row.low == row.low else "–"


def _number(value: float, how: str) -> str:
    return format(value, how).replace("-", "−") if value == value else "–"


def _table(heads: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    head = "".join(f"<th>{escape(one)}</th>" for one in heads)
    lines = ("".join(f"<td>{escape(cell)}</td>" for cell in row) for row in rows)
    return f"<table><tr>{head}</tr>{''.join(f'<tr>{line}</tr>' for line in lines)}</table>"


def _method(found: Outcome) -> str:
    return (
        "Every pair of pictures shares all but the parameters in which A and B differ; each network was shown both, "
        "and the difference B − A was taken. Views were drawn anew around A’s, evenly within the ranges below; what A "
        f"and B themselves show is not among them. {found.independence} Intervals at {100 * CONFIDENCE:.0f} % are "
        f"percentile bootstrap intervals (Efron 1979) of {RESAMPLES:,} resamples of these units; p-values are those of "
        f"two-sided sign-flip tests (Fisher 1935) of the units’ sums, all sign changes where there are up to {FLIPS:,} "
        "of them and otherwise as many at random. They are corrected for the number of networks, and those of "
        "differences between networks for their number, after Holm (1979); effects for single objects are not."
    )


def _settings(found: Outcome, link: str) -> str:
    claim = found.claim
    rows = [
        ("Measure", f"{ABOUT[claim.kind]}: {found.wanted}"),
        *([("Link", link)] if link else []),
        *(
            (f"Network {found.labels[m]}", f"{m}, SHA-256 {f}")
            for m, f in zip(found.models, found.fingerprints, strict=True)
        ),
        *(
            [("Pictures", f"{claim.pictures:,} of a folder")]
            if claim.pictures
            else [
                ("Objects", ", ".join(f"{thing.label} ({thing})" for thing in claim.over)),
                ("Backgrounds", ", ".join(claim.before)),
                ("Views", f"{claim.views} each; {', '.join(f'{named(k)} ± {w:g}' for k, w in claim.camera)}"),
            ]
        ),
        ("Seeds", ", ".join(map(str, claim.seeds)) or ", ".join(f"{named(k)} {getattr(claim.a, k):g}" for k in SEEDS)),
        ("Seed of views and resamples", str(claim.seed)),
        ("Perturber", found.version),
        *((f"A: {named(key)}", written(key, value)) for key, value in claim.a.as_dict().items()),
        *((f"B: {named(key)}", written(key, getattr(claim.b, key))) for key in claim.keys),
    ]
    return _table(("Setting", "Value"), rows)
