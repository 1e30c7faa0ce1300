from __future__ import annotations

import os
import subprocess
import sys
from functools import partial

import numpy as np
import pytest
import torch
from extras import what_is_missing
from fakes import SAMPLE_TEXTS, WithoutEnd, same_steps
from hypothesis import given, settings
from hypothesis import strategies as st

from helpers.corpus import load_corpus
from helpers.models.checkpoint import load_shipped
from helpers.models.lstm import LSTMConfig, LSTMLanguageModel
from helpers.models.transformer import TransformerConfig, TransformerLanguageModel
from helpers.sampling import SamplingSettings
from helpers.streaming import Generation, stream
from helpers.tokenizer import Tokenizer
from helpers.training import TrainingConfig, evaluate, make_batch, train

if missing := what_is_missing("10"):
    pytest.skip(missing, allow_module_level=True)

from helpers.models import keras_twin
from helpers.models.keras_twin import (
    KerasTwin,
    evaluate_twin,
    from_torch,
    keras,
    load_twin,
    save_twin,
    to_torch,
    train_twin,
)

pytestmark = pytest.mark.filterwarnings("ignore:__array__ implementation:DeprecationWarning")  # TensorFlow's own

IDS = [2, 7, 7, 30, 0, 49]  # pad in the middle: for one text it is an id like any other
PADDED = [[2, 7, 30, 49, 5], [2, 9, 0, 0, 0]]


def random_lstm(tied: bool, dtype: torch.dtype = torch.float32, **sizes) -> LSTMLanguageModel:
    config = LSTMConfig(50, **{"embedding_dim": 12, "hidden_size": 20, "tied": tied, "embedding_scale": 0.5, **sizes})
    model = LSTMLanguageModel(config, seed=1).to(dtype)
    with torch.no_grad():  # biases that differ, so that a lost one is noticed
        for number, parameter in enumerate(model.parameters()):
            parameter.add_(torch.from_numpy(np.random.default_rng(number).normal(0, 0.3, tuple(parameter.shape))))
    return model


@pytest.fixture(params=[True, False], ids=["tied", "own output layer"])
def tied(request):
    return request.param


@pytest.fixture(params=[torch.float32, torch.float64], ids=["float32", "float64"])
def lstm(tied, request):
    return random_lstm(tied, request.param)


@pytest.fixture
def twin(lstm):
    return from_torch(lstm)


@pytest.fixture(scope="module")
def shipped():
    model, tokenizer = load_shipped()
    return model, from_torch(model), tokenizer


def torch_logits(model, ids, state=None):
    with torch.no_grad():
        return model(torch.tensor(ids), state).logits.numpy()


# ---------------------------------------------------------------------------------------- same weights, same logits


def test_logits_of_a_padded_batch_are_those_of_torch(lstm, twin):
    logits = twin(np.array(PADDED)).logits.numpy()
    assert logits.dtype == torch_logits(lstm, PADDED).dtype
    np.testing.assert_allclose(logits[0], torch_logits(lstm, PADDED)[0], rtol=0, atol=1e-5)
    np.testing.assert_allclose(logits[1, :2], torch_logits(lstm, PADDED)[1, :2], rtol=0, atol=1e-5)


def test_token_by_token_logits_are_those_of_torch(lstm, twin):
    state = twins = None
    for token_id in IDS:
        wanted, state = lstm.advance([token_id], state)
        logits, twins = twin.advance([token_id], twins)
        np.testing.assert_allclose(logits, wanted, rtol=0, atol=1e-5)
    np.testing.assert_allclose(twin.advance(IDS)[0], wanted, rtol=0, atol=1e-5)
    np.testing.assert_allclose(twin.embed(IDS), lstm.embed(IDS))


def test_a_carried_state_continues_a_batch_as_in_torch(lstm, twin):
    _, state, embeddings = lstm(torch.tensor(PADDED)[:1, :2])
    wanted = torch_logits(lstm, [PADDED[0][2:]], state)
    first = twin(np.array(PADDED)[:1, :2])
    assert first.embeddings.shape == embeddings.shape
    again = twin(np.array(PADDED)[:1, 2:], state=first.state).logits
    np.testing.assert_allclose(again, wanted, rtol=0, atol=1e-5)


