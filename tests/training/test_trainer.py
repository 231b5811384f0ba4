import math

import numpy as np
import pytest
import torch
from torch import nn

from tsrnn.errors import TrainingError
from tsrnn.training.trainer import Outcome, TrainingPlan, copy_weights, train


def line(start=0.0):
    """One weight w; a batch is a number and the loss how far w is from it, squared."""
    network = nn.Linear(1, 1, bias=False)
    nn.init.constant_(network.weight, start)
    return network


def squared(network):
    return lambda batch: (network.weight - batch).square().sum()


def scripted(network, scores):
    """Let the training loss be `squared` and give the validation loss from a list."""
    remaining = iter(scores)
    return lambda batch: squared(network)(batch) if network.training else torch.tensor(next(remaining))


def same(weights, other):
    return all(torch.equal(weights[name], other[name]) for name in weights)


def test_training_finds_the_least_squares_solution():
    rng = np.random.default_rng(0)
    x, y = rng.normal(size=(50, 3)), rng.normal(size=50)
    expected = np.linalg.lstsq(np.c_[x, np.ones(50)], y, rcond=None)[0]
    inputs, target = torch.from_numpy(x).float(), torch.from_numpy(y).float()
    network = nn.Linear(3, 1)
    record = train(
        network,
        lambda batch: (network(batch[0])[:, 0] - batch[1]).square().mean(),
        lambda step: (inputs, target),
        [(inputs, target)],
        TrainingPlan(600, learning_rate=0.1, weight_decay=0.0, patience=100),
    )
    found = np.append(network.weight.detach().numpy()[0], network.bias.detach().numpy())
    np.testing.assert_allclose(found, expected, atol=1e-3)
    assert record.history[-1].validation_loss < record.history[0].validation_loss


def test_the_weights_of_the_best_validation_are_kept():
    network, seen = line(), {}
    scores = [3.0, 1.0, 2.0, 1.5]
    record = train(
        network,
        scripted(network, scores),
        lambda step: 5.0,
        [None],
        TrainingPlan(40, validate_every=10),
        lambda progress: seen.update({progress.step: copy_weights(network)}),
    )
    assert record.best_step == 20
    assert same(network.state_dict(), seen[20])
    assert not same(seen[20], seen[40])
    assert [row.validation_loss for row in record.history] == pytest.approx(scores)
    assert not record.stopped_early


def test_training_stops_after_so_many_validations_without_improvement():
    network = line()
    scores = [3.0, 2.0, 2.0, 2.5, 1.0, 1.0, 4.0, 1.0, 0.0]  # an equal score is no improvement
    plan = TrainingPlan(900, validate_every=5, patience=3)
    record = train(network, scripted(network, scores), lambda step: 5.0, [None], plan)
    assert record.stopped_early
    assert record.best_step == 25
    assert [row.step for row in record.history] == [5 * k for k in range(1, 9)]


def test_the_validation_loss_is_the_mean_over_batches_in_evaluation_mode_and_without_gradients():
    network, modes = line(1.0), []

    def loss(batch):
        value = squared(network)(batch)
        modes.append((network.training, value.requires_grad))
        return value

    record = train(network, loss, lambda step: 1.0, [1.0, 3.0], TrainingPlan(3, weight_decay=0.0))
    assert modes == [(True, True)] * 3 + [(False, False)] * 2
    assert record.history[0].validation_loss == pytest.approx((0 + 4) / 2)
    assert record.history[0].train_loss == pytest.approx(0, abs=1e-12)
    assert not network.training


def test_without_validation_the_last_weights_are_kept():
    network, seen = line(), []
    plan = TrainingPlan(30, validate_every=10)
    record = train(network, squared(network), lambda step: 5.0, [], plan, lambda _: seen.append(copy_weights(network)))
    assert record.best_step == 30
    assert same(network.state_dict(), seen[-1])
    assert not record.stopped_early
    assert all(math.isnan(row.validation_loss) for row in record.history)
    assert record.history[-1].train_loss < record.history[0].train_loss


