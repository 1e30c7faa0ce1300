from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
import torch
from fakes import SAMPLE_TEXTS
from hypothesis import given, settings
from hypothesis import strategies as some

from helpers.sampling import SamplingSettings
from helpers.streaming import Generation, stream

transformers = pytest.importorskip("transformers", reason="transformers is not installed: make models")
tokenizers = pytest.importorskip("tokenizers")

from helpers.models.pretrained import PretrainedTokenizer, load_pretrained, random_model, save_pretrained  # noqa: E402
from helpers.models.pretrained_files import SMOLLM, PretrainedError, models_folder  # noqa: E402

GREEDY = SamplingSettings(temperature=0)
PROMPT = "the cat 😉 and 👩‍👧 met"
NO_END = SamplingSettings(temperature=1.2, top_k=40)


@pytest.fixture(scope="module", params=["gpt2", "llama"])
def pair(request):
    return random_model(SAMPLE_TEXTS, request.param)


@pytest.fixture
def folder(tmp_path):
    save_pretrained(tmp_path, *random_model(SAMPLE_TEXTS))
    return tmp_path


@pytest.fixture(scope="module")
def smollm():
    if not (models_folder() / SMOLLM).is_dir():
        pytest.skip(f"{SMOLLM} is not there: make models")
    return load_pretrained(SMOLLM)


def edit_json(path, **changes):
    path.write_text(json.dumps({**json.loads(path.read_text()), **changes}))


# ------------------------------------------------------------------------------------------------------------ streaming


def test_greedy_text_is_that_of_generate_token_for_token(pair):
    model, tokenizer = pair
    ids = torch.tensor([tokenizer.encode_prompt(PROMPT)])
    theirs = model.model.generate(
        ids, attention_mask=torch.ones_like(ids), max_new_tokens=60, do_sample=False, pad_token_id=0
    )
    steps = list(stream(model, tokenizer, PROMPT, GREEDY, max_new_tokens=60))
    assert [step.output.token_id for step in steps] == theirs[0, ids.shape[1] :].tolist()
    assert PROMPT + "".join(step.output.text for step in steps) == tokenizer.decode(theirs[0].tolist())
    assert tokenizer.decode(ids[0].tolist()) == PROMPT


def test_each_records_embedding_is_its_tokens_row_of_the_table(pair):
    model, tokenizer = pair
    table = model.model.get_input_embeddings().weight.detach().numpy()
    generation = Generation(model, tokenizer, PROMPT, seed=3)
    for _ in range(20):
        generation.step(NO_END)
    for token in generation.tokens:
        np.testing.assert_allclose(token.embedding, table[token.token_id])


def test_rewind_crops_the_cache_and_the_same_text_comes_again(pair):
    model, tokenizer = pair
    generation = Generation(model, tokenizer, PROMPT, seed=5)
    steps = [generation.step(NO_END) for _ in range(12)]
    for kept in (7, 1, 0):
        generation.rewind(kept)
        length = len(generation.tokens) - (kept > 0)
        assert generation._reading.state.cache.get_seq_length() == len(generation._reading.state.ids) == length
        assert [generation.step(NO_END) for _ in range(12 - kept)] == steps[kept:]


def test_a_cache_that_cannot_be_cropped_is_computed_again(pair):
    class Uncroppable:
        def crop(self, count):
            raise RuntimeError("a sliding window has moved on")

    model, _ = pair
    expected, _ = model.advance([5, 6, 7, 8])
    _, state = model.advance([5, 6, 7, 20])
    state.cache = Uncroppable()
    again, state = model.advance([8], model.rewind(state, 3))
    np.testing.assert_allclose(again, expected, atol=1e-5)
    assert state.ids == [5, 6, 7, 8]
    with pytest.raises(ValueError, match="cannot rewind to 9 tokens: the state has read 4"):
        model.rewind(state, 9)


def test_a_text_ends_where_the_model_can_read_no_more(pair):
    model, tokenizer = pair
    generation = Generation(model, tokenizer, "the cat " * 60, seed=1)
    while not generation.finish_reason:
        generation.step(NO_END)
    assert generation.finish_reason in ("context", "eos")
    assert len(generation.tokens) <= model.context_length + 1


@pytest.mark.parametrize("ids", [[-1], [3, 10_000], []])
def test_ids_outside_the_table_are_refused(pair, ids):
    model, _ = pair
    with pytest.raises(ValueError, match=r"ids is empty|outside 0 … 356, the rows of the embedding table"):
        model.advance(ids)


