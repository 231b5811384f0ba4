import numpy as np
import pandas as pd
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from sklearn.datasets import load_digits
from sklearn.exceptions import NotFittedError
from sklearn.metrics import accuracy_score, log_loss
from sklearn.model_selection import GridSearchCV, cross_val_score, train_test_split
from sklearn.utils.estimator_checks import parametrize_with_checks
from sklearn.utils.validation import check_is_fitted

from tests.conftest import default_type
from tsrnn import SequenceClassifier
from tsrnn.errors import DataError, ParameterError
from tsrnn.sequences.cases import Cases
from tsrnn.sequences.class_settings import choose_plan
from tsrnn.sequences.class_training import LabelledCases, _chunks, _Epochs, _hold_back, class_outcome

SMALL = {"hidden_size": 12, "filters": 8, "learning_rate": 0.02, "dropout": 0.0, "batch_size": 16, "device": "cpu"}


def small(**options):
    return SequenceClassifier(**{**SMALL, "max_epochs": 12, **options})


def waves(n_cases=36, seed=0, channels=2, low=8, high=20):
    """Slow, medium and fast waves of unequal length."""
    rng = np.random.default_rng(seed)
    y = np.arange(n_cases) % 3
    X = [
        np.sin((0.3 + 0.6 * kind) * np.arange(rng.integers(low, high)) + rng.uniform(0, 6, (channels, 1)))
        + 0.1 * rng.normal()
        for kind in y
    ]
    return X, np.array(["slow", "medium", "fast"])[y]


@pytest.fixture(scope="module")
def fitted():
    return small(max_epochs=20).fit(*waves())


@parametrize_with_checks([small(max_epochs=8, hidden_size=16)])
def test_the_classifier_keeps_scikit_learns_rules_on_tables(estimator, check):
    check(estimator)


def test_digits_are_read_row_by_row():
    images, y = load_digits(return_X_y=True)
    rows = images.reshape(-1, 8, 8).transpose(0, 2, 1)  # a step is a row, a channel a column
    X, X_test, y, y_test = train_test_split(rows, y, test_size=0.25, stratify=y, random_state=0)
    model = SequenceClassifier(max_epochs=12, filters=16, hidden_size=32).fit(X, y)
    assert model.score(X_test, y_test) > 0.95


def test_unequal_lengths_are_learnt_and_lists_arrays_and_padded_arrays_predicted_alike(fitted):
    X, y = waves(seed=1)
    assert fitted.score(X, y) > 0.9
    assert fitted.classes_.tolist() == ["fast", "medium", "slow"]
    padded = np.full((len(X), 2, 25), np.nan)
    for case, values in enumerate(X):
        padded[case, :, : values.shape[1]] = values
    probabilities = fitted.predict_proba(X)
    assert probabilities.shape == (36, 3)
    np.testing.assert_allclose(probabilities.sum(1), 1, atol=1e-12)
    np.testing.assert_allclose(fitted.predict_proba(padded), probabilities, atol=1e-6)
    assert fitted.predict(X).tolist() == fitted.classes_[probabilities.argmax(1)].tolist()


@settings(deadline=None, max_examples=25)
@given(st.lists(st.integers(1, 40), min_size=2, max_size=6), st.integers(0, 2**32 - 1))
def test_neither_padding_nor_other_cases_change_a_prediction(fitted, lengths, seed):
    rng = np.random.default_rng(seed)
    X = [rng.normal(size=(2, length)) for length in lengths]
    together = fitted.predict_proba(X)
    for case, values in enumerate(X):
        np.testing.assert_allclose(fitted.predict_proba([values])[0], together[case], atol=2e-6)


def test_padding_changes_no_label_of_a_step():
    X, _ = waves(12)
    y = [(case[0] > 0).astype(int) for case in X]
    model = small(output="each_step", max_epochs=3).fit(X, y)
    together = model.predict_proba(X)
    for case, values in enumerate(X):
        np.testing.assert_allclose(model.predict_proba([values])[0], together[case], atol=2e-6)


