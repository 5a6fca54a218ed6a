"""``perturber bench``: measurements, each a table of medians."""

from pathlib import Path
from typing import Annotated

import typer

from perturber.cli.options import MODEL, Device, Labelled, Model, Models, Only, settings

bench_app = typer.Typer(no_args_is_help=True, help="Benchmarks; each prints tables of medians.")

Keep = Annotated[
    Path | None, typer.Option(help="File to which rows are added, and from which an interrupted run goes on.")
]
Rounds = Annotated[int, typer.Option(help="Measurements per row.", min=3)]


@bench_app.command()
def look(
    device: Device = None,
    rounds: Rounds = 30,
    browser: Annotated[bool, typer.Option(help="Also measure the page's loop in a headless Chromium.")] = True,
) -> None:
    """Compare the service with its bare renderer and networks, and time the page's loop in a browser."""
    from perturber.bench.look import run

    run(settings(device), rounds=rounds, browser=browser)


@bench_app.command()
def render(device: Device = None, rounds: Rounds = 30) -> None:
    """Compare the renderer with off-screen VTK on the same mesh, at the same size."""
    from perturber.bench.render import run

    run(settings(device), rounds=rounds)


@bench_app.command()
def objects(device: Device = None, model: Models = None) -> None:
    """Measure how well networks recognise the built-in objects in 28 views."""
    from perturber.bench.objects import NETWORKS, run

    run(settings(device), models=model or NETWORKS)


@bench_app.command()
def effects(
    device: Device = None,
    rounds: Rounds = 20,
    batch: Annotated[int, typer.Option(help="Pictures in the batch.", min=1)] = 256,
) -> None:
    """Time each effect on a picture, alone and all together."""
    from perturber.bench.effects import run

    run(settings(device), rounds=rounds, batch=batch)


@bench_app.command()
def models(device: Device = None, model: Models = None, rounds: Rounds = 10) -> None:
    """Time loading, forward passes to each stage and edits of each model that is ready, and weigh it."""
    from perturber.bench.models import run

    run(settings(device), models=model, rounds=rounds)


@bench_app.command()
def attack(
    device: Device = None,
    model: Model = MODEL,
    rounds: Rounds = 20,
    batch: Annotated[int, typer.Option(help="Pictures in the larger batch.", min=1)] = 32,
) -> None:
    """Compare a step of each attack with a forward pass, and whole attacks with torchattacks."""
    from perturber.bench.attack import run

    run(settings(device), model=model, rounds=rounds, batch=batch)


@bench_app.command()
def family(
    images: Labelled,
    base: Annotated[str, typer.Option(help="Model in the catalogue that the others were trained from.")] = MODEL,
    model: Annotated[list[str] | None, typer.Option(help="Model trained from it; repeatable.")] = None,
    stylised: Annotated[
        Path | None, typer.Option("--stylised", "--stylized", help="Stylised versions of the pictures.")
    ] = None,
    only: Only = None,
    attack: Annotated[str, typer.Option(help="Attack on each network itself.")] = "pgd(l2=0.5,steps=10)",
    device: Device = None,
) -> None:
    """Compare trained networks with their base: accuracy, energy of attacks by frequency, similarity of stages."""
    from perturber.bench.family import run
    from perturber.training.pool import read_stems
    from perturber.training.recipe import parse_attack

    run(
        settings(device),
        base=base,
        models=model,
        attack=parse_attack(attack, base),
        images=images,
        stylised=stylised,
        only=None if only is None else read_stems(only),
    )


@bench_app.command()
def featurevis(
    device: Device = None,
    model: Model = MODEL,
    layer: Annotated[str | None, typer.Option(help="Layer of the model; default: a middle one.")] = None,
    neurons: Annotated[int, typer.Option(help="Neurons to time.", min=1)] = 8,
    steps: Annotated[int, typer.Option(help="Steps of Adam.", min=1)] = 128,
    size: Annotated[int, typer.Option(help="Side length of the pictures, in pixels.", min=32, max=512)] = 128,
    rounds: Annotated[int, typer.Option(help="Measurements per row.", min=1)] = 1,
) -> None:
    """Compare feature visualisations with Lucent's: time and final objective."""
    from perturber.bench.featurevis import run

    run(settings(device), model=model, layer=layer, neurons=neurons, steps=steps, size=size, rounds=rounds)


@bench_app.command()
def pictures(
    device: Device = None,
    model: Model = MODEL,
    count: Annotated[int, typer.Option(help="Pictures to make again, evenly spread.", min=1)] = 24,
) -> None:
    """Make ready pictures again, and compare them with those that come with the project."""
    from perturber.bench.pictures import run

    run(settings(device), model=model, count=count)


@bench_app.command()
def groups(
    device: Device = None,
    model: Models = None,
    views: Annotated[int, typer.Option(help="Views of each object.", min=1)] = 32,
    seed: Annotated[int, typer.Option(help="Chooses the views; they are never those for choosing groups.", min=0)] = 0,
) -> None:
    """Measure whether the neurons of an object's groups fall silent as it morphs into its counterpart."""
    from perturber.bench.groups import NETWORKS, run

    run(settings(device), models=model or NETWORKS, views=views, seed=seed)


