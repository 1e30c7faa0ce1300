"""Several processes make the update that one makes, and a run that is killed ends where it would have ended."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from dataclasses import replace
from functools import partial
from itertools import islice
from pathlib import Path

import numpy as np
import pytest
import torch
from fakes import SAMPLE_TEXTS
from train_together import small_config, small_model, trained

from helpers.corpus import DATA, Corpus
from helpers.models import checkpoint
from helpers.models.checkpoint import CheckpointError, load_checkpoint, save_checkpoint
from helpers.models.lstm import LSTMConfig, LSTMLanguageModel
from helpers.models.transformer import TransformerConfig, TransformerLanguageModel
from helpers.training import ResumeFile, batch_loss, evaluate, make_batch, together, train
from helpers.training.processes import Processes, joined_processes

sys.path.insert(0, str(DATA))
import make_checkpoint

TESTS = Path(__file__).parent
KINDS = ("lstm", "transformer")
SAME = partial(np.testing.assert_allclose, rtol=0, atol=1e-9)


def torchrun(processes: int, script: Path, *arguments: str, restarts: int = 0) -> subprocess.CompletedProcess:
    """Run a script in that many processes, which talk to each other on 127.0.0.1 and on ports that are free."""
    command = [sys.executable, "-m", "torch.distributed.run", "--standalone", "--local-addr", "127.0.0.1"]
    command += ["--nproc-per-node", str(processes), "--max-restarts", str(restarts), str(script), *arguments]
    loopback = {"GLOO_SOCKET_IFNAME": "lo"} if sys.platform == "linux" else {}
    environment = os.environ | loopback | {"OMP_NUM_THREADS": "1"}
    return subprocess.run(command, capture_output=True, text=True, env=environment, timeout=300)


def together_trained(
    processes: int, tokenizer, folder: Path, jobs: dict[str, dict], restarts: int = 0
) -> dict[str, list[dict[str, np.ndarray]]]:
    """For each job, what each process wrote down."""
    tokenizer.save(folder / "tokenizer")
    run = torchrun(processes, TESTS / "train_together.py", str(folder), json.dumps(jobs), restarts=restarts)
    assert run.returncode == 0, run.stderr
    return {name: [dict(np.load(folder / f"{name}-{rank}.npz")) for rank in range(processes)] for name in jobs}


def same(found: dict[str, np.ndarray], expected: dict[str, np.ndarray], records_from: int = 0) -> None:
    """Equal weights, and equal records from that one on."""
    assert found.keys() == expected.keys()
    for name, values in expected.items():
        SAME(found[name], values[records_from:] if name == "records" else values, err_msg=name)


# ------------------------------------------------------------------------------------------------- several processes


@pytest.fixture(scope="module")
def by_two(tokenizer, tmp_path_factory):
    """All that two processes are asked to do, at one start: the first job kills one of them, and both begin again."""
    folder = tmp_path_factory.mktemp("by-two")
    trained({"kind": "lstm", "file": str(folder / "begun"), "stop": 30}, tokenizer)
    jobs = {"killed": {"kind": "transformer", "file": str(folder / "run"), "dies": [1, 37]}}
    jobs |= {kind: {"kind": kind} for kind in KINDS}
    jobs["goes on"] = {"kind": "lstm", "file": str(folder / "begun")}
    jobs["stops"] = {"kind": "lstm", "file": str(folder / "left"), "stop": 30}
    return folder, together_trained(2, tokenizer, folder, jobs, restarts=1)


@pytest.fixture(scope="module")
def alone(tokenizer):
    return {kind: trained({"kind": kind}, tokenizer) for kind in KINDS}


@pytest.mark.parametrize("kind", KINDS)
def test_two_processes_equal_one(by_two, alone, kind):
    for each in by_two[1][kind]:
        same(each, alone[kind])


def test_a_killed_worker_is_started_again_and_all_go_on(by_two, alone):
    for each in by_two[1]["killed"]:
        same(each, alone["transformer"], records_from=30)  # the state was kept at update 30


def test_another_number_of_processes_goes_on(by_two, alone, tokenizer):
    folder, found = by_two
    for each in found["goes on"]:
        same(each, alone["lstm"], records_from=30)
    same(trained({"kind": "lstm", "file": str(folder / "left")}, tokenizer), alone["lstm"], records_from=30)


def test_three_processes_share_batches_of_two_and_refuse_unlike_runs(tokenizer, tmp_path):
    small = {"kind": "lstm", "batch_size": 2, "updates": 20}
    found = together_trained(3, tokenizer, tmp_path, {"small": small, "unlike": {"kind": "lstm", "unlike": True}})
    for each in found["small"]:
        same(each, trained(small, tokenizer))
    for each in found["unlike"]:
        assert str(each["refusal"]).startswith("the processes 1, 2 were given another model, other texts or other sett")


def test_the_command_makes_a_checkpoint_with_two_processes(tmp_path):
    options = ["--model", "transformer", "--updates", "3", "--batch-size", "4", "--resume", "2", "--out"]
    run = torchrun(2, DATA / "make_checkpoint.py", *options, str(tmp_path))
    assert run.returncode == 0, run.stderr
    assert [path.name for path in tmp_path.iterdir()] == [checkpoint.FILE]
    assert run.stdout.count("update 3 of 3") == 1
    assert run.stdout.count("bits per byte on held-out texts") == 1
    assert load_checkpoint(tmp_path)[0].vocab_size == make_checkpoint.VOCAB_SIZE


def test_processes_that_have_not_joined_are_told_what_to_write(tokenizer, monkeypatch):
    monkeypatch.setenv("TORCHELASTIC_RUN_ID", "none")
    monkeypatch.setenv("WORLD_SIZE", "2")
    with pytest.raises(RuntimeError, match=r"torchrun started 2 processes.*write `with together\(\):` around"):
        next(train(small_model("lstm", tokenizer.vocab_size), tokenizer, SAMPLE_TEXTS, small_config("lstm")))
    monkeypatch.setenv("WORLD_SIZE", "1")
    assert joined_processes().world == 1


def test_alone_a_process_is_the_first_and_reads_every_text():
    with together() as processes:
        assert processes.first
        assert processes.share([5, 6, 7]) == [5, 6, 7]
    shares = [Processes(rank, 3).share([5, 6]) for rank in range(3)]
    assert shares == [[5], [6], []]


# ------------------------------------------------------------------------------------------------------------- resume


def weights_of(model) -> dict[str, np.ndarray]:
    return {name: tensor.detach().numpy() for name, tensor in model.named_parameters()}


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("killed", [1, 9, 10, 49])
def test_a_run_killed_at_any_update_ends_where_it_would_have_ended(tokenizer, alone, tmp_path, kind, killed):
    job = {"kind": kind, "file": str(tmp_path / "run"), "every": 3}
    trained(job | {"stop": killed}, tokenizer)
    again = trained(job, tokenizer)
    same(again, alone[kind], records_from=killed // 3 * 3)
    finished = trained(job, tokenizer)
    assert finished.pop("records").size == 0
    again.pop("records")
    same(finished, again)


def test_a_kill_while_the_state_is_written_leaves_the_one_before(tokenizer, alone, tmp_path, monkeypatch):
    job = {"kind": "lstm", "file": str(tmp_path / "run"), "every": 10}
    replace_file, written = os.replace, []

    def killed_at_the_third(*names):
        written.append(names)
        if len(written) == 3:
            raise KeyboardInterrupt
        replace_file(*names)

    with monkeypatch.context() as patch:
        patch.setattr(checkpoint.os, "replace", killed_at_the_third)
        with pytest.raises(KeyboardInterrupt):
            trained(job, tokenizer)
    same(trained(job, tokenizer), alone["lstm"], records_from=20)


def test_a_full_disk_is_named_and_the_state_before_stays(tokenizer, alone, tmp_path, monkeypatch):
    job = {"kind": "lstm", "file": str(tmp_path / "run"), "every": 10}
    trained(job | {"stop": 10}, tokenizer)

    def full(handle):
        raise OSError(28, "No space left on device")

    with monkeypatch.context() as patch:
        patch.setattr(checkpoint.os, "fsync", full)
        with pytest.raises(
            OSError, match="cannot write .*run: No space left on device. Choose a file you may write to"
        ):
            trained(job, tokenizer)
    assert [path.name for path in tmp_path.iterdir()] == ["run"]
    same(trained(job, tokenizer), alone["lstm"], records_from=10)


def begun(tokenizer, path: Path, **changes) -> None:
    model = small_model("lstm", tokenizer.vocab_size)
    run = train(model, tokenizer, SAMPLE_TEXTS, replace(small_config("lstm"), **changes), resume=ResumeFile(path, 2))
    list(islice(run, 4))


@pytest.mark.parametrize("damage", ["cut", "changed", "text", "empty"])
def test_a_damaged_state_is_refused_before_the_model_changes(tokenizer, tmp_path, damage):
    path = tmp_path / "run"
    begun(tokenizer, path)
    content = path.read_bytes()
    damaged = {
        "cut": content[:-8],
        "changed": content[:-1] + bytes([content[-1] ^ 64]),
        "text": b"no state at all",
        "empty": b"",
    }
    path.write_bytes(damaged[damage])
    model = small_model("lstm", tokenizer.vocab_size)
    before = weights_of(small_model("lstm", tokenizer.vocab_size))
    with pytest.raises(CheckpointError, match="run is damaged, or not of a run of this series: delete it"):
        next(train(model, tokenizer, SAMPLE_TEXTS, small_config("lstm"), resume=ResumeFile(path)))
    same(weights_of(model), before)


@pytest.mark.parametrize("other", [{"seed": 5}, {"updates": 60}, {"batch_size": 4}, {"peak_learning_rate": 2e-2}])
def test_the_state_of_another_run_is_refused(tokenizer, tmp_path, other):
    begun(tokenizer, tmp_path / "run")
    with pytest.raises(CheckpointError, match="is of another run .*: delete it to begin anew, or name another file"):
        begun(tokenizer, tmp_path / "run", **other)


def test_the_state_of_other_texts_or_another_model_is_refused(tokenizer, tmp_path):
    path = tmp_path / "run"
    begun(tokenizer, path)
    for kind, texts in (("lstm", SAMPLE_TEXTS[::-1]), ("transformer", SAMPLE_TEXTS)):
        run = train(
            small_model(kind, tokenizer.vocab_size), tokenizer, texts, small_config("lstm"), resume=ResumeFile(path)
        )
        with pytest.raises(CheckpointError, match="of another run"):
            next(run)


@pytest.mark.parametrize(
    ("options", "match"),
    [(("run", 0), "every is 0: give a whole number from 1 up"), ((5,), "path is 5"), ((".",), "a folder: name a file")],
)
def test_a_resume_file_checks_itself(options, match):
    with pytest.raises((TypeError, ValueError), match=match):
        ResumeFile(*options)


def test_resume_takes_a_resume_file_alone(tokenizer):
    with pytest.raises(TypeError, match="resume is 'run': give a ResumeFile"):
        train(small_model("lstm", tokenizer.vocab_size), tokenizer, SAMPLE_TEXTS, resume="run")


# ----------------------------------------------------------------------------------------------------------- command


@pytest.fixture
def small_command(monkeypatch, tokenizer, tmp_path):
    """make_checkpoint.main on a small model with two cycles, killed at the update whose number is given, if any."""
    recipe = make_checkpoint.Recipe(
        lambda: LSTMLanguageModel(LSTMConfig(tokenizer.vocab_size, 4, 6, tied=True)), ((6, 1e-2), (4, 5e-3)), tmp_path
    )
    stories = [type("Story", (), {"text": text}) for text in SAMPLE_TEXTS]
    monkeypatch.setattr(make_checkpoint, "RECIPES", {"lstm": recipe})
    monkeypatch.setattr(make_checkpoint, "load_corpus", lambda: Corpus("small", SAMPLE_TEXTS, SAMPLE_TEXTS[:2], 1.0))
    monkeypatch.setattr(make_checkpoint, "VOCAB_SIZE", 400)
    monkeypatch.setattr(make_checkpoint, "make_stories", lambda seed, count: stories)
    monkeypatch.setattr(make_checkpoint.torch, "set_flush_denormal", lambda on: None)

    def run(folder: Path, killed_at: int | None = None, *options: str) -> None:
        made = 0

        def killed(*arguments, **named):
            nonlocal made
            for step in train(*arguments, **named):
                made += 1
                if made == killed_at:
                    raise KeyboardInterrupt
                yield step

        monkeypatch.setattr(make_checkpoint, "train", killed)
        monkeypatch.setattr(sys, "argv", ["make_checkpoint.py", "--out", str(folder), *options])
        make_checkpoint.main()

    return run


@pytest.mark.parametrize(
    ("killed_at", "reported"), [(1, "1 6 1 4"), (3, "3 6 1 4"), (6, "1 4"), (7, "1 4"), (9, "3 4"), (10, "")]
)
def test_the_command_goes_on_after_a_kill_in_either_cycle(small_command, tmp_path, killed_at, reported, capsys):
    small_command(tmp_path / "whole")
    with pytest.raises(KeyboardInterrupt):
        small_command(tmp_path / "killed", killed_at, "--resume", "2")
    capsys.readouterr()
    small_command(tmp_path / "killed", None, "--resume", "2")
    updates = [line.split()[1] for line in capsys.readouterr().out.splitlines() if line.startswith("update")]
    assert updates == reported.split()  # the first and the last of each cycle
    assert [path.name for path in (tmp_path / "killed").iterdir()] == [checkpoint.FILE]
    whole, killed = (weights_of(load_checkpoint(tmp_path / name)[0]) for name in ("whole", "killed"))
    for name, values in whole.items():
        np.testing.assert_allclose(killed[name], values, atol=1e-6, err_msg=name)


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (["--resume", "0"], "--resume 0: ask for 1 or more"),
        (["--batch-size", "0", "--out", "x"], "--batch-size 0: ask for 1 or more"),
        (["--batch-size", "4"], "--batch-size without --out would replace the model of the lessons"),
    ],
)
def test_options_of_the_command_are_checked(capsys, options, message):
    with pytest.raises(SystemExit):
        make_checkpoint.read_options(options)
    assert message in capsys.readouterr().err


def test_the_command_says_that_there_is_no_gpu(small_command, tmp_path, monkeypatch):
    monkeypatch.setattr(torch.cuda, "device_count", lambda: 0)
    with pytest.raises(SystemExit, match="device is 'cuda', but torch finds 0 GPUs here: give 'cpu'"):
        small_command(tmp_path / "out", None, "--device", "cuda")


# ------------------------------------------------------------------------------------------------------------ devices


@pytest.mark.parametrize("device", ["cpu", *(["cuda"] if torch.cuda.is_available() else [])])
@pytest.mark.parametrize("kind", KINDS)
def test_a_model_learns_is_measured_read_and_saved_where_its_weights_are(tokenizer, tmp_path, kind, device):
    expected = small_model(kind, tokenizer.vocab_size)
    model = small_model(kind, tokenizer.vocab_size).to(device)
    for each in (expected, model):
        list(islice(train(each, tokenizer, SAMPLE_TEXTS, small_config(kind)), 5))
    bits = [evaluate(each, tokenizer, SAMPLE_TEXTS[:4]) for each in (model, expected)]
    assert bits[0] == pytest.approx(bits[1], rel=1e-6)
    save_checkpoint(tmp_path, model, tokenizer)
    loaded, _ = load_checkpoint(tmp_path, device=device)
    assert next(loaded.parameters()).device.type == device
    for each in (model, loaded):
        np.testing.assert_allclose(each.advance([2, 7])[0], expected.advance([2, 7])[0], rtol=1e-5, atol=1e-7)


@pytest.mark.parametrize("kind", KINDS)
def test_batches_follow_the_model_to_another_device_and_nothing_waits_for_it(kind, tokenizer):
    """On torch's device "meta", which computes shapes alone and refuses to give any number back."""
    sizes = (
        LSTMLanguageModel(LSTMConfig(tokenizer.vocab_size, 8, 12, tied=True), device="meta")
        if kind == "lstm"
        else TransformerLanguageModel(TransformerConfig(tokenizer.vocab_size, 8, heads=2), device="meta")
    )
    loss = batch_loss(sizes, make_batch([tokenizer.encode("the cat"), []], tokenizer))
    loss.backward()
    assert loss.device.type == "meta"
    assert {weights.grad.device.type for weights in sizes.parameters()} == {"meta"}


@pytest.mark.parametrize(
    ("device", "match"), [("gpu?", "device is 'gpu\\?': give 'cpu' or 'cuda'"), (None, "device is None")]
)
def test_a_device_that_is_none_is_refused(tokenizer, device, match):
    with pytest.raises(ValueError, match=match):
        LSTMLanguageModel(LSTMConfig(tokenizer.vocab_size, 4, 4), device=device)


def test_one_gpu_is_not_shared_by_two_processes(monkeypatch):
    monkeypatch.setenv("TORCHELASTIC_RUN_ID", "none")
    for name, value in {"WORLD_SIZE": "2", "LOCAL_WORLD_SIZE": "2", "LOCAL_RANK": "1"}.items():
        monkeypatch.setenv(name, value)
    monkeypatch.setattr(torch.cuda, "device_count", lambda: 1)
    with pytest.raises(ValueError, match="2 processes for 1 GPUs: give torchrun --nproc-per-node 1"), together("cuda"):
        pass
