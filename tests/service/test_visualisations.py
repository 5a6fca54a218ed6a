"""Feature visualisations through the service: from the store where they are there, else by a job that fills it."""

from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack
from pathlib import Path

import numpy as np
import pytest

from perturber.config import Settings
from perturber.errors import InvalidInputError, StorageError
from perturber.featurevis import Optimisation, Recipe, Store, Target, key
from perturber.service import InferenceService, JobState, Visualised, visualisations
from perturber.service.engine import LocalEngine
from perturber.service.visualisations import VisualisationRequest
from perturber.service.works.visualisation import TARGETS_A_STEP, VisualisationWork

MODEL, LAYER = "efficientnet_lite0", "blocks.1.0"
TINY = Recipe(size=32, steps=4)
LONG = Recipe(size=32, steps=2048)


def neurons(*channels: int) -> list[Target]:
    return [Target(layer=LAYER, index=channel) for channel in channels]


@pytest.fixture
def start(engine: LocalEngine, tmp_path: Path) -> Iterator[Callable[[], InferenceService]]:
    """Starts services one after the other, all on the same folder and on one engine."""
    with ExitStack() as stack:
        yield lambda: stack.enter_context(InferenceService(Settings(data=tmp_path), lambda _: engine))


def make(service: InferenceService, targets: Sequence[Target], recipe: Recipe = TINY) -> list[Visualised]:
    """Order and wait."""
    for found in service.visualise(MODEL, targets, recipe):
        if found.job:
            service.wait(found.job)
    return service.visualise(MODEL, targets, recipe)


def alone(engine: LocalEngine, target: Target, recipe: Recipe = TINY) -> np.ndarray:
    """What the optimiser makes of one target."""
    optimisation = Optimisation(engine.network(MODEL), [target], recipe)
    while not optimisation.finished:
        optimisation.step()
    return optimisation.pictures()[0]


def assert_same(pictures: np.ndarray | None, expected: np.ndarray) -> None:
    """The rounding of convolutions in batches is all that may differ."""
    assert pictures is not None
    assert pictures.dtype == np.uint8
    assert pictures.shape == expected.shape
    assert np.abs(pictures.astype(int) - expected).max() <= 2


def test_what_is_missing_is_made_and_stored_under_its_key(start, engine: LocalEngine, tmp_path: Path) -> None:
    service, targets = start(), neurons(3, 5)
    ordered = service.visualise(MODEL, targets, TINY)
    assert len({found.job for found in ordered}) == 1
    assert all(found.job and not found.state.over for found in ordered)
    service.wait(ordered[0].job)
    found = service.visualise(MODEL, targets, TINY)
    assert [(f.state, f.job, f.error, f.progress.finished) for f in found] == [(JobState.DONE, None, None, True)] * 2
    fingerprint = service.model(MODEL).fingerprint
    assert [f.key for f in found] == [key(fingerprint, target, TINY) for target in targets]
    stored = {path.stem for path in (tmp_path / "visualisations").iterdir()}
    assert stored == {f.key for f in found}
    for f, target in zip(found, targets, strict=True):
        shown = service.visualisations.pictures(f.key)
        assert_same(shown, alone(engine, target))
        np.testing.assert_array_equal(Store(tmp_path / "visualisations", 1).get(f.key), shown)


@pytest.mark.usefixtures("ready_pictures")
def test_what_comes_along_is_neither_made_nor_stored(start, engine: LocalEngine, tmp_path: Path) -> None:
    service, targets = start(), [Target(layer="blocks.5.3", index=channel) for channel in (121, 162)]
    for found in service.visualise(MODEL, targets, Recipe()):
        assert (found.state, found.job, found.error) == (JobState.DONE, None, None)
        assert service.visualisations.pictures(found.key).shape == (1, 128, 128, 3)
    assert not (tmp_path / "visualisations").exists()
    (other,) = service.visualise(MODEL, targets[:1], Recipe(seed=1), order=False)  # of another recipe nothing is ready
    assert other.state is JobState.WAITING


def test_another_service_answers_from_the_disk(start) -> None:
    service = start()
    (found,) = make(service, neurons(3))
    later = start()
    assert later.visualise(MODEL, neurons(3), TINY) == [found]
    assert later.jobs.all() == []
    np.testing.assert_array_equal(later.visualisations.pictures(found.key), service.visualisations.pictures(found.key))


def test_what_is_being_made_is_not_ordered_twice(start) -> None:
    service = start()
    first, second = service.visualise(MODEL, neurons(0, 1), LONG)
    assert first.job == second.job
    again, other, same = service.visualise(MODEL, neurons(1, 2, 2), LONG)
    assert again.job == first.job != other.job
    assert (same.job, same.key) == (other.job, other.key)
    assert [status.title for status in service.jobs.all()] == [
        f"Feature visualisation of {count} × {MODEL} {LAYER}" for count in (2, 1)
    ]


def test_what_is_finished_while_it_is_looked_up_is_not_ordered_again(start, monkeypatch: pytest.MonkeyPatch) -> None:
    service, recipe = start(), Recipe(size=32, steps=60)
    ordered, _ = service.visualise(MODEL, neurons(0, 1), recipe)

    def get(_: Store, __: str) -> None:
        service.wait(ordered.job)  # was not there yet, and is afterwards

    with monkeypatch.context() as patch:
        patch.setattr(Store, "get", get)
        service.visualise(MODEL, neurons(0), recipe)
    assert service.visualise(MODEL, neurons(0), recipe)[0].state is JobState.DONE
    assert [status.id for status in service.jobs.all()] == [ordered.job]


