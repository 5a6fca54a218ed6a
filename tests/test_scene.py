"""The parameter table and the `Scene` value."""

import pickle

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError

from perturber.errors import InvalidInputError, UnknownNameError
from perturber.parameters import PARAMETERS, Number
from perturber.scene import Scene

NUMBERS = [p for p in PARAMETERS.values() if isinstance(p, Number)]


def numbers() -> st.SearchStrategy[dict[str, float]]:
    return st.fixed_dictionaries(
        {},
        optional={
            p.key: st.integers(int(p.minimum), int(p.maximum))
            if p.whole
            else st.floats(p.minimum, p.maximum, allow_nan=False)
            for p in NUMBERS
        },
    )


@given(numbers())
def test_changes_rebuild_the_scene(values: dict[str, float]) -> None:
    scene = Scene.parse(values)
    assert Scene.parse(scene.changes()) == scene
    assert Scene.model_validate_json(scene.model_dump_json()) == scene
    assert pickle.loads(pickle.dumps(scene)) == scene
    assert hash(Scene.parse(scene.changes())) == hash(scene)


@given(numbers())
def test_text_as_a_url_or_a_shell_gives_it_is_understood(values: dict[str, float]) -> None:
    assert Scene.parse({key: str(value) for key, value in values.items()}) == Scene.parse(values)


@pytest.mark.parametrize("parameter", NUMBERS, ids=lambda p: p.key)
def test_every_number_has_sensible_bounds(parameter: Number) -> None:
    assert parameter.minimum <= parameter.default <= parameter.maximum
    assert 0 < parameter.step < parameter.maximum - parameter.minimum
    assert parameter.help.endswith(".")


@pytest.mark.parametrize("value", ["abc", "", None, True, float("nan"), float("inf"), "1e999", [1], {}])
@pytest.mark.parametrize("parameter", NUMBERS, ids=lambda p: p.key)
def test_what_is_no_number_is_refused_with_the_range(parameter: Number, value: object) -> None:
    with pytest.raises(InvalidInputError, match=rf"Allowed: a (whole )?number from {parameter.minimum:g}"):
        Scene.parse({parameter.key: value})


def test_out_of_range_is_refused() -> None:
    with pytest.raises(InvalidInputError, match=r"Distance \(distance\) cannot be '0.1'.*from 0.5 to 20 radii"):
        Scene.parse({"distance": "0.1"})
    with pytest.raises(InvalidInputError, match="Distance"):
        Scene(distance=0.1)


def test_whole_numbers_switches_and_neurons() -> None:
    assert Scene.parse({"patch_shuffle": "4.0"}).patch_shuffle == 4
    with pytest.raises(InvalidInputError, match="a whole number from 1 to 16 patches"):
        Scene.parse({"patch_shuffle": 2.5})
    for word in ("on", "1", "True", 1, True):
        assert Scene.parse({"plane": word}).plane is True
    with pytest.raises(InvalidInputError, match=r"Show Plane \(plane\) cannot be 'maybe'. Allowed: on or off"):
        Scene.parse({"plane": "maybe"})
    assert Scene.parse({"plane_neuron": " efficientnet_lite1/blocks.3.0:17 "}).plane_neuron.endswith("blocks.3.0:17")
    for text in ("blocks.3.0", "a/b/c:1", "x:-1", "x:1" * 100, "x y:1", 3, None):
        with pytest.raises(InvalidInputError, match="layer:neuron"):
            Scene.parse({"plane_neuron": text})


def test_custom_code_must_compile() -> None:
    assert Scene.parse({"custom_code": "color.r = value;\r\n"}).custom_code == "color.r = value;\n"
    with pytest.raises(InvalidInputError, match="ine 1"):
        Scene.parse({"custom_code": "colour.r = value;"})
    with pytest.raises(InvalidInputError, match="Custom Code"):
        Scene.parse({"custom_code": 5})


def test_angles_wrap() -> None:
    assert Scene.parse({"yaw": 190}).yaw == -170
    assert Scene.parse({"yaw": -540.5}).yaw == pytest.approx(179.5)


def test_unknown_names_are_refused_with_a_hint() -> None:
    with pytest.raises(UnknownNameError, match=r"Unknown parameter 'yaww'. Did you mean 'yaw'\?"):
        Scene.parse({"yaww": 1})
    with pytest.raises(UnknownNameError, match="Unknown object 'cow'"):
        Scene.parse({"object": "cow"})
    with pytest.raises(UnknownNameError, match=r"Unknown background '\.\./\.\./etc/passwd'"):
        Scene.parse({"background": "../../etc/passwd"})


def test_scenes_are_frozen() -> None:
    with pytest.raises(ValidationError):
        Scene().yaw = 3.0


def test_a_parameter_called_self_is_refused_like_any_other() -> None:
    with pytest.raises(UnknownNameError, match="Unknown parameter 'self'"):
        Scene().replace(**{"self": 1})
