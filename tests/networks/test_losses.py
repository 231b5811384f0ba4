import numpy as np
import pytest
import torch
from sklearn.metrics import mean_pinball_loss

from tsrnn.networks.losses import quantile_loss

LEVELS = torch.tensor([0.1, 0.5, 0.9])


def bounded(loss):
    return loss / (1 + loss / 10)


def test_a_loss_worked_by_hand():
    prediction = torch.tensor([[[1.0, 2.0], [0.0, 0.0]], [[4.0, 4.0], [5.0, 9.0]]])
    target = torch.tensor([[3.0, 7.0], [4.0, 6.0]])
    observed = torch.tensor([[True, False], [True, True]])
    levels = torch.tensor([0.2, 0.5])
    first = (0.2 * 2 + 0.5 * 1) / 2
    second = (0 + (0.2 * 1 + 0.5 * 3) / 2) / 2
    expected = (bounded(first) + bounded(second)) / 2
    assert quantile_loss(prediction, target, observed, levels).item() == pytest.approx(expected)


def test_each_window_is_scored_as_scikit_learn_scores_quantiles():
    generator = torch.Generator().manual_seed(0)
    prediction = torch.randn(1, 20, 3, generator=generator).sort(-1).values
    target = torch.randn(1, 20, generator=generator)
    observed = torch.rand(1, 20, generator=generator) < 0.6
    y = target[observed].numpy()
    expected = np.mean(
        [mean_pinball_loss(y, prediction[observed][:, k].numpy(), alpha=float(LEVELS[k])) for k in range(3)]
    )
    assert quantile_loss(prediction, target, observed, LEVELS).item() == pytest.approx(bounded(expected), rel=1e-6)


@pytest.mark.parametrize("garbage", [0.0, 1e9, float("nan"), float("inf")])
def test_what_stands_at_unobserved_targets_matters_neither_for_the_loss_nor_for_its_gradient(garbage):
    prediction = torch.randn(3, 4, 3, generator=torch.Generator().manual_seed(0)).requires_grad_()
    observed = torch.tensor([[1, 1, 0, 0], [0, 0, 0, 0], [1, 0, 1, 1]], dtype=torch.bool)
    values, gradients = [], []
    for filler in (-7.0, garbage):
        target = torch.where(observed, torch.ones(3, 4), filler)
        loss = quantile_loss(prediction, target, observed, LEVELS)
        values.append(loss.item())
        gradients.append(torch.autograd.grad(loss, prediction)[0])
    assert values[0] == values[1]
    assert torch.equal(*gradients)
    assert (gradients[1][~observed] == 0).all()


def test_a_window_without_targets_counts_0_and_not_nan():
    target, observed = torch.ones(2, 3), torch.tensor([[True] * 3, [False] * 3])
    both = quantile_loss(torch.zeros(2, 3, 3), target, observed, LEVELS)
    alone = quantile_loss(torch.zeros(1, 3, 3), target[:1], observed[:1], LEVELS)
    assert both.item() == pytest.approx(alone.item() / 2)


def gradient_of(size):
    prediction = torch.zeros(2, 3, 3, requires_grad=True)
    target = torch.tensor([[1.0] * 3, [size] * 3])
    quantile_loss(prediction, target, torch.ones(2, 3, dtype=torch.bool), LEVELS).backward()
    return prediction.grad[0].norm(), prediction.grad[1].norm()


def test_the_pull_of_a_wild_window_is_bounded():
    pulls = [gradient_of(size) for size in (1.0, 10.0, 1e3, 1e6, 1e12)]
    for usual, wild in pulls:
        assert usual == pulls[0][0]  # a wild neighbour changes nothing
        assert wild <= usual * (1 + 1e-6)
    assert [wild for _, wild in pulls] == sorted((wild for _, wild in pulls), reverse=True)
    # The bound is on the pull and counts as a constant: within it the gradient is that of the plain loss.
    assert pulls[1][1] / pulls[0][1] == pytest.approx((1 + 0.05) / (1 + 0.5), rel=1e-5)


def test_the_loss_of_a_wild_window_stays_below_10():
    loss = quantile_loss(torch.zeros(1, 3, 3), torch.full((1, 3), 1e12), torch.ones(1, 3, dtype=torch.bool), LEVELS)
    assert loss.item() == pytest.approx(10.0)
