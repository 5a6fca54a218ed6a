"""What follows on the Checkpoints page: figures and jobs at rest, what a dragged slider points at."""

import hashlib
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from typing import Any

from dash import Input, Output, Patch, State, callback, no_update
from dash.exceptions import PreventUpdate
from plotly.graph_objects import Figure

from perturber.errors import InvalidInputError, PerturberError
from perturber.service import JobState
from perturber.training import Series
from perturber.ui.callbacks.follow import Asked, Follow, Settled
from perturber.ui.components.checkpoints import CURVES, PANELS, figure_id, link_id, preview_id, words_id
from perturber.ui.components.controls import control_id, order_id
from perturber.ui.context import service
from perturber.ui.showing import training
from perturber.ui.showing.checkpoints import Made, all_made, preview, words
from perturber.ui.showing.pictures import jpeg
from perturber.ui.states.checkpoints import CheckpointState
from perturber.ui.states.page import parse_query

Read = Callable[[Mapping[str, str], Mapping[str, Any]], tuple[CheckpointState, list[str]]]


class Following:
    """One question of the page: what is new since the last one is shown.

    Args:
        page: its name.
        state: what it shows.
        asked: what is asked.

    Attributes:
        found: the answer.
    """

    def __init__(self, page: str, state: CheckpointState, asked: Asked) -> None:
        self.page, self.state, self.asked = page, state, asked
        self.found = Follow()
        self.order = None if asked.order is None else asked.order["order"]

    def answer(self) -> Follow:
        """Everything; orders what a button asks for.

        Raises:
            OvertakenError: a newer question of the same visit was faster.
            InvalidInputError: it cannot be ordered.
        """
        state = self.state
        for name, path in links(state):
            self._show("link " + name, link_id(self.page, name), href=path)
        series = {one.name: one for one, _ in state.slots}
        orders = {state.series.name} if state.tab == "pictures" and self.order == "make" else set()
        if state.tab == "pictures" and self.order == "cancel":
            self._cancel(all_made(state, state.series))
        found = {name: all_made(state, one, order=name in orders) for name, one in series.items()}
        self.found.running = any(one.open for columns in found.values() for column in columns for one in column)
        for number, place in enumerate(state.places):
            source, title = preview(state, number, place)
            self._show(f"preview {number}", preview_id(self.page, number), src=source, alt=title, title=title)
        {"curves": self._curves, "pictures": lambda: self._pictures(found[state.series.name])}.get(
            state.tab, self._of_all
        )()
        if self.order == "cancel":  # an answer that was on its way may be shown after this one: then all this once more
            self.found.running = True
            self.found.shown.clear()
        return self.found

    # ---- tabs -----------------------------------------------------------------------------------------------------

    def _curves(self) -> None:
        state = self.state
        if self.asked.woken:  # a log that grows meanwhile is not followed
            figure = training.error_curves(state)
            self._draw("errors", figure.to_json(), lambda: figure)
        self._draw(
            "predictions",
            f"{state.series.name} {state.scene!r}",
            lambda: training.predictions(state, self.asked.settled.client),
        )
        try:
            job = training.correlated(state, self.order)
        except InvalidInputError as error:
            job = training.Correlated(error=str(error))
        self._correlations(job)
        under_way = job.state is not None and not job.state.over
        self.found.running |= under_way
        self._buttons(
            compute={"hidden": under_way, "disabled": job.state is JobState.DONE},
            cancel=under_way,
            done=job.progress.done,
            steps=job.progress.steps,
        )

    def _correlations(self, job: training.Correlated) -> None:
        signature = f"{job.name} {self.state.layer} {job.state} {job.error} {job.known}"
        if not self._news("correlations", signature):
            return
        if job.product is None:
            activations, weights, note = training.said(job.why), training.said(job.why), ""
        else:
            activations, weights, note = training.correlation_curves(self.state, job.product)
        self._draw("activations", signature, lambda: activations)
        self._draw("weights", signature, lambda: weights)
        self._say(note)

    def _pictures(self, columns: Sequence[Sequence[Made]]) -> None:
        every = [one for column in columns for one in column]
        missing = [one for one in every if not one.done]
        signature = f"{self.state.series.name} {self.state.layer} {[one.signature for one in every]}"
        self._draw("multiples", signature, lambda: training.visualisations(self.state, columns, source=jpeg))
        under_way = any(one.open for one in every)
        make = f"Make {len(missing)}" if missing else "All made"
        self._buttons(
            make={"hidden": under_way, "disabled": not missing, "children": make},
            cancel=under_way,
            done=sum(one.share for one in every),
            steps=len(every),
        )
        failed = list(dict.fromkeys(one.found.error for one in every if one.found.error))
        self._say(" ".join(failed))

    def _of_all(self) -> None:
        """Of the scene, or of the filters."""
        state = self.state
        signature = f"{state.series.name} " + (
            f"{state.scene!r} {state.layer} {state.channels}" if state.tab == "maps" else ""
        )
        self._buttons()
        if self._news("of all", signature):
            figure, note = training.of_all(state, self.asked.settled.client)
            self._draw("multiples", signature, lambda: figure)
            self._say(note)

    # ---- what is new ------------------------------------------------------------------------------------------------

    def _news(self, key: str, what: str) -> bool:
        """Whether this is not what is shown under a name; from now on it is."""
        text = f"{self.state.tab} {self.state.opened} {what}"  # figures of another tab are gone
        signature = self.found.shown[key] = hashlib.sha256(text.encode()).hexdigest()[:16]
        return self.asked.shown.get(key) != signature

    def _show(self, key: str, id_: Any, **props: Any) -> None:
        if self._news(key, repr(props)):
            self.found.show(id_, **props)

    def _draw(self, panel: str, signature: str, make: Callable[[], Figure]) -> None:
        if self._news(panel, signature):
            figure = make()
            if figure.data and self.state.tab in ("curves", "pictures"):
                figure.update_layout(shapes=training.marks(self.state, self.state.places))
            self.found.show(figure_id(self.page, panel), figure=figure)

    def _say(self, note: str) -> None:
        self._show("hint", f"{self.page}-hint", children=note)

    def _buttons(
        self,
        *,
        compute: Mapping[str, Any] | None = None,
        make: Mapping[str, Any] | None = None,
        cancel: bool = False,
        done: float = 0,
        steps: int = 1,
    ) -> None:
        """The buttons that order, where there are any, and how far the job has come."""
        for name, props in (("compute", compute), ("make", make), ("cancel", {"hidden": not cancel})):
            self._show(name, order_id(self.page, name), **(props or {"hidden": True}))
        bar = {"max": str(steps), "value": f"{done:.3f}", "hidden": not cancel}
        self._show("progress", f"{self.page}-progress", **bar)

    def _cancel(self, columns: Sequence[Sequence[Made]]) -> None:
        for job in {one.found.job for column in columns for one in column if one.open}:
            with suppress(InvalidInputError):  # it is forgotten already
                service().jobs.cancel(str(job))