@pytest.mark.parametrize("cell", ["rnn", "gru", "lstm"])
@pytest.mark.parametrize("options", [{}, {"bidirectional": False, "num_layers": 2}, {"convolution": False}])
def test_every_cell_learns_waves(cell, options):
    X, y = waves(30, channels=1, low=12, high=13)
    model = small(cell=cell, max_epochs=25, **options).fit(np.stack(X), y)
    assert model.score(np.stack(X), y) > 0.9
    assert type(model.network_.ahead).__name__ == cell.upper()
    assert model.network_.ahead.num_layers == options.get("num_layers", 1)
    assert (model.network_.back is None) == (options.get("bidirectional") is False)
    assert (model.network_.front is None) == (options.get("convolution") is False)


def echo(n_cases=120, length=12, seed=0):
    """Two random bits a step; a step's label is whether the first bit now is the second bit three steps later."""
    bits = np.random.default_rng(seed).integers(0, 2, (n_cases, 2, length + 3))
    y = bits[:, 0, :length] == bits[:, 1, 3:]
    return bits[:, :, :length].astype(float), y.astype(int)


def test_steps_whose_label_depends_on_later_ones_need_both_directions():
    X, y = echo()
    X_test, y_test = echo(seed=1)
    known = {"X": X_test[:, :, :-1], "y": y_test[:, :-1]}
    scores = {}
    for both in (False, True):
        model = small(
            output="each_step", convolution=False, bidirectional=both, hidden_size=24, max_epochs=60, scaling="none"
        )
        model.fit(X, y)
        scores[both] = model.score(**known)
        assert model.predict(X_test).shape == y_test.shape
        assert model.predict_proba(X_test).shape == (*y_test.shape, 2)
    assert scores[False] < 0.65  # what is to come cannot be known, so it is guessed
    assert scores[True] > 0.85


def test_words_are_tagged_by_what_follows():
    rng = np.random.default_rng(0)
    X, y = [], []
    for _ in range(80):
        kinds = rng.integers(0, 2, 4)
        X.append([word for kind in kinds for word in ("light", ("rain", "bulb")[kind])])
        y.append([tag for kind in kinds for tag in (("weather", "lamp")[kind],) * 2])
    model = small(output="each_step", tokens="word", max_epochs=15).fit(X, y)
    found = model.predict([["light", "rain", "Light", "bulb"], ["light", "bulb"]])
    assert [part.tolist() for part in found] == [["weather", "weather", "lamp", "lamp"], ["lamp", "lamp"]]
    assert model.score(X, y) == 1
    one_way = small(output="each_step", tokens="word", max_epochs=15, bidirectional=False).fit(X, y)
    assert one_way.score(X, y) < 0.85


def test_the_share_of_right_steps_may_be_weighed_by_case():
    X, y = echo(8)
    model = small(output="each_step", max_epochs=1).fit(X, y)
    right = model.predict(X) == y
    assert model.score(X, y) == pytest.approx(right.mean())
    weight = np.arange(8.0)
    assert model.score(X, y, weight) == pytest.approx(np.average(right.mean(1), weights=weight))


@pytest.mark.parametrize("tokens", ["char", "word"])
def test_texts_are_classified_and_unknown_tokens_are_no_error(tokens):
    rng = np.random.default_rng(0)
    words = {"good": ["fine", "lovely", "great"], "bad": ["awful", "poor", "dull"]}
    y = np.array(["good", "bad"] * 40)
    X = [f"A {rng.choice(words[kind])} film about {rng.choice(['love', 'war', 'food'])}." for kind in y]
    model = small(tokens=tokens, max_epochs=15).fit(X, y)
    assert model.predict(["A LOVELY film!", "an awful αβγ"]).tolist() == (
        ["good", "bad"] if tokens == "word" else model.predict(["A LOVELY film!", "an awful ???"]).tolist()
    )
    assert model.score(X, y) == 1
    assert len(model.vocabulary_) == len({token for text in X for token in model.vocabulary_.split(text)}) + 1


