"""Which tensors of a file are a network's: behind which prefix they stand, and what stands beside them."""

import re
from collections import Counter
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from math import isfinite

import torch
from torch import Tensor, nn

from perturber.errors import InvalidInputError
from perturber.zoo.layouts import DIRECT, LAYOUTS, RECOGNISED
from perturber.zoo.reading import Parts, State
from perturber.zoo.signatures import architectures

Alike = Callable[[Tensor, Tensor], bool]
"""Whether a tensor of a file can be used for one of the network's."""

WRAPPERS = {"module", "_orig_mod", "_fsdp_wrapped_module", "_checkpoint_wrapped_module"}
"""Parts of names that PyTorch's wrappers put in, at the front or inside."""

AVERAGED = re.compile(r"(^|[._])(ema|averaged?|avg|swa|teacher|shadow)([._]|$)")
"""In the path of weights that are a running mean of others, as training scripts call them."""

BOOKKEEPING = re.compile(r"(^|\.)(total_ops|total_params|n_averaged|num_updates|decay|initted)$")
"""Buffers that profilers and averaging leave behind."""

BESIDE = re.compile(
    r"(^|\.)(\w*criterion|\w*loss(_?fn|_func|es)?|\w*metrics?|\w*(acc|accuracy|auroc|confmat|f1|precision|recall)\d*|"
    r"aux\d*|aux_?logits|aux_classifier)(\.|$)",
    re.IGNORECASE,
)
"""Parts of a training that stand beside the network in one module: criteria, metrics, auxiliary classifiers."""

NORMALISATIONS = {"mean": "std", "new_mean": "new_std", "mu": "sigma"}
"""How those who put the normalisation into the network call its mean → its deviation."""


@dataclass(frozen=True)
class Normalisation:
    """Mean and deviation that a file carries beside its weights, per channel, in the [0, 1] pixel scale."""

    mean: tuple[float, float, float]
    std: tuple[float, float, float]

    def agrees(self, mean: Sequence[float], std: Sequence[float]) -> bool:
        """Whether it is another one, but for how far figures are rounded."""
        pairs = zip((*self.mean, *self.std), (*mean, *std), strict=True)
        return all(abs(one - other) < 1e-3 for one, other in pairs)

    def __str__(self) -> str:
        mean, std = (", ".join(f"{value:.4g}" for value in values) for values in (self.mean, self.std))
        return f"mean {mean} and std {std}"


@dataclass(frozen=True)
class Fit:
    """What of a file is a network's.

    Attributes:
        state: the network's keys → tensors.
        notes: what was stripped, left out or chosen, a sentence each.
        normalisation: that the file carries; None where it carries none.
    """

    state: State
    notes: tuple[str, ...] = ()
    normalisation: Normalisation | None = None


def same_shape(found: Tensor, like: Tensor) -> bool:
    """Whether two tensors have one shape, or differ in that one takes grey pictures and the other coloured ones."""
    return found.shape == like.shape or takes_grey(found, like)


def takes_grey(found: Tensor, like: Tensor) -> bool:
    """Whether a convolution takes one channel where the network's takes three."""
    return found.ndim == 4 and found.shape[1] == 1 and like.shape == (found.shape[0], 3, *found.shape[2:])


def fit(
    parts: Parts,
    module: nn.Module,
    file: str,
    *,
    layout: str = "auto",
    layers: Mapping[str, str] | None = None,
    ema: bool | None = None,
    alike: Alike = same_shape,
) -> Fit:
    """Find a network's tensors in what a file holds.

    Args:
        parts: of the file, see `perturber.zoo.reading.read_parts`.
        module: the network.
        file: its name, for sentences.
        layout: how the tensors are named, a key of `perturber.zoo.layouts.LAYOUTS`.
        layers: name of a layer in the file → module of the network, where they differ beyond the layout.
        ema: whether averaged weights are wanted where they stand beside plain ones; None for the averaged ones, since
            those who keep them evaluate with them.
        alike: whether a tensor can be used for one of the network's.

    Raises:
        InvalidInputError: no place of the file holds all of the network, or several do and none can be preferred.
    """
    keys = module.state_dict()
    why: InvalidInputError | None = None
    for renamed, notes in _renamings(parts, module, layout, layers or {}):
        try:
            found = _Search(renamed, keys, file, alike).best(ema)
        except InvalidInputError as error:
            why = why or error
        else:
            return replace(found, notes=(*notes, *found.notes))
    assert why is not None
    raise why


