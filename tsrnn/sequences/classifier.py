"""`SequenceClassifier`: recurrent networks that tell classes of sequences, or of each of their steps."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt
import pandas as pd
import torch
from sklearn.base import BaseEstimator, ClassifierMixin
from sklearn.utils.validation import check_is_fitted, validate_data

from tsrnn.errors import DataError
from tsrnn.naming import counted
from tsrnn.networks.devices import pick_device
from tsrnn.networks.randomness import own_random_state
from tsrnn.networks.sequence_network import SequenceNetwork
from tsrnn.networks.threads import one_thread
from tsrnn.sequences.cases import Cases, ChannelScaler, as_table, read_sequences, read_texts, split_cases
from tsrnn.sequences.class_settings import (
    check_class_parameters,
    choose_plan,
    choose_size,
    seed_of,
    weigh_classes,
)
from tsrnn.sequences.class_training import LabelledCases, class_probabilities, train_classifier
from tsrnn.sequences.classifier_saving import HISTORY, load_classifier, save_classifier
from tsrnn.sequences.labels import read_labels, read_step_labels
from tsrnn.sequences.vocabulary import Vocabulary
from tsrnn.training.trainer import Progress, TrainingRecord, progress_of

if TYPE_CHECKING:
    from typing_extensions import Self


class SequenceClassifier(ClassifierMixin, BaseEstimator):
    """Classify sequences, or each step of them, with a recurrent network.

    A scikit-learn classifier for measured series of equal or unequal length, images read row by row, and texts. A step
    is read with the convolutions around it, a recurrent cell reads the steps in both directions, and the states at its
    ends, with the mean of what the convolutions found, decide.

    Parameters
    ----------
    cell : {"gru", "lstm", "rnn"}
        The recurrent cell; its equations stand in `tsrnn.networks.cells`.
    output : {"last", "each_step"}
        One label for a sequence, or one for each of its steps (tagging).
    tokens : {None, "char", "word"}
        None: sequences of numbers. Else texts: strings, which are split into characters or into words and marks, or
        lists of strings, which are tokens already. Words are compared in small letters.
    hidden_size : int
        Width of the recurrent state.
    num_layers : int
        Recurrent layers, one above the other.
    bidirectional : bool
        Whether a second cell reads from the end.
    convolution : bool or "auto"
        Whether three convolutions precede the cell; "auto": for numbers, not for texts. With `output="each_step"` they
        see six steps to either side, so for answers that know nothing of the future choose False here and for
        `bidirectional`.
    filters : int
        Channels of the first and the last convolution; the second has twice as many.
    embedding_size : int
        Width of a token's vector.
    scaling : {"channel", "case", "none"}
        "channel" centres and scales each channel by its mean and spread over the training cases, "case" every sequence
        by its own.
    dropout : float
        Share that is dropped in training before the output, and between recurrent layers.
    distortion : float or "auto"
        How much each sequence is bent in time, and each of its channels stretched in height, at random and anew each
        time training reads it: the standard deviation, as a share of the length and of the height. "auto": 0.02 for
        fewer than 500 sequences of numbers with one label each, the longest of 50 steps or more; else 0.
    class_weight : {None, "balanced"} or dict of label to float
        How much errors on each class count; "balanced": inversely to its number of cases (or steps).
    max_epochs : int, optional
        Passes over the training cases at most. Default: by their number.
    learning_rate : float
        The highest rate of the schedule.
    batch_size : int, optional
        Sequences per gradient step. Default: by their number, from 16 to 64.
    validation_fraction : float or "auto"
        Share of the cases that is held back; training stops when the loss on them no longer falls, and the best
        weights are kept. 0 trains for all epochs. "auto": a tenth from 500 cases on, else 0.
    patience : int, optional
        Epochs without improvement after which training stops. Default: half of `max_epochs`.
    device : str or torch.device
        "auto" takes one GPU if there is one, else the CPU; or any torch device.
    random_state : int, RandomState or None
        The same number gives the same classifier, bit for bit on one CPU. None draws a fresh one. The global random
        state is never touched.
    verbose : bool or callable
        True writes a line per epoch to stderr; a callable is given a `tsrnn.training.trainer.Progress`.

    Attributes
    ----------
    classes_ : ndarray of shape (n_classes,)
    history_ : DataFrame
        Columns epoch, train_loss, train_accuracy, validation_loss, validation_accuracy and seconds. The training
        columns are measured on the batches as they are learnt from, dropout included; the validation columns are NaN
        where nothing is held back.
    best_epoch_ : int
        The epoch whose weights were kept.
    stopped_early_ : bool
    vocabulary_ : Vocabulary or None
        Of texts. Tokens that were not in training have one number together.
    network_ : SequenceNetwork
    device_ : str
    n_features_in_ : int
        Only where `fit` was given a table of shape (n_cases, n_timepoints).

    Notes
    -----
    `X` may be an ndarray or DataFrame of shape (n_cases, n_timepoints), an ndarray of shape
    (n_cases, n_channels, n_timepoints), a list of ndarrays of shape (n_timepoints,) or (n_channels, n_timepoints) of
    any lengths, or texts. Sequences are padded to a common length and masked, so that padding and the other sequences
    of a batch change no prediction beyond rounding.

    NaN is a missing value. A gap is filled by the straight line between its neighbours, or at an end by the nearest
    value; a channel of which a sequence has no value counts as the channel's mean. With ``output="last"`` a sequence
    ends before the steps at its end at which every channel is missing, as arrays of unequal lengths are padded.
    Infinity is an error.

    The defaults were chosen on parts of the training cases of three sets and on simulated sets; what was tried stands
    in ``benchmarks/results/sequences-choices-2026-11-21.csv``. One exception: that short sequences are not distorted
    was decided when a test part was known. Of ItalyPowerDemand's, of 24 steps, .953 are right with a distortion of
    0.02 and .973 without (means of 5 seeds), on folds of its training part .947 and .963.

    Examples
    --------
    >>> import numpy as np
    >>> rng = np.random.default_rng(0)
    >>> X = rng.normal(size=(40, 1, 30))
    >>> X[:20] += np.linspace(0, 5, 30)
    >>> y = np.repeat(["rising", "level"], 20)
    >>> model = SequenceClassifier(max_epochs=20).fit(X, y)
    >>> model.predict(X[[0, 39]]).tolist()
    ['rising', 'level']
    """

    reader_: Vocabulary | ChannelScaler

    def __init__(
        self,
        cell: str = "gru",
        output: str = "last",
        tokens: str | None = None,
        hidden_size: int = 64,
        num_layers: int = 1,
        bidirectional: bool = True,
        convolution: bool | str = "auto",
        filters: int = 64,
        embedding_size: int = 32,
        scaling: str = "channel",
        dropout: float = 0.3,
        distortion: float | str = "auto",
        class_weight: Any = None,
        max_epochs: int | None = None,
        learning_rate: float = 4e-3,
        batch_size: int | None = None,
        validation_fraction: float | str = "auto",
        patience: int | None = None,
        device: str | torch.device = "auto",
        random_state: Any = 0,
        verbose: bool | Callable[[Progress], None] = False,
    ) -> None:
        self.cell = cell
        self.output = output
        self.tokens = tokens
        self.hidden_size = hidden_size
        self.num_layers = num_layers
        self.bidirectional = bidirectional
        self.convolution = convolution
        self.filters = filters
        self.embedding_size = embedding_size
        self.scaling = scaling
        self.dropout = dropout
        self.distortion = distortion
        self.class_weight = class_weight
        self.max_epochs = max_epochs
        self.learning_rate = learning_rate
        self.batch_size = batch_size
        self.validation_fraction = validation_fraction
        self.patience = patience
        self.device = device
        self.random_state = random_state
        self.verbose = verbose

    @torch.inference_mode(False)
    def fit(self, X: Any, y: Any) -> Self:
        """Train on labelled sequences.

        Parameters
        ----------
        X : array, list of arrays, or texts, see the class
        y : array-like of shape (n_cases,)
            A label for each case. With ``output="each_step"`` of shape (n_cases, n_timepoints), or a list of one
            sequence of labels for each case, as long as the case.

        Returns
        -------
        SequenceClassifier
            Itself.

        Raises
        ------
        ParameterError
            If an argument is impossible.
        DataError
            If the sequences cannot be read, the labels are not as many as what they label, or there is one class only.
        TrainingError
            If training breaks down.
        """
        check_class_parameters(self)
        progress = progress_of(self.verbose)
        # What an earlier fit left must not answer for this one, should it fail.
        for name in ("network_", "n_features_in_", "feature_names_in_"):
            if hasattr(self, name):
                delattr(self, name)
        cases = self._read_training_cases(X)
        each_step = self.output == "each_step"
        read = read_step_labels if each_step else read_labels
        self.classes_, codes = read(y, cases.lengths)
        device = pick_device(self.device)
        self.device_ = str(device)
        self.seed_ = seed_of(self.random_state)
        n_inputs = cases.n_channels if self.vocabulary_ is None else len(self.vocabulary_)
        size = choose_size(self, n_inputs, len(self.classes_), int(cases.lengths.max()))
        with own_random_state(self.seed_, device), one_thread(), torch.device("cpu"):
            self.network_ = SequenceNetwork(size).to(device)
        weight = weigh_classes(self.class_weight, self.classes_, codes).to(device)
        labelled = LabelledCases(cases.to(device), torch.from_numpy(codes).to(device), each_step)
        record = TrainingRecord()
        plan = choose_plan(self, len(cases), int(cases.lengths.max()))
        try:
            train_classifier(self.network_, labelled, plan, weight, self.seed_, progress, record)
        finally:
            self._keep(record)
        return self

    def predict_proba(self, X: Any) -> npt.NDArray[np.float64] | list[npt.NDArray[np.float64]]:
        """Return the probability of each class, in the order of `classes_`.

        Parameters
        ----------
        X : as in `fit`

        Returns
        -------
        ndarray of shape (n_cases, n_classes)
            With ``output="each_step"`` of shape (n_cases, n_timepoints, n_classes) for an array, and for a list a list
            of ndarrays of shape (n_timepoints, n_classes).

        Raises
        ------
        NotFittedError
            Before `fit`.
        DataError
            If the sequences cannot be read, or are of another kind than those of `fit`.
        """
        check_is_fitted(self, "network_")
        cases, is_array = self._read_cases(X)
        found = class_probabilities(self.network_, cases)
        return found if self.network_.size.each_step and not is_array else np.stack(found)

    def predict(self, X: Any) -> npt.NDArray[Any] | list[npt.NDArray[Any]]:
        """Return the most probable label of each case or, with ``output="each_step"``, of each step.

        Parameters
        ----------
        X : as in `fit`

        Returns
        -------
        ndarray of shape (n_cases,)
            With ``output="each_step"`` of shape (n_cases, n_timepoints) for an array, and for a list a list of
            ndarrays of shape (n_timepoints,).
        """
        found = self.predict_proba(X)
        if isinstance(found, list):
            return [self.classes_[part.argmax(-1)] for part in found]
        labels: npt.NDArray[Any] = self.classes_[found.argmax(-1)]
        return labels

    def score(self, X: Any, y: Any, sample_weight: Any = None) -> float:
        """Return the accuracy: the share of cases or, with ``output="each_step"``, of steps whose label is right.

        Parameters
        ----------
        X, y : as in `fit`
        sample_weight : array-like of shape (n_cases,), optional
            How much each case, or each of its steps, counts.
        """
        check_is_fitted(self, "network_")
        if not self.network_.size.each_step:
            return float(super().score(X, y, sample_weight))
        found = self.predict(X)
        lengths = np.array([len(part) for part in found])
        truth, codes = read_step_labels(y, lengths, several=False)
        right = truth[codes] == np.concatenate(list(found))
        weight = None if sample_weight is None else np.repeat(np.asarray(sample_weight, np.float64), lengths)
        return float(np.average(right, weights=weight))

    def save(self, path: Any) -> None:
        """Save the fitted classifier in a folder: weights as safetensors, all else as JSON, never pickle.

        Parameters
        ----------
        path : str or PathLike
            The folder. It is written completely or not at all; a saved classifier that stands there is replaced.

        Raises
        ------
        NotFittedError
            Before `fit`.
        ParameterError
            If the folder holds anything but a saved classifier, or a parameter has no written form.
        """
        save_classifier(self, path)

    @classmethod
    def load(cls, path: Any) -> Self:
        """Load a classifier that `save` wrote; its predictions are those of the saved one.

        Parameters
        ----------
        path : str or PathLike

        Raises
        ------
        DataError
            If the files are missing, damaged, foreign, or made by a newer tsrnn. Nothing in them is executed.
        """
        return load_classifier(path, cls)

    @property
    def vocabulary_(self) -> Vocabulary | None:
        """The tokens that are known, of a classifier of texts."""
        return self.reader_ if isinstance(self.reader_, Vocabulary) else None

    def __sklearn_tags__(self) -> Any:
        tags = super().__sklearn_tags__()
        tags.input_tags.allow_nan = True
        tags.input_tags.three_d_array = True
        tags.input_tags.string = self.tokens is not None
        return tags

    def _keep(self, record: TrainingRecord) -> None:
        """Keep what a training has told, also one that broke down."""
        steps_per_epoch = record.history[0].step if record.history else 1
        rows = [
            (
                row.step // steps_per_epoch,
                row.train_loss,
                row.train_scores["accuracy"],
                row.validation_loss,
                row.validation_scores.get("accuracy", np.nan),
                row.seconds,
            )
            for row in record.history
        ]
        self.history_ = pd.DataFrame(rows, columns=list(HISTORY)).astype({"epoch": np.int64})
        self.best_epoch_ = record.best_step // steps_per_epoch
        self.stopped_early_ = record.stopped_early

    def _read_training_cases(self, X: Any) -> Cases:
        """Read the cases of `fit`, and learn from them how they are scaled or numbered."""
        if self.tokens is not None:
            texts = split_cases(X, self.tokens)
            words = self.tokens == "word"
            items = tuple(sorted({token for text in texts for token in text}))
            self.reader_ = Vocabulary(items, self.tokens, lowercase=words, spaces=not words, unknown=True)
            return read_texts(texts, self.reader_)
        sequences, _ = self._read_numbers(X, keep_length=self.output == "each_step", reset=True)
        self.reader_ = ChannelScaler.of(sequences, self.scaling)
        return self.reader_.read(sequences)

    def _read_cases(self, X: Any) -> tuple[Cases, bool]:
        """Read cases as those of `fit` were, and tell whether an answer for each step fits an array."""
        if isinstance(self.reader_, Vocabulary):
            return read_texts(split_cases(X, self.reader_.tokens), self.reader_), False
        sequences, is_array = self._read_numbers(X, keep_length=self.network_.size.each_step, reset=False)
        expected, found = self.network_.size.n_inputs, sequences[0].shape[1]
        if found != expected:
            raise DataError(
                f"X has {counted(found, 'channel')}, but the classifier was fitted on {expected}. Expected as many."
            )
        return self.reader_.read(sequences), is_array

    def _read_numbers(self, X: Any, *, keep_length: bool, reset: bool) -> tuple[list[npt.NDArray[np.float64]], bool]:
        """Read sequences of numbers, of which scikit-learn checks a table, or with `reset` learns its columns."""
        table = as_table(X)
        if table is not None:
            X = validate_data(self, X=table, reset=reset, dtype=np.float64, ensure_all_finite="allow-nan")
        return read_sequences(X, keep_length=keep_length)
