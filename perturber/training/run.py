"""A whole training: steps, log, checkpoints, and what it goes on from after a break."""

import json
import time
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from perturber import zoo
from perturber.config import Settings
from perturber.disk import write_whole
from perturber.errors import InvalidInputError, StorageError
from perturber.training.state import epoch, load_training, save_checkpoint, save_training
from perturber.training.trainer import Step, Trainer
from perturber.training.validation import Validation
from perturber.zoo import own
from perturber.zoo.catalogue import NAME, catalog
from perturber.zoo.weights import digest

LOG_EVERY = 10
"""Steps between lines of the log."""


@dataclass(frozen=True, kw_only=True)
class Files:
    """Where the files of a training lie.

    Attributes:
        folder: that holds them.
        name: of the model that comes of it.
    """

    folder: Path
    name: str

    @property
    def resume(self) -> Path:
        """What it goes on from."""
        return self.folder / f"{self.name}.resume.safetensors"

    @property
    def metrics(self) -> Path:
        """The log: JSON lines."""
        return self.folder / f"{self.name}.metrics.jsonl"

    def checkpoint(self, step: int) -> Path:
        """The weights after a step."""
        return self.folder / f"{self.name}-{step:06d}.safetensors"


class Run:
    """A training with its files; goes on where it was where they are there.

    The log has a line every 10 steps: ``step``, ``epoch``, ``lr``, ``loss`` (mean since the line before, in nats),
    ``training_error`` (share of the labelled pictures, as they were shown, that were taken for something else),
    ``epsilon`` and ``seconds`` since the start of the process; at the start and at each checkpoint a line with
    ``step``, ``epoch`` and what `Validation.errors` says.

    Args:
        trainer: at its start.
        files: where to keep them.
        validation: what is measured at each checkpoint.
        save_every: steps between two moments from which it can go on.

    Raises:
        InvalidInputError: there are files of another training, or they are corrupt.
    """

    def __init__(
        self, trainer: Trainer, files: Files, *, validation: Validation | None = None, save_every: int = 50
    ) -> None:
        self.trainer, self.files, self.validation, self.save_every = trainer, files, validation, save_every
        self._sums = {"loss": 0.0, "steps": 0.0, "wrong": 0.0, "labelled": 0.0}
        self._start = time.perf_counter()
        if files.resume.is_file():
            self._sums = load_training(files.resume, trainer)
            self._forget_lines()
        else:
            _write(files.metrics, "")
            self._keep()

    @property
    def finished(self) -> bool:
        """Whether all steps are taken."""
        return self.trainer.finished

    def step(self) -> Step:
        """One update, and the files that are due after it."""
        trainer = self.trainer
        step = trainer.step()
        for key, value in (("loss", step.loss), ("steps", 1), ("wrong", step.wrong), ("labelled", step.labelled)):
            self._sums[key] += value
        if trainer.done % LOG_EVERY == 0 or trainer.finished:
            self._log(step)
        self._keep()
        return step

    def add_to_catalogue(self, settings: Settings) -> zoo.ModelEntry:
        """Put the finished network into the user's catalogue, with its checkpoints.

        Raises:
            InvalidInputError: its name is one of the project's.
            StorageError: the catalogue cannot be written.
        """
        recipe, base = self.trainer.recipe, self.trainer.base.entry
        kept = [self.files.checkpoint(step).resolve() for step in recipe.kept]
        weights = {"source": "file", "layout": "same", "sha256": digest(kept[-1]), "path": str(kept[-1])}
        table: dict[str, Any] = {
            "label": f"{base.label}, {recipe.kind}",
            "architecture": base.architecture,
            "licence": base.licence,
            "training": recipe.kind,
            "classes": base.classes,
            "mean": list(base.mean),
            "std": list(base.std),
            "input_size": base.input_size,
            "resize": base.resize,
            "base": base.name,
            "checkpoints": [str(path) for path in kept],
            "weights": weights,
        }
        optional = {"groups": base.groups, "class_names": base.class_names and list(base.class_names)}
        return own.add(self.files.name, {**{k: v for k, v in optional.items() if v}, **table}, settings)

    def _log(self, step: Step) -> None:
        sums, trainer = self._sums, self.trainer
        self._line(
            {
                "lr": step.lr,
                "loss": sums["loss"] / sums["steps"],
                "training_error": sums["wrong"] / sums["labelled"] if sums["labelled"] else None,
                "epsilon": step.epsilon,
                "seconds": round(time.perf_counter() - self._start, 2),
                **({"skipped": len(trainer.batches.skipped)} if trainer.batches.skipped else {}),
            }
        )
        self._sums = dict.fromkeys(sums, 0.0)

    def _keep(self) -> None:
        """The files that are due now; the one to go on from comes last, so that it never knows more than the others."""
        trainer = self.trainer
        kept = trainer.done in trainer.recipe.kept
        if kept:
            save_checkpoint(self.files.checkpoint(trainer.done), trainer)
        if self.validation is not None and (kept or trainer.done == 0):  # curves begin where the network did
            self._line(self.validation.errors(trainer.base, trainer.module))
        if kept or trainer.done % self.save_every == 0:
            save_training(self.files.resume, trainer, self._sums)

    def _line(self, values: Mapping[str, Any]) -> None:
        line = {"step": self.trainer.done, "epoch": round(epoch(self.trainer), 4), **values}
        try:
            with self.files.metrics.open("a", encoding="utf-8") as file:
                file.write(json.dumps(line) + "\n")
        except OSError as error:
            raise StorageError(f"{str(self.files.metrics)!r} cannot be written: {error.strerror}.") from error

    def _forget_lines(self) -> None:
        """Take from the log what will be written again, and what a kill has left of a line."""
        try:
            lines = self.files.metrics.read_text(encoding="utf-8").splitlines()
        except (OSError, ValueError):
            lines = []
        kept = [line for line in lines if (step := _step_of(line)) is not None and step <= self.trainer.done]
        _write(self.files.metrics, "".join(f"{line}\n" for line in kept))


def check_name(name: str, files: Files, settings: Settings) -> None:
    """Refuse what the network cannot be called, before it is trained.

    Raises:
        InvalidInputError: the name is not allowed, or belongs to another model.
    """
    if not NAME.fullmatch(name):
        raise InvalidInputError(
            f"A model cannot be called {name[:80]!r}. Allowed: up to 64 characters of a-z, 0-9, _, . "
            "and -, beginning with a letter or digit."
        )
    if name in catalog(settings.models):
        raise InvalidInputError(f"The model {name!r} belongs to the project; choose another name.")
    place = own.tables(settings).get(name, {}).get("weights", {}).get("path")
    if place is not None and (settings.data / place).parent.resolve() != files.folder.resolve():
        raise InvalidInputError(f"A model called {name!r} already exists; choose another name.")


def read_metrics(path: Path) -> list[dict[str, Any]]:
    """The lines of a log; what is no line is left out.

    Raises:
        InvalidInputError: it cannot be read.
    """
    try:
        lines = path.read_text(encoding="utf-8").splitlines()
    except (OSError, ValueError) as error:
        raise InvalidInputError(f"The log {str(path)!r} cannot be read.") from error
    return [json.loads(line) for line in lines if _step_of(line) is not None]


def _step_of(line: str) -> int | None:
    try:
        return int(json.loads(line)["step"])
    except (ValueError, KeyError, TypeError):
        return None


def _write(path: Path, text: str) -> None:
    try:
        write_whole(path, text.encode())
    except OSError as error:
        raise StorageError(f"{str(path)!r} cannot be written: {error.strerror}.") from error
