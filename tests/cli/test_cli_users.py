"""``perturber users``."""

import io
import json
import stat
from collections.abc import Callable
from pathlib import Path

import pytest

from perturber.accounts import Accounts
from perturber.users import Role

Run = Callable[..., tuple[int, str, str]]
PASSWORD = "correct horse battery"


@pytest.fixture(autouse=True)
def data(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("PERTURBER_DATA", str(tmp_path))
    return tmp_path


@pytest.fixture
def typed(monkeypatch: pytest.MonkeyPatch) -> Callable[[str], None]:
    return lambda text: monkeypatch.setattr("sys.stdin", io.StringIO(text))


def test_accounts_come_and_go(perturber: Run, typed: Callable[[str], None], data: Path) -> None:
    typed(f"{PASSWORD}\n")
    assert perturber("users", "add", "ada", "--role", "admin", "--password-stdin")[0] == 0
    account = Accounts(data).all()["ada"]
    assert (account.role, account.password.partition(":")[0]) == (Role.ADMIN, "scrypt")
    assert PASSWORD not in (data / "users.json").read_text()
    assert stat.S_IMODE((data / "users.json").stat().st_mode) == 0o600
    assert Accounts(data).known("ada", PASSWORD) == account

    typed(f"another {PASSWORD}\n")
    assert perturber("users", "password", "ada", "--password-stdin")[0] == 0
    assert Accounts(data).known("ada", PASSWORD) is None
    assert perturber("users", "role", "ada", "viewer")[0] == 0
    assert perturber("users", "list")[1].split() == ["ada", "viewer"]
    assert json.loads(perturber("users", "list", "--json")[1]) == [{"name": "ada", "role": "viewer"}]
    assert perturber("users", "remove", "ada")[0] == 0
    assert perturber("users", "list")[1] == ""


def test_a_password_is_asked_for_twice(perturber: Run, monkeypatch: pytest.MonkeyPatch, data: Path) -> None:
    given = iter([PASSWORD, PASSWORD, PASSWORD, PASSWORD + "x"])
    monkeypatch.setattr("perturber.cli.users.getpass", lambda _: next(given))
    assert perturber("users", "add", "ada")[0] == 0
    assert Accounts(data).known("ada", PASSWORD) is not None
    code, _, said = perturber("users", "add", "ed")
    assert (code, said) == (2, "perturber: The passwords differ. Try again.\n")


@pytest.mark.parametrize(
    ("name", "password", "sentence"),
    [
        ("ada", PASSWORD, "already"),
        ("Eve", PASSWORD, "a-z"),
        ("127.0.0.1", PASSWORD, "first a letter"),
        ("a shared link", PASSWORD, "a-z"),
        ("x" * 33, PASSWORD, "32 characters"),
        ("ed", "short", "10 to 200"),
        ("ed", "", "0 characters"),
        ("ed", "x" * 201, "10 to 200"),
    ],
)
def test_what_is_no_account(
    perturber: Run, typed: Callable[[str], None], data: Path, name: str, password: str, sentence: str
) -> None:
    Accounts(data).add("ada", Role.ADMIN, PASSWORD)
    typed(password)
    code, _, said = perturber("users", "add", name, "--password-stdin")
    assert code == 2
    assert sentence in said
    assert list(Accounts(data).all()) == ["ada"]


def test_an_account_that_there_is_not(perturber: Run) -> None:
    for command in (("remove", "eve"), ("role", "eve", "admin")):
        code, _, said = perturber("users", *command)
        assert code == 2
        assert "Unknown account 'eve'" in said


@pytest.mark.parametrize(
    "content", ["{", "[]", '{"ada": 5}', '{"ada": {"role": "king", "password": "x"}}', "[" * 10**5]
)
def test_a_broken_file_lets_nobody_in(perturber: Run, data: Path, content: str) -> None:
    (data / "users.json").write_text(content)
    code, _, said = perturber("users", "list")
    assert code == 2
    assert "cannot be read" in said
    assert "Repair the file" in said


def test_a_link_to_share(perturber: Run, data: Path) -> None:
    code, printed, _ = perturber("users", "link", "http://gpu1:8050/compare?m1=a", "--days", "1")
    assert code == 0
    place, _, token = printed.strip().rpartition("/")
    assert place == "http://gpu1:8050/share"
    assert Accounts(data).shared(token) == "/compare?m1=a"
    assert stat.S_IMODE((data / "secret.key").stat().st_mode) == 0o600
