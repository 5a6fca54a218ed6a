"""The text for a paper's methods section of what a link shows; to be used where an app answers, as the pages."""

from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from types import MappingProxyType
from urllib.parse import urlsplit

from perturber.editing import Edit
from perturber.errors import InvalidInputError, UnknownNameError
from perturber.experiments.paired import RESAMPLES
from perturber.featurevis import Recipe
from perturber.figures.compose import letter
from perturber.methods import sentences, sweeps
from perturber.methods.works import bibliography, named
from perturber.scene import SceneBase
from perturber.service import VARIATION, CurveRequest, PerturbationsRequest, ScanRequest
from perturber.training import all_series
from perturber.ui import paper
from perturber.ui.context import service
from perturber.ui.experiments import Chosen
from perturber.ui.papers.explore import SLOT_KINDS
from perturber.ui.showing.experiments import known as known_experiments
from perturber.ui.showing.mixing import known as known_models
from perturber.ui.showing.sweep import all_words
from perturber.ui.states.checkpoints import CheckpointState
from perturber.ui.states.claim import ClaimState
from perturber.ui.states.compare import CompareState
from perturber.ui.states.experiments import ExperimentsState
from perturber.ui.states.explore import ExploreState
from perturber.ui.states.figures import PATH as FIGURES
from perturber.ui.states.figures import FiguresState
from perturber.ui.states.mixing import MixingState
from perturber.ui.states.page import parse_query
from perturber.ui.states.sweep import sweep_of


@dataclass(frozen=True)
class Methods:
    """A text, and the works that it names.

    Attributes:
        markdown: a paragraph; works are named as Pandoc does, ``[@madry2018]``.
        bibtex: their entries.
        notes: what was wrong in the link, a sentence each.
    """

    markdown: str
    bibtex: str
    notes: tuple[str, ...]


@dataclass
class Account:
    """What a state uses: its networks, and sentences in order.

    Attributes:
        networks: names of networks.
        said: sentences.
        notes: what was wrong in the link.
    """

    networks: dict[str, None] = field(default_factory=dict)
    said: list[str] = field(default_factory=list)
    notes: tuple[str, ...] = ()

    def of_networks(self, names: Iterable[str]) -> None:
        """Networks that it uses; of a mixed one, those that it is made of as well."""
        for name in names:
            if Edit.is_edit(name):
                edit = Edit.parse(name)
                self.networks |= dict.fromkeys(one for one in (edit.first, edit.second) if one)
            self.networks[name] = None


def describe(link: str, kind: str | None = None) -> Methods:
    """What was done for what a link shows.

    Args:
        link: address of a page's state; of a whole address only path and query count.
        kind: one of the page's figures; None for all that the page shows.

    Raises:
        InvalidInputError: there is no such page or figure.
    """
    parts = urlsplit(link)
    path = parts.path or "/"
    if path == FIGURES:
        return _of_panels(parts.query)
    account = _account(path, parts.query, kind)
    return _written([*_networks(account.networks), *account.said], account.notes)


def _account(path: str, query: str, kind: str | None) -> Account:
    if path not in PAGES:
        raise InvalidInputError(f"There is nothing to say of {path[:100]!r}. Give a link to {', '.join(PAGES)}.")
    if kind is not None and kind not in (known := paper.kinds(path)):
        raise UnknownNameError(f"figure of {path}", kind, known)
    return PAGES[path](query, kind)


def _of_panels(query: str) -> Methods:
    """The union of what all panels use; sentences of some panels name them."""
    state, problems = FiguresState.from_query(parse_query(query))
    if not state.panels:
        raise InvalidInputError("There is no panel yet, and so nothing to describe. Add one first.")
    networks: dict[str, None] = {}
    of_panels: dict[str, list[str]] = {}
    notes = list(problems)
    for number, panel in enumerate(state.panels):
        path, _, of_page = panel.link.partition("?")
        account = _account(path, of_page, panel.kind)
        networks |= account.networks
        notes += account.notes
        for one in account.said:
            of_panels.setdefault(one, []).append(letter(number))
    everywhere = len(state.panels)
    said = [one if len(where) == everywhere else f"({', '.join(where)}) {one}" for one, where in of_panels.items()]
    return _written([*_networks(networks), *said], tuple(dict.fromkeys(notes)))