def test_weights_of_classes_move_the_decision():
    rng = np.random.default_rng(0)
    y = np.repeat([0, 1], [90, 10])
    X = rng.normal(size=(100, 6)) + 0.8 * y[:, None]
    shares = {}
    for name, weight in {"none": None, "balanced": "balanced", "dict": {0: 1.0, 1: 9.0}}.items():
        model = small(class_weight=weight, max_epochs=8).fit(X, y)
        shares[name] = model.predict_proba(X)[:, 1].mean()
    assert shares["balanced"] > 1.5 * shares["none"]
    assert shares["dict"] == pytest.approx(shares["balanced"], rel=1e-6)  # 90 of one and 10 of the other


def test_the_loss_is_the_weighted_cross_entropy_of_what_has_a_label():
    rng = np.random.default_rng(0)
    scores, target = torch.from_numpy(rng.normal(size=(4, 5, 3))), torch.from_numpy(rng.integers(-1, 3, (4, 5)))
    weight = torch.tensor([0.5, 1.0, 2.0], dtype=torch.float64)
    there = target >= 0
    outcome = class_outcome(scores, target, weight)
    each = weight[target[there]].numpy()
    probabilities, labels = torch.softmax(scores, -1)[there].numpy(), target[there].numpy()
    expected = log_loss(labels, probabilities, sample_weight=each, labels=[0, 1, 2]) * each.mean()
    assert outcome.loss.item() == pytest.approx(expected)
    assert outcome.weight == len(labels)
    assert outcome.scores["accuracy"].item() == pytest.approx(accuracy_score(labels, probabilities.argmax(1)))


def test_the_history_has_loss_and_accuracy_of_every_epoch(fitted):
    X, y = waves(60)
    model = small(max_epochs=6, validation_fraction=0.2).fit(X, y)
    assert model.history_.columns.tolist() == [
        *("epoch", "train_loss", "train_accuracy", "validation_loss", "validation_accuracy", "seconds"),
    ]
    assert model.history_["epoch"].tolist() == list(range(1, 7))
    accuracy = model.history_[["train_accuracy", "validation_accuracy"]].to_numpy()
    assert ((accuracy >= 0) & (accuracy <= 1)).all()
    assert model.history_["train_loss"].iloc[-1] < model.history_["train_loss"].iloc[0]
    assert model.best_epoch_ == model.history_.set_index("epoch")["validation_loss"].idxmin()
    assert fitted.history_["validation_loss"].isna().all()
    assert fitted.best_epoch_ == len(fitted.history_) == 20
    assert fitted.history_["train_accuracy"].iloc[-1] > 0.9


def test_training_stops_where_the_held_back_cases_get_no_better():
    rng = np.random.default_rng(0)
    X, y = rng.normal(size=(80, 10)), rng.integers(0, 2, 80)
    model = small(max_epochs=60, validation_fraction=0.25, patience=4).fit(X, y)
    assert model.stopped_early_
    assert len(model.history_) == model.best_epoch_ + 4 < 60


def test_the_same_seed_gives_the_same_classifier_and_leaves_the_global_one_alone():
    X, y = waves(24)
    torch.manual_seed(5)
    before = torch.get_rng_state()
    first, again, other = (
        small(max_epochs=3, dropout=0.2, random_state=s).fit(X, y).predict_proba(X) for s in (1, 1, 2)
    )
    assert torch.equal(torch.get_rng_state(), before)
    np.testing.assert_array_equal(first, again)
    assert not np.array_equal(first, other)
    drawn = [
        small(max_epochs=1, random_state=np.random.RandomState(seed)).fit(X, y).predict_proba(X) for seed in (3, 3, 4)
    ]
    np.testing.assert_array_equal(drawn[0], drawn[1])
    assert not np.array_equal(drawn[0], drawn[2])
    fresh = [small(max_epochs=1, random_state=None).fit(X, y).predict_proba(X) for _ in range(2)]
    assert not np.array_equal(*fresh)


def test_a_fit_where_gradients_are_off_gives_the_same_classifier():
    X, y = waves(24)
    expected = small(max_epochs=2).fit(X, y).predict_proba(X)
    with torch.inference_mode():
        model = small(max_epochs=2).fit(X, y)
    np.testing.assert_array_equal(model.predict_proba(X), expected)


