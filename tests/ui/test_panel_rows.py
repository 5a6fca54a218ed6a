"""The panel is derived from the parameter table: nothing is missing, nothing is doubled."""

import json

import plotly

from perturber import objects
from perturber.parameters import GROUPS, PARAMETERS, Choice, Number, Parameter, Switch, Text
from perturber.scene import Scene
from perturber.ui.components.parameter_panel import morph_titles, panel_groups, parameter_panel

KINDS: dict[str, type[Parameter]] = {"number": Number, "switch": Switch, "text": Text, "choice": Choice}
ROWS = {row["key"]: row for group in panel_groups() for row in group["rows"]}


def test_every_parameter_has_one_row_in_the_order_of_the_table() -> None:
    keys = [row["key"] for group in panel_groups() for row in group["rows"]]
    assert keys == list(PARAMETERS)


def test_every_group_has_its_heading_and_its_parameters() -> None:
    groups = panel_groups()
    assert [group["name"] for group in groups] == list(GROUPS)
    for group in groups:
        assert (group["help"], group["unfolded"]) == (GROUPS[group["name"]].help, GROUPS[group["name"]].unfolded)
        assert {PARAMETERS[row["key"]].group for row in group["rows"]} == {group["name"]}


def test_a_row_says_what_the_table_says() -> None:
    for key, parameter in PARAMETERS.items():
        row = ROWS[key]
        assert isinstance(parameter, KINDS[row["kind"]])
        assert (row["label"], row["default"]) == (parameter.label, parameter.default)
        assert row["help"].startswith(parameter.help)
        assert row["words"] == f"{parameter.group} {parameter.label} {key}".lower()
        if isinstance(parameter, Number):
            assert row["kind"] == "number"
            assert (row["min"], row["max"], row["step"]) == (parameter.minimum, parameter.maximum, parameter.step)
            assert (row["whole"], row["unit"]) == (parameter.whole, parameter.unit)
        if isinstance(parameter, Text):
            assert row["kind"] == "text"
            assert row["lines"] == parameter.lines
        if isinstance(parameter, Choice):
            assert row["kind"] == "choice"
            assert {option["value"]: option["label"] for option in row["options"]} == parameter.options
            assert row["adds"] == parameter.kind


def test_help_names_the_default_but_for_a_text() -> None:
    assert ROWS["yaw"]["help"].endswith(" Default: -35°.")
    assert ROWS["distance"]["help"].endswith(" Default: 4 radii.")
    assert ROWS["alpha"]["help"].endswith(" Default: 1.")
    assert ROWS["plane"]["help"].endswith(" Default: off.")
    assert ROWS["background"]["help"].endswith(f" Default: {objects.names('background')['lawn']}.")
    assert "Default" not in ROWS["custom_code"]["help"]


def test_the_morph_group_is_called_after_what_the_object_becomes() -> None:
    assert morph_titles()["dog_cat"] == "Catness"
    assert morph_titles()["firetruck_racecar"] == "Race Car-ness"
    assert set(morph_titles()) == set(objects.names("object"))


def test_the_panel_holds_the_scene_and_can_be_sent() -> None:
    scene = Scene.parse({"yaw": 12, "plane": True})
    panel = json.loads(json.dumps(parameter_panel("mixing", scene), cls=plotly.utils.PlotlyJSONEncoder))
    assert (panel["namespace"], panel["type"]) == ("perturber_components", "ParameterPanel")
    props = panel["props"]
    assert props["id"] == "mixing-panel"
    assert props["value"] == scene.as_dict()
    assert props["headings"]["Morph"]["key"] == "object"
    assert props["groups"] == json.loads(json.dumps(panel_groups()))