@pytest.mark.parametrize(("steps", "every", "expected"), [(12, 5, [5, 10, 12]), (10, 5, [5, 10]), (1, 50, [1])])
def test_the_callback_is_told_after_each_validation_and_at_the_end(steps, every, expected):
    network, seen = line(), []
    record = train(
        network, squared(network), lambda step: 5.0, [5.0], TrainingPlan(steps, validate_every=every), seen.append
    )
    assert [progress.step for progress in seen] == expected
    assert seen == record.history
    assert all(progress.max_steps == steps for progress in seen)
    assert [p.seconds for p in seen] == sorted(p.seconds for p in seen)


def test_a_loss_of_nan_is_an_error_and_the_last_finite_weights_are_restored():
    network, seen, steps = line(), [], iter(range(1000))

    def draw(step):
        return math.nan if next(steps) == 33 else 5.0

    plan = TrainingPlan(100, learning_rate=0.01, validate_every=10)
    with pytest.raises(
        TrainingError,
        match=r"loss is nan .* at step 40; the weights of step 30 are kept. Lower learning_rate \(now 0.01\)",
    ):
        train(network, squared(network), draw, [], plan, lambda _: seen.append(copy_weights(network)))
    assert len(seen) == 3
    assert same(network.state_dict(), seen[-1])
    assert not network.training


def test_a_validation_loss_of_nan_is_an_error_and_the_best_weights_are_restored():
    network, seen = line(), []
    loss = scripted(network, [1.0, 2.0, math.nan])
    with pytest.raises(TrainingError, match=r"validation nan\) at step 30; the weights of step 10 are kept"):
        train(
            network,
            loss,
            lambda step: 5.0,
            [None],
            TrainingPlan(100, validate_every=10),
            lambda _: seen.append(copy_weights(network)),
        )
    assert same(network.state_dict(), seen[0])


@pytest.mark.parametrize("steps", [1, 10])
def test_an_infinite_gradient_behind_a_finite_loss_does_not_leave_weights_of_nan(steps):
    network = line()
    with pytest.raises(TrainingError, match=r"not finite|loss is nan"):  # the root's slope at 0 is infinite
        train(network, lambda batch: network.weight.sqrt().sum(), lambda step: None, [], TrainingPlan(steps))
    assert network.weight.item() == 0


def test_the_norm_of_the_gradient_is_clipped():
    network, norms = nn.Linear(4, 1), []

    def draw(step):
        if network.weight.grad is not None:
            norms.append(torch.cat([p.grad.flatten() for p in network.parameters()]).norm().item())
        return 1e3 * torch.ones(1, 4)

    train(network, lambda batch: network(batch).square().sum(), draw, [], TrainingPlan(20, clip_norm=0.5))
    assert len(norms) == 19
    assert max(norms) <= 0.5 + 1e-6
    assert norms[0] == pytest.approx(0.5, rel=1e-4)


def test_the_learning_rate_rises_to_its_highest_and_falls_to_nothing():
    network, places = line(), []

    def draw(step):
        places.append(network.weight.item())
        return 1e9  # always the same direction: a step of AdamW is then the learning rate itself

    train(network, squared(network), draw, [], TrainingPlan(200, learning_rate=0.01, weight_decay=0.0))
    steps = np.diff([*places, network.weight.item()])
    assert steps.max() == pytest.approx(0.01, rel=0.01)
    assert 20 < steps.argmax() < 80
    assert steps[0] < 0.1 * steps.max()
    assert steps[-1] < 0.01 * steps.max()


def test_the_same_seed_trains_the_same_weights_bit_for_bit():
    weights = []
    for seed in (1, 1, 2):
        torch.manual_seed(seed)
        network = nn.Sequential(nn.Linear(3, 8), nn.Dropout(0.3), nn.Tanh(), nn.Linear(8, 1))
        generator = torch.Generator().manual_seed(seed)
        train(
            network,
            lambda batch, network=network: (network(batch)[:, 0] - batch.sum(1)).square().mean(),
            lambda step, generator=generator: torch.randn(16, 3, generator=generator),
            [torch.ones(4, 3)],
            TrainingPlan(60, validate_every=20),
        )
        weights.append(copy_weights(network))
    assert same(weights[0], weights[1])
    assert not same(weights[0], weights[2])


def test_copied_weights_do_not_move_with_the_network():
    network = line(2.0)
    copy = copy_weights(network)
    nn.init.zeros_(network.weight)
    assert copy["weight"].item() == 2.0
    assert not copy["weight"].requires_grad


