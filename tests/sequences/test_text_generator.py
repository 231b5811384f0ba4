import math

import numpy as np
import pandas as pd
import pytest
import torch
from sklearn.base import clone
from sklearn.exceptions import NotFittedError
from sklearn.utils.validation import check_is_fitted

from tests.conftest import default_type
from tsrnn.errors import DataError, ParameterError
from tsrnn.sequences.ngram import NgramBaseline
from tsrnn.sequences.text_generator import TextGenerator
from tsrnn.sequences.text_training import stream_nats
from tsrnn.sequences.vocabulary import UNKNOWN

# Each line follows from the one before, so that there is something to learn, and a rare word is in it.
LINES = ["the cat sat on the mat.\n", "the dog ran to the door.\n", "a bird sang in the tree.\n"]
TEXT = "".join(LINES[(i * i) % 3] for i in range(120)) + "the zebra sat on the mat.\n" + "".join(LINES) * 10
SMALL = {
    "hidden_size": 24, "embedding_size": 8, "batch_size": 8, "bptt_length": 16, "max_epochs": 5,
    "learning_rate": 0.02, "random_state": 0,
}  # fmt: skip


@pytest.fixture(scope="module")
def model():
    return TextGenerator(**SMALL).fit(TEXT)


@pytest.fixture(scope="module")
def words():
    return TextGenerator(tokens="word", **SMALL).fit(TEXT)


def test_it_writes_on_from_the_prompt_as_long_as_asked_for(model):
    for length in (0, 1, 40):
        text = model.generate("the cat", length=length, random_state=0)
        assert text.startswith("the cat")
        assert len(text) == 7 + length
        assert set(text) <= set(TEXT)


def test_it_learns_what_follows(model):
    assert model.generate("the dog ran to", 10, temperature=0) == "the dog ran to the door."
    assert model.perplexity(TEXT) < 1.6


def test_the_same_seed_writes_the_same_text_and_another_one_another(model):
    first = model.generate("a", 200, temperature=1.5, random_state=4)
    assert model.generate("a", 200, temperature=1.5, random_state=4) == first
    assert model.generate("a", 200, temperature=1.5, random_state=5) != first
    drawn = {model.generate("a", 60, temperature=2.0) for _ in range(3)}
    assert len(drawn) == 3  # None draws a fresh seed


def test_temperature_0_is_the_argmax_whatever_the_seed(model):
    text = model.generate("the", 30, temperature=0, random_state=1)
    assert model.generate("the", 30, temperature=0, random_state=2) == text
    assert model.generate("the", 30, temperature=5.0, top_k=1, random_state=2) == text
    expected = "the"
    for _ in range(30):
        expected += model.next_probabilities(expected).index[0]
    assert text == expected


def test_the_state_is_primed_by_the_whole_prompt(model):
    # Both prompts end alike; what follows hangs on the word before.
    cat, dog = (model.next_probabilities(f"{start} ") for start in ("the cat", "the dog"))
    assert cat.index[0] == "s"
    assert dog.index[0] == "r"


def test_next_probabilities_are_those_that_the_text_is_scored_by(model):
    table = model.next_probabilities("the cat s")
    assert table.sum() == pytest.approx(1)
    assert table.is_monotonic_decreasing
    for token in ("a", "z"):
        both, first = model.score_text("the cat s" + token), model.score_text("the cat s")
        assert both.nats - first.nats == pytest.approx(-math.log(table[token]), rel=1e-4)
    assert (model.next_probabilities("the cat s", top_k=3) > 0).sum() == 3


def test_every_character_is_scored_once_as_one_stream(model):
    score = model.score_text(TEXT)
    assert (score.n_tokens, score.n_characters) == (len(TEXT), len(TEXT))
    nats = stream_nats(model.network_, torch.from_numpy(model.vocabulary_.encode(TEXT)))
    assert score.nats == pytest.approx(nats.sum().item())
    assert model.perplexity(TEXT) == pytest.approx(math.exp(nats.mean()))
    assert model.bits_per_character(TEXT) == pytest.approx(math.log2(model.perplexity(TEXT)))
    assert model.score(TEXT) == pytest.approx(-nats.mean().item())


