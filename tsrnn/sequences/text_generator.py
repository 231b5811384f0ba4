"""`TextGenerator`: a recurrent language model behind scikit-learn's interface."""

from __future__ import annotations

import os
import time
from collections.abc import Callable
from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt
import pandas as pd
import torch
from sklearn.base import BaseEstimator
from sklearn.utils.validation import check_is_fitted
from torch import Tensor

from tsrnn.networks.devices import pick_device
from tsrnn.networks.randomness import fresh_seed, own_random_state
from tsrnn.networks.threads import one_thread
from tsrnn.sequences.ngram import NgramBaseline
from tsrnn.sequences.text_history import history_of, summarise
from tsrnn.sequences.text_sampling import Sampler, check_sampling, sampling_probabilities, writable
from tsrnn.sequences.text_saving import load_generator, save_generator, training_checkpoint
from tsrnn.sequences.text_scores import TextScore, check_text
from tsrnn.sequences.text_settings import (
    check_parameters,
    choose_recipe,
    choose_vocabulary,
    language_size,
    text_plan,
    tokens_to_train,
)
from tsrnn.sequences.text_training import (
    new_language_network,
    next_logits,
    read_stream,
    stream_nats,
    train_language_network,
)
from tsrnn.sequences.vocabulary import split_text
from tsrnn.training.trainer import Progress, TrainingRecord, progress_of

if TYPE_CHECKING:
    from typing_extensions import Self