# ---------------------------------------------------------------------------------------------------------------- text


BYTE_LEVEL = random_model(SAMPLE_TEXTS)[1]


@given(some.lists(some.integers(0, BYTE_LEVEL.vocab_size - 1), max_size=40))
@settings(max_examples=400, deadline=None)
def test_streamed_text_is_the_whole_decode_even_of_broken_characters(ids):
    text = BYTE_LEVEL.text_stream()
    assert "".join(map(text.feed, ids)) + text.finish() == BYTE_LEVEL.decode(ids)


def tokenizer_with_byte_pieces():
    """As LLaMA 2 has it: letters, and <0xE9> for a byte that is no letter."""
    pieces = ["<unk>", "<s>", "</s>", *(f"<0x{byte:02X}>" for byte in range(256)), "▁", "a", "▁a"]
    model = tokenizers.models.BPE(
        vocab={piece: number for number, piece in enumerate(pieces)},
        merges=[("▁", "a")],
        unk_token="<unk>",
        byte_fallback=True,
    )
    whole, parts = tokenizers.Tokenizer(model), tokenizers.decoders
    whole.decoder = parts.Sequence(
        [parts.Replace("▁", " "), parts.ByteFallback(), parts.Fuse(), parts.Strip(" ", 1, 0)]
    )
    fast = transformers.PreTrainedTokenizerFast(tokenizer_object=whole, bos_token="<s>", eos_token="</s>")
    return PretrainedTokenizer(fast, random_model(SAMPLE_TEXTS)[0].model)


BYTE_PIECES = tokenizer_with_byte_pieces()


@given(some.lists(some.integers(0, 261), max_size=30))
@settings(max_examples=200, deadline=None)
def test_byte_pieces_that_are_no_character_never_break_a_stream(ids):
    text = BYTE_PIECES.text_stream()
    streamed = "".join(map(text.feed, ids)) + text.finish()
    assert len(streamed) >= len(BYTE_PIECES.decode(ids))


@given(some.text("a é日😉\n", max_size=12))
@settings(max_examples=100, deadline=None)
def test_byte_pieces_of_whole_characters_stream_as_they_decode(prompt):
    text, ids = BYTE_PIECES.text_stream(), BYTE_PIECES.encode(prompt)
    assert "".join(map(text.feed, ids)) + text.finish() == BYTE_PIECES.decode(ids)


def test_a_character_comes_out_once_its_last_byte_is_there():
    stream, ids = BYTE_LEVEL.text_stream(), BYTE_LEVEL.encode("é👍")
    texts = [stream.feed(token_id) for token_id in ids]
    assert [text for text in texts if text] == ["é", "👍"]
    assert texts[-1] == "👍"


def test_pieces_show_spaces_and_lone_bytes():
    pieces = [BYTE_LEVEL.piece(token_id) for token_id in BYTE_LEVEL.encode(" mat 👍")]
    assert pieces[0] == "▁mat"
    assert "".join(pieces[1:]).endswith("<0x91><0x8D>")
    assert BYTE_LEVEL.piece(0) == "<|endoftext|>"


def test_prompts_are_never_empty_and_half_characters_are_refused():
    assert BYTE_LEVEL.encode_prompt("") == [0]
    with pytest.raises(ValueError, match="character 3 is a lone surrogate"):
        BYTE_LEVEL.encode_prompt("cat\ud83d")


def test_every_end_counts_and_rows_without_a_token_are_never_sampled(pair):
    model, tokenizer = pair
    wide = transformers.AutoModelForCausalLM.from_config(model.model.config)
    wide.resize_token_embeddings(tokenizer.vocab_size + 3)
    wide.generation_config.eos_token_id = [4, 9]
    wrapped = PretrainedTokenizer(tokenizer.tokenizer, wide)
    assert wrapped.eos_ids == {0, 4, 9}
    assert wrapped.suppressed_ids == {357, 358, 359}
    assert wrapped.piece(358) == "<unused 358>"
    assert wrapped.decode([4, 358]) == tokenizer.decode([4])


def test_a_conversation_is_put_into_the_models_own_template(folder):
    with pytest.raises(PretrainedError, match="no template for a conversation: load it without chat=True"):
        load_pretrained(folder, chat=True)
    (folder / "chat_template.jinja").write_text("user: {{ messages[0].content }}\nmodel:")
    _, tokenizer = load_pretrained(folder, chat=True)
    assert tokenizer.decode(tokenizer.encode_prompt("hi")) == "user: hi\nmodel:"