def _renamings(
    parts: Parts, module: nn.Module, layout: str, layers: Mapping[str, str]
) -> Iterator[tuple[Parts, tuple[str, ...]]]:
    """The file as it is, then as each layout renames it, with what is said of that."""
    if layout in DIRECT:
        yield _relayered(parts, layers), ()
    else:
        yield _relayered({path: LAYOUTS[layout](state, module) for path, state in parts.items()}, layers), ()
    for name, rename in RECOGNISED.items() if layout == "auto" else ():
        renamed = {path: rename(state, module) for path, state in parts.items()}
        notes = []
        if any(renamed[path].keys() != state.keys() for path, state in parts.items()):
            notes.append(f"The tensors' names are {name}; they were translated.")
        if resized := _resized(parts, renamed):
            notes.append(f"Tensors of another size were brought to the network's: {', '.join(resized[:6])}.")
        yield _relayered(renamed, layers), tuple(notes)


def _resized(parts: Parts, renamed: Parts) -> list[str]:
    """Names that stand for tensors of another shape now."""
    return [
        key
        for path, state in parts.items()
        for key, tensor in renamed[path].items()
        if key in state and state[key].numel() != tensor.numel()
    ]


def _relayered(parts: Parts, layers: Mapping[str, str]) -> Parts:
    """Whole layers under other names."""
    if not layers:
        return parts
    split = {path: {key: key.rpartition(".") for key in state} for path, state in parts.items()}
    return {
        path: {f"{layers.get(layer, layer)}{dot}{kind}": parts[path][key] for key, (layer, dot, kind) in keys.items()}
        for path, keys in split.items()
    }