def test_a_program_with_other_defaults_of_torch_gets_the_same_classifier():
    X, y = waves(24)
    expected = small(max_epochs=2, distortion=0.2).fit(X, y).predict_proba(X)
    with default_type("float64"), torch.device("meta"):
        found = small(max_epochs=2, distortion=0.2).fit(X, y).predict_proba(X)
    np.testing.assert_array_equal(found, expected)


def test_a_fit_starts_afresh_whatever_was_fitted_before():
    X, y = waves(24)
    table = np.random.default_rng(0).normal(size=(10, 7))
    model = small(max_epochs=2).fit(table, [0, 1] * 5)
    assert model.n_features_in_ == 7
    expected = small(max_epochs=2).fit(X, y).predict_proba(X)
    np.testing.assert_array_equal(model.fit(X, y).predict_proba(X), expected)
    assert not hasattr(model, "n_features_in_")


def test_after_a_fit_that_failed_there_is_no_classifier_of_the_one_before():
    model = small(max_epochs=1).fit(*waves(12))
    with pytest.raises(DataError, match="one class only"):
        model.fit(waves(12)[0], ["same"] * 12)
    with pytest.raises(NotFittedError, match="not fitted"):
        model.predict(waves(12)[0])


def test_scikit_learns_searches_and_scores_take_arrays_and_lists():
    X, y = waves(36, channels=1, low=12, high=13)
    lists, _ = waves(36)
    assert cross_val_score(small(), np.stack(X), y, cv=3).mean() > 0.8
    assert cross_val_score(small(), lists, y, cv=3).shape == (3,)
    assert cross_val_score(small(max_epochs=1, output="each_step"), *echo(12), cv=3).shape == (3,)
    search = GridSearchCV(small(max_epochs=4), {"cell": ["gru", "rnn"], "convolution": [True, False]}, cv=2)
    search.fit(np.stack(X), y)
    assert set(search.best_params_) == {"cell", "convolution"}
    assert search.predict(np.stack(X)).shape == (36,)


def test_a_data_frame_keeps_its_columns_names():
    table = pd.DataFrame(np.random.default_rng(0).normal(size=(20, 4)), columns=list("abcd"))
    model = small(max_epochs=1).fit(table, ["x", "y"] * 10)
    assert model.feature_names_in_.tolist() == list("abcd")
    with pytest.raises(ValueError, match="feature names should match"):
        model.predict(table[["b", "a", "c", "d"]])


def test_progress_is_told_by_epoch(capsys):
    seen = []
    X, y = waves(24)
    small(max_epochs=3, verbose=seen.append).fit(X, y)
    assert [progress.step for progress in seen] == [2, 4, 6]
    small(max_epochs=2, verbose=True).fit(X, y)
    assert len(capsys.readouterr().err.splitlines()) == 2


def test_what_verbose_cannot_be_is_refused_before_anything_is_fitted():
    model = small(verbose="yes")
    with pytest.raises(ParameterError, match=r"verbose='yes': expected True, False, or a callable"):
        model.fit(*waves(24))
    with pytest.raises(NotFittedError):
        check_is_fitted(model)


def test_missing_values_inside_are_bridged_and_infinite_ones_refused(fitted):
    X, _ = waves(3)
    gappy, whole = X[0].copy(), X[0].copy()
    gappy[0, 3], whole[0, 3] = np.nan, (X[0][0, 2] + X[0][0, 4]) / 2
    np.testing.assert_allclose(fitted.predict_proba([gappy]), fitted.predict_proba([whole]), atol=1e-6)
    gappy[0, 3] = np.inf
    with pytest.raises(DataError, match="1 of 1 sequence holds infinity"):
        fitted.predict([gappy])


