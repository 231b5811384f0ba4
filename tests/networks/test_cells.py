import numpy as np
import pytest
import torch
from torch import nn

from tsrnn.networks.cells import RECURRENT, hidden, make_recurrent, repeat_state

GATES = {"rnn": 1, "gru": 3, "lstm": 4}


@pytest.fixture(autouse=True)
def _seeded():
    torch.manual_seed(0)


def sigmoid(x):
    return 1 / (1 + np.exp(-x))


def rnn_step(wx, uh, b, c, state):
    h = np.tanh(wx[0] + uh[0] + b[0] + c[0])
    return h, (h,)


def gru_step(wx, uh, b, c, state):
    r = sigmoid(wx[0] + uh[0] + b[0] + c[0])
    u = sigmoid(wx[1] + uh[1] + b[1] + c[1])
    n = np.tanh(wx[2] + b[2] + r * (uh[2] + c[2]))
    h = (1 - u) * n + u * state[0]
    return h, (h,)


def lstm_step(wx, uh, b, c, state):
    i, f, candidate, o = (wx[k] + uh[k] + b[k] + c[k] for k in range(4))
    memory = sigmoid(f) * state[1] + sigmoid(i) * np.tanh(candidate)
    h = sigmoid(o) * np.tanh(memory)
    return h, (h, memory)


STEPS = {"rnn": rnn_step, "gru": gru_step, "lstm": lstm_step}


def run_by_hand(cell, layer, x, start):
    """Step through the equations of the docstring for one sequence x of shape (T, C)."""
    states = []
    for k in range(layer.num_layers):
        names = ("weight_ih", "weight_hh", "bias_ih", "bias_hh")
        w, u, b, c = (getattr(layer, f"{name}_l{k}").detach().numpy() for name in names)
        w, u, b, c = (np.split(part, GATES[cell]) for part in (w, u, b, c))
        state, outputs = tuple(part[k] for part in start), []
        for row in x:
            wx, uh = [part @ row for part in w], [part @ state[0] for part in u]
            h, state = STEPS[cell](wx, uh, b, c, state)
            outputs.append(h)
        x = np.array(outputs)
        states.append(state[0])
    return x, np.array(states)


@pytest.mark.parametrize("cell", RECURRENT)
@pytest.mark.parametrize("num_layers", [1, 2])
def test_the_forward_pass_follows_the_equations_step_by_step(cell, num_layers):
    torch.manual_seed(0)
    layer = make_recurrent(cell, 3, 4, num_layers, 0.5).double().eval()
    for parameter in layer.parameters():
        parameter.data += 0.1 * torch.randn_like(parameter)
    x = torch.randn(2, 6, 3, dtype=torch.float64)
    start = torch.randn(2, num_layers, 2, 4, dtype=torch.float64)  # h and, for an LSTM, its memory
    state = (start[0], start[1]) if cell == "lstm" else start[0]
    with torch.no_grad():
        output, final = layer(x, state)
    for b in range(2):
        expected, last = run_by_hand(cell, layer, x[b].numpy(), start[:, :, b].numpy())
        np.testing.assert_allclose(output[b], expected, atol=1e-12)
        np.testing.assert_allclose(hidden(final)[:, b], last, atol=1e-12)


@pytest.mark.parametrize("cell", RECURRENT)
def test_every_recurrent_gate_starts_orthogonal(cell):
    layer = make_recurrent(cell, 5, 8, 2, 0.0)
    for k in range(2):
        for gate in getattr(layer, f"weight_hh_l{k}").detach().split(8):
            torch.testing.assert_close(gate @ gate.T, torch.eye(8), atol=1e-5, rtol=0)


@pytest.mark.parametrize("cell", RECURRENT)
def test_an_lstm_starts_with_a_forget_bias_of_1_in_all_and_every_other_bias_is_0(cell):
    layer = make_recurrent(cell, 5, 8, 2, 0.0)
    expected = torch.zeros(GATES[cell] * 8)
    if cell == "lstm":
        expected[8:16] = 1.0
    for k in range(2):
        total = getattr(layer, f"bias_ih_l{k}") + getattr(layer, f"bias_hh_l{k}")
        assert torch.equal(total.detach(), expected)


@pytest.mark.parametrize("cell", RECURRENT)
def test_input_weights_are_spread_by_xavier_gate_by_gate(cell):
    for gate in make_recurrent(cell, 6, 10, 1, 0.0).weight_ih_l0.detach().split(10):
        largest = np.sqrt(6 / (6 + 10))
        assert gate.abs().max() <= largest
        assert gate.std().item() == pytest.approx(largest / np.sqrt(3), rel=0.25)


def test_dropout_acts_between_layers_only():
    x = torch.randn(4, 6, 3)
    one, two = make_recurrent("gru", 3, 8, 1, 0.5).train(), make_recurrent("gru", 3, 8, 2, 0.5).train()
    assert torch.equal(one(x)[0], one(x)[0])
    assert not torch.equal(two(x)[0], two(x)[0])
    assert two.dropout == 0.5
    assert torch.equal(two.eval()(x)[0], two(x)[0])


@pytest.mark.parametrize(("cell", "kind"), [("rnn", nn.RNN), ("gru", nn.GRU), ("lstm", nn.LSTM)])
def test_a_cell_is_torchs_own_and_reads_batches_first(cell, kind):
    layer = make_recurrent(cell, 3, 7, 1, 0.0)
    assert isinstance(layer, kind)
    output, state = layer(torch.randn(2, 5, 3))
    assert output.shape == (2, 5, 7)
    torch.testing.assert_close(hidden(state)[-1], output[:, -1])


@pytest.mark.parametrize("cell", RECURRENT)
def test_repeated_states_continue_every_sequence_as_if_it_stood_alone(cell):
    layer = make_recurrent(cell, 3, 5, 2, 0.0).eval()
    _, state = layer(torch.randn(2, 4, 3))
    x = torch.randn(6, 1, 3)
    together, _ = layer(x, repeat_state(state, 3))
    for b in range(6):
        part = slice(b // 3, b // 3 + 1)
        own = tuple(s[:, part].contiguous() for s in state) if cell == "lstm" else state[:, part].contiguous()
        torch.testing.assert_close(layer(x[b : b + 1], own)[0], together[b : b + 1])
