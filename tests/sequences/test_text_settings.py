import numpy as np
import pytest

from tsrnn import TextGenerator
from tsrnn.sequences.text_settings import LONG, QUICK, USUAL, choose_recipe, passes_in, text_plan

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
    named = {"num_layers": 3, "dropout": 0.25, "bptt_length": 20, "learning_rate": 0.01}
    recipe = choose_recipe(TextGenerator(time_budget=time_budget, **named), *SHAKESPEARE)
    assert vars(recipe) == named


def test_the_choice_reaches_the_network_and_its_training():
    text = "".join(np.random.default_rng(0).choice(list("abc "), 2000))
    options = {"hidden_size": 8, "embedding_size": 4, "max_epochs": 1, "random_state": 0}
    model = TextGenerator(time_budget=60, **options).fit(text)
    assert (model.network_.size.num_layers, model.network_.size.dropout) == (LONG.num_layers, LONG.dropout)
    assert "2 × 8, dropout 0.4" in model.summary()
    plan = text_plan(model, LONG, 2000, 0, 0.0)
    assert (plan.length, plan.learning_rate) == (LONG.bptt_length, LONG.learning_rate)
    plain = TextGenerator(**options).fit(text)
    assert (plain.network_.size.num_layers, plain.network_.size.dropout) == (1, 0.1)