@pytest.mark.parametrize(
    ("X", "y", "message"),
    [
        ([[1.0, 2], [3]], [1, 1], "one class only, 1, among 2 labels"),
        ([[1.0, 2], [3]], [1, 2, 3], "X has 2 cases and y 3 labels"),
        ([[1.0, 2], []], [1, 2], "1 of 2 sequences is empty"),
        ([[1.0, np.nan], [np.nan]], [1, 2], "1 of 2 sequences is empty: case 1"),
        (["a b", "c"], [1, 2], "Choose tokens='char' or tokens='word'"),
        ([[1.0, 2], [3]], ["a", 1], "1 of 2 labels is text and the others are not"),
        ([[1.0, 2], [3]], np.array(["a", 1], dtype=object), "1 of 2 labels is text and the others are not"),
        ([[1.0, 2], [3]], np.array([pd.Timestamp(0), 1], dtype=object), "Unknown label type"),
        ([[1.0, 2], [3]], [0.5, 1.7], "Unknown label type"),
        ([[1.0, 2], [3]], [1.0, np.nan], "NaN"),
    ],
)
def test_what_cannot_be_fitted_is_said(X, y, message):
    with pytest.raises((ValueError, TypeError), match=message):
        small().fit(X, y)


@pytest.mark.parametrize(
    ("y", "message"),
    [
        ([[1, 2], [1, 2, 1]], "1 of 2 cases has labels of another number than steps, for example case 1 with 2 steps"),
        ([1, 2], "case 0 with 2 steps and labels of shape"),
        ([[1, 2]], "X has 2 cases and y 1 sequence of labels"),
        (None, "X has 2 cases and y 0 sequences of labels"),
        ([[1, 1], [1, 1]], "one class only"),
    ],
)
def test_labels_of_steps_must_be_as_many_as_the_steps(y, message):
    with pytest.raises(DataError, match=message):
        small(output="each_step").fit([[1.0, 2], [3, 4]], y)


def test_predictions_need_a_fit_and_sequences_of_its_kind(fitted):
    with pytest.raises(NotFittedError, match="not fitted"):
        small().predict([[1.0]])
    with pytest.raises(NotFittedError, match="not fitted"):
        small().score([[1.0]], [1])
    with pytest.raises(DataError, match="X has 3 channels, but the classifier was fitted on 2"):
        fitted.predict(np.ones((1, 3, 5)))
    with pytest.raises(DataError, match="Choose tokens="):
        fitted.predict(["text"])
    texts = small(tokens="word", max_epochs=1).fit(["a", "b"], [0, 1])
    with pytest.raises(DataError, match="1 of 1 case is no text"):
        texts.predict([[1.0, 2.0]])


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"cell": "feed-forward"}, "cell='feed-forward': expected one of 'rnn', 'gru', 'lstm'"),
        ({"output": "first"}, "output='first'"),
        ({"tokens": "byte"}, "tokens='byte': expected one of None, 'char', 'word'"),
        ({"scaling": "row"}, "scaling='row': expected one of 'channel', 'case', 'none'"),
        ({"hidden_size": 0}, "hidden_size=0: expected a whole number, 1 or more"),
        ({"max_epochs": 1.5}, "max_epochs=1.5: expected a whole number, 1 or more, or None"),
        ({"bidirectional": "yes"}, "bidirectional='yes'"),
        ({"convolution": "no"}, "convolution='no': expected True, False or 'auto'"),
        ({"dropout": 1}, "dropout=1"),
        ({"learning_rate": 0}, "learning_rate=0"),
        ({"validation_fraction": 0.9}, "validation_fraction=0.9: expected a share from 0 to 0.5, or 'auto'"),
        ({"validation_fraction": "some"}, "validation_fraction='some'"),
        ({"class_weight": "even"}, "class_weight='even': expected None, 'balanced'"),
        ({"class_weight": {"c": 1}}, r"class_weight names 1 label that y does not have: \['c'\]"),
        ({"class_weight": {"a": -1}}, "expected weights above 0"),
        ({"distortion": -0.1}, r"distortion=-0\.1: expected a number from 0 to 0\.5, or 'auto'"),
        ({"distortion": "much"}, "distortion='much'"),
        ({"distortion": 0.1, "tokens": "word"}, "texts cannot be distorted. Choose 0 or 'auto'"),
        ({"random_state": -1}, "random_state=-1"),
        ({"random_state": "seed"}, "random_state='seed'"),
        ({"device": "cuda:x"}, "device='cuda:x'"),
    ],
)
def test_impossible_arguments_are_named(options, message):
    with pytest.raises(ParameterError, match=message):
        SequenceClassifier(**options).fit(np.ones((2, 3)), ["a", "b"])


