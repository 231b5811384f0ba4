import numpy as np
import pandas as pd
import plotly.graph_objects as go
import pytest

from tsrnn.errors import DataError, ParameterError
from tsrnn.reporting.text_figures import LINE_LENGTH, MOST_TOKENS, perplexity_figure, state_figure
from tsrnn.sequences.text_generator import TextGenerator


def fitted(**parameters):
    return TextGenerator(hidden_size=8, batch_size=8, max_epochs=2, random_state=0, **parameters).fit("to be " * 200)


def trace(figure, role, name=None):
    return next(t for t in figure.data if t.meta["role"] == role and name in (None, t.name))


def test_perplexity_falls_over_the_passes_beside_that_of_n_grams():
    model = fitted()
    figure = perplexity_figure(model)
    line = trace(figure, "perplexity", "held-back part")
    np.testing.assert_allclose(line.x, model.history_["epoch"])
    np.testing.assert_allclose(line.y, model.history_["perplexity"])
    np.testing.assert_allclose(trace(figure, "perplexity", "training part").y, np.exp(model.history_["train_loss"]))
    assert line.y[-1] < line.y[0]
    kept = trace(figure, "kept")
    assert kept.y[0] == min(line.y)
    (level,) = figure.layout.shapes
    assert level.y0 == level.y1 == pytest.approx(model.baseline_score_.perplexity)
    assert figure.layout.yaxis.type == "log"


def test_without_a_held_back_part_only_training_is_drawn():
    figure = perplexity_figure(fitted(validation_share=0))
    assert [t.name for t in figure.data] == ["training part"]
    assert figure.layout.shapes == ()


def test_a_training_without_a_validation_cannot_be_drawn():
    model = fitted()
    model.history_ = model.history_.iloc[:0]
    with pytest.raises(DataError, match="ended before its first validation"):
        perplexity_figure(model)


def test_each_character_stands_on_its_value():
    text, values = "ab\n<c", [0.5, -1.0, 0.25, 0.75, 0.0]
    figure = state_figure(text, values)
    grid = trace(figure, "state")
    np.testing.assert_array_equal(grid.z, [[0.5, -1.0, 0.25], [0.75, 0.0, np.nan]])
    assert (grid.zmin, grid.zmax) == (-1.0, 1.0)
    letters = trace(figure, "letters")
    assert list(zip(letters.y, letters.x, letters.text, strict=True)) == [
        (0, 0, "a"),
        (0, 1, "b"),
        (1, 0, "&lt;"),
        (1, 1, "c"),
    ]
    assert isinstance(figure, go.Figure)


def test_words_keep_together_and_full_lines_go_on_below():
    tokens = ["word"] * 40
    grid = np.asarray(trace(state_figure(tokens, np.arange(40)), "state").z)
    assert grid.shape == (3, LINE_LENGTH)
    assert grid[0, 3:5].tolist() == [0, 1]
    assert grid[1, 0] == LINE_LENGTH // 4
    state_figure("\n", [0.0])  # nothing but a line's end, of value 0


@pytest.mark.parametrize(
    ("tokens", "values", "message"),
    [
        ("abc", [1.0, 2.0], r"values of shape \(2,\) for 3 tokens: expected one number for each"),
        ("", [], r"for 0 tokens: expected one number for each of 1 to 2,000"),
        ("a" * (MOST_TOKENS + 1), np.zeros(MOST_TOKENS + 1), "for 2,001 tokens"),
        ("ab", [1.0, np.nan], "1 of 2 values is no finite number"),
        ("ab", pd.DataFrame([[1, 2]]), r"values of shape \(1, 2\)"),
    ],
)
def test_values_that_do_not_belong_to_the_tokens_are_errors(tokens, values, message):
    with pytest.raises(ParameterError, match=message):
        state_figure(tokens, values)
