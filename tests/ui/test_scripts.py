"""The scripts in assets/ stay few and small."""

import re
from itertools import accumulate
from pathlib import Path

import pytest

ASSETS = Path(__file__).resolve().parents[2] / "assets"
SCRIPTS = {path.name: path.read_text().splitlines() for path in sorted(ASSETS.glob("*.js"))}

MOST_LINES, MOST_OF_A_FILE, MOST_OF_A_FUNCTION, WIDEST = 1100, 250, 40, 120

STRING = re.compile(r'"(?:[^"\\]|\\.)*"')
FUNCTION = re.compile(
    r"\bfunction\b.*\{$|=> \(?\{$|^ +(?:async |get |set |static )*(?!if|for|while|switch|catch)\w+\(.*\) \{$"
)


def functions(lines: list[str]) -> dict[str, int]:
    """First line of a function → how many lines it has; the one around a whole file does not count."""
    bare = [STRING.sub("", line).split(" // ")[0] for line in lines]
    depth = [0, *accumulate(line.count("{") - line.count("}") for line in bare)]
    found = {}
    for start, line in enumerate(bare):
        if FUNCTION.search(line) and not line.startswith("("):
            end = next(n for n in range(start + 1, len(bare)) if depth[n + 1] <= depth[start])
            found[f"{start + 1}: {line.strip()}"] = end - start + 1
    return found


def test_functions_are_found() -> None:
    lines = [
        "(function () {",
        "    function first(a) {",
        '        if (a === "{") {',
        "            return a.map((b) => {",
        "                return b;",
        "            });",
        "        }",
        "    }",
        "    const second = () => {",
        "    };",
        "})();",
    ]
    assert list(functions(lines).values()) == [7, 3, 2]
    assert sum(map(len, map(functions, SCRIPTS.values()))) > 60


def test_all_scripts_together() -> None:
    lengths = {name: len(lines) for name, lines in SCRIPTS.items()}
    assert sum(lengths.values()) <= MOST_LINES, lengths


@pytest.mark.parametrize("name", SCRIPTS)
def test_a_script(name: str) -> None:
    lines = SCRIPTS[name]
    assert len(lines) <= MOST_OF_A_FILE
    assert [line for line in lines if len(line) > WIDEST] == []
    assert {line: length for line, length in functions(lines).items() if length > MOST_OF_A_FUNCTION} == {}
