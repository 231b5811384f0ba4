"""The classifier and the text generator on a GPU, which is pretended: they learn what they do on the CPU."""

import numpy as np
import pytest
import torch

from tsrnn import SequenceClassifier, TextGenerator
from tsrnn.sequences.text_streams import TextStreams

TEXT = "the cat sat on the mat. the dog sat on the cat. " * 20
RNG = np.random.default_rng(0)
X = RNG.normal(size=(40, 18)) + np.repeat([[0.0], [1.0]], 20, 0) * np.sin(np.arange(18))


def classifier(device, **options):
    return SequenceClassifier(device=device, max_epochs=2, hidden_size=8, batch_size=20, random_state=0, **options)


def generator(device="cuda", **options):
    options = {"max_epochs": 2, "hidden_size": 16, "batch_size": 4, "random_state": 0, **options}
    return TextGenerator(device=device, **options)


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