class TextGenerator(BaseEstimator):
    """Learn how a text goes on, character by character or word by word, and write more of it.

    A recurrent network reads the text in contiguous streams; its state is carried from piece to piece, gradients go
    back over one piece (truncated back-propagation through time). The end of the text is held back: the weights that
    predict it best are kept.

    Parameters
    ----------
    tokens : {"char", "word"}
        What is read and written at a time. Words are runs of letters; white space and marks are tokens of their own.
    cell : {"gru", "lstm", "rnn"}
        The recurrent cell; its equations stand in `tsrnn.networks.cells`.
    time_budget : float, optional
        Seconds for training, of which the learning rate's schedule makes the most; judging the held-back part at the
        end comes on top. How far training comes then depends on the machine, so the same seed does not give the same
        weights; without a budget it does.
    hidden_size : int, optional
        Width of the state. Default: 512, or 256 for texts below 300,000 tokens.
    num_layers : int, optional
        Recurrent layers. Default: 1, or 2 where the time budget allows many passes over the text (see the notes).
    embedding_size : int
        Numbers that a token is read as.
    dropout : float, optional
        Share of the state that is dropped in training, between layers and before the output. Default: 0.1; 0 where the
        time budget allows few passes over the text, 0.2 where it allows many.
    weight_dropout : float, optional
        Share of the recurrent weights that is dropped in training, others for each batch (Merity et al. 2018). Default:
        0; 0.4 where the time budget allows many passes.
    batch_size : int, optional
        Streams of the text that are read at a time. Default: 32, or fewer where an epoch would have less than 100
        steps.
    bptt_length : int, optional
        Tokens over which gradients go back. Default: 64; 96 where the time budget allows many passes.
    max_epochs : int, optional
        Passes over the text at most. Default: 10; with a time budget, 50.
    learning_rate : float, optional
        The highest rate of the one-cycle schedule. Default: 0.003; 0.002 where the time budget allows many passes.
    weight_decay : float
    validation_share : float, optional
        Share of the text, its end, that is held back. With 0 nothing is, and the last weights are kept. Default: 0.05,
        and of long texts no more than 10,000 tokens.
    patience : int, optional
        Validations without improvement after which training stops; there are `validations_per_epoch` in an epoch.
        Default: 8; with a time budget training goes on to its end, for which the rate's fall is laid out.
    validations_per_epoch : int
    min_count, max_words : int
        For words: the text must have a word so many times, and it must be among so many most frequent ones, else it
        is read as the one unknown word.
    mixed_precision : bool
        Whether training multiplies in bfloat16, which processors that have it do up to twice as fast. On a GPU the
        recurrence stays in single precision.
    device : str or torch.device
        "auto" takes one GPU if there is one, else the CPU; or any torch device.
    random_state : int or None
        The same number gives the same model: on one CPU, with as many threads of torch and without a time budget,
        bit for bit. None draws a fresh one. The global random state is never touched.
    verbose : bool or callable
        True writes a line per validation to stderr; a callable is given a `tsrnn.training.trainer.Progress`.

    Attributes
    ----------
    vocabulary_ : Vocabulary
    history_ : DataFrame
        Columns epoch, step, train_loss, validation_loss (nats per token), perplexity (of the held-back part) and
        seconds.
    validation_score_, baseline_score_ : TextScore or None
        How well the held-back part is predicted, by the network and by an n-gram model of the rest
        (`NgramBaseline`), which a network must beat to be worth its time. None if nothing was held back.
    best_step_ : int
        The step whose weights were kept.
    stopped_early_, out_of_time_ : bool
    n_tokens_ : int
        Of the fitted text.
    device_ : str

    Notes
    -----
    A text that is read a few times is not learnt by heart, one that is read often is. How many passes a budget allows
    is reckoned with 20 microseconds for a token and 0.1 nanoseconds for each weight of a one-layer network, so that the
    choice is the same on every machine: below 5 passes nothing is dropped; from 20 on there are two layers and much is
    dropped. For 1,000,000 characters these are 9 and 38 minutes.

    Examples
    --------
    >>> model = TextGenerator(hidden_size=16, batch_size=4, max_epochs=6, learning_rate=0.02, random_state=0)
    >>> model = model.fit("Words, words, words. " * 100)
    >>> model.generate("Words", length=15, temperature=0)
    'Words, words, words,'
    """

    def __init__(
        self,
        tokens: str = "char",
        cell: str = "gru",
        time_budget: float | None = None,
        hidden_size: int | None = None,
        num_layers: int | None = None,
        embedding_size: int = 64,
        dropout: float | None = None,
        weight_dropout: float | None = None,
        batch_size: int | None = None,
        bptt_length: int | None = None,
        max_epochs: int | None = None,
        learning_rate: float | None = None,
        weight_decay: float = 1e-4,
        validation_share: float | None = None,
        patience: int | None = None,
        validations_per_epoch: int = 2,
        min_count: int = 2,
        max_words: int = 10_000,
        mixed_precision: bool = False,
        device: str | torch.device = "auto",
        random_state: int | None = None,
        verbose: bool | Callable[[Progress], None] = False,
    ) -> None:
        self.tokens = tokens
        self.cell = cell
        self.time_budget = time_budget
        self.hidden_size = hidden_size
        self.num_layers = num_layers
        self.embedding_size = embedding_size
        self.dropout = dropout
        self.weight_dropout = weight_dropout
        self.batch_size = batch_size
        self.bptt_length = bptt_length
        self.max_epochs = max_epochs
        self.learning_rate = learning_rate
        self.weight_decay = weight_decay
        self.validation_share = validation_share
        self.patience = patience
        self.validations_per_epoch = validations_per_epoch
        self.min_count = min_count
        self.max_words = max_words
        self.mixed_precision = mixed_precision
        self.device = device
        self.random_state = random_state
        self.verbose = verbose

    def fit(self, text: str, y: object = None, *, checkpoint: str | os.PathLike[str] | None = None) -> Self:
        """Learn from a text.

        Parameters
        ----------
        text : str
        y : ignored
        checkpoint : str or PathLike, optional
            A file that training writes after each validation. If it is there already, training goes on from it: an
            interrupted one loses nothing but the steps since the last validation. It stays when training is over.

        Raises
        ------
        DataError
            If the text is empty or too short, or the checkpoint is damaged or belongs to another text or setting.
        ParameterError
            If an argument is impossible.
        TrainingError
            If training breaks down.
        """
        return self._fit(text, checkpoint, time.perf_counter)

    @torch.inference_mode(False)
    def _fit(self, text: str, checkpoint: str | os.PathLike[str] | None, clock: Callable[[], float]) -> Self:
        """Learn by a clock; a benchmark on a busy machine counts the processor's seconds."""
        check_parameters(self)
        check_text(text, "text")
        progress = progress_of(self.verbose)
        started, seed, device = clock(), fresh_seed(self.random_state), pick_device(self.device)
        parts = split_text(text, self.tokens)
        n_kept = tokens_to_train(len(parts), self.validation_share)
        kept, rest = "".join(parts[:n_kept]), "".join(parts[n_kept:])
        # Should this fit fail, the network of an earlier one must not answer with this one's tokens.
        self.__dict__.pop("network_", None)
        self.vocabulary_ = choose_vocabulary(self, kept, text)
        self.validation_score_ = self.baseline_score_ = None
        if rest:
            baseline = NgramBaseline(tokens=self.tokens)
            self.baseline_score_ = baseline.fit_with(self.vocabulary_, kept).score_text(rest)
        seen, held_back = (torch.from_numpy(self.vocabulary_.encode(part)).to(device) for part in (kept, rest))
        self.device_, self.n_tokens_, self.seed_ = str(device), len(parts), seed
        recipe = choose_recipe(self, len(self.vocabulary_), len(parts))
        record = TrainingRecord()
        with own_random_state(seed, device):
            network = new_language_network(language_size(self, recipe, len(self.vocabulary_), len(parts)), seen)
            # What reading and counting took is no longer training's.
            plan = text_plan(self, recipe, len(seen), seed, clock() - started)
            note = None if checkpoint is None else training_checkpoint(self, text, checkpoint)
            try:
                train_language_network(network, seen, held_back, plan, progress, record, note, clock)
            finally:
                # Also after Ctrl-C there is a model, with what it has learned until then.
                self.network_ = network.eval()
                self._keep(record, plan.max_epochs)
        if rest:
            self.validation_score_ = self._score(held_back, len(rest))
        return self

    def _keep(self, record: TrainingRecord, max_epochs: int) -> None:
        """Keep what a training tells, also one that broke down."""
        self.best_step_, self.stopped_early_ = record.best_step, record.stopped_early
        self.out_of_time_ = record.out_of_time
        self.history_ = history_of(record.history, max_epochs)

    def generate(
        self,
        prompt: str,
        length: int = 500,
        temperature: float = 0.8,
        top_k: int | None = None,
        random_state: int | None = None,
    ) -> str:
        """Write on from a prompt.

        Parameters
        ----------
        prompt : str
            What the text begins with; the network reads it first. Characters that the fitted text does not have are
            an error; words that it does not have are read as the unknown word.
        length : int
            Tokens to write.
        temperature : float
            Below 1 likely tokens become likelier; 0 takes the likeliest one each time; 1 draws by the model's own
            probabilities.
        top_k : int, optional
            Draw among so many of the likeliest tokens only.
        random_state : int or None
            The same number writes the same text, and leaves the global random state alone. None draws a fresh one.

        Returns
        -------
        str
            The prompt and what follows it. The unknown word is never written.

        Raises
        ------
        DataError
            If the prompt is empty or has unknown characters.
        ParameterError
            If an argument is impossible.
        """
        check_is_fitted(self, "network_")
        check_sampling(length, temperature, top_k, random_state)
        tokens = self._encode(prompt, "prompt")
        sampler = Sampler(temperature, top_k, random_state)
        written: list[int] = []
        with one_thread():
            _, logits, state = read_stream(self.network_, tokens)
            for _ in range(int(length)):
                written.append(sampler.draw(writable(logits, self.vocabulary_)))
                logits, state = next_logits(self.network_, written[-1], state)
        return prompt + self.vocabulary_.decode(written)

    def next_probabilities(self, prompt: str, temperature: float = 1.0, top_k: int | None = None) -> pd.Series:
        """Return the probability of each token to follow a prompt, the likeliest first.

        Parameters
        ----------
        prompt : str
        temperature : float
        top_k : int, optional
            As in `generate`.

        Returns
        -------
        Series
            Indexed by token, without the unknown word.

        Raises
        ------
        DataError, ParameterError
            As `generate` does.
        """
        check_is_fitted(self, "network_")
        check_sampling(0, temperature, top_k)
        with one_thread():
            _, logits, _ = read_stream(self.network_, self._encode(prompt, "prompt"))
        shares = sampling_probabilities(writable(logits, self.vocabulary_), temperature, top_k).cpu().numpy()
        first = int(self.vocabulary_.unknown)
        table = pd.Series(shares[first:], index=pd.Index(self.vocabulary_.items, name="token"), name="probability")
        return table.sort_values(ascending=False, kind="stable")

    def score_text(self, text: str) -> TextScore:
        """Return how well a text is predicted: nats, bits and perplexity at once.

        The text is read as one stream with carried state, and every token of it is scored once, the first as what
        may follow on nothing.

        Raises
        ------
        DataError
            If the text is empty or has characters that the fitted one has not.
        ParameterError
            If it is no str.
        """
        check_is_fitted(self, "network_")
        return self._score(self._encode(text, "text"), len(text))

    def _score(self, tokens: Tensor, n_characters: int) -> TextScore:
        with one_thread():
            return TextScore(float(stream_nats(self.network_, tokens).sum()), len(tokens), n_characters)

    def perplexity(self, text: str) -> float:
        """Return e to the mean nats per token of a text; see `score_text`."""
        return self.score_text(text).perplexity

    def bits_per_character(self, text: str) -> float:
        """Return the bits that a text takes, by the number of its characters; see `score_text`.

        For words, the unknown word is scored as such: which one it is would cost more bits.
        """
        return self.score_text(text).bits_per_character

    def score(self, text: str, y: object = None) -> float:
        """Return minus the mean nats per token of a text, so that a larger number is better."""
        return -self.score_text(text).nats_per_token

    def hidden_states(self, text: str) -> npt.NDArray[np.float32]:
        """Return the last layer's state after each token of a text.

        Returns
        -------
        ndarray of shape (n_tokens, hidden_size), each from -1 to 1

        Raises
        ------
        DataError
            If the text is empty or has characters that the fitted one has not.
        """
        check_is_fitted(self, "network_")
        with one_thread():
            states, _, _ = read_stream(self.network_, self._encode(text, "text"))
        found: npt.NDArray[np.float32] = states.cpu().numpy()
        return found

    def _encode(self, text: str, name: str) -> Tensor:
        check_text(text, name)
        return torch.from_numpy(self.vocabulary_.encode(text)).to(self.device_)

    def save(self, path: str | os.PathLike[str]) -> None:
        """Save the fitted model to a folder of two files: weights as safetensors, everything else as JSON.

        A callable `verbose` is stored as False. The text itself is not in it.

        Raises
        ------
        ParameterError
            If the folder holds something else than a saved text generator.
        """
        save_generator(self, path)

    @classmethod
    def load(cls, path: str | os.PathLike[str]) -> Self:
        """Load a model that `save` wrote; on one CPU it writes the same texts. A missing GPU becomes the CPU.

        Raises
        ------
        DataError
            If the folder is not a saved text generator, is damaged, or was made by a newer tsrnn.
        """
        return load_generator(path, cls)

    def summary(self) -> str:
        """Say in a few lines what was learned from, with what, and how well."""
        check_is_fitted(self, "network_")
        return summarise(self)