def test_padding_leaves_no_trace_in_the_state_whether_one_is_passed_or_not(twin):
    start = twin(np.array([[2], [2]])).state
    for state in (None, start):
        short = None if state is None else [part[1:] for part in state]
        alone = twin(np.array([[9, 8]]), state=short).state
        padded = twin(np.array([[7, 5, 4, 3], [9, 8, 0, 0]]), state=state).state
        for one, other in zip(alone, padded, strict=True):
            np.testing.assert_allclose(one[0], other[1], rtol=0, atol=1e-6)


def test_the_shipped_model_has_a_twin_with_its_logits(shipped):
    model, twin, tokenizer = shipped
    batch = make_batch([tokenizer.encode(text) for text in load_corpus().validation[:4]], tokenizer)
    counts = batch.targets.numpy() != -100
    wanted = torch_logits(model, batch.inputs.tolist())
    np.testing.assert_allclose(twin(batch.inputs.numpy()).logits.numpy()[counts], wanted[counts], rtol=0, atol=1e-5)
    state = None
    for place, token_id in enumerate(batch.inputs[0].tolist()):
        logits, state = twin.advance([token_id], state)
        np.testing.assert_allclose(logits, wanted[0, place], rtol=0, atol=1e-5)
    # float32 has seven digits: of logits up to 100 the fifth decimal is rounding, in torch as in TensorFlow
    single, _ = load_shipped()
    rounded = from_torch(single.float())(batch.inputs.numpy()).logits.numpy()[counts]
    np.testing.assert_allclose(rounded, wanted[counts], rtol=0, atol=1e-6 * np.abs(wanted).max())


@pytest.mark.parametrize("seed", range(20))
def test_one_seed_one_text_in_both(shipped, seed):
    model, twin, tokenizer = shipped
    endless, way = WithoutEnd(tokenizer), SamplingSettings(temperature=0.9, top_p=0.95)
    told = [
        [step.output.token_id for step in stream(m, endless, "One day, Mia", way, max_new_tokens=100, seed=seed)]
        for m in (model, twin)
    ]
    assert len(told[0]) == 100
    assert told[0] == told[1]


def test_a_rewound_generation_tells_the_same_again(shipped):
    _, twin, tokenizer = shipped
    generation = Generation(twin, WithoutEnd(tokenizer), "One day", seed=4)
    for _ in range(12):
        generation.step(SamplingSettings())
    before = generation.steps
    generation.rewind(5)
    for _ in range(7):
        generation.step(SamplingSettings())
    assert same_steps(generation.steps, before)


def test_weights_go_back_to_torch(lstm, twin):
    back = to_torch(twin)
    assert back.config == lstm.config
    np.testing.assert_allclose(torch_logits(back, [IDS]), torch_logits(lstm, [IDS]), rtol=0, atol=1e-5)
    np.testing.assert_allclose(from_torch(back).advance(IDS)[0], twin.advance(IDS)[0])


def test_a_twin_of_its_own_begins_as_its_seed_says():
    config = LSTMConfig(50, 12, 20)
    one, same, other = (KerasTwin(config, seed=seed).advance(IDS)[0] for seed in (3, 3, 4))
    np.testing.assert_allclose(one, same)
    assert not np.allclose(one, other)


# -------------------------------------------------------------------------------------------------------- training


@pytest.fixture(scope="module")
def lesson():
    """A tokenizer of 400 ids, 1,500 first sentences to learn from, and 200 to be judged by."""
    corpus = load_corpus()
    held_out, texts = (
        [text.split(". ")[0] + "." for text in part] for part in (corpus.validation[:200], corpus.train[:1500])
    )
    return Tokenizer.train(texts, vocab_size=400), held_out, texts


def test_both_learn_the_same_update_by_update(tied, lesson, monkeypatch):
    torchs, kerass = torch.optim.Adam, keras.optimizers.Adam
    # the two add ε at different places: with next to none, what is left to differ is rounding
    monkeypatch.setattr(torch.optim, "Adam", partial(torchs, eps=1e-13))
    monkeypatch.setattr(keras.optimizers, "Adam", lambda beta_2, epsilon: kerass(beta_2=beta_2, epsilon=1e-13))
    tokenizer, _, texts = lesson
    model = LSTMLanguageModel(LSTMConfig(400, 16, 24, tied=tied)).double()
    twin = from_torch(model)
    config = TrainingConfig(updates=15, seed=3, adam_beta2=0.98)
    runs = (run(m, tokenizer, texts, config) for run, m in ((train, model), (train_twin, twin)))
    for ours, twins in zip(*runs, strict=True):
        assert twins.loss == pytest.approx(ours.loss, abs=1e-4)
        assert twins.gradient_norm == pytest.approx(ours.gradient_norm, rel=1e-3)
        assert (twins.step, twins.epoch, twins.tokens_seen) == (ours.step, ours.epoch, ours.tokens_seen)
        assert twins.learning_rate == ours.learning_rate
    np.testing.assert_allclose(twin.advance([2, 9])[0], model.advance([2, 9])[0], atol=1e-3)


