"""What the Sweep page does: its form is a value, whose sweep is ordered, followed, drawn, looked into and kept."""

import time
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

from dash import (
    Input,
    Output,
    State,
    callback,
    ctx,
    dcc,
    html,
    no_update,
    set_props,
)

from perturber.errors import BusyError, InvalidInputError, OvertakenError, PerturberError
from perturber.examples.folders import collections
from perturber.experiments.measures import ABOUT, OF_A_CLASS, Measure
from perturber.experiments.sweep import MAX_AXES, Axis, Design, Grid, Range, Sweep
from perturber.figures import as_json
from perturber.service import JobState, LookRequest, job_id
from perturber.service.estimates import time_left
from perturber.service.works.sweeping import SweepRequest
from perturber.sessions import Sessions
from perturber.ui.callbacks.follow import Settled
from perturber.ui.callbacks.forms import address_callback, address_of, query_of, sessions_callback
from perturber.ui.callbacks.messages import triggered_value
from perturber.ui.components.controls import options
from perturber.ui.components.sweep import (
    FIELDS,
    KINDS,
    NO_FOLDERS,
    POOLINGS,
    ROWS,
    fields_of,
    first_fields,
    offered,
    part,
    select_words,
    shapes_of,
    values_of,
)
from perturber.ui.context import service
from perturber.ui.limits import SAVES, limited
from perturber.ui.looks import looked
from perturber.ui.moments import KEPT, taken
from perturber.ui.showing import sweep as showing
from perturber.ui.showing.pictures import model_input
from perturber.ui.states import reading
from perturber.ui.states.page import NOT_OURS, parse_query
from perturber.ui.states.reading import layer_options
from perturber.ui.states.sweep import (
    PATH,
    SweepState,
    activation,
    effects,
    latin,
    pictures,
    read_index,
    read_models,
    sweep_of,
)

EDITOR = ("kind", "class", "layer", "channel", "pooling", "row", "column")

LONGEST_QUERY = 200_000

NOTHING = "Nothing is looked at yet. Run orders it; you can leave the page meanwhile, and come back to the result."


def sweep_callbacks() -> None:
    """To be called once as the page's module is imported."""
    address_callback(part)
    _building()
    _editing()
    _preparing()
    _following()
    _pointing()
    _selecting()
    _downloading()


def state_of(facts: object) -> SweepState:
    """The page's state, as its browser has kept it.

    Raises:
        InvalidInputError: it is not what a page of this app would send.
    """
    return sweep_of(parse_query(query_of(facts, LONGEST_QUERY)), service())[0]


def _folders() -> Mapping[str, Path]:
    return collections(service().settings.collections)


def _client(facts: object) -> str:
    client = facts.get("client") if isinstance(facts, dict) else None
    return client if isinstance(client, str) else ""


# ---- the form -----------------------------------------------------------------------------------------------------

Values = dict[str, Any]


def _building() -> None:
    shapes = [part(f"axis{n}") for n in ROWS] + [part("sampled"), part("pictured")]

    @callback(
        output={
            "facts": Output(part("facts"), "data"),
            "address": Output(part("address"), "data"),
            "fields": {name: Output(part(name), "value") for name in FIELDS},
            "shapes": [Output(id_, "className") for id_ in shapes],
            "offered": Output(part("key1"), "options"),
            "listed": [Output(part(f"values{n}"), "options") for n in range(1, MAX_AXES + 1)],
            "measures": Output(part("shown"), "options"),
            "said": Output(part("said"), "children"),
        },
        inputs={
            "fields": {name: Input(part(name), "value") for name in FIELDS},
            "add": Input(part("add"), "n_clicks"),
            "remove": Input(part("remove"), "n_clicks"),
        },
        state={
            "editor": {name: State(part(name), "value") for name in EDITOR},
            "facts": State(part("facts"), "data"),
        },
        prevent_initial_call=True,
    )
    def build(fields: Any, add: Any, remove: Any, editor: Any, facts: Any) -> dict[str, Any]:
        state, what = state_of(facts), str(ctx.triggered_id).partition("-")[2]
        if what in ("add", "remove") and not triggered_value():
            what = ""
        shown = _unchanged()
        try:
            filled = _filled(fields, what)
            shown["fields"] |= {name: value for name, value in filled.items() if value != fields[name]}
            shown["shapes"] = shapes_of(filled)
            shown["offered"] = offered(1, filled["design"])
            shown["listed"] = [values_of(_key(filled, n)) for n in range(1, MAX_AXES + 1)]
            new = state.with_values(
                design=_design(filled),
                models=read_models([str(filled[f"m{n}"]) for n in (1, 2, 3) if filled[f"m{n}"]], service().model),
            )
            new = _measured(new, what, filled, editor)
            new, said = _without_start(new) if what == "design" else (new, "")
        except (PerturberError, BusyError) as error:
            return {**shown, "said": str(error)}
        return {**shown, **_kept(state, new, facts, filled, shown["fields"]), "said": said}


