import numpy as np
import pytest

from tsrnn import TextGenerator
from tsrnn.sequences.text_settings import (
    LONG,
    QUICK,
    USUAL,
    choose_recipe,
    passes_in,
    text_plan,
    tokens_to_train,
)

SHAKESPEARE = (65, 1_003_854)  # distinct characters, characters


@pytest.mark.parametrize(
    ("options", "expected"),
    [
        ({}, USUAL),
        ({"max_epochs": 100}, USUAL),
        ({"time_budget": 300}, QUICK),
        ({"time_budget": 1200}, USUAL),
        ({"time_budget": 3600}, LONG),
        ({"time_budget": 300, "hidden_size": 32}, USUAL),  # a small network reads the text more often
        ({"time_budget": 3600, "hidden_size": 2048}, QUICK),
    ],
)
def test_a_budget_decides_how_much_is_dropped_and_how_deep_the_network_is(options, expected):
    assert choose_recipe(TextGenerator(**options), *SHAKESPEARE) == expected


def test_the_same_budget_means_more_passes_over_a_shorter_text():
    model = TextGenerator(time_budget=300, hidden_size=256)
    assert choose_recipe(model, 65, 1_000_000).dropout < choose_recipe(model, 65, 50_000).dropout
    assert passes_in(60, 1000, 10**6) == pytest.approx(2 * passes_in(60, 2000, 10**6))


@pytest.mark.parametrize("time_budget", [None, 300, 3600])
def test_what_is_named_is_never_chosen(time_budget):
    named = {"num_layers": 3, "dropout": 0.25, "weight_dropout": 0.15, "bptt_length": 20, "learning_rate": 0.01}
    recipe = choose_recipe(TextGenerator(time_budget=time_budget, **named), *SHAKESPEARE)
    assert vars(recipe) == named


def test_the_choice_reaches_the_network_and_its_training():
    text = "".join(np.random.default_rng(0).choice(list("abc "), 2000))
    options = {"hidden_size": 8, "embedding_size": 4, "max_epochs": 1, "random_state": 0}
    model = TextGenerator(time_budget=60, **options).fit(text)
    size = model.network_.size
    assert (size.num_layers, size.dropout, size.weight_dropout) == (LONG.num_layers, LONG.dropout, LONG.weight_dropout)
    assert f"2 × 8, dropout {LONG.dropout:g}, of weights {LONG.weight_dropout:g}" in model.summary()
    plan = text_plan(model, LONG, 2000, 0, 0.0)
    assert (plan.length, plan.learning_rate) == (LONG.bptt_length, LONG.learning_rate)
    plain = TextGenerator(**options).fit(text)
    size = plain.network_.size
    assert (size.num_layers, size.dropout, size.weight_dropout) == (1, 0.1, 0.0)
    assert "1 × 8, dropout 0.1, 392 weights" in plain.summary()


def test_a_budget_is_used_to_its_end_and_without_one_training_stops_early():
    def patience(**options):
        return text_plan(TextGenerator(**options), USUAL, 2000, 0, 0.0).patience

    assert patience() == 8
    assert patience(time_budget=60) > 10**6
    assert patience(time_budget=60, patience=5) == patience(patience=5) == 5


@pytest.mark.parametrize(
    ("n_tokens", "share", "held_back"),
    [(1000, None, 50), (180_000, None, 9000), (1_000_000, None, 10_000), (1_000_000, 0.05, 50_000), (1000, 0, 0)],
)
def test_a_twentieth_of_a_text_is_held_back_but_of_a_long_one_not_too_much(n_tokens, share, held_back):
    assert n_tokens - tokens_to_train(n_tokens, share) == held_back
