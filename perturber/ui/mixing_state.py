"""The state of the Mixing page as a value: which models, what is done to their weights."""

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from typing import Any, get_args

from perturber.editing import Edit, Level
from perturber.errors import InvalidInputError, PerturberError, UnknownNameError
from perturber.scene import Scene, SceneBase
from perturber.service import ModelInfo

Models = Callable[[str], ModelInfo]
"""Name → what is known of the model or of the edit; raises InvalidInputError."""

JOB = re.compile(r"[0-9a-f]{24}")


@dataclass(frozen=True, kw_only=True)
class MixingState:
    """What the page shows.

    Attributes:
        edit: an edit of one or two models.
        second: Model 2 in the page's menu; in ``prune`` mode it is not part of the edit.
        level: how fine the sliders are.
        scan: the job of the compatibility scan that is drawn, or None.
    """

    scene: SceneBase
    edit: Edit
    second: str
    level: Level = "stage"
    scan: str | None = None

    @classmethod
    def default(cls, architectures: Mapping[str, str]) -> "MixingState":
        """Before anything is done: the first model unchanged, beside another of its architecture where there is one.

        Args:
            architectures: name → architecture of every model that is ready; at least one.
        """
        first = next(iter(architectures))
        alike = [name for name, kind in architectures.items() if kind == architectures[first] and name != first]
        second = alike[0] if alike else first
        return cls(scene=Scene(), edit=Edit.mix(first, second, {}), second=second)

    @classmethod
    def from_json(cls, data: object) -> "MixingState":
        """Read what the page sends.

        Raises:
            InvalidInputError: anything in it is unknown or of the wrong kind.
        """
        if not isinstance(data, Mapping) or not isinstance(data.get("scene"), Mapping):
            raise InvalidInputError("A request must hold a scene and an edit.")
        edit = Edit.parse(str(data.get("edit")))
        return cls(
            scene=Scene.parse({str(key): value for key, value in data["scene"].items()}),
            edit=edit,
            second=edit.second or str(data.get("second") or edit.first),
            level=read_level(data.get("level", "stage")),
        )

    @classmethod
    def from_query(
        cls, query: Mapping[str, str], architectures: Mapping[str, str], models: Models
    ) -> tuple["MixingState", list[str]]:
        """Read a URL; what is wrong in it keeps its default.

        Args:
            architectures: name → architecture of every model that is ready; at least one.

        Returns:
            The state, and one sentence for each thing that was wrong.
        """
        problems: list[str] = []
        state = cls.default(architectures)
        # What Model 2 means depends on the edit, which is read first, wherever it stands.
        for key in sorted(query, key=lambda key: key != "edit"):
            try:
                state = state._with(key, query[key], "edit" in query, architectures, models)
            except PerturberError as error:
                problems.append(str(error))
        return state, problems

    def _with(
        self, key: str, value: str, has_edit: bool, architectures: Mapping[str, str], models: Models
    ) -> "MixingState":
        """This state with one more part of a URL's query."""
        if key == "edit":
            models(value)
            edit = Edit.parse(value)
            alike = [name for name, kind in architectures.items() if kind == architectures.get(edit.first)]
            beside = next((name for name in alike if name != edit.first), edit.first)
            return replace(self, edit=edit, second=edit.second or beside)
        if key == "second":
            if value not in architectures:
                raise UnknownNameError("model", value, architectures)
            if self.edit.mode == "prune":
                return replace(self, second=value)
            if has_edit:
                if value != self.second:
                    raise InvalidInputError(f"The edit names Model 2 already: {self.second}, not {value}.")
                return self
            edit = Edit.mix(self.edit.first, value, {})
            models(str(edit))
            return replace(self, edit=edit, second=value)
        if key == "level":
            return replace(self, level=read_level(value))
        if key == "scan":
            if not JOB.fullmatch(value):
                raise InvalidInputError(f"A scan cannot be {value[:40]!r}. Allowed: the id of a job.")
            return replace(self, scan=value)
        return replace(self, scene=self.scene.replace(**{key: value}))

    def facts(self) -> dict[str, Any]:
        """The state for the page's script."""
        return {**edit_facts(self.edit), "second": self.second, "level": self.level, "scan": self.scan}


def edit_facts(edit: Edit) -> dict[str, Any]:
    """An edit's parts."""
    return {"first": edit.first, "second": edit.second, "mode": edit.mode, "amounts": edit.values()}


def read_level(value: object) -> Level:
    """How fine the units are.

    Raises:
        InvalidInputError: naming what is allowed.
    """
    if value not in get_args(Level):
        raise InvalidInputError(f"Units cannot be {str(value)[:40]!r}. Allowed: {', '.join(get_args(Level))}.")
    return value  # type: ignore[return-value]