def _unchanged() -> dict[str, Any]:
    return {
        "facts": no_update,
        "address": no_update,
        "fields": dict.fromkeys(FIELDS, no_update),
        "shapes": [no_update] * (len(ROWS) + 2),
        "offered": no_update,
        "listed": [no_update] * MAX_AXES,
        "measures": no_update,
        "said": "",
    }


def _kept(old: SweepState, new: SweepState, facts: Any, filled: Values, fields: Values) -> dict[str, Any]:
    """What the browser remembers of a state, and what follows from it at once."""
    query = new.query()
    words = showing.all_words(new)
    shown: dict[str, Any] = {"measures": options(enumerate(words))}
    if new.shown != filled["shown"]:
        shown["fields"] = {**fields, "shown": new.shown}
    if new != old:
        address = address_of(PATH, query)
        set_props("link-sweep", {"href": address})
        shown |= {"facts": {**facts, "query": query}, "address": address}
    return shown


def _key(fields: Values, n: int) -> str | None:
    key = fields[f"key{n}"]
    if key is not None and not isinstance(key, str):
        raise InvalidInputError(NOT_OURS)
    return key or None


def _filled(fields: Values, what: str) -> Values:
    """The fields, where a parameter was just chosen with all of its range, and where a design was, with what it needs.

    Raises:
        InvalidInputError: there is no such parameter.
    """
    filled = dict(fields)
    grid = fields["design"] != "latin"
    if what.startswith("key"):
        n = int(what.removeprefix("key"))
        if (key := _key(fields, n)) is not None:
            filled |= first_fields(n, key, grid=grid)
    if what == "design" and grid:
        for n in range(1, MAX_AXES + 1):
            key = _key(fields, n)
            if key is not None and filled[f"count{n}"] is None:
                filled |= {f"count{n}": fields_of(SweepState.default())["count1"]}
    if what == "design" and fields["design"] == "pictures":
        if not (folders := _folders()):
            raise InvalidInputError(NO_FOLDERS)
        if _key(fields, 1) not in effects():
            filled |= dict.fromkeys(("key1", "low1", "high1", "count1", "values1"))
        if not fields["folder"]:
            filled["folder"] = next(iter(folders))
    return filled


def _without_start(state: SweepState) -> tuple[SweepState, str]:
    """Without the measures that refer to a start, where there are pictures, and what is to be said of it."""
    left = tuple(measure for measure in state.measures if not measure.needs_start)
    if state.pictures is None or len(left) == len(state.measures):
        return state, ""
    gone = [words for words, one in zip(showing.all_words(state), state.measures, strict=True) if one.needs_start]
    said = f"Pictures have no start that a measure could refer to. Taken out: {', '.join(gone)}."
    return state.with_values(measures=left or (Measure(kind="entropy"),)), said


def _design(fields: Values) -> Design:
    """What the rows say.

    Raises:
        InvalidInputError: it cannot be gone through.
    """
    if fields["design"] == "latin":
        rows = [(key, fields[f"low{n}"], fields[f"high{n}"]) for n in ROWS if (key := _key(fields, n)) is not None]
        return latin(tuple(Range(*row) for row in rows), fields["samples"], fields["seed"])
    most = 1 if fields["design"] == "pictures" else MAX_AXES
    axes = [_axis(fields, n, key) for n in range(1, most + 1) if (key := _key(fields, n)) is not None]
    if fields["design"] == "pictures":
        return Grid((pictures(_folders(), fields["folder"], fields["pictures"]), *axes))
    if not axes:
        raise InvalidInputError("Choose a parameter that is to be gone through.")
    return Grid(tuple(axes))


