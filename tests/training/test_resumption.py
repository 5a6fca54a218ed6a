"""Files of a training: what it goes on from, checkpoints, log, catalogue."""

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import pytest
import torch
from safetensors import safe_open
from safetensors.torch import load_file, save_file
from training_files import same

from perturber import cli, zoo
from perturber.config import Settings
from perturber.errors import InvalidInputError, UnknownNameError
from perturber.training import Files, Run, Trainer, check_name, read_checkpoint, read_metrics
from perturber.zoo import own

Command = Callable[..., list[str]]


@pytest.fixture
def files(tmp_path: Path) -> Files:
    return Files(folder=tmp_path / "out", name="taught")


@pytest.fixture
def command(folder: Path, settings: Settings, monkeypatch: pytest.MonkeyPatch) -> Command:
    """Arguments of ``perturber train``."""
    monkeypatch.setenv("PERTURBER_THREADS", "1")

    def make(out: Path, name: str, steps: int, *more: str) -> list[str]:
        return [
            "train", "adversarial", "--base", "tiny", "--data", str(folder), "--out", str(out), "--name", name,
            "--steps", str(steps), "--batch", "4", "--size", "16", "--lr", "0.01", "--attack-warmup", "9",
            "--checkpoints", "10,60", "--save-every", "25", "--device", "cpu", *more,
        ]  # fmt: skip

    return make


@pytest.fixture
def perturber(monkeypatch: pytest.MonkeyPatch) -> Callable[[list[str]], int]:
    """The command line in this process: its exit code."""

    def run(arguments: list[str]) -> int:
        monkeypatch.setattr("sys.argv", ["perturber", *arguments])
        with pytest.raises(SystemExit) as exit_:
            cli.main()
        return int(exit_.value.code or 0)

    return run


def test_a_killed_training_ends_with_the_same_weights(
    tmp_path: Path, command: Command, perturber: Callable[[list[str]], int], settings: Settings
) -> None:
    steps, killed, whole = 200, tmp_path / "killed", tmp_path / "whole"
    process = subprocess.Popen(
        [sys.executable, "-m", "perturber.cli", *command(killed, "taught", steps)],
        env={**os.environ, "PYTHONPATH": str(tmp_path)}, stderr=subprocess.DEVNULL,
    )  # fmt: skip
    log, end = killed / "taught.metrics.jsonl", time.monotonic() + 60
    while time.monotonic() < end and (not log.is_file() or log.read_text().count("\n") < 8):
        time.sleep(0.005)
    process.send_signal(signal.SIGKILL)
    assert process.wait() == -signal.SIGKILL
    assert 60 < read_metrics(log)[-1]["step"] < steps
    assert not (killed / f"taught-{steps:06d}.safetensors").exists()
    with log.open("a") as file:
        file.write('{"step": 9')  # what a kill may leave

    assert perturber(command(killed, "taught", steps)) == 0
    assert perturber(command(whole, "other", steps)) == 0
    for step in (10, 60, steps):
        a, b = (folder / f"{name}-{step:06d}.safetensors" for folder, name in ((killed, "taught"), (whole, "other")))
        assert a.read_bytes() == b.read_bytes()
    assert same(load_file(killed / "taught.resume.safetensors"), load_file(whole / "other.resume.safetensors"))
    logs = [read_metrics(f) for f in (log, whole / "other.metrics.jsonl")]
    assert [{**line, "seconds": 0} for line in logs[0]] == [{**line, "seconds": 0} for line in logs[1]]
    assert [line["step"] for line in logs[0]] == list(range(10, steps + 1, 10))

    entry = zoo.entries(settings)["taught"]
    assert (entry.training, entry.base, list(entry.steps)) == ("adversarial", "tiny", [10, 60, steps])
    final, last = (zoo.load(name, "cpu", settings) for name in ("taught", f"taught@{steps}"))
    assert same(final.module.state_dict(), last.module.state_dict())
    early = zoo.load("taught@10", "cpu", settings)
    assert early.entry.label == "Tiny, adversarial, step 10"
    assert not same(early.module.state_dict(), last.module.state_dict())
    with pytest.raises(UnknownNameError, match=f"Unknown checkpoint of taught '11'.*Allowed: 10, 60, {steps}"):
        zoo.load("taught@11", "cpu", settings)
    with pytest.raises(UnknownNameError, match="no checkpoints"):
        zoo.load("tiny@1", "cpu", settings)


