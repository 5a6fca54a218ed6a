"""``perturber train``: fine-tune a network of the catalogue, and keep it with its checkpoints."""

import logging
import sys
from pathlib import Path
from typing import Annotated

import typer

from perturber.config import Settings
from perturber.errors import InvalidInputError

Many = list[str] | None


def train(
    kind: Annotated[str, typer.Argument(help="standard, adversarial or stylised.", show_default=False)],
    base: Annotated[str, typer.Option(help="Catalogue model to start from.")],
    out: Annotated[Path, typer.Option(help="Folder for checkpoints, log, and what it goes on from after a break.")],
    name: Annotated[str, typer.Option(help="What the network is to be called in the catalogue.")],
    data: Annotated[Many, typer.Option(help="Pictures: PATH or PATH=weight of a folder, tar or tar.gz.")] = None,
    stylised: Annotated[
        Many, typer.Option("--stylised", "--stylized", help="The same, of redrawn pictures; originals are in --data.")
    ] = None,
    stylised_share: Annotated[float, typer.Option(help="Share of redrawn pictures in a stylised training.")] = 0.5,
    scenes: Annotated[float, typer.Option(help="Share of rendered scenes.")] = 0.0,
    hold_out: Annotated[Path | None, typer.Option(help="List of pictures that no version is trained on of.")] = None,
    val: Annotated[Path | None, typer.Option(help="Labelled pictures to measure errors on at checkpoints.")] = None,
    val_pictures: Annotated[int, typer.Option(help="How many of them.", min=1)] = 100,
    val_attack: Annotated[str, typer.Option(help="Attack for the robust error, or none.")] = "pgd(l2=0.5,steps=10)",
    steps: Annotated[int, typer.Option(help="Updates.")] = 2000,
    batch: Annotated[int, typer.Option(help="Pictures a step.")] = 16,
    size: Annotated[int, typer.Option(help="Side of the pictures in pixels.")] = 160,
    lr: Annotated[float, typer.Option(help="Largest learning rate of AdamW.")] = 2e-4,
    warmup: Annotated[int, typer.Option(help="Steps in which it rises.")] = 50,
    weight_decay: Annotated[float, typer.Option(help="Of AdamW.")] = 1e-4,
    attack: Annotated[
        str, typer.Option(help="Of an adversarial training; ε for pictures of --size.")
    ] = "pgd(l2=0.5,steps=2,step=0.375,start=random)",
    attack_warmup: Annotated[int, typer.Option(help="Steps in which ε rises.")] = 400,
    distil: Annotated[float, typer.Option(help="Weight of the base's prediction beside labels.")] = 0.5,
    augmentation: Annotated[float, typer.Option(help="Of crops, flips and colours, 0 to 1.")] = 1.0,
    freeze: Annotated[Many, typer.Option(help="Stage that stays as it is; may be given several times.")] = None,
    batch_norm: Annotated[bool, typer.Option("--batch-norm", help="Normalise convolutions that are not.")] = False,
    train_statistics: Annotated[
        bool, typer.Option("--train-statistics", help="Take normalisations' statistics of the batches.")
    ] = False,
    checkpoints: Annotated[str, typer.Option(help="Steps to keep, as 10,50,200, or log:N for N of them.")] = "log:7",
    seed: Annotated[int, typer.Option(help="Of everything random.")] = 0,
    save_every: Annotated[int, typer.Option(help="Steps that a break costs at most.", min=1)] = 50,
    mixed_precision: Annotated[bool, typer.Option("--mixed-precision", help="Compute in bfloat16.")] = False,
    compile_: Annotated[bool, typer.Option("--compile", help="Compile the network.")] = False,
    device: Annotated[
        str | None, typer.Option(help="auto, cpu, cuda or cuda:N; default: PERTURBER_DEVICE or auto.")
    ] = None,
) -> None:
    """Train a network on; after a break the same command goes on, and gives the same weights."""
    import torch
    from tqdm import tqdm
    from tqdm.contrib.logging import logging_redirect_tqdm

    from perturber import training, zoo
    from perturber.service.device import choose_device

    settings = Settings() if device is None else Settings(device=device)
    files = training.Files(folder=out.expanduser(), name=name)
    training.check_name(name, files, settings)
    recipe = training.Recipe(
        kind=training.parse_kind(kind), base=base, seed=seed, steps=steps, batch=batch, size=size, lr=lr,
        warmup=warmup, weight_decay=weight_decay, attack=attack, attack_warmup=attack_warmup, distil=distil,
        stylised_share=stylised_share, scenes=scenes, augmentation=augmentation, freeze=tuple(freeze or ()),
        batch_norm=batch_norm, statistics="trained" if train_statistics else "frozen",
        checkpoints=_steps(checkpoints, steps), mixed_precision=mixed_precision, compile=compile_,
    )  # fmt: skip
    if settings.threads:
        torch.set_num_threads(settings.threads)
    torch.backends.cudnn.deterministic = True
    network = zoo.load(base, choose_device(settings.device), settings)
    validation = None
    if val is not None:
        against = None if val_attack == "none" else training.parse_attack(val_attack)
        validation = training.Validation(val.expanduser(), val_pictures, against)
    pool = training.read_pool(
        data or [],
        network.entry.class_list,
        stylised=stylised or [],
        held_out=training.read_stems(hold_out) if hold_out else (),
    )
    for group in (*pool.plain, *pool.stylised):
        left_out = f", {group.left_out} left out" if group.left_out else ""
        print(f"{group.path}: {len(group.items)} pictures{left_out}", file=sys.stderr)
    batches = training.Batches(pool, recipe)
    logging.basicConfig(level=logging.WARNING, format="perturber: %(message)s")
    try:
        trainer = training.Trainer(network, recipe, batches)
        run = training.Run(trainer, files, validation=validation, save_every=save_every)
        bar = tqdm(total=steps, initial=trainer.done, desc=name, unit=" steps", file=sys.stderr)
        with bar, logging_redirect_tqdm():
            while not run.finished:
                bar.set_postfix(loss=f"{run.step().loss:.3f}", refresh=False)
                bar.update()
    finally:
        batches.close()
    run.add_to_catalogue(settings)
    print(name)


def _steps(text: str, steps: int) -> tuple[int, ...]:
    from perturber.training import log_spaced

    try:
        if text.startswith("log:"):
            return log_spaced(int(text.removeprefix("log:")), steps)
        return tuple(int(part) for part in text.split(",") if part.strip())
    except ValueError:
        raise InvalidInputError(
            f"--checkpoints cannot be {text[:80]!r}. Allowed: steps with commas, as 10,50,200, or log:N."
        ) from None