def _written(said: list[str], notes: tuple[str, ...]) -> Methods:
    text = " ".join([sentences.tool(), *said])
    return Methods(markdown=f"{text}\n", bibtex=bibliography(named(text)), notes=notes)


def _networks(names: Iterable[str]) -> Iterator[str]:
    for name in names:
        yield from sentences.network(name, service().model(name).fingerprint, service().settings)


# ---- pages --------------------------------------------------------------------------------------------------------


def _of_explore(query: str, kind: str | None) -> Account:
    state, problems = ExploreState.from_query(parse_query(query), service().model)
    account = Account(notes=tuple(problems))
    what, number = SLOT_KINDS.get(kind or "", (kind, None))
    shown = [slot for n, slot in state.shown.items() if number in (None, n)]
    if what != "input":
        account.of_networks(slot.model for slot in shown)
    account.said += _picture(state.scene)
    attack = state.attack.attack
    if attack is not None:
        account.of_networks([attack.model])
        shares = {"alpha": state.attack.attack_alpha, "original": state.attack.original_alpha}
        account.said += sentences.attacked(attack, **shares)
    maps = [slot for slot in shown if slot.activations]
    if maps and what in (None, "activations", "visualisations"):
        if what != "visualisations":
            account.said.append(sentences.activations((slot.model, slot.layer, slot.channels) for slot in maps))
        if state.view.cards == "visualisation" or what == "visualisations":
            account.said.append(sentences.visualised(state.view.recipe, state.view.objective))
    explained = state.view.explain if state.view.explain is not None else "top" if what == "explanations" else None
    if explained is not None and what in (None, "explanations"):
        account.said.append(sentences.explained(explained))
    if what in (None, "curve", "models", "perturbations"):
        account.said += _of_job(account, state)
    return account


def _picture(scene: SceneBase) -> list[str]:
    said = sentences.scene(scene)
    if scene.plane:
        said.append(sentences.visualised(Recipe(), "neuron"))
    return said


def _of_job(account: Account, state: ExploreState) -> Iterator[str]:
    """The job of the figure that is open, where it is known."""
    if state.attack.job is None:
        return
    try:
        request = service().jobs.request(state.attack.job)
    except InvalidInputError:  # it is forgotten, or was another server's
        return
    if isinstance(request, CurveRequest):
        account.of_networks(request.models)
        seed = request.seed if request.random_start else None
        yield sentences.curve(request.method, request.norm, request.epsilons, request.steps, request.count, seed=seed)
    elif isinstance(request, PerturbationsRequest):
        account.of_networks(request.models)
        models = ", ".join(f"`{model}`" for model in request.models)
        yield f"The same attack was made on each of {models}, and its perturbations were compared by their spectra."


def _of_compare(query: str, kind: str | None) -> Account:
    state, problems = CompareState.from_query(parse_query(query), service().model)
    state = state.with_values(tab=kind or state.tab)
    account = Account(notes=tuple(problems))
    a, b = state.pair
    account.of_networks(state.models if state.tab == "depth" or kind is None else (a, b))
    if state.tab in ("channels", "depth") or kind is None or state.pictures == "scene":
        account.said += _picture(state.scene)
    pictures = (
        f"{state.count} variations of the scene ({VARIATION})"
        if state.pictures == "scene"
        else f"{state.count} example pictures"
    )
    if state.tab == "channels":
        account.said.append(sentences.activations((name, state.layer, state.channels) for name in (a, b)))
        account.said.append(f"Differences are `{a}` − `{b}`, unit by unit.")
    elif state.tab == "depth":
        account.said.append(
            f"Layer by layer, activations are compared with those of `{state.models[0]}` by 1 − cosine of the angle "
            "between them, and by the length of their difference over that of the former."
        )
    elif state.tab == "cka":
        account.said.append(
            f"Layers of `{a}` and `{b}` are compared by linear centred kernel alignment [@kornblith2019] over "
            f"{pictures}."
        )
    else:
        account.said.append(
            f"Channels of {state.layer} of `{a}` and of {state.other} of `{b}` are compared by their correlation over "
            f"{pictures}."
        )
    return account


