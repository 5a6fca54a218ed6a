"""The state of Experiments: links and what they hold."""

from urllib.parse import urlencode

import pytest
from fuzzing import fuzz
from hypothesis import given
from hypothesis import strategies as st

from perturber.errors import InvalidInputError
from perturber.experiments.measurements.measurement import Numbers, Pick
from perturber.parameters import Choice, Number, Parameter, Switch, Text
from perturber.service import InferenceService
from perturber.ui.experiments import EXPERIMENTS, Known
from perturber.ui.experiments.choices import Channels, channels
from perturber.ui.states.experiments import MODEL, OWN, ExperimentsState
from perturber.ui.states.explore import DEFAULT_MODELS
from perturber.ui.states.page import parse_query

NETWORKS = ("efficientnet_lite0", "lite0_adversarial", "efficientnet_lite1", "lite0_stylised@10")
MIXED = "mix(efficientnet_lite0,lite0_adversarial;blocks.3=0.5)"


@pytest.fixture(scope="module")
def known(service: InferenceService) -> Known:
    return Known(service.model, lambda _: {"blocks.3.0": {"mine & theirs": [1, 2]}}, ("cues", "labelled"), True)


def read(text: str, known: Known) -> ExperimentsState:
    state, problems = ExperimentsState.from_query(parse_query(text), known)
    assert problems == []
    return state


def values(option: Parameter) -> st.SearchStrategy[object]:
    """Values of an option as a control sends them."""
    if isinstance(option, Number):
        step = 1 if option.whole else 1000
        ends = round(option.minimum * step), round(option.maximum * step)
        return st.integers(*ends).map(lambda n: n / step)
    if isinstance(option, Pick):
        return st.sampled_from(list(option.choices))
    if isinstance(option, Choice):
        return st.sampled_from(list(option.options))
    if isinstance(option, Switch):
        return st.booleans()
    if isinstance(option, Numbers):
        return st.lists(st.integers(1, 5), min_size=1, max_size=5).map(lambda found: ",".join(map(str, found)))
    if not isinstance(option, Channels):
        assert isinstance(option, Text)
        return st.lists(st.sampled_from(["blocks.1", "blocks.4", "a & b"]), max_size=3).map(",".join)
    return st.lists(st.integers(0, 15), min_size=1, max_size=min(9, option.most)).map(
        lambda found: ", ".join(map(str, found))
    )


@fuzz(60)
@given(data=st.data())
def test_a_link_is_the_state(known: Known, data: st.DataObject) -> None:
    state = ExperimentsState().opened(data.draw(st.sampled_from(list(EXPERIMENTS))), known)
    networks = data.draw(st.lists(st.sampled_from([*NETWORKS, MIXED]), min_size=1, max_size=4, unique=True))
    state = state.with_models(networks[0] if state.shown.networks == 1 else networks, known)
    for _ in range(data.draw(st.integers(0, 4))):
        option = data.draw(st.sampled_from(state.shown.options(state.models[0], state.options, known)))
        state = state.with_option(option.key, data.draw(values(option)), known)
    if state.shown.folder:
        state = state.with_folder(data.draw(st.sampled_from(known.collections)), known)
    if data.draw(st.booleans()):
        state = state.with_figure("fluctuation, ± standard deviation")
    again = read(state.query(), known)
    assert again == state
    assert again.query() == state.query()
    assert again.values(known) == state.values(known)


def test_a_link_without_anything_is_the_first_experiment(known: Known) -> None:
    state = read("", known)
    assert (state.experiment, state.models, state.query()) == ("fluctuation", DEFAULT_MODELS, "")
    assert state.values(known)["count"] == 7


def test_options_are_named_by_nothing_else(known: Known) -> None:
    for one in EXPERIMENTS.values():
        for chosen in ({}, {"over": "scenes"}, {"parameters": "one"}):
            keys = [option.key for option in one.options(NETWORKS[0], chosen, known)]
            assert len(set(keys)) == len(keys)
            assert not [key for key in keys if key in OWN or MODEL.fullmatch(key)]