def test_trained_alone_the_twin_ends_where_torch_ends(lesson):
    tokenizer, held_out, texts = lesson
    model = LSTMLanguageModel(LSTMConfig(400, 32, 64, tied=True))
    twin = from_torch(model)
    before = evaluate(model, tokenizer, held_out)
    assert evaluate_twin(twin, tokenizer, held_out) == pytest.approx(before, abs=1e-4)
    for run, learner in ((train, model), (train_twin, twin)):
        assert len(list(run(learner, tokenizer, texts, TrainingConfig(updates=400)))) == 400
    learned = evaluate(model, tokenizer, held_out)
    assert learned < 0.5 * before
    assert evaluate_twin(twin, tokenizer, held_out) == pytest.approx(learned, abs=0.02)


def test_a_run_left_early_keeps_what_it_learned(tokenizer):
    twin = from_torch(LSTMLanguageModel(LSTMConfig(400, 8, 8)))
    before, steps = (
        evaluate_twin(twin, tokenizer, SAMPLE_TEXTS),
        train_twin(twin, tokenizer, SAMPLE_TEXTS, TrainingConfig(updates=50)),
    )
    for step in steps:
        if step.step == 5:
            break
    assert evaluate_twin(twin, tokenizer, SAMPLE_TEXTS) < before


def test_padding_is_no_target(twin):
    losses = keras_twin.token_losses(twin(np.array(PADDED)).logits, np.array([[7, 30, 49, 5, 3], [9, 3, 0, 0, 0]]))
    assert (losses.numpy()[1] > 0).tolist() == [True, True, False, False, False]


@pytest.mark.parametrize(
    ("options", "match"),
    [
        ({"updates": 0}, "updates is 0"),
        ({"updates": 1, "seed": -1}, "seed is -1"),
        ({"updates": 1, "clip": -1}, "clip is -1"),
    ],
)
def test_bad_options_are_named(tokenizer, options, match):
    with pytest.raises(ValueError, match=match):
        train_twin(from_torch(random_lstm(True)), tokenizer, ["a cat"], TrainingConfig(**options))


def test_a_tokenizer_that_pads_with_another_id_is_refused(tokenizer):
    class Other:
        pad_id, bos_id, eos_id, vocab_size = 3, 1, 2, 50
        encode = tokenizer.encode

    with pytest.raises(ValueError, match="pad_id is 3: Keras masks id 0"):
        train_twin(from_torch(random_lstm(True)), Other(), ["a cat"], TrainingConfig(updates=1))


# ----------------------------------------------------------------------------------------------------------- files


@settings(max_examples=8, deadline=None)
@given(st.booleans(), st.sampled_from([torch.float32, torch.float64]), st.integers(1, 9), st.integers(1, 9))
def test_saved_and_loaded_a_twin_has_identical_logits(tmp_path_factory, tied, dtype, width, hidden):
    twin = from_torch(random_lstm(tied, dtype, embedding_dim=width, hidden_size=hidden))
    path = tmp_path_factory.mktemp("twin") / "twin.keras"
    save_twin(path, twin)
    loaded = load_twin(path)
    np.testing.assert_allclose(loaded(np.array(PADDED)).logits, twin(np.array(PADDED)).logits)
    np.testing.assert_allclose(loaded.advance(IDS)[0], twin.advance(IDS)[0])
    assert (loaded.config, loaded.dtype) == (twin.config, twin.dtype)
    assert [entry.name for entry in path.parent.iterdir()] == ["twin.keras"]


