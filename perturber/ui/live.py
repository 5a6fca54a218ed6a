"""What pages tell of themselves while they are presented (see `perturber.sessions.live`)."""

from collections.abc import Mapping
from typing import Any

import dash
from flask import current_app

from perturber.scene import SceneBase
from perturber.sessions.live import Live
from perturber.ui.callbacks.messages import Answer, Props, Seat
from perturber.ui.components.parameter_panel import panel_choices

KEY = "PERTURBER_LIVE"

PAUSE_MS = 60
"""Between an answer and the next question of a page that follows."""

OWN = {"data", "is_open"}
"""Properties that concern one tab alone: files that it saves, dialogs."""


class Unknown(dict[str, str]):
    """What is drawn on the pages of followers, which may be anything: nothing of it is what is to be drawn."""

    def get(self, key: str, default: object = None) -> str:
        """What nothing is called that is drawn."""
        return "unknown"


def live() -> Live:
    """The live sessions of the app that answers the present request."""
    return current_app.config[KEY]


def begins(seat: Seat | None, visit: str) -> bool:
    """Whether an answer is to hold all that its page shows, as the first that those get who follow."""
    return seat is not None and seat.presents and live().begins(seat.session, seat.token, visit)


def publish(page: str, seat: Seat | None, answer: Answer, before: SceneBase | None, scene: SceneBase) -> None:
    """Those who follow get an answer of a page that is presented, too.

    Args:
        page: its name.
        seat: of the tab that has asked, if it presents or follows.
        before: the scene of the last answer; None where this one is the first.
        scene: of the answer.
    """
    if seat is None or not seat.presents:
        return
    props = list(answer["props"])
    if before is None or (before.object, before.background) != (scene.object, scene.background):
        props.insert(0, Props(id=f"{page}-panel", props=panel_choices()))  # it may have just been added
    head: Mapping[str, Any] = {}
    if answer["looked"]:
        head = {**answer, "scene": scene.as_dict(), "again": PAUSE_MS, "record": None, "live": False}
        head = {key: value for key, value in head.items() if key not in ("client", "sequence", "request", "props")}
    path = next(one["path"] for one in dash.page_registry.values() if one["module"].endswith(f".{page}"))
    live().publish(seat.session, seat.token, answer["client"], path, props, head)


def known_to_followers(seat: Seat | None, visit: str, shown: Mapping[str, str]) -> Mapping[str, str]:
    """What is shown of what takes its time, for the next question about it (see `Follow`).

    Args:
        shown: by the page itself.
    """
    if seat is None or not live().presents(seat.session, seat.token):
        return shown
    return live().follows(seat.session, seat.token, visit) or {}


def publish_followed(page: str, seat: Seat | None, visit: str, props: list[Props], shown: Mapping[str, str]) -> None:
    """Those who follow a page get what has come of what takes its time, too.

    Args:
        shown: what is shown of it from now on.
    """
    if seat is not None and seat.presents:
        shared = [one for one in props if not OWN & one["props"].keys()]
        known = Props(id=f"{page}-followed", props={"data": shown})  # for who breaks away, and asks for it alone then
        live().add(seat.session, seat.token, visit, [*shared, known], shown)
