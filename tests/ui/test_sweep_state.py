"""The state of the Sweep page: link → state → link is the identity, and what is wrong is said."""

from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image

from perturber.errors import InvalidInputError, UnknownNameError
from perturber.experiments.measures import Measure
from perturber.experiments.sweep import Axis, Grid, LatinHypercube, PictureAxis, Range
from perturber.parameters import Number, get
from perturber.scene import Scene
from perturber.ui.states.page import parse_query
from perturber.ui.states.sweep import MAX_MEASURES, SweepState, first_axis, is_even, numbers, parameters

MODELS = ("one", "two", "mix(one,two;blocks.1=0.5)")


class Info:
    def __init__(self, name: str) -> None:
        self.name = name


def models(name: str) -> Info:
    if name not in (*MODELS, *SweepState.default().models):
        raise UnknownNameError("model", name, MODELS)
    return Info(name)


def read(query: str) -> tuple[SweepState, list[str]]:
    return SweepState.from_query(parse_query(query), models)  # type: ignore[arg-type]  # all that is asked for


@st.composite
def axes(draw: st.DrawFn, key: str) -> Axis:
    parameter = get(key)
    if not isinstance(parameter, Number):
        return first_axis(key)
    value = st.floats(parameter.minimum, parameter.maximum).map(round if parameter.whole else float)
    if draw(st.booleans()):
        low, high = sorted(draw(st.tuples(value, value)))
        try:
            return Axis.even(key, low, high, draw(st.integers(2, 40)))
        except InvalidInputError:  # too near one another
            return first_axis(key)
    return Axis(key, tuple(draw(st.lists(value, min_size=2, max_size=5, unique_by=lambda one: parameter.parse(one)))))


@st.composite
def designs(draw: st.DrawFn) -> Grid | LatinHypercube:
    if draw(st.booleans()):
        keys = draw(st.lists(st.sampled_from(list(parameters())), min_size=1, max_size=2, unique=True))
        return Grid(tuple(draw(axes(key)) for key in keys))
    keys = draw(st.lists(st.sampled_from(list(numbers())), min_size=1, max_size=6, unique=True))
    ranges = tuple(Range(key, get(key).minimum, get(key).maximum) for key in keys)  # type: ignore[attr-defined]
    return LatinHypercube(ranges, draw(st.integers(1, 20_000)), draw(st.integers(0, 999_999)))


INDEX = st.integers(0, 999)
POOLED = ["mean", "max"]
LAYER = st.sampled_from(["blocks.3.0", "conv_stem", "x"])
MEASURES = st.one_of(
    st.builds(Measure, kind=st.sampled_from(["logit", "probability", "margin", "rank"]), class_index=st.none() | INDEX),
    st.builds(Measure, kind=st.sampled_from(["entropy", "agreement", "divergence"])),
    st.builds(Measure, kind=st.just("change"), layer=LAYER),
    st.builds(Measure, kind=st.just("activation"), layer=LAYER, channel=INDEX, pooling=st.sampled_from(POOLED)),
    st.builds(
        Measure, kind=st.just("activation"), layer=LAYER, channel=INDEX, pooling=st.just("place"),
        place=st.tuples(INDEX, INDEX),
    ),
)  # fmt: skip


@st.composite
def states(draw: st.DrawFn) -> SweepState:
    measures = tuple(draw(st.lists(MEASURES, min_size=1, max_size=MAX_MEASURES, unique=True)))
    return SweepState(
        scene=Scene().replace(yaw=draw(st.floats(-90, 90)), plane=draw(st.booleans())),
        design=draw(designs()),
        models=tuple(draw(st.lists(st.sampled_from(MODELS), min_size=1, max_size=3, unique=True))),
        measures=measures,
        shown=draw(st.integers(0, len(measures) - 1)),
    )


@settings(max_examples=150, deadline=None)
@given(state=states())
def test_a_link_holds_all(state: SweepState) -> None:
    query = state.query()
    again, problems = read(query)
    assert (again, problems) == (state, [])
    assert again.query() == query


def test_the_first_state_needs_no_link() -> None:
    assert SweepState.default().query() == ""
    assert read("") == (SweepState.default(), [])


