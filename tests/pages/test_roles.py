"""What who only looks may do: everything that changes nothing, and one sentence for the rest."""

import base64

import numpy as np
import pytest
from explore_visit import Visit
from flask.testing import FlaskClient
from user_files import picture

from app import create_app
from perturber.errors import NotAllowedError
from perturber.featurevis import Recipe, Target
from perturber.objects import Store
from perturber.own_groups import OwnGroups
from perturber.service import InferenceService, JobState
from perturber.ui.callbacks.uploads import receive
from perturber.users import Role, User, acting

LITE0 = "efficientnet_lite0"
QUERY = f"m1={LITE0}&l1=blocks.3.0&c1=0&h2=1"
VERA = User("vera", Role.VIEWER)
ED = User("ed", Role.EDITOR)


@pytest.fixture(scope="module")
def client(service: InferenceService) -> FlaskClient:
    return create_app(service=service).server.test_client()


@pytest.fixture
def viewer(client: FlaskClient, monkeypatch: pytest.MonkeyPatch) -> None:
    """Whoever asks is a viewer."""
    monkeypatch.setattr("perturber.ui.accounts._who", lambda: VERA)


def test_roles_include_those_below() -> None:
    assert [[User("x", one).may(other) for other in Role] for one in Role] == [
        [True, False, False], [True, True, False], [True, True, True]
    ]  # fmt: skip


def test_the_owner_and_admins_may_change_what_is_kept() -> None:
    assert ED.may_change("ed")
    assert not ED.may_change("vera")
    assert not ED.may_change("")
    assert not User("", Role.EDITOR).may_change("")
    assert User("ada", Role.ADMIN).may_change("")


@pytest.mark.usefixtures("viewer")
def test_a_viewer_looks_and_orders_nothing(client: FlaskClient, service: InferenceService) -> None:
    here = Visit(client, f"{QUERY}&plane=1&plane_neuron={LITE0}/blocks.3.0:1")
    for _ in range(2):  # what is missing is not kept as an answer
        answer = here.look()
        assert (answer["looked"], answer["again"]) == (True, None)  # it does not ask for ever
        assert "A viewer cannot make feature visualisations; that takes an editor." in here.notice
    here.follow()
    assert not here.running
    card = here.of("maps", 0)["pictures"][0]["front"]
    assert (card["src"], card["note"]) == (None, "not made")
    here.follow("make", 0)
    assert here.notice.startswith("A viewer cannot make feature visualisations")
    assert service.jobs.all() == []


def test_what_an_editor_has_made_a_viewer_sees(client: FlaskClient, service: InferenceService) -> None:
    target, recipe = Target(layer="blocks.3.0", index=2), Recipe(size=32, steps=2)
    with acting(VERA):
        (found,) = service.visualise(LITE0, [target], recipe)
        assert (found.state, found.job) == (JobState.CANCELLED, None)
        with pytest.raises(NotAllowedError):
            service.visualise(LITE0, [target], recipe, again=True)
    with acting(ED):
        (ordered,) = service.visualise(LITE0, [target], recipe)
    with acting(VERA):
        assert service.visualise(LITE0, [target], recipe)[0].job == ordered.job
    service.wait(str(ordered.job))
    with acting(VERA):
        (found,) = service.visualise(LITE0, [target], recipe, again=True)
    assert (found.state, found.error) == (JobState.DONE, None)


@pytest.mark.usefixtures("viewer")
def test_a_viewer_attacks_but_starts_no_job(client: FlaskClient, service: InferenceService) -> None:
    here = Visit(client, f"{QUERY}&cards=none")
    assert here.look(("attack-count", 2), ("attack-run", 1))["looked"]
    here.look(("drawer", "models"))
    here.follow("models")
    assert here.notice == "A viewer cannot start jobs; that takes an editor. Ask an administrator to be one."


@pytest.mark.usefixtures("viewer")
def test_a_viewer_keeps_nothing(client: FlaskClient, service: InferenceService) -> None:
    groups = OwnGroups(service.settings.data)
    groups.keep(LITE0, "blocks.3.0", "mine", [1])
    here = Visit(client, f"{QUERY}&cards=none")
    here.look(("group", "drop:mine", 0))
    assert here.notice == "A viewer cannot remove groups; that takes an editor. Ask an administrator to be one."
    assert groups.of(LITE0, "blocks.3.0") == {"mine": [1]}
    with client.application.app_context(), acting(VERA):
        content = f"data:image/png;base64,{base64.b64encode(picture(np.zeros((8, 8, 3), np.uint8))).decode()}"
        outcome = receive("background", [content], ["wall.png"], label=None)
        assert outcome.message.startswith("A viewer cannot add backgrounds")
        for change in (
            lambda: Store(service.settings.data).add_object({"a.obj": b""}),
            lambda: groups.keep(LITE0, "blocks.3.0", "other", [1]),
        ):
            with pytest.raises(NotAllowedError, match="that takes an editor"):
                change()
    assert groups.of(LITE0, "blocks.3.0") == {"mine": [1]}