def test_batches_count_by_their_weight_in_the_means_of_losses_and_scores():
    network, plan = line(1.0), TrainingPlan(2, learning_rate=1e-12, weight_decay=0.0)

    def outcome(batch):
        target, weight = batch
        return Outcome(squared(network)(target), weight, {"distance": (network.weight - target).abs().sum()})

    drawn = {1: (1.0, 1), 2: (5.0, torch.tensor(3))}
    record = train(network, outcome, drawn.__getitem__, [(2.0, 10), (4.0, 30)], plan)
    (row,) = record.history
    assert row.train_loss == pytest.approx((0 * 1 + 16 * 3) / 4)
    assert row.validation_loss == pytest.approx((1 * 10 + 9 * 30) / 40)
    assert row.train_scores == {"distance": pytest.approx((0 * 1 + 4 * 3) / 4)}
    assert row.validation_scores == {"distance": pytest.approx((1 * 10 + 3 * 30) / 40)}


def test_scores_do_not_steer_the_training():
    plan, ends = TrainingPlan(50, learning_rate=0.05), []
    for scored in (False, True):
        network = line()
        loss = squared(network)
        train(
            network,
            (lambda batch, loss=loss: Outcome(loss(batch), 7.0, {"worse": -loss(batch)})) if scored else loss,
            lambda step: 3.0,
            [3.0],
            plan,
        )
        ends.append(copy_weights(network))
    assert same(*ends)


class Clock:
    """Moves on by a script of seconds each time it is read."""

    def __init__(self, *seconds):
        self.seconds, self.now = iter(seconds), 0.0

    def __call__(self):
        self.now += next(self.seconds)
        return self.now


def rates(plan, clock=None, steps=None):
    """Return the learning rates that the steps of a training had, and its record."""
    network, seen = line(), []

    def draw(step):
        seen.append(step)
        return 5.0

    found = []

    class Spy(torch.optim.AdamW):
        def step(self, closure=None):
            found.append(self.param_groups[0]["lr"])
            return super().step(closure)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(torch.optim, "AdamW", Spy)
        record = train(network, squared(network), draw, [5.0], plan, **({} if clock is None else {"clock": clock}))
    assert seen == list(range(1, len(found) + 1))
    return found, record


def test_the_schedule_of_steps_is_torchs_one_cycle():
    optimiser = torch.optim.AdamW(line().parameters(), 1e-3)
    schedule = torch.optim.lr_scheduler.OneCycleLR(optimiser, 1e-3, total_steps=80, pct_start=0.3)
    expected = []
    for _ in range(80):
        expected.append(optimiser.param_groups[0]["lr"])
        optimiser.step()
        schedule.step()
    found, record = rates(TrainingPlan(80, 1e-3))
    assert found == expected
    assert not record.out_of_time


def test_a_time_budget_lays_the_schedule_out_over_the_seconds():
    # Every reading is a second after the one before it: one at the start, one per step, one more per validation.
    plan = TrainingPlan(1000, 1e-3, validate_every=1000, time_budget=100.0)
    found, record = rates(plan, Clock(0, *[1.0] * 200))
    assert len(found) == 100
    by_steps, _ = rates(TrainingPlan(1000, 1e-3, validate_every=1000))
    # The rate of a step follows from the seconds before it; 10 of 1000 places a second.
    assert found == pytest.approx(by_steps[::10])
    assert found[-1] < 0.01 * max(found)
    assert record.out_of_time
    assert not record.stopped_early
    assert record.best_step == record.history[-1].step == 100


def test_seconds_that_run_unevenly_move_the_schedule_unevenly_and_never_back():
    plan = TrainingPlan(1000, 1e-3, validate_every=1000, time_budget=100.0)
    found, _ = rates(plan, Clock(0, *[0.001] * 20, 50.0, *[0.001] * 20, *[5.0] * 100))
    jump = 22
    assert found[jump] == pytest.approx(rates(TrainingPlan(1000, 1e-3))[0][500], rel=0.01)
    assert all(later <= earlier for earlier, later in zip(found[jump:], found[jump + 1 :], strict=False))


def test_a_budget_that_is_never_used_up_changes_nothing():
    expected, straight = rates(TrainingPlan(30, 1e-3))
    found, record = rates(TrainingPlan(30, 1e-3, time_budget=1e9))
    assert found == expected
    assert (record.out_of_time, record.best_step) == (False, straight.best_step)
