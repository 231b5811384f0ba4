"""How well a text is predicted after so many minutes of training, beside an n-gram model.

    python benchmarks/text.py --data PATH/text --minutes 5
    python benchmarks/text.py --data PATH/text --minutes 60 --clock cpu --checkpoint run.safetensors --slice 300

Tiny Shakespeare (tinyshakespeare.txt, 1,115,394 characters): the first 90 % train, the last 111,540 characters are read
as one stream with carried state, every character scored once. --held-back leaves these alone and scores the last tenth
of the training part instead; the settings for up to ten minutes were chosen there, by trainings of 50 seconds.

--clock cpu counts the processor's seconds, for machines that others use too. With --slice a run ends after so many
seconds of its own with status 3, and the same command goes on from the checkpoint.
"""

from __future__ import annotations

import argparse
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import torch
from record import append, dated

from tsrnn.sequences.ngram import NgramBaseline
from tsrnn.sequences.text_generator import TextGenerator
from tsrnn.training.trainer import Progress

VALIDATION_CHARACTERS = 111_540


class SliceOver(Exception):
    """The seconds of one slice are used up."""


class Slice:
    """A clock that ends a run after so many of its seconds, right after a checkpoint was written."""

    def __init__(self, clock: Callable[[], float], seconds: float | None) -> None:
        self.clock, self.seconds, self.started, self.over = clock, seconds, clock(), False

    def __call__(self) -> float:
        """Return the seconds, or end the slice."""
        if self.over:
            raise SliceOver
        return self.clock()

    def report(self, state: Progress) -> None:
        """Tell of a validation. The loop writes its checkpoint after this and then reads the clock."""
        print(
            f"step {state.step}  train {state.train_loss:.4f}  validation {state.validation_loss:.4f}  "
            f"{state.seconds:.0f} s",
            flush=True,
        )
        self.over = self.seconds is not None and self.clock() - self.started > self.seconds


def parts(folder: Path, *, held_back: bool) -> tuple[str, str]:
    """Return what is trained on and what is scored."""
    text = (folder / "tinyshakespeare.txt").read_text(encoding="utf-8")
    train, test = text[:-VALIDATION_CHARACTERS], text[-VALIDATION_CHARACTERS:]
    if not held_back:
        return train, test
    cut = len(train) * 9 // 10
    return train[:cut], train[cut:]


def chosen(model: TextGenerator) -> dict[str, Any]:
    """Return what a fitted generator chose by its budget."""
    size = model.network_.size
    names = ("hidden_size", "num_layers", "dropout", "weight_dropout")
    return {name: getattr(size, name) for name in names}


def main() -> int:
    """Run the command; returns its exit status."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", type=Path, required=True, help="folder with tinyshakespeare.txt")
    parser.add_argument("--minutes", type=float, default=5.0)
    parser.add_argument("--clock", choices=["wall", "cpu"], default="wall")
    parser.add_argument("--threads", type=int, default=torch.get_num_threads())
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--single-precision", action="store_true", help="do not multiply in bfloat16")
    parser.add_argument("--held-back", action="store_true")
    parser.add_argument("--checkpoint", type=Path)
    parser.add_argument("--slice", type=float, help="seconds after which the run ends, to be gone on with")
    parser.add_argument("--set", nargs="*", default=[], metavar="NAME=NUMBER", help="other settings than the defaults")
    options = parser.parse_args()
    torch.set_num_threads(options.threads)
    settings: dict[str, Any] = {}
    for entry in options.set:
        name, value = entry.split("=")
        settings[name] = value if name == "cell" else float(value) if "." in value or "e" in value else int(value)
    train, test = parts(options.data, held_back=options.held_back)
    clock = Slice(time.process_time if options.clock == "cpu" else time.perf_counter, options.slice)
    model = TextGenerator(
        time_budget=60 * options.minutes,
        mixed_precision=not options.single_precision,
        random_state=options.seed,
        verbose=clock.report,
        **settings,
    )
    try:
        model._fit(train, options.checkpoint, clock)
    except SliceOver:
        return 3
    print(model.summary(), flush=True)
    score, ngram = model.score_text(test), NgramBaseline().fit(train).score_text(test)
    print(f"network  {score}\nn-grams  {ngram}")
    append(
        {
            "text": "tinyshakespeare",
            "scored": "end of training part" if options.held_back else "last 111540 characters",
            "minutes": options.minutes,
            "clock": options.clock,
            "threads": options.threads,
            "settings": " ".join(f"{name}={value}" for name, value in {**chosen(model), **settings}.items()),
            "mixed_precision": not options.single_precision,
            "seed": options.seed,
            "weights": sum(part.numel() for part in model.network_.parameters()),
            "epochs": float(model.history_["epoch"].iloc[-1]),
            "nats": score.nats_per_token,
            "bits": score.bits_per_character,
            "perplexity": score.perplexity,
            "ngram_nats": ngram.nats_per_token,
        },
        dated("text"),
    )
    return 0


if __name__ == "__main__":
    sys.exit(main())
