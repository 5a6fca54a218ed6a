"""The `Scene`: a frozen, validated value with one field for each row of the parameter table."""

from collections.abc import Iterable, Mapping
from typing import Annotated, Any, Self

from pydantic import BaseModel, BeforeValidator, ConfigDict, create_model

from perturber.parameters import PARAMETERS, Value, get


class SceneBase(BaseModel):
    """What a `Scene` can do; its fields come from the parameter table."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    def __getattr__(self, name: str) -> Any:  # the fields exist at run time; this tells type checkers so
        return super().__getattr__(name)  # type: ignore[misc]

    @classmethod
    def parse(cls, values: Mapping[str, object]) -> Self:
        """Build a scene from user input (URL, CLI, JSON); what is missing takes its default.

        Raises:
            InvalidInputError: unknown parameter or a value out of range, as one sentence.
        """
        return cls._of({key: p.default for key, p in PARAMETERS.items()}).replace(**values)

    def replace(self, /, **values: object) -> Self:
        """A copy with these values changed, validated like `parse`."""
        parsed = {key: get(key).parse(value) for key, value in values.items()}
        return self._of({**self.as_dict(), **parsed})

    @classmethod
    def _of(cls, checked: dict[str, Any]) -> Self:
        return cls.model_construct(**checked)

    def as_dict(self) -> dict[str, Value]:
        """Every parameter's value."""
        return {key: getattr(self, key) for key in PARAMETERS}

    def changes(self) -> dict[str, Value]:
        """The parameters that differ from their defaults: enough to rebuild the scene, short in a URL."""
        return {k: v for k, v in self.as_dict().items() if v != PARAMETERS[k].default}


def _scene_type() -> type[SceneBase]:
    fields: dict[str, Any] = {}
    for key, parameter in PARAMETERS.items():
        fields[key] = (Annotated[parameter.type, BeforeValidator(parameter.parse)], parameter.default)
    return create_model("Scene", __base__=SceneBase, __module__=__name__, **fields)


Scene = _scene_type()


def values(scenes: Iterable[SceneBase], key: str) -> list[Any]:
    """One parameter's value for each scene, in order."""
    return [getattr(scene, key) for scene in scenes]
