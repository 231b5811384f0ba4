"""A recurrent network that gives a whole sequence, or each of its steps, scores for some classes."""

from __future__ import annotations

import math
from dataclasses import dataclass

import torch
from torch import Tensor, nn

from tsrnn.networks.cells import make_recurrent
from tsrnn.networks.convolution import ConvolutionStack, average_pool, step_mask


@dataclass(frozen=True)
class SequenceSize:
    """The shape of a `SequenceNetwork`.

    Parameters
    ----------
    n_inputs : int
        Channels of a step or, with an embedding, the number of tokens.
    n_classes : int
    cell : {"gru", "lstm", "rnn"}
    hidden_size, num_layers : int
    bidirectional : bool
        Whether a second cell reads from the end.
    embedding_size : int
        Width of a token's vector; 0 where the inputs are numbers.
    filters : tuple of int
        Channels of each convolution before the cell; none for no convolutional front end.
    pooled : int
        Steps after the front end that one recurrent step reads as their mean.
    dropout : float
        Before the output, and between layers.
    each_step : bool
        Whether every step has scores, or the sequence.
    """

    n_inputs: int
    n_classes: int
    cell: str = "gru"
    hidden_size: int = 64
    num_layers: int = 1
    bidirectional: bool = True
    embedding_size: int = 0
    filters: tuple[int, ...] = ()
    pooled: int = 1
    dropout: float = 0.0
    each_step: bool = False


class SequenceNetwork(nn.Module):
    """Embed or convolve a sequence, read it with a recurrent cell in one or both directions, and score the classes.

    A whole sequence is judged by the last state of each direction and, with a front end, by the mean over time of what
    the convolutions found, as in Karim et al. 2018, "LSTM fully convolutional networks for time series
    classification"; here the cell reads the convolutions' output, where theirs reads the raw sequence beside them. A
    step is judged by the states at it and the convolutions' output there.

    Parameters
    ----------
    size : SequenceSize
    """

    def __init__(self, size: SequenceSize) -> None:
        super().__init__()
        self.size = size
        width = size.embedding_size or size.n_inputs
        self.embedding = nn.Embedding(size.n_inputs, width) if size.embedding_size else None
        self.front = ConvolutionStack(width, size.filters) if size.filters else None
        width = size.filters[-1] if size.filters else width
        self.ahead = make_recurrent(size.cell, width, size.hidden_size, size.num_layers, size.dropout)
        self.back: nn.RNNBase | None = None
        if size.bidirectional:
            self.back = make_recurrent(size.cell, width, size.hidden_size, size.num_layers, size.dropout)
        n_features = size.hidden_size * (1 + size.bidirectional) + (width if size.filters else 0)
        self.dropout = nn.Dropout(size.dropout)
        self.head = nn.Linear(n_features, size.n_classes)

    def forward(self, x: Tensor, lengths: Tensor) -> Tensor:
        """Map sequences to scores before the softmax.

        Parameters
        ----------
        x : float tensor of shape (B, L, C), or int64 tensor of shape (B, L) of tokens
            What stands after a sequence's length is ignored.
        lengths : int64 tensor of shape (B,), 1 or more

        Returns
        -------
        Tensor of shape (B, K) or, for each step, (B, L, K)
        """
        mask = step_mask(lengths, x.shape[1])
        if self.embedding is not None:
            x = self.embedding(x)  # [B, L] -> [B, L, E]
        if self.front is not None:
            x = self.front(x, mask)  # [B, L, F]
        features = self._each_step(x, lengths) if self.size.each_step else self._last(x, mask, lengths)
        scores: Tensor = self.head(self.dropout(features))
        return scores

    def _last(self, x: Tensor, mask: Tensor, lengths: Tensor) -> Tensor:
        features = [] if self.front is None else [(x * mask[..., None]).sum(1) / lengths[:, None]]  # [B, F]
        if self.size.pooled > 1:
            x = average_pool(x, mask, self.size.pooled)  # [B, L / pooled, F]
            lengths = (lengths + self.size.pooled - 1) // self.size.pooled
        last = (lengths - 1)[:, None, None]
        for states in self._states(x, lengths):
            features.append(states.gather(1, last.expand(-1, 1, states.shape[2])).squeeze(1))  # [B, D]
        return torch.cat(features, -1)

    def _each_step(self, x: Tensor, lengths: Tensor) -> Tensor:
        features = [] if self.front is None else [x]
        ahead, *back = self._states(x, lengths)
        return torch.cat([*features, ahead, *(reverse(states, lengths) for states in back)], -1)

    def _states(self, x: Tensor, lengths: Tensor) -> list[Tensor]:
        """Return the states of each direction in its own order of reading, [B, L, D] each."""
        states = [self.ahead(x)[0]]
        if self.back is not None:
            states.append(self.back(reverse(x, lengths))[0])
        return states


def reverse(x: Tensor, lengths: Tensor) -> Tensor:
    """Turn each sequence of [B, L, C] round within its length; what comes after it is its first step again.

    >>> reverse(torch.tensor([[[1], [2], [0]]]), torch.tensor([2])).flatten().tolist()
    [2, 1, 1]
    """
    place = (lengths[:, None] - 1 - torch.arange(x.shape[1], device=x.device)).clamp(min=0)  # [B, L]
    return x.gather(1, place[..., None].expand(-1, -1, x.shape[2]))


def pooling_for(longest: int, most_steps: int) -> int:
    """Return how many steps must be read as one for the longest sequence to take at most so many.

    >>> pooling_for(150, 48), pooling_for(24, 48)
    (4, 1)
    """
    return max(1, math.ceil(longest / most_steps))
