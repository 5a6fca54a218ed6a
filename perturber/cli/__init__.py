"""Perturber without a browser: show scenes to networks, attack, visualise and train them, and measure."""

import sys

import typer

from perturber.cli import (
    adversary,
    attack,
    backup,
    bench,
    claim,
    doctor,
    evaluate,
    examples,
    featurevis,
    figure,
    groups,
    hypothesis,
    look,
    measure,
    methods,
    models,
    scenes,
    serve,
    sessions,
    slopes,
    sweep,
    train,
    tuning,
    users,
)
from perturber.errors import PerturberError

__all__ = ["app", "main"]

app = typer.Typer(add_completion=False, no_args_is_help=True, pretty_exceptions_enable=False, help=__doc__)
for command in (
    serve.serve,
    look.look,
    look.render,
    look.parameters,
    evaluate.evaluate,
    featurevis.featurevis,
    figure.figure,
    figure.reproduce,
    methods.methods,
    sweep.sweep,
    slopes.slopes,
    tuning.tuning,
    tuning.fourier,
    adversary.adversary,
    adversary.difference,
    hypothesis.hypothesis,
    backup.backup,
    backup.restore,
    doctor.doctor,
):
    app.command()(command)
app.command(cls=attack.AttackCommand)(attack.attack)
app.command(cls=measure.MeasureCommand)(measure.measure)
app.command()(train.train)
app.command("test")(claim.claim)
app.add_typer(bench.bench_app, name="bench")
app.add_typer(scenes.objects_app, name="objects")
app.add_typer(scenes.backgrounds_app, name="backgrounds")
app.add_typer(examples.examples_app, name="examples")
app.add_typer(models.models_app, name="models")
app.add_typer(groups.groups_app, name="groups")
app.add_typer(sessions.sessions_app, name="sessions")
app.add_typer(users.users_app, name="users")


def main(*arguments: str) -> None:
    """Entry point: a user's mistake is one sentence on stderr and exit code 2.

    Args:
        arguments: of the command; by default those of the process.
    """
    try:
        app(arguments or None)
    except PerturberError as error:
        print(f"perturber: {error}", file=sys.stderr)
        sys.exit(2)