def _axis(fields: Values, n: int, key: str) -> Axis:
    listed = fields[f"values{n}"]
    if values_of(key) or fields[f"low{n}"] is None:
        if not isinstance(listed, list):
            raise InvalidInputError(f"Choose the values of parameter {n}.")
        return Axis(key, tuple(listed[:1000]))
    count = fields[f"count{n}"]
    whole = int(count) if isinstance(count, float) and count.is_integer() and abs(count) < 1e9 else count
    return Axis.even(key, fields[f"low{n}"], fields[f"high{n}"], whole)


def _measured(state: SweepState, what: str, fields: Values, editor: Values) -> SweepState:
    if what == "add":
        return state.with_measure(_of_editor(editor))
    if what == "remove":
        return state.without_measure()
    return state.with_values(shown=reading.whole("shown", fields["shown"], 0, len(state.measures) - 1))


def _of_editor(editor: Values) -> Measure:
    kind = reading.choice("measure", editor["kind"], KINDS)
    if kind in OF_A_CLASS:
        index = editor["class"]
        return Measure(kind=kind, class_index=None if index is None else read_index("class", index))
    if kind == "change":
        return Measure(kind="change", layer=str(editor["layer"])[:200])
    if kind != "activation":
        return Measure(kind=kind)
    pooling = reading.choice("pooling", editor["pooling"], dict(POOLINGS))
    place = (read_index("row", editor["row"]), read_index("column", editor["column"])) if pooling == "place" else None
    return activation(str(editor["layer"]), editor["channel"], pooling, place)


def _editing() -> None:
    @callback(
        Output(part("editor"), "className"),
        Output(part("editor"), "title"),
        Output(part("class"), "options"),
        Output(part("layer"), "options"),
        Output(part("layer"), "value"),
        Input(part("kind"), "value"),
        Input(part("pooling"), "value"),
        Input(part("m1"), "value"),
        State(part("layer"), "value"),
    )
    def editor(kind: object, pooling: object, model: object, layer: object) -> tuple[Any, ...]:
        if not isinstance(kind, str) or kind not in KINDS or not isinstance(model, str):
            raise InvalidInputError(NOT_OURS)
        info = service().model(model)
        shape = "of-class" if kind in OF_A_CLASS else f"of-{kind}"
        shape += " at-place" if kind == "activation" and pooling == "place" else ""
        classes = options((n, f"{name} ({n})") for n, name in enumerate(info.classes))
        known = layer if isinstance(layer, str) and layer in info.layers else info.default_layer
        return f"measuring {shape}", ABOUT[kind], classes, layer_options(info), known


def _preparing() -> None:
    @callback(
        Output(part("start"), "src"),
        Output(part("changes"), "children"),
        Output(part("explore"), "href"),
        Output(part("about"), "children"),
        Output(part("wrong"), "children"),
        Input(part("facts"), "data"),
    )
    def prepare(facts: object) -> tuple[Any, ...]:
        state = state_of(facts)
        start = [showing.start_words(state), f"/?{state.explore_query()}"]
        try:
            look, _ = looked(LookRequest(scene=state.scene, client=f"{_client(facts)[:50]} starts"))
            source = model_input(part("start"), look.image)["props"]["src"]
            return source, *start, showing.estimate(state.request(service())), ""
        except OvertakenError:
            return (no_update,) * 5
        except (PerturberError, BusyError) as error:
            return no_update, *start, "", str(error)


# ---- the sweep ----------------------------------------------------------------------------------------------------