def _of_sweep(query: str, kind: str | None) -> Account:
    state, problems = sweep_of(parse_query(query), service())
    account = Account(notes=tuple(problems))
    account.of_networks(state.models)
    account.said += _picture(state.scene)
    account.said.append(sweeps.gone_through(state.design))
    measures = all_words(state) if kind is None else [all_words(state)[state.shown]]
    of = "scenes" if state.pictures is None else "pictures"
    account.said.append(f"In each of these {of} was measured: {'; '.join(measures)}.")
    return account


def _of_mixing(query: str, kind: str | None) -> Account:
    state, problems = MixingState.from_query(parse_query(query), known_models())
    account = Account(notes=tuple(problems))
    request = None
    if state.scan is not None:
        try:
            request = service().jobs.request(state.scan)
        except InvalidInputError:  # it is forgotten, or was another server's
            request = None
    if kind is None:
        account.of_networks([str(state.edit)] if state.edit.amounts else [state.edit.first])
    if kind is None or request is None:
        account.said += _picture(state.scene)
    if isinstance(request, ScanRequest):
        account.of_networks((request.first, request.second))
        front, back = (request.first, request.second) if request.reverse else (request.second, request.first)
        account.said.append(
            f"For the compatibility of `{request.first}` and `{request.second}`, all parts ({request.level}) up to a "
            f"cut were taken from `{front}` and the others from `{back}` [@wortsman2022]."
        )
        if request.attack is not None:
            account.said += sentences.attacked(request.attack)
    elif kind is not None:
        account.of_networks(name for name in (state.edit.first, state.second) if name)
    return account


def _of_checkpoints(query: str, kind: str | None) -> Account:
    settings = service().settings
    state, problems = CheckpointState.from_query(parse_query(query), all_series(settings), service().model, settings)
    account = Account(notes=tuple(problems))
    series = state.series
    pair = [one.model for one in state.moments]
    account.of_networks(dict.fromkeys([*pair, series.name] if kind is None else [series.name]))
    steps = ", ".join(map(str, series.steps))
    account.said.append(f"Shown are the states of `{series.name}` after {steps} steps of its training.")
    curves = state.tab == "curves"
    if kind in (None, "predictions") or (kind == "multiples" and state.tab == "maps"):
        account.said += _picture(state.scene)
    if kind in ("activations", "weights") or (kind is None and curves):
        pictures = "variations of the scene" if state.pictures == "scene" else "example pictures"
        account.said.append(
            f"Activations (over {state.count} {pictures}) and weights of each layer are compared with those of the "
            "first state by their correlation."
        )
    if kind in (None, "multiples") and state.tab == "maps":
        account.said.append(sentences.activations([(series.name, state.layer, state.channels)]))
    if kind in (None, "multiples") and state.tab == "pictures":
        account.said.append(sentences.visualised(state.recipe, state.objective))
    return account


def _of_experiments(query: str, kind: str | None) -> Account:
    there = known_experiments()
    state, problems = ExperimentsState.from_query(parse_query(query), there)
    account = Account(notes=tuple(problems))
    account.of_networks(state.compared)
    account.said.append(state.shown.methods(Chosen(models=state.compared, options=state.values(there))))
    return account


def _of_claim(query: str, kind: str | None) -> Account:
    state, problems = ClaimState.from_query(parse_query(query))
    claim = state.claim()
    account = Account(notes=tuple(problems))
    account.of_networks(state.models)
    account.said += _picture(claim.a)
    what = f"{len(claim.over)} objects × {len(claim.before)} backgrounds × {claim.views} views"
    what = f"{claim.pictures:,} pictures" if claim.pictures else what
    account.said.append(
        f"We tested {len(claim):,} pairs of pictures, over {what}, that share all but what differs: {claim.clause()}. "
        f"Intervals are percentile bootstrap intervals [@efron1979] of {RESAMPLES:,} resamples, p-values those of "
        "sign-flip tests with Holm’s correction."
    )
    return account


PAGES: Mapping[str, Callable[[str, str | None], Account]] = MappingProxyType(
    {
        "/": _of_explore,
        "/compare": _of_compare,
        "/mixing": _of_mixing,
        "/checkpoints": _of_checkpoints,
        "/sweep": _of_sweep,
        "/experiments": _of_experiments,
        "/test": _of_claim,
    }
)
"""Path → what is said of its states."""
