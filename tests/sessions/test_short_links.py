"""Short links: equal states have equal ones, and they lead back for good."""

import hashlib
from base64 import b32encode
from pathlib import Path

import pytest

from perturber.errors import InvalidInputError, NotAllowedError
from perturber.sessions import FILE, Link, ShortLinks, kept_by_owner
from perturber.sessions import links as module
from perturber.users import Role, User, acting


def test_there_and_back(tmp_path: Path) -> None:
    links, query = ShortLinks(tmp_path), "custom_code=" + "color%20%3D%20" * 2000
    id = links.short_link(query, "/compare")
    assert id == b32encode(hashlib.sha256(f"/compare?{query}".encode()).digest()).decode().lower()[:10]
    assert links.long_query(id) == links.long_query(id.upper()) == Link("/compare", query)
    changed = (tmp_path / FILE).stat().st_mtime_ns
    assert ShortLinks(tmp_path).short_link(f"?{query}", "/compare") == id
    assert (tmp_path / FILE).stat().st_mtime_ns == changed
    assert links.short_link(query) != id
    assert links.long_query(links.short_link("")) == Link("/", "")


def test_two_states_with_one_beginning(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The later one's id is longer, and stays so."""
    ends = {"a": "b", "b": "c", "c": "bb"}
    monkeypatch.setattr(module, "_digest", lambda link: ("a" * 10 + ends[link.query]).ljust(52, "2"))
    links = ShortLinks(tmp_path)
    ids = {query: links.short_link(query) for query in ends}
    assert ids == {"a": "a" * 10, "b": "a" * 10 + "c", "c": "a" * 10 + "b"}
    for query, id in ids.items():
        assert links.short_link(query) == id
        assert links.long_query(id).query == query


@pytest.mark.parametrize("id", ["", "aaaaaaaaaa", "a" * 53, "AAAA' OR 1", "../../etc", None, "0189000000"])
def test_no_such_link(tmp_path: Path, id: str) -> None:
    ShortLinks(tmp_path).short_link("a=b")
    with pytest.raises(InvalidInputError, match="There is no short link"):
        ShortLinks(tmp_path).long_query(id)


@pytest.mark.parametrize(
    ("query", "page"),
    [("x" * 100_001, "/"), ("a\n", "/"), ("a#b", "/"), ("a", "//evil.example"), ("a", "https://x"), ("a", "/\\x")],
)
def test_what_is_no_state(tmp_path: Path, query: str, page: str) -> None:
    with pytest.raises(InvalidInputError, match=r"too long|is no state|is no page"):
        ShortLinks(tmp_path).short_link(query, page)
    assert list(tmp_path.iterdir()) == []


def test_viewers_use_links_and_make_none(tmp_path: Path) -> None:
    links, viewer = ShortLinks(tmp_path), User("vi", Role.VIEWER)
    with acting(User("ed", Role.EDITOR)):
        id = links.short_link("a=b")
    with acting(viewer):
        assert links.short_link("a=b") == id
        assert links.long_query(id).query == "a=b"
        with pytest.raises(NotAllowedError, match="A viewer cannot make short links"):
            links.short_link("a=c")
    assert kept_by_owner(tmp_path) == {"ed": 3}
