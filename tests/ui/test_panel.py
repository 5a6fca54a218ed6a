"""The panel is generated from the parameter table: nothing is missing, nothing is doubled."""

import json

import plotly

from perturber.parameters import GROUPS, PARAMETERS, Number, Switch, Text
from perturber.scene import Scene
from perturber.ui.parameter_panel import parameter_panel

KINDS = {"number": Number, "switch": Switch, "text": Text}


def test_every_parameter_has_one_control_with_reset_and_help() -> None:
    panel = json.loads(json.dumps(parameter_panel("explore", Scene()), cls=plotly.utils.PlotlyJSONEncoder))
    text = json.dumps(panel, ensure_ascii=False)
    for key, parameter in PARAMETERS.items():
        kind = next((name for name, type_ in KINDS.items() if isinstance(parameter, type_)), None)
        marker = f'"data-{kind}": "{key}"' if kind else f'"key": "{key}"'
        assert text.count(marker) == 1
        assert text.count(f'"data-reset": "{key}"') == 1
        assert json.dumps(parameter.help, ensure_ascii=False)[1:-1] in text
        assert f'"children": "{parameter.label}"' in text
    for group in GROUPS:
        assert text.count(f'"data-reset-group": "{group}"') == 1
