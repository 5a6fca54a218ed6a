"""``perturber doctor``."""

from dataclasses import asdict

import typer

from perturber.cli.options import Device, Json, settings
from perturber.cli.output import print_json


def doctor(device: Device = None, as_json: Json = False) -> None:
    """Check the installation, the device, models and what is kept, and say what to do; exit status 1 on errors."""
    from perturber.doctor import State, examine

    findings = []
    for finding in examine(settings(device)):
        findings.append(finding)
        if not as_json:
            print(f"{finding.state:8} {finding.about:17} {finding.said}")
            if finding.todo:
                print(f"{'':27}{finding.todo}")
    if as_json:
        print_json([asdict(finding) for finding in findings])
    if any(finding.state is State.ERROR for finding in findings):
        raise typer.Exit(1)
