"""The state of the Mixing page as a value: which models, what is done to their weights."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, get_args

from perturber.editing import Edit, Level
from perturber.errors import InvalidInputError, PerturberError
from perturber.scene import Scene, SceneBase
from perturber.service import ModelInfo

Models = Callable[[str], ModelInfo]


@dataclass(frozen=True, kw_only=True)
class MixingState:
    """What the page shows.

    Attributes:
        edit: an edit of one or two models.
        second: Model 2 in the page's menu; in ``prune`` mode it is not part of the edit.
        level: how fine the sliders are.
    """

    scene: SceneBase
    edit: Edit
    second: str
    level: Level = "stage"

    @classmethod
    def default(cls, names: list[str]) -> "MixingState":
        """Before anything is done: the first model, unchanged."""
        return cls(scene=Scene(), edit=Edit.mix(names[0], names[0], {}), second=names[0])

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
            second=str(data.get("second") or edit.second or edit.first),
            level=read_level(data.get("level", "stage")),
        )

    @classmethod
    def from_query(cls, query: Mapping[str, str], names: list[str], models: Models) -> tuple["MixingState", list[str]]:
        """Read a URL; what is wrong in it keeps its default.

        Returns:
            The state, and one sentence for each thing that was wrong.
        """
        problems: list[str] = []
        state = cls.default(names)
        scene, edit, second, level = state.scene, state.edit, query.get("second"), state.level
        for key, value in query.items():
            try:
                if key == "edit":
                    models(value)
                    edit = Edit.parse(value)
                elif key == "second":
                    models(value)
                elif key == "level":
                    level = read_level(value)
                else:
                    scene = scene.replace(**{key: value})
            except PerturberError as error:
                problems.append(str(error))
                second = None if key == "second" else second
        return cls(scene=scene, edit=edit, second=second or edit.second or edit.first, level=level), problems

    def facts(self) -> dict[str, Any]:
        """The state for the page's script."""
        return {**edit_facts(self.edit), "second": self.second, "level": self.level}


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