def test_the_held_back_end_is_scored_beside_an_n_gram_model_of_the_rest(model):
    cut = len(TEXT) - int(len(TEXT) * 0.05)
    nats = stream_nats(model.network_, torch.from_numpy(model.vocabulary_.encode(TEXT[cut:])))
    assert model.validation_score_.nats == pytest.approx(nats.sum().item())
    assert model.baseline_score_.nats == pytest.approx(NgramBaseline().fit(TEXT[:cut]).score_text(TEXT[cut:]).nats)
    assert "n-grams    0." in model.summary()
    assert f"{len(TEXT):,} characters, {len(set(TEXT))} distinct" in model.summary()


def test_the_history_tells_how_perplexity_fell(model):
    table = model.history_
    assert table.columns.tolist() == ["epoch", "step", "train_loss", "validation_loss", "perplexity", "seconds"]
    assert table["epoch"].iloc[-1] == SMALL["max_epochs"]
    np.testing.assert_allclose(table["perplexity"], np.exp(table["validation_loss"]))
    assert table["perplexity"].iloc[-1] < 0.5 * table["perplexity"].iloc[0]
    assert model.best_step_ in table["step"].to_numpy()


def test_hidden_states_come_one_per_token_and_see_nothing_of_what_follows(model):
    states = model.hidden_states(TEXT[:50])
    assert states.shape == (50, 24)
    assert np.abs(states).max() <= 1
    np.testing.assert_allclose(model.hidden_states(TEXT[:20]), states[:20], atol=1e-6)


def test_a_seed_gives_the_same_model_and_leaves_the_global_states_alone(model):
    before = torch.get_rng_state()
    again = TextGenerator(**SMALL).fit(TEXT)
    assert torch.equal(torch.get_rng_state(), before)
    for name, value in model.network_.state_dict().items():
        assert torch.equal(again.network_.state_dict()[name], value)
    other = TextGenerator(**{**SMALL, "random_state": 1, "max_epochs": 1}).fit(TEXT)
    assert not torch.equal(other.network_.embed.weight, model.network_.embed.weight)


def test_a_fit_where_gradients_are_off_gives_the_same_model(model):
    with torch.inference_mode():
        again = TextGenerator(**SMALL).fit(TEXT)
    assert again.score(TEXT) == model.score(TEXT)


def test_a_program_with_other_defaults_of_torch_gets_the_same_model(model):
    with default_type("float64"), torch.device("meta"):
        again = TextGenerator(**SMALL).fit(TEXT)
        assert again.score(TEXT) == model.score(TEXT)


def test_fit_starts_afresh(model):
    once = TextGenerator(**SMALL).fit("abcd" * 100).fit(TEXT)
    assert once.score(TEXT) == model.score(TEXT)


def test_after_a_fit_that_failed_no_earlier_network_writes(monkeypatch):
    def fail(*arguments):
        raise MemoryError

    model = TextGenerator(**{**SMALL, "max_epochs": 1}).fit(TEXT)
    monkeypatch.setattr("tsrnn.sequences.text_generator.new_language_network", fail)
    with pytest.raises(MemoryError):
        model.fit("abcd" * 100)
    with pytest.raises(NotFittedError, match="not fitted"):
        model.generate("a")


def test_a_time_budget_ends_training_in_time():
    model = TextGenerator(**{**SMALL, "max_epochs": 100_000}, time_budget=1.0).fit(TEXT)
    assert model.out_of_time_
    assert not model.stopped_early_
    assert 0 < model.history_["step"].iloc[-1] < 100_000
    assert "out of time" in model.summary()


def test_training_stops_early_where_the_held_back_part_gets_worse():
    random = "".join(np.random.default_rng(0).choice(list("abcd"), 600))
    model = TextGenerator(**{**SMALL, "max_epochs": 200, "patience": 3}).fit(random)
    assert model.stopped_early_
    assert model.best_step_ < model.history_["step"].iloc[-1]
    assert "stopped early" in model.summary()


