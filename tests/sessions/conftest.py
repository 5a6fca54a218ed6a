"""Sessions of a folder of their own."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from perturber.sessions import Sessions


@pytest.fixture
def bare(tmp_path: Path) -> Sessions:
    """Those of a folder that is not there yet."""
    return Sessions(tmp_path / "data")


@pytest.fixture
def sessions(bare: Sessions) -> Iterator[Sessions]:
    """As beside a server."""
    with bare.database.held():
        yield bare
