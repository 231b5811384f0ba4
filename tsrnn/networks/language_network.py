"""A network that reads a text token by token and says after each what may come next."""

from __future__ import annotations

from contextlib import nullcontext
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor, nn
from torch.func import functional_call

from tsrnn.networks.cells import make_recurrent


@dataclass(frozen=True)
class LanguageSize:
    """What determines a language network's tensors.

    Parameters
    ----------
    vocabulary_size : int
        V; tokens are numbered from 0, and V stands for the start of a text.
    cell : {"rnn", "gru", "lstm"}
    embedding_size : int
        E, the numbers that a token is read as.
    hidden_size : int
        D, the width of the state.
    num_layers : int
    dropout : float
        Share of the states that training drops between layers and before the output.
    weight_dropout : float
        Share of the recurrent weights that training drops, others for each batch.
    """

    vocabulary_size: int
    cell: str = "gru"
    embedding_size: int = 64
    hidden_size: int = 512
    num_layers: int = 1
    dropout: float = 0.0
    weight_dropout: float = 0.0


class LanguageNetwork(nn.Module):
    """Embed each token, carry a state from token to token, and score all tokens that may follow.

    Parameters
    ----------
    size : LanguageSize

    Notes
    -----
    The output's weights start at 0, so that an untrained network gives every token what its output's bias says.

    Dropped weights are the same at all steps and in all sequences of a batch, so that one and the same network
    carries the state on; the others are scaled up by as much (Wan et al. 2013, "Regularization of neural networks using
    DropConnect"; on recurrent weights Merity et al. 2018, "Regularizing and optimizing LSTM language models").
    """

    def __init__(self, size: LanguageSize) -> None:
        super().__init__()
        self.size = size
        V, D = size.vocabulary_size, size.hidden_size
        self.embed = nn.Embedding(V + 1, size.embedding_size)
        self.cell = make_recurrent(size.cell, size.embedding_size, D, size.num_layers, size.dropout)
        self.dropout = nn.Dropout(size.dropout)
        self.head = nn.Linear(D, V)
        nn.init.zeros_(self.head.weight)
        nn.init.zeros_(self.head.bias)

    def forward(self, tokens: Tensor, state: Any = None) -> tuple[Tensor, Any]:
        """Return the logits of the token after each one, and the state after the last.

        Parameters
        ----------
        tokens : int64 tensor of shape (B, T)
        state : tensor of shape (layers, B, D) or an LSTM's pair of them, optional
            The state before the first token.

        Returns
        -------
        logits : tensor of shape (B, T, V)
        state : like `state`
        """
        states, state = self.states(tokens, state)
        logits: Tensor = self.head(self.dropout(states))
        return logits, state

    def states(self, tokens: Tensor, state: Any = None) -> tuple[Tensor, Any]:
        """Return the last layer's state after each token, [B, T, D], and the state of all layers after the last."""
        x = self.embed(tokens)  # [B, T, E]
        # On a GPU autocast computes a recurrence in float16, whatever type it was asked for, and small gradients are
        # lost there; weights of which some were dropped and converted it refuses.
        with torch.autocast("cuda", enabled=False) if x.is_cuda else nullcontext():
            if self.training and self.size.weight_dropout > 0:
                states, state = functional_call(self.cell, self._thinned_weights(), (x, state))
            else:
                states, state = self.cell(x, state)
        return states, state

    def _thinned_weights(self) -> dict[str, Tensor]:
        """Return the recurrent weights, of which a share is 0."""
        device, found = self.head.weight.device.type, {}
        for name, part in self.cell.named_parameters():
            if name.startswith("weight_hh"):
                found[name] = nn.functional.dropout(part, self.size.weight_dropout)
                if torch.is_autocast_enabled(device):
                    # Autocast would convert them anew at every step of the recurrence, which takes as long as the rest.
                    found[name] = found[name].to(torch.get_autocast_dtype(device))
        return found

    @torch.no_grad()
    def start_from(self, frequencies: Tensor) -> None:
        """Let an untrained network predict tokens by their frequencies, shape (V,), each above 0."""
        self.head.bias.copy_(torch.log(frequencies))