# ------------------------------------------------------------------------------------------------------------- loading


@pytest.mark.parametrize("stopped_at", [0, 1, 2, 3, 4])
@pytest.mark.parametrize("kind", [KeyboardInterrupt, OSError])
def test_an_interrupted_save_leaves_every_file_whole_and_nothing_behind(folder, monkeypatch, stopped_at, kind):
    model, tokenizer = random_model(SAMPLE_TEXTS, seed=1)  # of the same sizes, with other weights
    before = {path.name: path.read_bytes() for path in folder.iterdir()}
    (folder / "notes.txt").write_text("precious")
    replace, moves = Path.replace, []

    def replace_until(path, target):
        if len(moves) == stopped_at:
            raise kind(28, "No space left on device")
        moves.append(path.name)
        return replace(path, target)

    monkeypatch.setattr(Path, "replace", replace_until)
    with pytest.raises(kind, match="No space left on device"):
        save_pretrained(folder, model, tokenizer)
    monkeypatch.undo()
    assert (folder / "notes.txt").read_text() == "precious"
    assert {path.name for path in folder.iterdir()} == {*before, "notes.txt"}
    assert all((folder / name).read_bytes() == before[name] for name in before if name not in moves)
    load_pretrained(folder)
    save_pretrained(folder, model, tokenizer)
    np.testing.assert_array_equal(load_pretrained(folder)[0].embed([5]), model.embed([5]))


def test_weights_that_cannot_be_written_leave_the_old_model_whole(folder, monkeypatch):
    before = {path.name: path.read_bytes() for path in folder.iterdir()}
    model, tokenizer = random_model(SAMPLE_TEXTS, seed=1)

    def full(*arguments, **options):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(model.model, "save_pretrained", full)
    with pytest.raises(OSError, match=r"cannot save into .*No space left on device\. Choose a folder you may write to"):
        save_pretrained(folder, model, tokenizer)
    assert {path.name: path.read_bytes() for path in folder.iterdir()} == before


def test_a_saved_folder_gives_the_same_model(folder):
    before, tokenizer = random_model(SAMPLE_TEXTS)
    model, loaded = load_pretrained(folder)
    ids = tokenizer.encode_prompt(PROMPT)
    assert loaded.encode_prompt(PROMPT) == ids
    np.testing.assert_allclose(model.advance(ids)[0], before.advance(ids)[0])


def truncate_weights(folder):
    path = folder / "model.safetensors"
    path.write_bytes(path.read_bytes()[:-5000])


def drop_one_weight(folder):
    import safetensors.torch

    weights = safetensors.torch.load_file(folder / "model.safetensors")
    del weights["transformer.h.1.mlp.c_fc.weight"]
    safetensors.torch.save_file(weights, folder / "model.safetensors", {"format": "pt"})


def make_it_a_bert(folder):
    config = transformers.BertConfig(hidden_size=16, num_hidden_layers=1, num_attention_heads=2, intermediate_size=16)
    transformers.BertModel(config).save_pretrained(folder)


def take_the_end_away(folder):
    for name in ("config.json", "generation_config.json"):
        edit_json(folder / name, eos_token_id=None, bos_token_id=None)
    edit_json(folder / "tokenizer_config.json", eos_token=None, bos_token=None)


def make_the_tokenizer_larger(folder):
    _, tokenizer = random_model(["one two three four five six"] * 9, vocab_size=400)
    tokenizer.tokenizer.add_tokens([f"more{number}" for number in range(300)])
    tokenizer.tokenizer.save_pretrained(folder)


DAMAGE = {
    "weights missing": (
        lambda f: (f / "model.safetensors").unlink(),
        "its weights cannot be read",
    ),
    "half a download": (truncate_weights, r"weights in .* are damaged .*: fetch or save it again, whole"),
    "a weight missing": (drop_one_weight, r"lacks 1 weights, transformer.h.1.mlp.c_fc.weight for one"),
    "no config": (lambda f: (f / "config.json").unlink(), r"no config.json.*: give a folder made by save_pretrained"),
    "broken config": (lambda f: (f / "config.json").write_text("{"), r"config.json cannot be read"),
    "impossible config": (lambda f: edit_json(f / "config.json", n_head=0), r"its weights cannot be read"),
    "a config of words": (lambda f: edit_json(f / "config.json", n_embd="abc"), r"its (config.json|weights) cannot be"),
    "broken tokenizer": (lambda f: (f / "tokenizer.json").write_text("[]"), r"its tokenizer cannot be read"),
    "no tokenizer": (lambda f: (f / "tokenizer.json").unlink(), r"its tokenizer cannot be read"),
    "not causal": (make_it_a_bert, r"is a BertModel, which does not predict the next token: give a causal model"),
    "no end token": (take_the_end_away, r"has no end token, .*: set eos_token in its tokenizer_config.json"),
    "another's tokenizer": (make_the_tokenizer_larger, r"has \d+ ids, the model 357 embedding rows: give a folder"),
}