def links(state: CheckpointState) -> list[tuple[str, str]]:
    """Name and address of the pages on which both checkpoints can be opened."""
    return [("Explore", f"/?{state.pair}"), ("Compare", f"/compare?{state.pair}")]


# ---- the sliders --------------------------------------------------------------------------------------------------


def slider_callback(page: str, read: Read, all_series: Callable[[], dict[str, Series]]) -> None:
    """While a slider moves, what is at hand follows: words, feature visualisations, and marks in the figures.

    To be called once as the page's module is imported.
    """
    numbers = (0, 1)

    @callback(
        output={
            "said": [Output(words_id(page, n), "children") for n in numbers],
            "sources": [Output(preview_id(page, n), "src") for n in numbers],
            "titles": [Output(preview_id(page, n), "title") for n in numbers],
            "figures": [Output(figure_id(page, panel), "figure") for panel in PANELS],
        },
        inputs={
            "places": [Input(control_id(page, "place", n), "drag_value") for n in numbers],
            "names": [Input(control_id(page, "series", n), "value") for n in numbers],
        },
        state={
            "tab": State(control_id(page, "tab"), "value"),
            "settled": State(f"{page}-settled", "data"),
            "facts": State(f"{page}-facts", "data"),
        },
        prevent_initial_call=True,
    )
    def moved(places: list[Any], names: list[Any], tab: Any, settled: Any, facts: Any) -> Any:
        try:
            query = Settled.latest(settled, facts).query
            state, _ = read({**parse_query(query), "tab": str(tab)}, {})
            known = all_series()
            for n, (name, place) in enumerate(zip(names, places, strict=True)):
                if isinstance(name, str) and name in known and type(place) is int:
                    state = state.at_place(n, known[name], place)
            shown = [preview(state, n, place) for n, place in enumerate(state.places)]
        except PerturberError:  # the look says what is wrong
            raise PreventUpdate from None
        said = [words(series, place) for (series, _), place in zip(state.slots, state.places, strict=True)]
        sources, titles = zip(*shown, strict=True)
        figures = _marked(state) if settled else [no_update] * len(PANELS)  # at first nothing is drawn in them
        return {"said": said, "sources": list(sources), "titles": list(titles), "figures": figures}


def _marked(state: CheckpointState) -> list[Any]:
    """Of each figure, the marks where the sliders stand."""
    marked = {"curves": tuple(CURVES), "pictures": ("multiples",)}.get(state.tab, ())
    figures: list[Any] = [no_update] * len(PANELS)
    for panel in marked:
        figures[PANELS.index(panel)] = Patch()
        figures[PANELS.index(panel)]["layout"]["shapes"] = training.marks(state, state.places)
    return figures