def test_momentum_is_kept(tmp_path: Path, trainer: Callable[..., Trainer]) -> None:
    ended = []
    for name, first in (("broken", 2), ("whole", 4)):
        files = Files(folder=tmp_path, name=name)
        for steps in (first, 4):  # the second goes on from what the first one wrote
            run = Run(trainer(optimiser="sgd", batch_norm="remove", lr=0.05, steps=4), files, save_every=1)
            while run.trainer.done < steps:
                run.step()
        ended.append(run.trainer.module.state_dict())
    assert same(*ended)


def test_checkpoints_say_where_they_come_from(files: Files, trainer: Callable[..., Trainer]) -> None:
    taught = trainer(batch_norm="add", checkpoints=(0, 2), steps=3)
    run = Run(taught, files)
    while not run.finished:
        run.step()
    state, provenance = read_checkpoint(files.checkpoint(2))
    assert (provenance.step, provenance.base, provenance.fingerprint) == (2, "tiny", taught.base.fingerprint)
    assert provenance.epoch == pytest.approx(12 / 24)
    assert provenance.recipe["attack"] == str(taught.recipe.attack)
    assert state.keys() == taught.base.module.state_dict().keys()  # what was inserted is folded
    assert {value.dtype for value in state.values()} == {torch.float16, torch.int64}
    with safe_open(files.checkpoint(0), framework="pt") as file:
        assert json.loads(file.metadata()["perturber-checkpoint-1"])["step"] == 0
    start, _ = read_checkpoint(files.checkpoint(0))
    for name, value in taught.base.module.state_dict().items():
        torch.testing.assert_close(start[name].float(), value.float(), atol=2e-3, rtol=2e-3)


def test_what_float16_cannot_hold_stays_as_it_is(files: Files, trainer: Callable[..., Trainer]) -> None:
    taught = trainer(steps=1)
    taught.module[1].running_var.fill_(1e6)
    Run(taught, files)
    run = Run(taught, files)
    run.step()
    state, _ = read_checkpoint(files.checkpoint(1))
    assert state["1.running_var"].dtype == torch.float32
    assert state["1.running_mean"].dtype == torch.float16


def test_a_corrupt_checkpoint_is_named(files: Files, trainer: Callable[..., Trainer], settings: Settings) -> None:
    run = Run(trainer(steps=2, checkpoints=(1,)), files)
    while not run.finished:
        run.step()
    run.add_to_catalogue(settings)
    path = files.checkpoint(1)
    whole = path.read_bytes()
    for data in (whole[:-50], whole[:-50] + bytes([whole[-50] ^ 1]) + whole[-49:], whole[:20]):
        path.write_bytes(data)
        with pytest.raises(InvalidInputError, match=r"taught-000001.safetensors.* is truncated or corrupt"):
            read_checkpoint(path)
        with pytest.raises(InvalidInputError, match=r"taught-000001.safetensors.* not the expected file"):
            zoo.load("taught@1", "cpu", settings)
    path.unlink()
    with pytest.raises(InvalidInputError, match="There is no file"):
        read_checkpoint(path)