@pytest.mark.parametrize("damage", DAMAGE)
def test_a_folder_that_is_not_a_whole_model_is_refused_in_one_sentence(folder, damage):
    spoil, sentence = DAMAGE[damage]
    spoil(folder)
    with pytest.raises(PretrainedError, match=sentence) as caught:
        load_pretrained(folder)
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize(
    ("name", "options", "sentence"),
    [
        ("./nowhere", {}, r"there is no folder './nowhere': give one made by save_pretrained"),
        ("someone/some-model", {}, r"neither a folder nor a model fetched before: load_pretrained\(.*download=True\)"),
        (SMOLLM, {}, r"is not there: run `make models`"),
    ],
)
def test_a_model_that_is_not_here_says_what_brings_it(monkeypatch, tmp_path, name, options, sentence):
    monkeypatch.setenv("TOKEN_JOURNEY_MODELS", str(tmp_path))
    with pytest.raises(PretrainedError, match=sentence):
        load_pretrained(name, **options)


def run_without_network(code):
    """In a process of its own, in which no name can be looked up."""
    block = "import socket\ndef refuse(*a, **k): raise socket.gaierror('no network')\nsocket.getaddrinfo = refuse\n"
    run = subprocess.run([sys.executable, "-c", block + code], capture_output=True, text=True)
    assert run.returncode == 0, run.stderr[-2000:]
    return run.stdout.strip()


def test_without_a_network_a_download_ends_in_one_sentence():
    code = (
        "from helpers.models.pretrained import load_pretrained\n"
        "import huggingface_hub.constants as c; c.HF_HUB_OFFLINE = True\n"
        "try: load_pretrained('someone/some-model', download=True)\nexcept ValueError as error: print(error)"
    )
    assert run_without_network(code) == (
        "'someone/some-model' could not be fetched: check the name and the network, "
        "or give a folder made by save_pretrained"
    )


def test_without_the_library_the_import_says_what_brings_it():
    code = (
        "import sys; sys.modules['transformers'] = None\n"
        "try: import helpers.models.pretrained\nexcept ImportError as error: print(error)"
    )
    sentence = "transformers is not installed: run `make models` in the project's folder, then restart the kernel"
    assert run_without_network(code) == sentence


# ------------------------------------------------------------------------------------------------- the real weights


def test_smollm_knows_the_capital_of_france(smollm):
    model, tokenizer = smollm
    step = Generation(model, tokenizer, "The capital of France is").step(GREEDY)
    assert step.output.text == " Paris"
    assert step.candidates[0].model_probability == pytest.approx(0.77, abs=0.01)
    assert (model.vocab_size, model.embedding_dim) == (49_152, 576)


def test_smollm_ends_a_document_and_a_turn(smollm):
    _, tokenizer = smollm
    assert {tokenizer.piece(token_id) for token_id in tokenizer.eos_ids} == {"<|im_end|>", "<|endoftext|>"}
    assert tokenizer.piece(tokenizer.encode(" Paris")[0]) == "▁Paris"


def test_smollm_streams_any_ids_as_it_decodes_them(smollm):
    _, tokenizer = smollm
    rng = np.random.default_rng(0)
    broken = [token_id for token_id in range(tokenizer.vocab_size) if tokenizer.piece(token_id).startswith("<0x")]
    for _ in range(200):
        ids = [int(rng.choice(broken)) if rng.random() < 0.5 else int(rng.integers(49_152)) for _ in range(20)]
        text = tokenizer.text_stream()
        assert "".join(map(text.feed, ids)) + text.finish() == tokenizer.decode(ids)


def test_smollm_answers_in_a_conversation(smollm):
    model, tokenizer = smollm
    chat = PretrainedTokenizer(tokenizer.tokenizer, model.model, chat=True)
    steps = list(stream(model, chat, "Name three animals.", GREEDY, max_new_tokens=30))
    assert steps[-1].finish_reason == "eos"
    assert "cat" in "".join(step.output.text for step in steps).lower()