def test_a_save_that_fails_leaves_the_old_file_whole(tmp_path, monkeypatch):
    twin, path = from_torch(random_lstm(True)), tmp_path / "twin.keras"
    save_twin(path, twin)
    before = path.read_bytes()

    def interrupted(self, path):
        path.write_bytes(b"half")
        raise KeyboardInterrupt

    monkeypatch.setattr(KerasTwin, "save", interrupted)
    with pytest.raises(KeyboardInterrupt):
        save_twin(path, twin)
    assert path.read_bytes() == before
    assert list(tmp_path.iterdir()) == [path]


def test_a_folder_is_no_place_for_a_twin(tmp_path):
    for act in (lambda path: save_twin(path, from_torch(random_lstm(True))), load_twin):
        with pytest.raises(ValueError, match=r"my_model is no \.keras file: .* such as my_model\.keras"):
            act(tmp_path / "my_model")
        with pytest.raises(ValueError, match="nowhere does not exist"):
            act(tmp_path / "nowhere" / "twin.keras")
    with pytest.raises(TypeError, match="cannot save a LSTMLanguageModel"):
        save_twin(tmp_path / "twin.keras", random_lstm(True))


def test_a_missing_a_damaged_and_a_foreign_file_are_told_apart(tmp_path):
    path = tmp_path / "twin.keras"
    with pytest.raises(ValueError, match="does not exist: save a twin"):
        load_twin(path)
    save_twin(path, from_torch(random_lstm(True)))
    path.write_bytes(path.read_bytes()[:-100])
    with pytest.raises(ValueError, match="damaged or no Keras file"):
        load_twin(path)
    keras.Sequential([keras.Input([2]), keras.layers.Dense(3)]).save(path)
    with pytest.raises(ValueError, match="holds .*Sequential.*, not 'token_journey>KerasTwin'"):
        load_twin(path)


# -------------------------------------------------------------------------------------------------------- bad input


@pytest.mark.parametrize(
    ("ids", "match"),
    [([[50]], r"id 50 is outside 0 … 49"), ([[-1]], "id -1"), ([[]], r"shape \(1, 0\)"), ([1], r"\(1,\)")],
)
def test_bad_ids_are_named(ids, match):
    with pytest.raises(ValueError, match=match):
        from_torch(random_lstm(True))(np.array(ids, dtype=np.int32))


@pytest.mark.parametrize("name", ["embed", "advance"])
def test_bad_ids_of_one_text_are_named(name):
    read = getattr(from_torch(random_lstm(False)), name)
    with pytest.raises(ValueError, match=r"id 50 is outside 0 … 49"):
        read([2, 50])
    with pytest.raises(ValueError, match="ids is empty"):
        read([])


def test_only_an_lstm_of_usual_precision_has_a_twin():
    with pytest.raises(TypeError, match="twin of a TransformerLanguageModel: give an LSTMLanguageModel"):
        from_torch(TransformerLanguageModel(TransformerConfig(50, embedding_dim=8, layers=1, heads=2)))
    with pytest.raises(ValueError, match=r"dtype is torch.float16: give float32 or float64"):
        from_torch(random_lstm(True).half())


def test_the_import_leaves_nothing_on_stderr_and_triton_comes_before_tensorflow(tmp_path):
    """With torch's CUDA builds, which bring triton, Python crashes if it is loaded after TensorFlow."""
    (tmp_path / "triton.py").write_text("import sys; print('tensorflow' in sys.modules)")
    code = "from helpers.models.keras_twin import *; from_torch(LSTMLanguageModel(LSTMConfig(9, 2, 3))).advance([1])"
    paths = {**os.environ, "PYTHONPATH": str(tmp_path)}
    run = subprocess.run([sys.executable, "-c", code], env=paths, capture_output=True, text=True, check=True)
    assert (run.stdout, run.stderr) == ("False\n", "")


def test_tensorflow_imported_first_is_an_error_where_it_would_crash_python(tmp_path):
    for name in ("triton", "tensorflow"):
        (tmp_path / f"{name}.py").touch()
    paths = {**os.environ, "PYTHONPATH": str(tmp_path)}
    code = "import tensorflow, helpers.models.keras_twin"
    run = subprocess.run([sys.executable, "-c", code], env=paths, capture_output=True, text=True)
    assert "TensorFlow was imported first: restart the kernel" in run.stderr


def test_another_keras_backend_is_named():
    code = "import os; os.environ['KERAS_BACKEND'] = 'torch'; import helpers.models.keras_twin"
    run = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True)
    assert "Keras runs on torch here: set KERAS_BACKEND=tensorflow" in run.stderr