class _Search:
    """For a network's tensors among those of a file, whose names begin with the mapping's path, wrappers left out.

    Args:
        keys: the network's own state.
    """

    def __init__(self, parts: Parts, keys: Mapping[str, Tensor], file: str, alike: Alike) -> None:
        self.file, self.keys, self.alike = file, keys, alike
        # How many batches training has seen plays no part; Keras and PyTorch before 0.4.1 do not keep it.
        self.wanted = {key for key in keys if not key.endswith("num_batches_tracked")}
        own = WRAPPERS - {part for key in keys for part in key.split(".")}
        self.tensors: State = {}
        self.mapping: dict[str, str] = {}
        self.wrapped: set[str] = set()
        for path, state in parts.items():
            for name, tensor in state.items():
                full = f"{path}.{name}" if path else name
                kept = [part for part in full.split(".") if part not in own]
                self.wrapped.update(own.intersection(full.split(".")))
                plain = ".".join(kept)
                plain = full if plain in self.tensors else plain
                self.tensors[plain] = tensor
                self.mapping[plain] = "".join(f"{part}." for part in path.split(".") if part and part not in own)

    def best(self, ema: bool | None) -> Fit:
        """The network's tensors at the place that fits best.

        Raises:
            InvalidInputError: none fits, or several fit that differ.
        """
        scores = {prefix: self._fitting(prefix) for prefix in self._prefixes()}
        if not scores:
            raise self._strangers()
        most = max(scores.values())
        prefixes = sorted((prefix for prefix in scores if scores[prefix] == most), key=len)
        if most < len(self.wanted):
            raise self._misfit(prefixes[0])
        prefix, chosen = self._chosen(prefixes, ema)
        normalisation, taken, said = self._normalisation(prefix)
        surplus = [name for name in self._surplus(prefix) if name not in taken]
        if strange := [name for name in surplus if not self._is_beside(name)]:
            raise self._misfit(prefix, strange)
        state = {key: self.tensors.get(prefix + key, like) for key, like in self.keys.items()}
        notes = [*chosen, *self._stripped(prefix), *self._left_out(prefix, taken), *said]
        return Fit(state, tuple(notes), normalisation)

    def _prefixes(self) -> Collection[str]:
        """What stands before some of the network's keys, in the file's order."""
        deepest = max((key.count(".") + 1 for key in self.wanted), default=0)
        prefixes: dict[str, None] = {}
        for name in self.tensors:
            parts = name.split(".")
            for start in range(max(0, len(parts) - deepest), len(parts)):
                if ".".join(parts[start:]) in self.wanted:
                    prefixes["".join(f"{part}." for part in parts[:start])] = None
        return prefixes

    def _fitting(self, prefix: str) -> int:
        found = ((self.tensors.get(prefix + key), self.keys[key]) for key in self.wanted)
        return sum(tensor is not None and self.alike(tensor, like) for tensor, like in found)

    def _chosen(self, prefixes: Collection[str], ema: bool | None) -> tuple[str, list[str]]:
        """One of several places that all hold the whole network, and what is said of it.

        Raises:
            InvalidInputError: which one is a question.
        """
        distinct: list[str] = []
        for prefix in prefixes:
            if not any(self._equal(prefix, other) for other in distinct):
                distinct.append(prefix)
        if len(distinct) == 1:
            return distinct[0], []
        averaged = [prefix for prefix in distinct if AVERAGED.search(prefix)]
        plain = [prefix for prefix in distinct if prefix not in averaged]
        chosen = plain if ema is False or not averaged else averaged
        listed = ", ".join(map(_named, distinct))
        if len(chosen) != 1:
            raise InvalidInputError(
                f"The file {self.file!r} holds weights that fit more than once: {listed}. Save those that are meant "
                "into a file of their own."
            )
        kind, other = "plain", "--ema takes the averaged ones"
        if chosen is averaged:
            kind, other = "averaged (EMA)", "--no-ema takes the plain ones"
        hint = f" {other[0].upper()}{other[1:]}." if averaged and plain else ""
        return chosen[0], [
            f"The weights stand in it as {listed}; the {kind} ones in {_named(chosen[0])} are used.{hint}"
        ]

    def _equal(self, one: str, other: str) -> bool:
        return all(torch.equal(self.tensors[one + key], self.tensors[other + key]) for key in self.wanted)

    def _surplus(self, prefix: str) -> list[str]:
        """Names behind the prefix, in the mappings that the network's tensors are from, that are none of the keys."""
        used = {self.mapping[prefix + key] for key in self.wanted if prefix + key in self.tensors}
        return [
            name
            for name in self.tensors
            if name.startswith(prefix) and self.mapping[name] in used and name.removeprefix(prefix) not in self.keys
        ]

    def _is_beside(self, name: str) -> bool:
        """Whether a tensor that the network does not have can be left out without making another network of it."""
        own = name.removeprefix(self.mapping[name])
        counter = "." not in own and self.tensors[name].numel() == 1  # an epoch, a best accuracy
        return counter or bool(BOOKKEEPING.search(name) or BESIDE.search(name))

    def _stripped(self, prefix: str) -> Iterator[str]:
        """Of names alone: that the tensors stood in a mapping goes without saying."""
        mapping = next((self.mapping[prefix + key] for key in self.wanted), "")
        stripped = prefix.removeprefix(mapping)
        parts = [*sorted(f"{part}." for part in self.wrapped), *([stripped] if stripped else [])]
        if parts:
            verb = "was" if len(parts) == 1 else "were"
            yield f"{' and '.join(map(repr, parts))} in the tensors' names {verb} stripped."

    def _left_out(self, prefix: str, taken: Collection[str]) -> Iterator[str]:
        """What stands beside the network, counted by where it stands."""
        groups: Counter[str] = Counter()
        for name in self.tensors:
            if name in taken or (name.startswith(prefix) and name.removeprefix(prefix) in self.keys):
                continue
            if BOOKKEEPING.search(name):
                groups[name.rpartition(".")[2]] += 1
                continue
            head = ""
            for part in name.split("."):
                head = f"{head}.{part}" if head else part
                if not prefix.startswith(f"{head}."):
                    break
            groups[head] += 1
        if groups:
            shown = [f"{name[:60]} ({count})" if count > 1 else name[:60] for name, count in groups.most_common(6)]
            more = [f"{len(groups) - 6} more"] if len(groups) > 6 else []
            yield f"Tensors beside the network's were left out: {', '.join([*shown, *more])}."

    def _normalisation(self, prefix: str) -> tuple[Normalisation | None, set[str], list[str]]:
        """That stands around or beside the network, the names that it is read from, and what is said of it.

        Raises:
            InvalidInputError: there are several, or it cannot be one.
        """
        pairs = [pair for name in self.tensors if (pair := self._normalising(name, prefix))]
        nearest = max((shared for shared, *_ in pairs), default=0)
        pairs = [pair for pair in pairs if pair[0] == nearest]
        taken = {name for _, *names in pairs for name in names}
        values = {
            tuple(v for one in (mean, std) for v in self.tensors[one].double().flatten().expand(3).tolist()): mean
            for _, mean, std in reversed(pairs)
        }
        if not values:
            return None, taken, []
        read = [(*_scaled(numbers), where) for numbers, where in reversed(values.items())]
        if len(read) > 1:
            listed = "; ".join(f"{normalisation} in {where!r}" for normalisation, _, where in read)
            raise InvalidInputError(
                f"The file {self.file!r} carries more than one normalisation: {listed}. Save the network with the one "
                "that counts."
            )
        normalisation, note, where = read[0]
        if min(normalisation.std) <= 0 or not all(map(isfinite, (*normalisation.mean, *normalisation.std))):
            raise InvalidInputError(
                f"The file {self.file!r} carries a normalisation that cannot be one: {normalisation} in {where!r}."
            )
        return normalisation, taken, [f"The file carries its normalisation in {where!r}: {normalisation}{note}."]

    def _normalising(self, name: str, prefix: str) -> tuple[int, str, str] | None:
        """Whether a tensor is the mean of a normalisation around or beside the network at this prefix.

        Returns:
            How long the path is that they share, and the names of mean and deviation.
        """
        parent, dot, kind = name.rpartition(".")
        std = f"{parent}{dot}{NORMALISATIONS.get(kind)}"
        if kind not in NORMALISATIONS or std not in self.tensors or name.removeprefix(prefix) in self.keys:
            return None
        outer = parent.rpartition(".")[0]
        if not prefix.startswith((parent + dot, f"{outer}." if outer else "")):
            return None
        if not self.tensors[name].numel() == self.tensors[std].numel() in (1, 3):
            return None
        return len(parent if prefix.startswith(parent + dot) else outer), name, std

    def _misfit(self, prefix: str, strange: Collection[str] | None = None) -> InvalidInputError:
        """What differs at the place that fits best, and what would fit."""
        missing = [key for key in self.keys if key in self.wanted and prefix + key not in self.tensors]
        surplus = [name.removeprefix(prefix) for name in (self._surplus(prefix) if strange is None else strange)]
        shapes = [
            f"{key} is {tuple(self.tensors[prefix + key].shape)} instead of {tuple(self.keys[key].shape)}"
            for key in self.keys
            if key in self.wanted
            and prefix + key in self.tensors
            and not self.alike(self.tensors[prefix + key], self.keys[key])
        ]
        kinds = (_some("missing ", missing), _some("surplus ", surplus), _some("", shapes))
        said = "; ".join(kind for kind in kinds if kind)
        return InvalidInputError(f"The weights {self.file!r} do not fit the network: {said}.{self._hint(prefix)}")

    def _strangers(self) -> InvalidInputError:
        theirs, ours = (_some("", [*names]) for names in (self.tensors, self.keys))
        return InvalidInputError(
            f"The weights {self.file!r} do not fit the network: none of their names is one of its. They hold {theirs}; "
            f"it wants {ours}.{self._hint('')}"
        )

    def _hint(self, prefix: str) -> str:
        """The architectures whose names and shapes are the file's, if there are any."""
        for start in dict.fromkeys([prefix, *self._fronts()]):
            shapes = {
                name.removeprefix(start): tensor.shape
                for name, tensor in self.tensors.items()
                if name.startswith(start) and not self._is_beside(name)
            }
            if known := architectures(shapes):
                return f" They would fit --architecture {' or '.join(known[:3])}."
        return ""

    def _fronts(self) -> Iterator[str]:
        """Each mapping's path, and what all of its names begin with, part by part."""
        for mapping in dict.fromkeys(self.mapping.values()):
            front = mapping
            names = [name for name in self.tensors if self.mapping[name] == mapping]
            while True:
                yield front
                heads = {name.removeprefix(front).partition(".")[0] for name in names}
                if len(heads) != 1 or front + next(iter(heads)) in self.tensors:
                    break
                front += f"{heads.pop()}."


def _named(prefix: str) -> str:
    return repr(prefix[:-1]) if prefix else "the file itself"


def _some(what: str, names: list[str]) -> str:
    """Two of each kind: the first, and the first of another part of the network."""
    if not names:
        return ""
    other = next((name for name in names if name.partition(".")[0] != names[0].partition(".")[0]), None)
    shown = [f"{what}{name[:100]}" for name in dict.fromkeys([names[0], other or names[-1]])]
    more = [f"{len(names) - len(shown)} more"] if len(names) > len(shown) else []
    return ", ".join([*shown, *more])


def _scaled(numbers: tuple[float, ...]) -> tuple[Normalisation, str]:
    """In the [0, 1] scale, and what is said where it was in that of 0 to 255."""
    large = max(numbers[:3]) > 2
    values = [value / 255 if large else value for value in numbers]
    normalisation = Normalisation((values[0], values[1], values[2]), (values[3], values[4], values[5]))
    return normalisation, ", divided by 255 as it was for pixels of 0 to 255" if large else ""