def test_words_are_read_and_written(words):
    text = words.generate("the dog", length=9, temperature=0)
    assert text == "the dog ran to the door."
    score = words.score_text("the cat sat")
    assert (score.n_tokens, score.n_characters) == (5, 11)
    assert words.bits_per_character("the cat sat") == pytest.approx(math.log2(score.perplexity) * 5 / 11)


def test_rare_words_are_one_unknown_word_that_is_never_written(words):
    assert "zebra" not in words.vocabulary_.items
    assert np.isfinite(words.perplexity("the zebra sat"))
    prompt = "the zebra sat"
    text = words.generate(prompt, 200, temperature=50.0, random_state=0)
    assert text.startswith(prompt)
    assert UNKNOWN not in text
    assert UNKNOWN not in words.next_probabilities(prompt).index
    few = TextGenerator(tokens="word", max_words=4, **{**SMALL, "max_epochs": 1}).fit(TEXT)
    assert len(few.vocabulary_) == 4


@pytest.mark.parametrize("cell", ["lstm", "rnn"])
def test_other_cells_and_layers_learn_too(cell):
    model = TextGenerator(cell=cell, num_layers=2, **{**SMALL, "max_epochs": 3}).fit(TEXT)
    table = model.history_["validation_loss"]
    assert table.iloc[-1] < table.iloc[0]
    assert f"{cell}, 2 × 24" in model.summary()


def test_nothing_held_back_means_no_scores_and_the_last_weights():
    model = TextGenerator(**{**SMALL, "max_epochs": 1}, validation_share=0).fit(TEXT)
    assert model.validation_score_ is None
    assert model.baseline_score_ is None
    assert model.history_["validation_loss"].isna().all()
    assert model.best_step_ == model.history_["step"].iloc[-1]
    assert "held back" not in model.summary()


def test_an_interrupted_fit_leaves_a_model_and_goes_on_from_its_checkpoint(tmp_path, model):
    def interrupt(state):
        if state.step >= model.history_["step"].iloc[4]:
            raise KeyboardInterrupt

    path = tmp_path / "state.safetensors"
    part = TextGenerator(**SMALL, verbose=interrupt)
    with pytest.raises(KeyboardInterrupt):
        part.fit(TEXT, checkpoint=path)
    assert len(part.history_) == 5
    assert part.generate("the", 5).startswith("the")
    whole = TextGenerator(**SMALL).fit(TEXT, checkpoint=path)
    pd.testing.assert_frame_equal(whole.history_.drop(columns="seconds"), model.history_.drop(columns="seconds"))
    assert whole.score(TEXT) == model.score(TEXT)
    with pytest.raises(DataError, match="belongs to another training"):
        TextGenerator(**SMALL).fit(TEXT + "x", checkpoint=path)
    with pytest.raises(DataError, match="belongs to another training"):
        TextGenerator(**{**SMALL, "dropout": 0.5}).fit(TEXT, checkpoint=path)


def test_it_is_cloned_with_its_parameters_and_without_what_it_learned(model):
    copy = clone(model)
    assert copy.get_params() == model.get_params()
    for call in (lambda: copy.generate("a"), lambda: copy.perplexity("a"), lambda: copy.save("x"), copy.summary):
        with pytest.raises(NotFittedError, match="not fitted"):
            call()


def test_progress_is_told():
    seen = []
    model = TextGenerator(**{**SMALL, "max_epochs": 1}, verbose=seen.append).fit(TEXT)
    assert [state.step for state in seen] == model.history_["step"].tolist()


def test_what_verbose_cannot_be_is_refused_before_anything_is_fitted():
    model = TextGenerator(**SMALL, verbose="yes")
    with pytest.raises(ParameterError, match=r"verbose='yes': expected True, False, or a callable"):
        model.fit(TEXT)
    with pytest.raises(NotFittedError):
        check_is_fitted(model)


@pytest.mark.parametrize("characters", ["ab\r\n\té😀\x00", "aaaa"])
def test_any_characters_are_learned_and_written(characters):
    text = characters * 40
    model = TextGenerator(**{**SMALL, "max_epochs": 1}).fit(text)
    assert len(model.vocabulary_) == len(set(characters))
    assert set(model.generate(characters[0], 20, temperature=3.0)) <= set(characters)
    assert np.isfinite(model.perplexity(text))