@bench_app.command()
def load(
    device: Device = None,
    users: Annotated[list[int], typer.Option(help="Users who drag at the same time; repeatable.", min=1)] = [1, 8],  # noqa: B006
    seconds: Annotated[float, typer.Option(help="Of each row.", min=5)] = 30,
    long: Annotated[float, typer.Option(help="Seconds of a last row of 20 users, for memory; 0 leaves it out.")] = 0,
) -> None:
    """Let many users drag at the same time: how fast, how fair, how right, and what a job gets meanwhile."""
    from perturber.bench.load import run

    run(settings(device), users=users, seconds=seconds, long=long)


@bench_app.command()
def live(
    device: Device = None,
    followers: Annotated[int, typer.Option(help="Who follow.", min=1, max=60)] = 10,
    seconds: Annotated[float, typer.Option(help="Of each row.", min=5)] = 20,
) -> None:
    """Let one present and many follow: how often and how late they see it, and what it costs the presenter."""
    from perturber.bench.live import run

    run(settings(device), followers=followers, seconds=seconds)


@bench_app.command()
def kill(
    kills: Annotated[int, typer.Option(help="How often the process that stores is killed.", min=1)] = 50,
    seed: Annotated[int, typer.Option(help="Chooses the moments.", min=0)] = 0,
) -> None:
    """Kill a process that stores, again and again, and look for what is lost, half-written or left over."""
    from tempfile import TemporaryDirectory

    from perturber.bench.kill import run

    with TemporaryDirectory(prefix="perturber-kill-") as folder:
        run(settings("cpu", data=Path(folder)), kills=kills, seed=seed)


@bench_app.command()
def export(
    exports: Annotated[int, typer.Option(help="Figures that the threads export.", min=1)] = 1000,
    threads: Annotated[int, typer.Option(help="That export at the same time.", min=1)] = 16,
    rounds: Annotated[int, typer.Option(help="First and second exports of each format.", min=1)] = 5,
) -> None:
    """Export figures as files: how long a first and a second one take, and whether each thread gets its own."""
    from perturber.bench.export import run

    run(exports=exports, threads=threads, rounds=rounds)


@bench_app.command()
def sweep(
    device: Device = None,
    rounds: Rounds = 5,
    side: Annotated[int, typer.Option(help="Sweeps of side × side scenes.", min=2, max=40)] = 10,
) -> None:
    """Compare sweeps with bare loops over the same scenes, and weigh them as they grow."""
    from tempfile import TemporaryDirectory

    from perturber.bench.sweep import run

    with TemporaryDirectory(prefix="perturber-sweep-") as folder:
        run(settings(device, data=Path(folder)), rounds=rounds, side=side)


@bench_app.command()
def latency(
    device: Device = None,
    rounds: Annotated[int, typer.Option(help="Of each row; rows take turns.", min=1)] = 5,
    seconds: Annotated[float, typer.Option(help="Of dragging in each round.", min=1)] = 5,
) -> None:
    """Compare how long one who drags waits for an answer, with and without a sweep beside it."""
    from tempfile import TemporaryDirectory

    from perturber.bench.latency import run

    with TemporaryDirectory(prefix="perturber-latency-") as folder:
        run(settings(device, data=Path(folder)), rounds=rounds, seconds=seconds)


@bench_app.command()
def adversary(
    device: Device = None,
    model: Model = MODEL,
    scenes: Annotated[int, typer.Option(help="Starting scenes.", min=2)] = 100,
    limit: Annotated[float, typer.Option(help="Largest distance, in widths of the ranges.")] = 0.3,
    renders: Annotated[int, typer.Option(help="Of each search from each scene.", min=1)] = 400,
    seed: Annotated[int, typer.Option(help="Of the scenes.", min=0)] = 0,
    rows: Keep = None,
) -> None:
    """Compare renders until a scene fools a network, by gradients through the renderer and at random."""
    from perturber.bench.adversary import run

    run(settings(device), model=model, scenes=scenes, limit=limit, renders=renders, seed=seed, keep=rows)


@bench_app.command()
def difference(
    device: Device = None,
    model: Model = MODEL,
    keep: Annotated[str, typer.Option(help="Model that stays right.")] = "lite0_adversarial",
    count: Annotated[int, typer.Option(help="Disagreements.", min=1)] = 50,
    renders: Annotated[int, typer.Option(help="Of each search.", min=1)] = 400,
    seed: Annotated[int, typer.Option(help="Of the scenes.", min=0)] = 0,
    rows: Keep = None,
) -> None:
    """Measure how few parameters explain that one network is right and another one wrong, and how long it takes."""
    from perturber.bench.difference import run

    run(settings(device), fooled=model, keeps=keep, count=count, renders=renders, seed=seed, keep=rows)


@bench_app.command()
def slopes(
    device: Device = None,
    model: Models = None,
    scenes: Annotated[int, typer.Option(help="At random.", min=1)] = 3,
    seed: Annotated[int, typer.Option(help="Of the scenes.", min=0)] = 0,
) -> None:
    """Time slopes and flips of all parameters, and compare flips with those of the obvious loop."""
    from perturber.bench.slopes import run

    run(settings(device), models=model or ["efficientnet_lite0", "lite0_adversarial"], scenes=scenes, seed=seed)
