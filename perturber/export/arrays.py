"""Figures that were read from JSON hold their arrays packed, as Plotly's script takes them; here they are unpacked."""

import base64
from typing import Any

import numpy as np
import plotly.graph_objects as go


def unpacked(figure: go.Figure) -> go.Figure:
    """A copy of a figure whose data are arrays or lists."""
    return go.Figure({"data": _unpacked([t.to_plotly_json() for t in figure.data]), "layout": figure.layout})


def _unpacked(value: Any) -> Any:
    if isinstance(value, dict):
        if "bdata" not in value:
            return {name: _unpacked(part) for name, part in value.items()}
        values = np.frombuffer(base64.b64decode(value["bdata"]), np.dtype(value["dtype"]))
        if "shape" not in value:
            return values
        shape = value["shape"]
        return values.reshape([int(n) for n in (shape.split(",") if isinstance(shape, str) else shape)])
    if isinstance(value, list | tuple) and len(value) and isinstance(value[0], dict):
        return [_unpacked(part) for part in value]
    return value