@pytest.mark.parametrize(
    ("query", "says"),
    [
        ("nonsense=1", "nonsense"),
        ("yaw=here", "Yaw"),
        ("axis1=yaw:60:-60:5", "must rise"),
        ("axis1=yaw:-60:60:100&axis2=pitch:-60:60:1000", "cannot have 100,000 scenes"),
        ("axis1=custom_code:a,b", "no quantity"),
        ("axis1=object:0:1:5", "has no range"),
        ("axis1=yaw:1:2", "cannot be"),
        ("axis1=yaw:-60:60:5&axis2=yaw:0:1:2", "named twice"),
        ("ranges=yaw:-60:60;yaw:0:1", "named twice"),
        ("ranges=yaw&samples=4", "A range cannot be"),
        ("ranges=yaw:-60:60&samples=0", "samples"),
        ("m1=three", "three"),
        ("m1=one&m2=one", "named twice"),
        ("measures=colour", "colour"),
        ("measures=probability:x", "class"),
        ("measures=activation:blocks.3.0", "channel"),
        ("measures=activation:a:1:median", "median"),
        ("measures=entropy:3", "cannot be"),
        ("measures=" + ";".join(f"logit:{n}" for n in range(9)), "up to 6"),
        ("shown=2", "shown"),
    ],
)
def test_what_is_wrong_is_said_in_a_sentence(query: str, says: str) -> None:
    state, problems = read(query)
    assert state == SweepState.default()
    assert len(problems) == 1
    assert says in problems[0]


def test_even_axes_are_written_by_their_ends() -> None:
    assert is_even(Axis.even("yaw", -60, 60, 9))
    assert not is_even(Axis("yaw", (-60, 0, 61)))
    assert read("axis1=yaw:-30:30:3")[0].query() == "axis1=yaw:-30:30:3"


def test_measures_come_and_go() -> None:
    state = SweepState.default().with_measure(Measure(kind="entropy"))
    assert (len(state.measures), state.shown) == (2, 1)
    assert state.with_measure(Measure(kind="probability")).shown == 0
    assert state.without_measure() == SweepState.default()
    with pytest.raises(InvalidInputError, match="needs a measure"):
        SweepState.default().without_measure()


def test_pictures_of_a_folder_in_a_link(tmp_path: Path) -> None:
    folder = tmp_path / "of: cats & dogs"
    folder.mkdir()
    for n in range(7):
        Image.new("RGB", (8, 8)).save(folder / f"{n}.png")
    folders = {folder.name: folder}
    for axes in ((), (Axis.even("contrast", 0.5, 1.5, 3),)):
        state = SweepState.default().with_values(
            design=Grid((PictureAxis.of(folder, 3), *axes)), measures=(Measure(kind="entropy"),)
        )
        assert state.pictures is not None
        assert state.pictures.values == ("0.png", "2.png", "4.png")  # evenly spread
        assert state.file(0) == folder / "0.png"
        found, problems = SweepState.from_query(parse_query(state.query()), models, folders)  # type: ignore[arg-type]
        assert (found, problems) == (state, [])


@pytest.mark.parametrize(
    ("query", "says"),
    [
        ("pictures=here:0", "'pictures' cannot be '0'"),
        ("pictures=here", "collection of pictures"),
        ("pictures=../etc:5", "collection of pictures"),
        ("pictures=there:5", "holds no pictures"),
        ("pictures=here:5&axis1=yaw:0:10:3", "changes nothing in a picture"),
        ("pictures=here:5&axis1=contrast:0.5:1.5:3&axis2=hue:-0.1:0.1:3", "one or two parameters, not 3"),
    ],
)
def test_pictures_that_there_are_not(tmp_path: Path, query: str, says: str) -> None:
    folders = {name: tmp_path / name for name in ("here", "there")}
    for folder in folders.values():
        folder.mkdir()
    Image.new("RGB", (8, 8)).save(folders["here"] / "one.png")
    state, problems = SweepState.from_query(parse_query(query), models, folders)  # type: ignore[arg-type]
    assert state == SweepState.default()
    assert len(problems) == 1
    assert says in problems[0]
    assert str(tmp_path) not in problems[0]  # where folders lie is the server's affair
