"""The scene that a link of this app shows, whatever kind of link it is."""

from collections.abc import Mapping
from typing import NamedTuple
from urllib.parse import parse_qsl, urlsplit

from perturber.config import Settings
from perturber.errors import InvalidInputError
from perturber.parameters import PARAMETERS
from perturber.scene import Scene, SceneBase
from perturber.sessions.checks import LONGEST_QUERY
from perturber.sessions.links import ShortLinks
from perturber.sessions.store import Sessions

PAGES = ("/", "/compare", "/mixing")
"""Whose links hold a scene."""

SHORT_PATH = "/s/"


class Shown(NamedTuple):
    """A scene, and what else its link says."""

    scene: SceneBase
    values: Mapping[str, str]


def scene_of(link: str, settings: Settings) -> Shown:
    """The scene of a link: a page's address with its state, with a snapshot's number, or a short one.

    Args:
        link: of a whole address only path and query count.

    Raises:
        InvalidInputError: it is no link to a scene, or something in it is not allowed.
    """
    if not isinstance(link, str) or len(link) > LONGEST_QUERY or not link.strip().isprintable():
        raise InvalidInputError("This is no link of this app. Copy one from Link at the lower edge of Explore.")
    try:
        parts = urlsplit(link.strip())
    except ValueError as error:
        raise InvalidInputError(f"{link[:80]!r} is no link: {error}.") from error
    path, query = parts.path or "/", parts.query
    values = dict(parse_qsl(query, keep_blank_values=True))
    if path.startswith(SHORT_PATH):
        path, query = ShortLinks(settings.data).long_query(path.removeprefix(SHORT_PATH))
    elif "short" in values:
        path, query = ShortLinks(settings.data).long_query(values["short"])
    elif "snapshot" in values:
        number = values["snapshot"]
        known = Sessions(settings.data).snapshot(int(number) if number.isdecimal() and len(number) < 19 else 0)
        path, query = known.page, known.query
    if path not in PAGES:
        raise InvalidInputError(f"{path[:80]!r} shows no scene. Allowed are links of {', '.join(PAGES)}.")
    values = dict(parse_qsl(query.removeprefix("?"), keep_blank_values=True))
    return Shown(Scene.parse({key: value for key, value in values.items() if key in PARAMETERS}), values)
