"""The tokens of texts and their numbers."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
import numpy.typing as npt

from tsrnn.errors import DataError, ParameterError
from tsrnn.naming import counted
from tsrnn.parameters import check_choice

TOKENS = ("char", "word")

# What an unknown token is written as; no text that was decoded without errors needs this character.
UNKNOWN = "\N{REPLACEMENT CHARACTER}"

# A word with its inner apostrophes and hyphens, a run of white space, or any other single character.
_WORD = re.compile(r"\w+(?:['’\-]\w+)*|\s+|[^\w\s]")


def split_text(text: str, tokens: str, *, lowercase: bool = False, spaces: bool = True) -> list[str]:
    """Split a text into characters, or into words, punctuation marks and runs of white space.

    Parameters
    ----------
    text : str
    tokens : {"char", "word"}
    lowercase : bool
        Whether letters are made small first.
    spaces : bool
        Whether white space is kept. With it, and without `lowercase`, the joined tokens are the text.

    Raises
    ------
    ParameterError
        If `tokens` is neither.

    Examples
    --------
    >>> split_text("Don't stop!", "word")
    ["Don't", ' ', 'stop', '!']
    >>> split_text("Don't stop!", "word", lowercase=True, spaces=False)
    ["don't", 'stop', '!']
    """
    check_choice("tokens", tokens, TOKENS)
    text = text.lower() if lowercase else text
    parts = list(text) if tokens == "char" else _WORD.findall(text)
    return parts if spaces else [part for part in parts if not part.isspace()]


@dataclass(frozen=True)
class Vocabulary:
    """The tokens that a model knows; a token's number is its place among them.

    Parameters
    ----------
    items : tuple of str
        Distinct. With `unknown`, number 0 is none of them but stands for every other token.
    tokens : {"char", "word"}
    lowercase, spaces : bool
        As in `split_text`.
    unknown : bool
        Whether tokens that are not among the items have a number, 0; without it they are an error.

    Examples
    --------
    >>> vocabulary = Vocabulary.of(["to be or not to be"], "word")
    >>> vocabulary.items
    (' ', 'be', 'not', 'or', 'to')
    >>> vocabulary.encode("not to be").tolist()
    [2, 0, 4, 0, 1]
    >>> vocabulary.decode([4, 0, 1])
    'to be'
    """

    items: tuple[str, ...]
    tokens: str = "char"
    lowercase: bool = False
    spaces: bool = True
    unknown: bool = False

    @classmethod
    def of(
        cls,
        texts: Iterable[str],
        tokens: str,
        *,
        lowercase: bool = False,
        spaces: bool = True,
        unknown: bool = False,
        min_count: int = 1,
        max_size: int | None = None,
    ) -> Vocabulary:
        """Collect the vocabulary of texts, in the order of code points.

        Parameters
        ----------
        texts : iterable of str
        tokens : {"char", "word"}
        lowercase, spaces, unknown : bool
        min_count : int
            Tokens that are rarer are left out, and need `unknown`.
        max_size : int, optional
            Most numbers, the unknown token's included; the most frequent tokens are kept, of equally frequent ones
            the first in order. Needs `unknown`.

        Raises
        ------
        ParameterError
            If an argument is impossible, or tokens are to be left out without a number for unknown ones.
        """
        if (min_count > 1 or max_size is not None) and not unknown:
            raise ParameterError("min_count and max_size leave tokens out: expected unknown=True with them.")
        if min_count < 1 or (max_size is not None and max_size < 2):
            raise ParameterError(f"min_count={min_count}, max_size={max_size}: expected 1 or more, and 2 or more.")
        counts: Counter[str] = Counter()
        for text in texts:
            counts.update(split_text(text, tokens, lowercase=lowercase, spaces=spaces))
        ranked = sorted((token for token in counts if counts[token] >= min_count), key=lambda t: (-counts[t], t))
        kept = ranked if max_size is None else ranked[: max_size - 1]
        return cls(tuple(sorted(kept)), tokens, lowercase, spaces, unknown)

    def __len__(self) -> int:
        return len(self.items) + self.unknown

    @cached_property
    def _numbers(self) -> dict[str, int]:
        return {item: number for number, item in enumerate(self.items, start=int(self.unknown))}

    def split(self, text: str) -> list[str]:
        """Split a text into this vocabulary's kind of tokens, known or not."""
        return split_text(text, self.tokens, lowercase=self.lowercase, spaces=self.spaces)

    def encode(self, text: str) -> npt.NDArray[np.int64]:
        """Return the numbers of a text's tokens, shape (n_tokens,); see `number`."""
        return self.number(self.split(text))

    def number(self, parts: Sequence[str]) -> npt.NDArray[np.int64]:
        """Return the numbers of tokens, shape (n_tokens,).

        Raises
        ------
        DataError
            If a token is unknown and the vocabulary has no number for such.
        """
        numbers = self._numbers
        if self.unknown:
            return np.fromiter((numbers.get(part, 0) for part in parts), np.int64, len(parts))
        strange = sorted({part for part in parts if part not in numbers})
        if strange:
            kind = "character" if self.tokens == "char" else "word"
            raise DataError(
                f"{counted(len(strange), f'{kind} is', f'{kind}s are')} not in the vocabulary of {len(self):,}, for "
                f"example {', '.join(map(repr, strange[:5]))}. Remove or replace such {kind}s, or fit on a text that "
                "has them."
            )
        return np.fromiter((numbers[part] for part in parts), np.int64, len(parts))

    def decode(self, numbers: Sequence[int] | npt.NDArray[Any]) -> str:
        """Return the joined tokens of numbers; an unknown one is written as U+FFFD.

        Raises
        ------
        ParameterError
            If a number has no token.
        """
        names = ((UNKNOWN,) if self.unknown else ()) + self.items
        wrong = [number for number in numbers if not 0 <= number < len(names)]
        if wrong:
            raise ParameterError(f"{wrong[:5]}: expected numbers from 0 to {len(names) - 1}.")
        return "".join(names[number] for number in numbers)

    def to_json(self) -> dict[str, Any]:
        """Return the vocabulary as values that JSON can hold."""
        return {
            "items": list(self.items),
            "tokens": self.tokens,
            "lowercase": self.lowercase,
            "spaces": self.spaces,
            "unknown": self.unknown,
        }

    @classmethod
    def from_json(cls, content: Any) -> Vocabulary:
        """Return the vocabulary that `to_json` wrote.

        Raises
        ------
        DataError
            If the values are not those of a vocabulary.
        """
        if not isinstance(content, dict) or set(content) != {"items", "tokens", "lowercase", "spaces", "unknown"}:
            raise DataError("the vocabulary is not one that tsrnn wrote")
        items, tokens = content["items"], content["tokens"]
        if not isinstance(items, list) or not all(isinstance(item, str) and item for item in items):
            raise DataError("the vocabulary's items are no list of tokens")
        if len(set(items)) < len(items):
            raise DataError(
                f"{len(items) - len(set(items))} of the vocabulary's {counted(len(items), 'token is', 'tokens are')} "
                "repeated"
            )
        flags = [content[name] for name in ("lowercase", "spaces", "unknown")]
        if tokens not in TOKENS or not all(isinstance(flag, bool) for flag in flags):
            raise DataError(f"tokens={tokens!r}, lowercase, spaces, unknown={flags!r}: not those of a vocabulary")
        return cls(tuple(items), tokens, *flags)
