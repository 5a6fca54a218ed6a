"""``perturber train``: fine-tune a network of the catalogue, and keep it with its checkpoints."""

import logging
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from perturber.cli.options import Device, settings
from perturber.config import Settings
from perturber.errors import InvalidInputError

if TYPE_CHECKING:
    from perturber.training import Pool, Run, Validation
    from perturber.zoo import ModelEntry

Many = list[str] | None


def train(
    kind: Annotated[str, typer.Argument(help="standard, adversarial or stylised.", show_default=False)],
    base: Annotated[
        str,
        typer.Option(
            "--base", "--from", help="Model in the catalogue to start from, or an edit: mix(model,model;stage=1)."
        ),
    ],
    out: Annotated[Path, typer.Option(help="Folder for checkpoints, the log, and the state to resume from.")],
    name: Annotated[str, typer.Option(help="Name of the trained model in the catalogue.")],
    data: Annotated[
        Many,
        typer.Option(help="Pictures to train on: PATH or PATH=WEIGHT of a folder or archive; repeatable."),
    ] = None,
    stylised: Annotated[
        Many,
        typer.Option(
            "--stylised", "--stylized", help="Stylised versions, given the same way; their originals are in --data."
        ),
    ] = None,
    stylised_share: Annotated[float, typer.Option(help="Share of stylised pictures in a stylised training.")] = 0.5,
    scenes: Annotated[float, typer.Option(help="Share of rendered scenes in each batch.")] = 0.0,
    hold_out: Annotated[
        Path | None, typer.Option(help="Text file of picture names; no version of them is trained on.")
    ] = None,
    val: Annotated[Path | None, typer.Option(help="Labelled pictures to measure errors on at each checkpoint.")] = None,
    val_pictures: Annotated[int, typer.Option(help="Number of them to use.", min=1)] = 100,
    val_attack: Annotated[str, typer.Option(help="Attack for the robust error, or none.")] = "pgd(l2=0.5,steps=10)",
    steps: Annotated[int, typer.Option(help="Number of updates.")] = 2000,
    batch: Annotated[int, typer.Option(help="Pictures per step.")] = 16,
    size: Annotated[int, typer.Option(help="Side length of the pictures, in pixels.")] = 160,
    optimiser: Annotated[
        str, typer.Option("--optimiser", "--optimizer", help="adamw, or sgd with a momentum of 0.9.")
    ] = "adamw",
    lr: Annotated[float, typer.Option(help="Peak learning rate.")] = 2e-4,
    warmup: Annotated[int, typer.Option(help="Steps over which the learning rate rises.")] = 50,
    weight_decay: Annotated[float, typer.Option(help="Weight decay.")] = 1e-4,
    attack: Annotated[
        str, typer.Option(help="Attack of an adversarial training; its ε refers to pictures of --size.")
    ] = "pgd(l2=0.5,steps=2,step=0.375,start=random)",
    attack_warmup: Annotated[int, typer.Option(help="Steps over which ε rises.")] = 400,
    distil: Annotated[float, typer.Option(help="Weight of the base's predictions against the labels, 0 to 1.")] = 0.5,
    augmentation: Annotated[float, typer.Option(help="Strength of crops, flips and colour changes, 0 to 1.")] = 1.0,
    freeze: Annotated[Many, typer.Option(help="Stage to leave unchanged; repeatable.")] = None,
    batch_norm: Annotated[
        str,
        typer.Option(help="keep batch normalisations, add them to convolutions that have none, or remove them."),
    ] = "keep",
    train_statistics: Annotated[
        bool, typer.Option("--train-statistics", help="Normalise by each batch's statistics instead of the base's.")
    ] = False,
    checkpoints: Annotated[
        str, typer.Option(help="Steps to keep, such as 10,50,200, or log:N for N at logarithmic distances.")
    ] = "log:7",
    seed: Annotated[int, typer.Option(help="Seed of all random choices.")] = 0,
    save_every: Annotated[int, typer.Option(help="Most steps that an interruption costs.", min=1)] = 50,
    mixed_precision: Annotated[bool, typer.Option("--mixed-precision", help="Run forward passes in bfloat16.")] = False,
    compile_: Annotated[bool, typer.Option("--compile", help="Compile the network.")] = False,
    device: Device = None,
) -> None:
    """Fine-tune a network. After an interruption the same command resumes, and ends with the same weights."""
    from perturber import training
    from perturber.service.device import choose_device

    chosen = settings(device)
    files = training.Files(folder=out.expanduser(), name=name)
    training.check_name(name, files, chosen)
    recipe = training.Recipe(
        kind=training.parse_kind(kind), base=base, seed=seed, steps=steps, batch=batch, size=size,
        optimiser=optimiser, lr=lr, warmup=warmup, weight_decay=weight_decay, attack=attack,
        attack_warmup=attack_warmup, distil=distil, stylised_share=stylised_share, scenes=scenes,
        augmentation=augmentation, freeze=tuple(freeze or ()), batch_norm=batch_norm,
        statistics="trained" if train_statistics else "frozen",
        checkpoints=_steps(checkpoints, steps), mixed_precision=mixed_precision, compile=compile_,
    )  # fmt: skip
    _prepare_torch(chosen)
    network = training.load_base(base, choose_device(chosen.device), chosen)
    validation = _validation(val, val_pictures, val_attack)
    batches = training.Batches(_pool(network.entry, data or [], stylised or [], hold_out), recipe)
    try:
        trainer = training.Trainer(network, recipe, batches)
        run = training.Run(trainer, files, validation=validation, save_every=save_every)
        _finish(run, name)
    finally:
        batches.close()
    run.add_to_catalogue(chosen)
    print(name)


