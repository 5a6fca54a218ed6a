"""The command line as a user runs it, in this process."""

from collections.abc import Callable

import pytest
from example_files import folder, network

from perturber import cli

__all__ = ["folder", "network"]


@pytest.fixture
def perturber(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> Callable[..., tuple[int, str, str]]:
    """Runs a command: its exit code, what it printed, and what it printed to stderr."""

    def run(*arguments: object) -> tuple[int, str, str]:
        monkeypatch.setattr("sys.argv", ["perturber", *map(str, arguments)])
        with pytest.raises(SystemExit) as exit_:
            cli.main()
        output = capsys.readouterr()
        return int(exit_.value.code or 0), output.out, output.err

    return run