def test_what_does_not_belong_together_is_refused(files: Files, trainer: Callable[..., Trainer], folder: Path) -> None:
    run = Run(trainer(), files, save_every=2)
    for _ in range(3):
        run.step()
    assert Run(trainer(), files).trainer.done == 2
    with pytest.raises(InvalidInputError, match="another recipe"):
        Run(trainer(lr=0.02), files)
    content = files.resume.read_bytes()
    (folder / "red/red0.png").unlink()
    with pytest.raises(InvalidInputError, match="other pictures"):
        Run(trainer(), files)
    files.resume.write_bytes(content[: len(content) // 2])
    with pytest.raises(InvalidInputError, match=r"taught.resume.safetensors.* is truncated or corrupt"):
        Run(trainer(), files)


def test_names(files: Files, settings: Settings) -> None:
    check_name("taught", files, settings)
    with pytest.raises(InvalidInputError, match="belongs to the project"):
        check_name("efficientnet_lite0", files, settings)
    with pytest.raises(InvalidInputError, match="already"):
        check_name("tiny", files, settings)
    with pytest.raises(InvalidInputError, match="cannot be called 'a@1'"):
        check_name("a@1", files, settings)


def test_errors_are_measured_at_checkpoints(
    tmp_path: Path, command: Command, perturber: Callable[[list[str]], int], folder: Path, capsys: pytest.CaptureFixture
) -> None:
    out = tmp_path / "out"
    measured = ("--val", str(folder), "--val-pictures", "8", "--val-attack", "pgd(l2=1,steps=2)")
    assert perturber(command(out, "taught", 12, *measured, "--checkpoints", "log:2", "--scenes", "0.25")) == 0
    captured = capsys.readouterr()
    assert captured.out == "taught\n"
    assert "24 pictures" in captured.err
    lines = read_metrics(out / "taught.metrics.jsonl")
    assert [line["step"] for line in lines] == [0, 1, 10, 12, 12]
    assert 0 <= lines[0]["validation_error"] <= lines[0]["robust_error"] <= 1
    assert lines[2].keys() == {"step", "epoch", "lr", "loss", "training_error", "epsilon", "seconds"}
    assert perturber(["evaluate", "--model", "taught@1", "--images", str(folder), "--attack", "pgd(l2=1,steps=2)"]) == 0
    assert "under pgd(l2=1,steps=2;taught@1): top-1" in capsys.readouterr().out


def test_a_mixture_is_trained_on_behind_frozen_stages(
    tmp_path: Path, command: Command, perturber: Callable[[list[str]], int], tiny: zoo.Network, settings: Settings
) -> None:
    """As in section 7.2: one network’s early stages stay to the bit, another’s late ones learn to go with them."""
    state = {
        name: (1.5 * tensor + 0.125 if tensor.is_floating_point() else tensor + 7).contiguous()
        for name, tensor in tiny.module.state_dict().items()
    }
    save_file(state, settings.data / "other.safetensors")
    weights = {"source": "file", "path": "other.safetensors", "layout": "same"}
    own.add("other", {**own.tables(settings)["tiny"], "weights": weights}, settings)
    edit = "mix(tiny,other;0=1)"  # the convolution and its normalisation
    out = tmp_path / "out"
    more = ("--train-statistics", "--freeze", "0", "--checkpoints", "10", "--from", edit)
    assert perturber(command(out, "taught", 10, *more)) == 0
    taught = load_file(out / "taught.resume.safetensors")
    frozen = {name for name in state if name.startswith(("0.", "1."))}
    assert {"1.running_mean", "1.running_var", "1.num_batches_tracked", "0.weight"} <= frozen
    start, other = tiny.module.state_dict(), zoo.load("other", "cpu", settings).module.state_dict()
    for name in frozen:
        first = start if name.endswith("num_batches_tracked") else other  # counts are the first model's, as in any edit
        assert torch.equal(taught[f"weights/{name}"], first[name]), name
    for name in state.keys() - frozen:
        assert not torch.equal(taught[f"weights/{name}"], start[name]), name
    _, provenance = read_checkpoint(out / "taught-000010.safetensors")
    assert provenance.base == edit
    entry = zoo.entries(settings)["taught"]
    assert (entry.base, entry.label) == (edit, "Tiny × Tiny, adversarial")
    assert zoo.load("taught", "cpu", settings).entry.training == "adversarial"


def test_invalid_training_commands(
    tmp_path: Path, command: Command, perturber: Callable[[list[str]], int], capsys: pytest.CaptureFixture
) -> None:
    arguments = command(tmp_path / "out", "taught", 5)
    for change, sentence in (
        (("--checkpoints", "a"), "--checkpoints cannot be 'a'"),
        (("--freeze", "stem"), "Unknown stage to freeze"),
        (("--from", "mix(tiny,tiny;stem=1)"), "stem"),
        (("--from", "mix(tiny)"), "Wrong number of models"),
        (("--hold-out", str(tmp_path / "no.txt")), "cannot be read"),
        (("--data", str(tmp_path / "no.tar")), "There is no file"),
    ):
        assert perturber([*arguments, *(("--checkpoints", "1") if "--checkpoints" not in change else ()), *change]) == 2
        assert sentence in capsys.readouterr().err
