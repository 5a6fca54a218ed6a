"""Tables in Markdown: one component, where one for each cell would keep every callback of a page waiting."""

import re
from collections.abc import Collection, Sequence


def table(heads: tuple[str, ...], rows: Sequence[tuple[str, ...]], *, numbers: Collection[int] = ()) -> str:
    """A table in Markdown; what its cells hold is Markdown, too (see `plain` and `code`).

    Args:
        numbers: columns, from 0, whose cells end at the right.
    """
    rule = tuple("---:" if n in numbers else "---" for n in range(len(heads)))
    lines = [heads, rule, *rows]
    return "\n".join(f"| {' | '.join(line)} |" for line in lines)


def plain(text: str) -> str:
    """Text that means nothing to Markdown: what might is written as a character reference."""
    return re.sub(r"[^\w\s,.;:?/'’]", lambda found: f"&#{ord(found[0])};", " ".join(text.split()))


def code(text: str) -> str:
    """Code in a cell, between more backticks than it has."""
    fence = "`" * (1 + max(map(len, re.findall("`+", text)), default=0))
    return f"{fence} {' '.join(text.split())} {fence}".replace("|", "\\|")
