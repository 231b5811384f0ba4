"""The classifier and the text generator on a GPU, which is pretended: they learn what they do on the CPU."""

import numpy as np
import pytest
import torch

from tests.pretend_gpu import GpuTensor, pretend_gpu
from tsrnn import SequenceClassifier, TextGenerator
from tsrnn.networks.randomness import new_generator
from tsrnn.sequences.class_training import LabelledCases, class_outcome
from tsrnn.sequences.distortion import distort
from tsrnn.sequences.text_streams import TextStreams

TEXT = "the cat sat on the mat. the dog sat on the cat. " * 20
RNG = np.random.default_rng(0)
X = RNG.normal(size=(40, 18)) + np.repeat([[0.0], [1.0]], 20, 0) * np.sin(np.arange(18))
Y = np.repeat(["still", "moving"], 20)
UNEVEN = [case[:n] for case, n in zip(X, RNG.integers(8, 19, 40), strict=True)]
TEXTS = ["good fine nice", "bad awful sad", "nice fine", "awful bad"] * 10


def classifier(device, **options):
    return SequenceClassifier(device=device, max_epochs=2, hidden_size=8, batch_size=20, random_state=0, **options)


@pytest.mark.parametrize(
    ("cases", "labels", "options"),
    [
        (X, Y, {}),
        (UNEVEN, Y, {"cell": "lstm", "num_layers": 2}),
        (UNEVEN, [["up" if value > 0 else "down" for value in case] for case in UNEVEN], {"output": "each_step"}),
        (TEXTS, ["good", "bad"] * 20, {"tokens": "word", "cell": "rnn"}),
    ],
)
def test_a_classifier_learns_what_it_does_on_the_cpu(gpu, cases, labels, options):
    models = [classifier(device, **options).fit(cases, labels) for device in ("cpu", "cuda")]
    assert [model.device_ for model in models] == ["cpu", "cuda"]
    assert all(isinstance(part, GpuTensor) for part in models[1].network_.state_dict().values())
    here, there = (model.predict_proba(cases) for model in models)
    for one, other in zip(here, there, strict=True):
        np.testing.assert_allclose(other, one, atol=1e-5)


def test_a_classifier_with_cases_to_judge_by_learns(gpu):
    cases, labels = np.tile(X, (13, 1)), np.tile(Y, 13)  # of so many it holds a tenth back
    here, there = (classifier(device).fit(cases, labels) for device in ("cpu", "cuda"))
    assert np.isfinite(there.history_["validation_loss"]).all()
    np.testing.assert_allclose(there.history_["validation_loss"], here.history_["validation_loss"], rtol=1e-4)


def test_a_classifier_travels_between_a_gpu_and_a_cpu(tmp_path):
    with pretend_gpu():
        model = classifier("auto").fit(X, Y)
        there = model.predict_proba(X)
        model.save(tmp_path / "model")
        assert SequenceClassifier.load(tmp_path / "model").device_ == "cuda"
    here = SequenceClassifier.load(tmp_path / "model")
    assert here.device_ == "cpu"
    np.testing.assert_allclose(here.predict_proba(X), there, atol=1e-5)
    here.save(tmp_path / "back")
    with pretend_gpu():
        np.testing.assert_allclose(SequenceClassifier.load(tmp_path / "back").predict_proba(X), there, atol=1e-5)


def generator(device="cuda", **options):
    options = {"max_epochs": 2, "hidden_size": 16, "batch_size": 4, "random_state": 0, **options}
    return TextGenerator(device=device, **options)


@pytest.mark.parametrize(
    "options",
    [
        {},
        {"cell": "lstm", "num_layers": 2, "dropout": 0.2},
        {"cell": "rnn", "tokens": "word"},
        {"weight_dropout": 0.3},
    ],
)
def test_a_generator_learns_and_writes_what_it_does_on_the_cpu(gpu, options):
    here, there = (generator(device, **options).fit(TEXT) for device in ("cpu", "cuda"))
    assert there.device_ == "cuda"
    assert there.generate("the ", 30, random_state=1) == here.generate("the ", 30, random_state=1)
    assert there.perplexity("the cat") == pytest.approx(here.perplexity("the cat"), rel=1e-5)
    np.testing.assert_allclose(there.hidden_states("the cat"), here.hidden_states("the cat"), atol=1e-5)
    assert there.next_probabilities("the").index[0] == here.next_probabilities("the").index[0]
    assert there.validation_score_.perplexity == pytest.approx(here.validation_score_.perplexity, rel=1e-5)