def labelled_of(target):
    n = len(target)
    return LabelledCases(Cases(torch.zeros(n, 1), np.arange(n + 1)), torch.as_tensor(target), False)


def test_held_back_cases_have_the_classes_shares_and_every_class_stays_to_be_learnt():
    target = np.repeat([0, 1, 2], [50, 30, 20])
    learn, judge = _hold_back(labelled_of(target), 0.2, seed=0)
    assert np.bincount(target[judge]).tolist() == [10, 6, 4]
    assert sorted([*learn, *judge]) == list(range(100))
    lonely = np.array([0] * 9 + [1])
    for seed in range(10):
        learn, judge = _hold_back(labelled_of(lonely), 0.5, seed)
        assert 9 in learn
        assert len(judge) == 5
    assert len(_hold_back(labelled_of(target), 0.0, 0)[1]) == 0


def test_distorted_steps_keep_the_label_of_the_step_that_they_come_from():
    lengths = np.array([30, 12])
    offsets = np.array([0, 30, 42])
    steps = np.concatenate([np.arange(n) for n in lengths])
    data = torch.from_numpy(steps[:, None].astype(np.float32) + 100)
    labelled = LabelledCases(Cases(data, offsets), torch.from_numpy(steps), True)
    batch = labelled.gather_distorted(np.array([0, 1]), 0.05, torch.Generator().manual_seed(0))
    assert batch.target[1, 12:].eq(-1).all()
    height = batch.x[..., 0] / (batch.target + 100)  # the factor of the height, and at most half a step in time
    for case, length in enumerate(lengths):
        assert (batch.target[case, :length] >= 0).all()
        np.testing.assert_allclose(height[case, :length], height[case, :length].mean(), rtol=0.01)
    assert not torch.equal(batch.target[0], torch.arange(30))


def test_distorted_cases_are_harder_to_learn_by_heart():
    X, y = waves(24)
    loss = {
        spread: small(distortion=spread, max_epochs=15).fit(X, y).history_["train_loss"].iloc[-1] for spread in (0, 0.4)
    }
    assert loss[0.4] > 2 * loss[0]


def test_steps_texts_many_cases_and_short_ones_are_not_distorted_unless_it_is_asked_for():
    found = {
        (output, tokens): choose_plan(SequenceClassifier(output=output, tokens=tokens), 50, 150).distortion
        for output in ("last", "each_step")
        for tokens in (None, "word")
    }
    assert found.pop(("last", None)) == 0.02
    assert set(found.values()) == {0.0}
    assert choose_plan(SequenceClassifier(output="each_step", distortion=0.1), 50, 10).distortion == 0.1
    assert choose_plan(SequenceClassifier(distortion=0), 50, 150).distortion == 0
    assert choose_plan(SequenceClassifier(), 5000, 150).distortion == 0
    assert choose_plan(SequenceClassifier(), 50, 49).distortion == 0  # a shift would be less than a step


def test_every_case_is_drawn_once_an_epoch():
    epochs = _Epochs(np.arange(100, 150), 16, seed=0)
    assert epochs.n_batches == 3
    first, second = ([epochs.at(step) for step in steps] for steps in ((1, 2, 3), (4, 5, 6)))
    assert [len(batch) for batch in first] == [17, 17, 16]
    assert sorted(np.concatenate(first)) == sorted(np.concatenate(second)) == list(range(100, 150))
    assert np.concatenate(first).tolist() != np.concatenate(second).tolist()


def test_prediction_takes_few_steps_at_once(monkeypatch):
    monkeypatch.setattr("tsrnn.sequences.class_training.STEPS_AT_ONCE", 12)
    groups = _chunks(np.arange(6), np.array([3, 20, 4, 4, 1, 5]))
    assert [group.tolist() for group in groups] == [[4, 0, 2], [3, 5], [1]]
    assert _chunks(np.arange(0), np.array([3])) == []