@pytest.mark.parametrize(
    ("query", "sentence"),
    [
        ({"experiment": "luck"}, "Unknown experiment 'luck'"),
        ({"m1": "nobody"}, "Unknown model 'nobody'"),
        ({"m9": "efficientnet_lite0"}, "Up to 8 networks"),
        ({"count": "1"}, "Values (count) cannot be '1'"),
        ({"nothing": "1"}, "Unknown option of this experiment 'nothing'"),
        ({"figure": "<b>"}, "cannot be called"),
        ({"folder": "cues"}, "takes no folder"),
        ({"experiment": "cue-conflict", "folder": "../.."}, "Unknown collection of pictures '../..'"),
        ({"experiment": "cue-conflict", "views": "3"}, "Unknown option of this experiment 'views'"),
        ({"experiment": "tuning", "channels": "5-1"}, "Channels (channels) cannot be '5-1'"),
        ({"experiment": "hypotheses", "channels": "0-8"}, "Allowed: up to 8 channels"),
        ({"experiment": "hypotheses", "parameter": "hue"}, "Unknown option of this experiment 'parameter'"),
        (
            {"experiment": "hypotheses", "parameters": "one", "parameter": "noise_seed"},
            "Unknown parameter 'noise_seed'",
        ),
        ({"experiment": "tuning", "layer": "attic"}, "Unknown layer 'attic'"),
        ({"experiment": "tuning", "first_parameter": "yaw"}, "Unknown option of this experiment 'first_parameter'"),
    ],
)
def test_what_is_wrong_is_told_in_one_sentence(known: Known, query: dict[str, str], sentence: str) -> None:
    state, (problem,) = ExperimentsState.from_query(parse_query(urlencode(query)), known)
    assert sentence in problem
    assert read(state.query(), known) == state
    state.values(known)


def test_what_follows_an_option_goes_back(known: Known) -> None:
    state = ExperimentsState().with_option("low", -10, known)
    assert state.options == {"low": -10}
    state = state.with_option("parameter", "distance", known)
    assert state.options == {"parameter": "distance"}
    found = state.values(known)
    assert (found["low"], found["high"]) == (0.5, 20)
    tuning = read("experiment=tuning&neurons=own:mine %26 theirs", known)
    assert "channels" not in tuning.values(known)
    assert tuning.with_option("layer", "blocks.1.0", known).options == {"layer": "blocks.1.0"}
    hypotheses = read("experiment=hypotheses&parameters=one&parameter=hue&low=-0.1&high=0.1&channels=3", known)
    assert hypotheses.values(known)["low"] == -0.1
    assert hypotheses.with_option("parameter", "distance", known).values(known)["low"] == 0.5
    assert "channels" not in hypotheses.with_option("layer", "blocks.1.0", known).options
    layer = tuning.with_option("layer", "blocks.4.2", known).with_models("efficientnet_lite2", known)
    assert layer.models[0] == "efficientnet_lite2"
    assert layer.values(known)["neurons"] == "listed"


def test_networks_are_chosen(known: Known) -> None:
    state = ExperimentsState().with_models(list(NETWORKS), known)
    assert state.compared == NETWORKS
    single = state.opened("tuning", known)
    assert single.compared == NETWORKS[:1]
    assert single.with_models(NETWORKS[2], known).models == (NETWORKS[2], NETWORKS[1], NETWORKS[3])
    for wrong in ([], None, 3, ["nobody"], [f"m{n}" for n in range(9)]):
        with pytest.raises(InvalidInputError):
            state.with_models(wrong, known)


def test_without_folders_there_is_none(service: InferenceService) -> None:
    state, problems = ExperimentsState.from_query({"experiment": "labelled-attacks"}, Known(service.model))
    assert (state.folder, problems) == ("", [])


def test_channels_are_read_as_people_write_them() -> None:
    assert channels("0, 5 12-14") == (0, 5, 12, 13, 14)
    for wrong in ("", "a", "3-1", "1-", "0-99999", "٣"):
        assert channels(wrong) == ()