@pytest.mark.parametrize("options", [{}, {"weight_dropout": 0.3}, {"cell": "lstm"}])
def test_mixed_precision_leaves_the_recurrence_of_a_gpu_in_single_precision(gpu, monkeypatch, options):
    single = generator(**options).fit(TEXT)
    kinds = set()
    multiply = torch.nn.Linear.forward

    def seen(linear, states):
        kinds.add((states.dtype, torch.is_autocast_enabled("cuda")))
        return multiply(linear, states)

    monkeypatch.setattr(torch.nn.Linear, "forward", seen)
    mixed = generator(**options, mixed_precision=True).fit(TEXT)
    assert kinds == {(torch.float32, True), (torch.float32, False)}  # in training, and when it is judged
    assert mixed.perplexity(TEXT) == pytest.approx(single.perplexity(TEXT), rel=0.02)


def test_a_generator_travels_between_a_gpu_and_a_cpu(tmp_path):
    with pretend_gpu():
        model = generator("auto").fit(TEXT)
        there = model.perplexity("the dog")
        model.save(tmp_path / "model")
        assert TextGenerator.load(tmp_path / "model").device_ == "cuda"
    here = TextGenerator.load(tmp_path / "model")
    assert here.device_ == "cpu"
    assert here.perplexity("the dog") == pytest.approx(there, rel=1e-5)
    here.save(tmp_path / "back")
    with pretend_gpu():
        assert TextGenerator.load(tmp_path / "back").perplexity("the dog") == pytest.approx(there, rel=1e-5)


def test_a_training_with_dropout_goes_on_from_its_checkpoint_as_if_it_had_not_stopped(
    random_gpu, tmp_path, monkeypatch
):
    options = {"dropout": 0.3, "weight_dropout": 0.2, "max_epochs": 4}
    straight = generator(**options).fit(TEXT)
    draw = TextStreams.draw

    def interrupted(streams, step):
        if step == 9:
            raise KeyboardInterrupt
        return draw(streams, step)

    with monkeypatch.context() as patch:
        patch.setattr(TextStreams, "draw", interrupted)
        with pytest.raises(KeyboardInterrupt):
            generator(**options).fit(TEXT, checkpoint=tmp_path / "checkpoint")
    torch.rand(7, device="cuda")
    resumed = generator(**options).fit(TEXT, checkpoint=tmp_path / "checkpoint")
    assert len(resumed.history_) == len(straight.history_) > 1
    for name, weight in straight.network_.state_dict().items():
        assert torch.equal(resumed.network_.state_dict()[name], weight), name


def waits_of_steps(gpu, monkeypatch, owner, name, train):
    """Return how often each training step waits for the GPU, the last one left out, by where batches are drawn."""
    draw, before = getattr(owner, name), []

    def watched(*arguments):
        before.append(len(gpu.waits))
        return draw(*arguments)

    monkeypatch.setattr(owner, name, watched)
    model = train()
    return model, np.diff(before)


def test_a_step_of_training_does_not_wait_for_the_gpu(gpu, monkeypatch):
    def train():
        return generator(max_epochs=2, dropout=0.1, mixed_precision=True).fit(TEXT * 4)

    model, waits = waits_of_steps(gpu, monkeypatch, TextStreams, "draw", train)
    assert len(waits) > 3 * len(model.history_)
    assert (waits > 0).sum() < len(model.history_)  # after the last validation no batch is drawn


def test_a_step_of_a_classifier_of_texts_does_not_wait_for_the_gpu(gpu, monkeypatch):
    def train():
        return classifier("cuda", tokens="word").set_params(batch_size=4).fit(TEXTS, ["good", "bad"] * 20)

    _, waits = waits_of_steps(gpu, monkeypatch, LabelledCases, "gather", train)
    assert len(waits) == 19
    assert (waits > 0).sum() == 1  # between the two epochs


def test_distorting_cases_does_not_wait_for_the_gpu(gpu):
    x, lengths = torch.ones(2, 5, 1, device="cuda"), torch.tensor([5, 3], device="cuda")
    gpu.waits.clear()
    distort(x, lengths, 0.1, new_generator(0))
    assert gpu.waits == []


def test_labels_of_steps_count_where_they_are(gpu):
    scores, target = torch.zeros(2, 3, 2), torch.tensor([[0, 1, -1], [1, -1, -1]])
    here = class_outcome(scores, target, torch.tensor([1.0, 3.0]))
    there = class_outcome(scores.to("cuda"), target.to("cuda"), torch.tensor([1.0, 3.0]).to("cuda"))
    assert here.weight == there.weight == 3
    assert there.loss.item() == pytest.approx(here.loss.item()) == pytest.approx(np.log(2) * 7 / 3)