def _following() -> None:
    @callback(
        output={
            "figure": Output(part("graph"), "figure"),
            "hidden": Output(part("sheet"), "hidden"),
            "selected": Output(part("graph"), "selectedData"),
            "empty": Output(part("empty"), "children"),
            "progress": Output(part("progress"), "children"),
            "run": Output(part("run"), "disabled"),
            "cancel": Output(part("cancel"), "disabled"),
            "followed": Output(part("followed"), "data"),
            "rest": Output(part("interval"), "disabled"),
        },
        inputs={
            "beat": Input(part("interval"), "n_intervals"),
            "run": Input(part("run"), "n_clicks"),
            "cancel": Input(part("cancel"), "n_clicks"),
            "facts": Input(part("facts"), "data"),
        },
        state={"followed": State(part("followed"), "data")},
    )
    def follow(beat: Any, run: Any, cancel: Any, facts: Any, followed: Any) -> dict[str, Any]:
        state, what = state_of(facts), str(ctx.triggered_id).partition("-")[2]
        before = followed if isinstance(followed, dict) else {}
        keys = ("figure", "hidden", "selected", "empty", "progress", "run", "cancel", "followed", "rest")
        try:
            request = state.request(service())
            if what in ("run", "cancel") and triggered_value():
                _ordered(what, state, request)
            shown = _shown(state, request, before)
        except (PerturberError, BusyError) as error:
            busy = isinstance(error, BusyError)
            if what in ("run", "cancel", "interval"):  # what is drawn is still true
                return {**dict.fromkeys(keys, no_update), "progress": str(error), "rest": not busy}
            shown = {**_empty(str(error)), "progress": "", "run": True}
        return {**dict.fromkeys(keys, no_update), **shown}


def _ordered(what: str, state: SweepState, request: SweepRequest) -> None:
    orders, jobs = service().orders, service().jobs
    if what == "cancel":
        orders.cancel(jobs, job_id(request))
    else:
        limited("sweeps", SAVES)
        orders.submit(jobs, request, f"{PATH}?{state.query()}")


def _empty(said: str) -> dict[str, Any]:
    over = {"run": False, "cancel": True, "rest": True, "followed": {}, "progress": "", "selected": None}
    return {"hidden": True, "empty": said, **over}


def _shown(state: SweepState, request: SweepRequest, before: Mapping[str, Any]) -> dict[str, Any]:
    """Where the sweep stands; what is shown already is left out."""
    name = job_id(request)
    try:
        status = service().jobs.status(name)
    except InvalidInputError:  # nobody has ordered it
        return _empty(NOTHING)
    over, done = status.state.over, status.progress.done
    mark = f"{name} {status.state} {done} {state.shown} {state.query()}"
    running = {"run": not over, "cancel": over, "rest": over}
    if before.get("mark") == mark:
        return running
    found = service().jobs.product(name)
    known = found if isinstance(found, Sweep) else None
    since = _since(before, name, 0 if known is None else known.computed)
    shown = {**running, "followed": {**since, "mark": mark}, "progress": _progress(status, request, known, since)}
    if before.get("job") != name:
        shown["selected"] = None
    if known is None:
        waits = "Loading networks and what is known already …" if not over else status.error or "Cancelled."
        return {**shown, "hidden": True, "empty": waits, "followed": {**since, "mark": ""} if not over else since}
    figure = showing.figure(state, known, pictures=False)
    figure.update_traces(hoverinfo="none", hovertemplate=None, selector=lambda trace: trace.hoverinfo != "skip")
    figure.update_layout(dragmode="select", uirevision=name, newselection={"line": {"color": "#b2182b", "width": 2}})
    return {**shown, "figure": as_json(figure), "hidden": False, "empty": ""}


def _since(before: Mapping[str, Any], name: str, computed: int) -> dict[str, Any]:
    """When the first of its scenes were there, by which the rest is estimated."""
    when, first = before.get("since"), before.get("first")
    same = before.get("job") == name and isinstance(when, float) and type(first) is int
    return {"job": name, "since": when if same else time.time(), "first": first if same else computed}


def _progress(status: Any, request: SweepRequest, known: Sweep | None, since: Mapping[str, Any]) -> str:
    count = len(request.design)
    what = showing.noun(request.design)
    if status.state is JobState.FAILED:
        return status.error or "It has failed."
    if known is None:
        return {JobState.WAITING: "Queued", JobState.CANCELLED: "Cancelled"}.get(status.state, "Beginning …")
    done, computed = int(known.done.sum()), known.computed
    earlier = done - computed
    already = f" {earlier:,} of {count:,} {what} were known already." if earlier else ""
    if status.state.over:
        return f"{done:,} of {count:,} {what}.{already} {' '.join(known.notes)}".strip()
    left = time_left(since["since"], since["first"], computed, computed + count - done)
    return f"{done:,} of {count:,} {what}{left}.{already}"