def test_previews_are_those_of_each_target(start, engine: LocalEngine) -> None:
    service = start()
    found = service.visualise(MODEL, neurons(0, 1), Recipe(size=32, steps=2048, variants=2))
    while (preview := service.visualisations.pictures(found[1].key)) is None:
        assert not service.jobs.status(found[1].job).state.over
    assert preview.shape == (2, 32, 32, 3)
    assert service.visualisations.pictures("0" * 64) is None
    with pytest.raises(InvalidInputError, match="Not a key"):
        service.visualisations.pictures("../x")


def test_cancelled_stays_cancelled_until_it_is_ordered_again(start, tmp_path: Path) -> None:
    service = start()
    first, second = service.visualise(MODEL, neurons(0, 1), LONG)
    service.jobs.cancel(first.job)
    for _ in range(2):
        found = service.visualise(MODEL, neurons(0, 1), LONG)
        assert [(f.state, f.job) for f in found] == [(JobState.CANCELLED, first.job)] * 2
        assert service.visualisations.pictures(first.key) is None
    (anew,) = service.visualise(MODEL, neurons(1), LONG, again=True)
    assert anew.key == second.key
    assert not anew.state.over
    assert service.visualise(MODEL, neurons(0), LONG)[0].state is JobState.CANCELLED
    assert not (tmp_path / "visualisations").exists()


def test_a_damaged_picture_is_made_again(start, tmp_path: Path) -> None:
    (found,) = make(start(), neurons(3))
    path = tmp_path / "visualisations" / f"{found.key}.png"
    whole = path.read_bytes()
    path.write_bytes(whole[: len(whole) // 2])
    service = start()
    (ordered,) = service.visualise(MODEL, neurons(3), TINY)
    assert ordered.job
    (done,) = make(service, neurons(3))
    assert (done.state, done.error) == (JobState.DONE, None)
    assert path.read_bytes() == whole


def test_what_the_disk_has_no_room_for_is_shown_nevertheless(
    start, engine: LocalEngine, monkeypatch: pytest.MonkeyPatch
) -> None:
    put = Store.put

    def full(self: Store, name: str, pictures: np.ndarray) -> None:
        if name == keys[0]:
            raise StorageError("The disk is full. Make room.")
        put(self, name, pictures)

    service = start()
    keys = [key(service.model(MODEL).fingerprint, target, TINY) for target in neurons(3, 5)]
    monkeypatch.setattr(Store, "put", full)
    found = make(service, neurons(3, 5))
    assert [(f.state, f.error) for f in found] == [
        (JobState.DONE, "The disk is full. Make room."),
        (JobState.DONE, None),
    ]
    assert_same(service.visualisations.pictures(keys[0]), alone(engine, neurons(3)[0]))


def test_what_memory_and_disk_have_forgotten_is_made_again(
    start, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(visualisations, "MIB_IN_MEMORY", 0)
    service = start()
    first, second = make(service, neurons(3, 5))
    pictures = service.visualisations.pictures(first.key)
    assert service.visualisations.pictures(second.key) is not None  # takes the first one's place in memory
    for path in (tmp_path / "visualisations").iterdir():
        path.unlink()
    assert service.visualisations.pictures(first.key) is None
    (ordered,) = service.visualise(MODEL, neurons(3), TINY)
    assert ordered.job
    (done,) = make(service, neurons(3))
    assert done.state is JobState.DONE
    np.testing.assert_allclose(service.visualisations.pictures(first.key).astype(int), pictures, atol=2)


@pytest.mark.parametrize(
    ("model", "target", "sentence"),
    [
        ("alexnet", Target(layer=LAYER), "Unknown model 'alexnet'"),
        (MODEL, Target(layer="mixed4d"), f"Unknown layer of {MODEL} 'mixed4d'"),
        (MODEL, Target(layer=LAYER, index=24), "no channel '24'. Allowed: whole numbers, 0 to 23."),
        (MODEL, Target(kind="direction", layer=LAYER, direction=((1, 1.0), (99, 1.0))), "no channel '99'"),
        (MODEL, Target(kind="class", index=1000), "no class '1000'. Allowed: whole numbers, 0 to 999."),
    ],
)
def test_unknown_models_layers_channels_and_classes_are_refused(
    start, model: str, target: Target, sentence: str
) -> None:
    service = start()
    with pytest.raises(InvalidInputError, match=sentence):
        service.visualise(model, [*neurons(0), target], TINY)
    assert service.jobs.all() == []


def test_a_job_has_a_title() -> None:
    targets = (*neurons(1, 2), Target(kind="class", index=3))
    request = VisualisationRequest(model=MODEL, fingerprint="", targets=targets, recipe=TINY)
    assert request.title == f"Feature visualisation of 3 × {MODEL} {LAYER}, classes"


@pytest.mark.parametrize(("variants", "parts"), [(1, 3), (3, 9)])
def test_many_targets_are_made_in_parts_and_keep_their_order(engine: LocalEngine, variants: int, parts: int) -> None:
    recipe = Recipe(size=32, steps=2, variants=variants)
    targets = (*neurons(*range(8, 0, -1)), Target(kind="class", index=3))
    assert len(targets) == 2 * TARGETS_A_STEP["cpu"] + 1
    work = VisualisationWork(
        engine.resources, VisualisationRequest(model=MODEL, fingerprint="", targets=targets, recipe=recipe)
    )
    assert len(work.parts) == parts
    for done in range(2 * parts):
        assert (work.progress().done, work.progress().steps) == (done, 2 * parts)
        work.step()
        assert max(part.done for part in work.parts) - min(part.done for part in work.parts) <= 1
    assert work.progress().finished
    made = work.product()
    assert made.shape == (9, variants, 32, 32, 3)
    for number in (0, 4, 7, 8):
        assert_same(made[number], alone(engine, targets[number], recipe))
