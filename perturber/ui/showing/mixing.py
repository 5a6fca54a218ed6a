"""What the Mixing page shows of looks, of scans, and of the edits that were kept."""

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path

from perturber import zoo
from perturber.config import Settings
from perturber.editing import Edit, Level, ScanResult, load_edit
from perturber.errors import InvalidInputError, UnknownNameError
from perturber.figures import SLOT_NAMES
from perturber.finite import unknown_margins
from perturber.service import JobState, JobStatus, Look, ScanRequest, SlotLook
from perturber.ui.callbacks.messages import Props
from perturber.ui.components.bars import NO_LOGITS, bar_rows, longest_logit
from perturber.ui.components.controls import control_id
from perturber.ui.context import cache, service
from perturber.ui.papers.orders import examples_folder
from perturber.ui.states.mixing import MixingState
from perturber.ui.states.mixing_edits import Known

NO_EDIT = "These two models cannot be mixed."


@dataclass(frozen=True, kw_only=True)
class KeptEdit:
    """An edit that was kept as a model.

    Attributes:
        name: of the model.
        edit: what was done to the weights.
        date: when, ISO 8601, UTC.
    """

    name: str
    edit: Edit
    date: str

    @property
    def label(self) -> str:
        """Name and day."""
        return f"{self.name} ({self.date[:10]})"


def kept_edits(names: Sequence[str], settings: Settings) -> list[KeptEdit]:
    """The edits that were kept, newest first.

    Args:
        names: of all models that are ready.
    """
    found = []
    for name in names:
        path = settings.data / "edits" / f"{name}.safetensors"
        row = _kept(name, path, path.stat().st_mtime_ns) if path.is_file() else None
        if row is not None:
            found.append(row)
    return sorted(found, key=lambda row: row.date, reverse=True)


def outcomes(page: str, slots: Sequence[SlotLook | None]) -> list[Props]:
    """What three models predict: their bars are compared, so that the largest logit of all is the longest.

    Args:
        slots: Model 1, Model 2 and Edited; None where there is nothing to show.
    """
    scores = [() if slot is None else slot.top or () for slot in slots]
    largest = longest_logit(score for top in scores for score in top)
    props: list[Props] = []
    for number, (slot, top) in enumerate(zip(slots, scores, strict=True)):
        empty = NO_EDIT if slot is None else NO_LOGITS
        shown = {"rows": bar_rows(top, largest=largest), "empty": "" if top else empty}
        props.append({"id": control_id(page, "bars", number), "props": shown})
    return props


def look_status(answer: Look, slots: Sequence[SlotLook | None], kept: bool) -> list[str]:
    """Parts of the status line.

    Args:
        kept: whether the answer is one that was kept.
    """
    networks = [f"{name} {slot.milliseconds:.0f} ms" for name, slot in zip(SLOT_NAMES, slots, strict=True) if slot]
    parts = [f"Render {answer.render_ms:.0f} ms", *networks, f"service {answer.total_ms:.0f} ms", answer.device]
    if answer.plane and not answer.plane.finished:
        parts.insert(0, f"Feature visualisation: step {answer.plane.done} of {answer.plane.steps}")
    return [*parts, "cached"] if kept else parts


def scan_words(status: JobStatus, result: ScanResult | None) -> str:
    """What a scan is about, how far it has come, and what is not known.

    Args:
        result: what it has found so far.
    """
    about = status.title.removeprefix("Compatibility of ")
    if status.state is JobState.DONE:
        unknown = "" if result is None else unknown_margins(result.agreement, result.margin)
        return f"{about}. {unknown}" if unknown else about
    if status.state.over:
        return f"{about}: {status.error or 'cancelled.'}"
    return f"{about}: {status.progress.done} of {status.progress.steps} steps"


@lru_cache(256)
def _kept(name: str, path: Path, changed: int) -> KeptEdit | None:
    """What was done to the weights in a file (as it is since `changed`), and when; None where it does not say so."""
    try:
        edit, _, provenance = load_edit(path)
    except InvalidInputError:
        return None
    return None if edit is None else KeptEdit(name=name, edit=edit, date=provenance.date)


def known() -> Known:
    """What the service knows of the models that can be mixed."""
    entries = zoo.entries(service().settings)
    ready = [name for name in service().models() if name in entries]
    return Known(
        architectures={name: entries[name].architecture for name in ready},
        models=service().model,
        units=units_of,
        kept=_edit_kept,
    )


def units_of(first: str, second: str | None, level: Level) -> tuple[str, ...]:
    """The units of a model, or of two that can be mixed; the service is asked once, as it may have other work to do.

    Raises:
        InvalidInputError: unknown model, or two that cannot be mixed.
    """
    marks = [name and service().model(name).fingerprint for name in (first, second)]
    key = f"units {hashlib.sha256(repr((first, second, level, marks)).encode()).hexdigest()}"
    found: tuple[str, ...] | str | None = cache.get(key)
    if found is None:
        try:
            found = service().units(first, second, level)
        except InvalidInputError as error:
            found = str(error)
        cache.set(key, found)
    if isinstance(found, str):
        raise InvalidInputError(found)
    return found


def scan_request(state: MixingState, *, examples: bool) -> ScanRequest:
    """A scan of both models as the page's form says.

    Args:
        examples: whether the pictures are those of the configured folder, rather than the scene.

    Raises:
        InvalidInputError: there is no such folder.
    """
    first, second = state.edit.first, state.second
    return ScanRequest(
        first=first,
        second=second,
        scene=state.scene,
        folder=examples_folder() if examples else None,
        fingerprints=tuple(service().model(name).fingerprint for name in (first, second)),
        level=state.level,
        reverse=state.form.reverse,
        attack=state.form.attack(first),
    )


def _kept_edits() -> list[KeptEdit]:
    return kept_edits(list(service().models()), service().settings)


def kept_labels() -> list[tuple[str, str]]:
    """Name and label of each edit that was kept."""
    return [(one.name, one.label) for one in _kept_edits()]


def _edit_kept(name: str) -> Edit:
    found = {one.name: one.edit for one in _kept_edits()}
    if name not in found:
        raise UnknownNameError("edit", name, found)
    return found[name]