# ---- single scenes ------------------------------------------------------------------------------------------------


def cell_of(state: SweepState, point: object) -> int | None:
    """The scene that a point of the figure stands for, as Plotly tells of it; None where there is none."""
    if not isinstance(point, dict):
        return None
    design, figure_x, figure_y = state.design, point.get("x"), point.get("y")
    if not isinstance(design, Grid):
        number = point.get("pointNumber")
        return number if type(number) is int and 0 <= number < len(design) else None
    places = [figure_x] if len(design.axes) == 1 else [figure_y, figure_x]
    cell = 0
    for axis, place in zip(design.axes, places, strict=True):
        index = _place(axis, place)
        if index is None:
            return None
        cell = cell * len(axis.values) + index
    return cell


def _place(axis: Axis, place: object) -> int | None:
    words: list[Any] = [{False: "off", True: "on"}.get(one, one) if type(one) is bool else one for one in axis.values]
    for n, word in enumerate(words):
        if word == place or str(word) == str(place)[:200]:
            return n
    return None


def _first_point(data: object) -> object:
    points = data.get("points") if isinstance(data, dict) else None
    return points[0] if isinstance(points, list) and points else None


def _pointing() -> None:
    @callback(
        Output(part("tooltip"), "show"),
        Output(part("tooltip"), "bbox"),
        Output(part("tooltip"), "children"),
        Input(part("graph"), "hoverData"),
        State(part("facts"), "data"),
        prevent_initial_call=True,
    )
    def hover(data: object, facts: object) -> tuple[Any, ...]:
        point = _first_point(data)
        if point is None:
            return False, no_update, no_update
        state = state_of(facts)
        number, box = cell_of(state, point), point.get("bbox") if isinstance(point, dict) else None
        if number is None or not isinstance(box, dict):
            return False, no_update, no_update
        try:
            return True, box, showing.tooltip(state, _product(state), number, _client(facts))
        except OvertakenError:
            return no_update, no_update, no_update
        except (PerturberError, BusyError) as error:
            return True, box, str(error)

    @callback(
        Output(part("number"), "value"),
        Input(part("graph"), "clickData"),
        State(part("facts"), "data"),
        prevent_initial_call=True,
    )
    def click(data: object, facts: object) -> Any:
        if (point := _first_point(data)) is None:
            return no_update
        state = state_of(facts)
        if (number := cell_of(state, point)) is None:
            return no_update
        if state.pictures is None:
            set_props("_pages_location", {"href": f"/?{state.explore_query(state.at(number))}"})
        return number + 1

    @callback(
        Output(part("scene"), "children"),
        Input(part("number"), "value"),
        Input(part("followed"), "data"),
        State(part("facts"), "data"),
        prevent_initial_call=True,
    )
    def choose(number: object, _: object, facts: object) -> Any:
        if number is None:
            return "Write the number of a scene, or point at one."
        state = state_of(facts)
        if type(number) is not int or not 1 <= number <= len(state.design):
            return f"There are the {showing.noun(state.design)} 1 to {len(state.design):,}."
        return showing.chosen_line(state, _product(state), number - 1)


def _product(state: SweepState) -> Sweep | None:
    return showing.product_of(state.request(service()))


# ---- selected ones ------------------------------------------------------------------------------------------------


def selected_cells(state: SweepState, data: object) -> list[int]:
    """Numbers of the scenes in a box over the figure, or whose points are in it."""
    if not isinstance(data, dict):
        return []
    points = data.get("points")
    found = {cell_of(state, point) for point in points} if isinstance(points, list) else set()
    box = data.get("range")
    if isinstance(state.design, Grid) and isinstance(box, dict) and len(state.design.axes) == 2:
        found |= set(_in_box(state.design, box))
    return sorted(number for number in found if number is not None)


def _in_box(design: Grid, box: Mapping[str, Any]) -> list[int]:
    sides = {key[0]: ends for key, ends in box.items() if key[:1] in ("x", "y")}
    down, across = (_between(axis, sides.get(side)) for axis, side in zip(design.axes, ("y", "x"), strict=True))
    return [row * len(design.axes[1].values) + column for row in down for column in across]