def _prepare_torch(chosen: Settings) -> None:
    import torch

    if chosen.threads:
        torch.set_num_threads(chosen.threads)
    torch.backends.cudnn.deterministic = True


def _validation(path: Path | None, pictures: int, attack: str) -> "Validation | None":
    from perturber.training import Validation, parse_attack

    against = None if path is None or attack == "none" else parse_attack(attack)
    return None if path is None else Validation(path.expanduser(), pictures, against)


def _pool(entry: "ModelEntry", data: list[str], stylised: list[str], hold_out: Path | None) -> "Pool":
    """List the pictures, and say on stderr how many there are."""
    from perturber.training import read_pool, read_stems

    held_out = read_stems(hold_out) if hold_out else ()
    pool = read_pool(data, entry.class_list, stylised=stylised, held_out=held_out)
    for group in (*pool.plain, *pool.stylised):
        left_out = f", {group.left_out} left out" if group.left_out else ""
        print(f"{group.path}: {len(group.items)} pictures{left_out}", file=sys.stderr)
    return pool


def _finish(run: "Run", name: str) -> None:
    """Take the steps that are left, with a bar on stderr."""
    from tqdm import tqdm
    from tqdm.contrib.logging import logging_redirect_tqdm

    logging.basicConfig(level=logging.WARNING, format="perturber: %(message)s")
    trainer = run.trainer
    bar = tqdm(total=trainer.total, initial=trainer.done, desc=name, unit=" steps", file=sys.stderr)
    with bar, logging_redirect_tqdm():
        while not run.finished:
            bar.set_postfix(loss=f"{run.step().loss:.3f}", refresh=False)
            bar.update()


def _steps(text: str, steps: int) -> tuple[int, ...]:
    from perturber.training import log_spaced

    try:
        if text.startswith("log:"):
            return log_spaced(int(text.removeprefix("log:")), steps)
        return tuple(int(part) for part in text.split(",") if part.strip())
    except ValueError:
        raise InvalidInputError(
            f"--checkpoints cannot be {text[:80]!r}. Allowed: steps separated by commas, such as 10,50,200, or log:N."
        ) from None