@pytest.mark.parametrize(
    ("text", "kind", "message"),
    [
        ("", DataError, "text is empty: it has 0 characters, expected 1 or more"),
        ("abc", DataError, "text is too short: 3 tokens, of which 1 are held back. Expected 10 or more"),
        (b"abc" * 50, ParameterError, r"text is of type bytes: expected one str\. Decode it first"),
        (["abc"], ParameterError, "text is of type list: expected one str"),
        (None, ParameterError, "text is of type NoneType"),
        (float("nan"), ParameterError, "text is of type float"),
    ],
)
def test_what_is_no_text_to_learn_from_is_an_error(text, kind, message):
    with pytest.raises(kind, match=message):
        TextGenerator().fit(text)


def test_prompts_and_texts_that_cannot_be_read_are_errors(model, words):
    with pytest.raises(DataError, match="prompt is empty: it has 0 characters, expected 1 or more"):
        model.generate("")
    with pytest.raises(DataError, match=r"2 characters are not in the vocabulary of \d+, for example '!', 'Q'\. Remov"):
        model.generate("Q!")
    with pytest.raises(DataError, match="1 character is not in the vocabulary"):
        model.perplexity("the cat?")
    with pytest.raises(DataError, match="text is empty"):
        model.bits_per_character("")
    with pytest.raises(ParameterError, match="prompt is of type int: expected one str"):
        model.generate(5)
    with pytest.raises(DataError, match="prompt is empty"):
        words.generate("")
    with pytest.raises(ParameterError, match=r"temperature=-1: expected a number, 0 or more"):
        model.generate("a", temperature=-1)
    with pytest.raises(ParameterError, match="length=-5: expected"):
        model.generate("a", -5)
    with pytest.raises(ParameterError, match="top_k=0: expected"):
        model.generate("a", top_k=0)
    with pytest.raises(ParameterError, match="random_state=-1: expected a whole number, 0 or more, or None"):
        model.generate("a", random_state=-1)


@pytest.mark.parametrize(
    ("parameter", "value", "message"),
    [
        ("tokens", "byte", "expected one of 'char', 'word'"),
        ("cell", "feed-forward", "expected one of 'rnn', 'gru', 'lstm'"),
        ("cell", ["gru"], "expected one of"),
        ("time_budget", 0, "expected seconds above 0, or None for no limit"),
        ("time_budget", float("nan"), "expected seconds above 0"),
        ("hidden_size", 0, "expected a whole number, 1 or more, or None"),
        ("num_layers", 1.5, "expected a whole number, 1 or more"),
        ("embedding_size", True, "expected a whole number"),
        ("dropout", 1.0, "expected a share from 0 to below 1, or None"),
        ("weight_dropout", -0.1, "expected a share from 0 to below 1, or None"),
        ("weight_dropout", "half", "expected a share from 0 to below 1, or None"),
        ("batch_size", -1, "expected a whole number"),
        ("bptt_length", 0, "expected a whole number"),
        ("max_epochs", 0, "expected a whole number, 1 or more, or None"),
        ("learning_rate", -1, "expected a number above 0, for example 0.003, or None"),
        ("weight_decay", -1e-9, "expected a number from 0"),
        ("validation_share", 1, "expected a share from 0 to below 1"),
        ("patience", 0, "expected a whole number, 1 or more, or None"),
        ("validations_per_epoch", 0, "expected a whole number"),
        ("min_count", 0, "expected a whole number, 1 or more"),
        ("max_words", 1, "expected a whole number, 2 or more"),
        ("mixed_precision", "yes", "expected True or False"),
        ("random_state", "seed", "expected a whole number, 0 or more, or None"),
        ("device", "gpu0", "expected 'auto', 'cpu'"),
    ],
)
def test_an_impossible_parameter_is_an_error_when_it_is_fitted(parameter, value, message):
    with pytest.raises(ParameterError, match=f"{parameter}=.*{message}"):
        TextGenerator(**{parameter: value}).fit(TEXT)