def _between(axis: Axis, ends: object) -> list[int]:
    """The values between two places of an axis; along words those are counted from 0."""
    if not isinstance(ends, list) or len(ends) != 2 or not all(type(end) in (int, float) for end in ends):
        return []
    low, high = sorted(ends)
    numbers = all(type(value) is float for value in axis.values)
    rising = numbers and list(axis.values) == sorted(axis.values)
    places: Sequence[Any] = axis.values if rising else range(len(axis.values))
    return [n for n, place in enumerate(places) if low <= place <= high]


def _numbers(state: SweepState, data: object) -> list[int]:
    """Numbers of scenes, as the browser has kept them.

    Raises:
        InvalidInputError: there are none.
    """
    known = data if isinstance(data, list) else []
    found = [n for n in known if type(n) is int and 0 <= n < len(state.design)]
    if not found:
        raise InvalidInputError("Select scenes first: drag a box over the figure.")
    return found


def _selecting() -> None:
    @callback(
        Output(part("chosen-ones"), "data"),
        Output(part("list"), "children"),
        Input(part("graph"), "selectedData"),
        State(part("facts"), "data"),
        prevent_initial_call=True,
    )
    def select(data: object, facts: object) -> tuple[Any, Any]:
        state = state_of(facts)
        numbers = selected_cells(state, data)
        if not numbers:
            return [], html.P(select_words(state), className="about")
        try:
            return numbers, showing.listed(state, _product(state), numbers)
        except (PerturberError, BusyError) as error:
            return numbers, str(error)

    sessions_callback(part)

    @callback(
        Output(part("kept"), "children"),
        Input(part("keep"), "n_clicks"),
        State(part("chosen-ones"), "data"),
        State(part("session"), "value"),
        State(part("facts"), "data"),
        prevent_initial_call=True,
    )
    def keep(clicks: object, chosen: object, session: object, facts: object) -> Any:
        if not clicks:
            return no_update
        try:
            return _snapshots(state_of(facts), chosen, session)
        except (PerturberError, BusyError) as error:
            return str(error)


def _snapshots(state: SweepState, chosen: object, session: object) -> str:
    """Put the selected scenes into a session, as Explore shows them."""
    if not isinstance(session, str):
        raise InvalidInputError("Choose a session first. One is made on the page Explore, under Session.")
    if state.pictures is not None:
        raise InvalidInputError("Pictures of a folder are not kept in sessions. Download the table instead.")
    numbers, found = _numbers(state, chosen)[: showing.MAX_LISTED], _product(state)
    for number in numbers:
        limited("snapshots", SAVES)
        query = state.explore_query(state.at(number))
        shown = Settled.read({"query": query, "memory": {}, "client": "", "sequence": 0})
        words = [showing.point_words(state, number), *showing.values_words(state, found, number)]
        Sessions(service().settings.data).add(session, taken(KEPT["/"], shown, "; ".join(words)[:1000]))
    return f"{len(numbers)} snapshot{'s' * (len(numbers) > 1)} more in the session."


# ---- files --------------------------------------------------------------------------------------------------------

FILES: dict[str, Callable[[Sweep], bytes]] = {"csv": lambda found: found.csv().encode(), "parquet": Sweep.parquet}
"""Ending of a file → what it holds."""


def _downloading() -> None:
    @callback(
        Output(part("file"), "data"),
        Output(part("progress"), "children", allow_duplicate=True),
        *(Input(part(name), "n_clicks") for name in FILES),
        State(part("facts"), "data"),
        prevent_initial_call=True,
    )
    def download(_: object, __: object, facts: object) -> tuple[Any, Any]:
        ending = str(ctx.triggered_id).partition("-")[2]
        if ending not in FILES or not triggered_value():
            return no_update, no_update
        try:
            found = _product(state_of(facts))
            if found is None:
                raise InvalidInputError("There is no table yet. Choose Run first.")
            return dcc.send_bytes(FILES[ending](found), f"sweep.{ending}"), no_update
        except (PerturberError, BusyError) as error:
            return no_update, str(error)
