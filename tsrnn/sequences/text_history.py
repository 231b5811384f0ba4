"""What a text generator tells of its training: the table of validations, and a summary."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

from tsrnn.naming import counted
from tsrnn.sequences.text_scores import perplexity_of
from tsrnn.training.trainer import Progress

if TYPE_CHECKING:
    from tsrnn.sequences.text_generator import TextGenerator

HISTORY = ("epoch", "step", "train_loss", "validation_loss", "perplexity", "seconds")


def history_of(history: Sequence[Progress], max_epochs: int) -> pd.DataFrame:
    """Return the table of the validations of a training of so many epochs at most, a row each."""
    rows = [
        (
            row.step * max_epochs / row.max_steps,
            row.step,
            row.train_loss,
            row.validation_loss,
            perplexity_of(row.validation_loss),
            row.seconds,
        )
        for row in history
    ]
    return pd.DataFrame(rows, columns=list(HISTORY), dtype=np.float64).astype({"step": np.int64})


def summarise(model: TextGenerator) -> str:
    """Say in a few lines what a fitted generator learned from, with what, and how well."""
    size = model.network_.size
    weights = sum(part.numel() for part in model.network_.parameters())
    kind = "characters" if model.tokens == "char" else "words and marks"
    stop = "stopped early" if model.stopped_early_ else "out of time" if model.out_of_time_ else "ran to the end"
    epochs = model.history_["epoch"].iloc[-1] if len(model.history_) else 0.0
    dropped = f"dropout {size.dropout:g}"
    if size.weight_dropout:
        dropped += f", of weights {size.weight_dropout:g}"
    lines = [
        f"text       {model.n_tokens_:,} {kind}, {len(model.vocabulary_):,} distinct",
        f"network    {size.cell}, {size.num_layers} × {size.hidden_size}, {dropped}, {counted(weights, 'weight')}",
        f"training   {epochs:.1f} epochs ({stop}), best step {model.best_step_}, seed {model.random_state}, "
        f"{model.device_}",
    ]
    if model.validation_score_ is not None:
        lines += [f"held back  {model.validation_score_}", f"n-grams    {model.baseline_score_}"]
    return "\n".join(lines)
