"""``tsrnn text``: learn from a text, write more of it, and score others by it."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

import click

from tsrnn.commands.options import CELLS, TOKENS, FiniteRange, output_options
from tsrnn.commands.writing import check_output, chosen_format, write_frame, write_text
from tsrnn.errors import DataError

if TYPE_CHECKING:
    import pandas as pd

    from tsrnn.commands.voice import Work
    from tsrnn.sequences.text_scores import TextScore
    from tsrnn.training.trainer import Progress


@click.group(name="text")
def command() -> None:
    """Learn how a text goes on, character by character or word by word, and write more of it.

    \b
    Examples:
      tsrnn datasets hamlet --output hamlet.txt
      tsrnn text train hamlet.txt --save hamlet --time-budget 120
      tsrnn text generate --model hamlet --prompt "To be, or not to be"
    """


@command.command(name="train")
@click.argument("file")
@click.option("--save", required=True, type=click.Path(), help="Folder to save the model in.")
@click.option("--tokens", type=click.Choice(TOKENS), default="char", show_default=True, help="What is read at a time.")
@click.option("--cell", type=click.Choice(CELLS), default="gru", show_default=True, help="Recurrent cell.")
@click.option("--time-budget", type=FiniteRange(min=0, min_open=True), help="Seconds for training.")
@click.option(
    "--epochs", type=click.IntRange(min=1), help="Passes over the text at most. Default: 10; in a budget, 50."
)
@click.option("--hidden-size", type=click.IntRange(min=1), help="Width of the state. Default: by the text's length.")
@click.option(
    "--layers", type=click.IntRange(min=1), help="Recurrent layers. Default: 1; in a long budget for the text, 2."
)
@click.option(
    "--dropout",
    type=FiniteRange(min=0, max=1, max_open=True),
    help="Share of the state dropped in training, against learning by heart. Default: 0.1; in a budget, 0 to 0.2 by "
    "how often it lets the text be read.",
)
@click.option(
    "--weight-dropout",
    type=FiniteRange(min=0, max=1, max_open=True),
    help="Share of the recurrent weights dropped in training. Default: 0; in a long budget for the text, 0.4.",
)
@click.option(
    "--learning-rate",
    type=FiniteRange(min=0, min_open=True),
    help="The highest one. Default: 0.003; in a long budget, 0.002.",
)
@click.option("--mixed-precision", is_flag=True, help="Multiply in bfloat16: faster on processors that have it.")
@click.option("--seed", type=click.IntRange(min=0), default=0, show_default=True, help="Random seed.")
@output_options(("table", "json", "csv"))
def train_command(
    file: str,
    save: str,
    tokens: str,
    cell: str,
    time_budget: float | None,
    epochs: int | None,
    hidden_size: int | None,
    layers: int | None,
    dropout: float | None,
    weight_dropout: float | None,
    learning_rate: float | None,
    mixed_precision: bool,
    seed: int,
    format_: str | None,
    output: str | None,
    quiet: bool,
) -> None:
    """Learn from the text in FILE, and save the model.

    FILE is plain text in UTF-8, or - for stdin.

    Prints how well the held-back end of the text is predicted, beside an n-gram model of the rest.

    After Ctrl-C or a power cut the same command goes on where training stood; the file DIR.unfinished, which is
    deleted at the end, says where.

    \b
    Examples:
      tsrnn text train hamlet.txt --save hamlet
      tsrnn text train works.txt --save works --time-budget 3600 --mixed-precision
    """
    format_ = chosen_format(format_, output)
    check_output(reads=(file,), models=(save,), output=output)
    from tsrnn.commands.voice import Voice
    from tsrnn.data.texts import read_text_file
    from tsrnn.forecasting.model_folder import check_target, read_path
    from tsrnn.sequences.text_generator import TextGenerator
    from tsrnn.sequences.text_saving import KIND

    voice = Voice(quiet)
    folder = read_path(save)
    text = read_text_file(file)
    check_target(folder, KIND)  # before a training whose network could not be kept
    unfinished = Path(f"{folder if folder.name else folder.absolute()}.unfinished")  # "." has no name
    with voice.working("train") as work:
        model = TextGenerator(
            tokens=tokens,
            cell=cell,
            time_budget=time_budget,
            hidden_size=hidden_size,
            num_layers=layers,
            dropout=dropout,
            weight_dropout=weight_dropout,
            max_epochs=epochs,
            learning_rate=learning_rate,
            mixed_precision=mixed_precision,
            random_state=seed,
            verbose=_reporter(work, time_budget),
        )
        if unfinished.exists():
            voice.say(f"Going on from {unfinished}.")
        try:
            model.fit(text, checkpoint=unfinished)
            model.save(folder)
        except OSError as error:
            raise DataError(f"{save} cannot be written: {error.strerror or error}. Choose another --save.") from error
        except KeyboardInterrupt:
            if unfinished.exists():
                voice.say(f"The same command goes on from {unfinished}.")
            raise
    unfinished.unlink(missing_ok=True)
    voice.say(model.summary())
    network, ngrams = model.validation_score_, model.baseline_score_
    if network is not None and ngrams is not None and network.nats > ngrams.nats:
        voice.say("The n-gram model predicts better: train longer (--time-budget, --epochs), or on a longer text.")
    voice.say(f"Model: {folder}")
    write_frame(score_table({"network": network, "n-grams": ngrams}), format_, output)


def _reporter(work: Work, time_budget: float | None) -> Callable[[Progress], None]:
    def report(state: Progress) -> None:
        work.told(max(state.step / state.max_steps, state.seconds / time_budget if time_budget else 0.0))
        work(
            f"step {state.step}, nats per token: training {state.train_loss:.3f}, held back {state.validation_loss:.3f}"
        )

    return report


@command.command(name="generate")
@click.option("--model", "folder", required=True, type=click.Path(), help="Folder of a saved model.")
@click.option("--prompt", help="What the text begins with. Default: a new line.")
@click.option("--length", type=click.IntRange(min=0), default=500, show_default=True, help="Tokens to write.")
@click.option(
    "--temperature",
    type=FiniteRange(min=0),
    default=0.8,
    show_default=True,
    help="0 takes the likeliest token each time, 1 draws by the model's probabilities.",
)
@click.option("--top-k", type=click.IntRange(min=1), help="Draw among so many of the likeliest tokens. Default: all.")
@click.option("--seed", type=click.IntRange(min=0), help="The same seed writes the same text. Default: a fresh one.")
@click.option("--output", type=click.Path(dir_okay=False), help="Write to this file instead of stdout.")
def generate_command(
    folder: str,
    prompt: str | None,
    length: int,
    temperature: float,
    top_k: int | None,
    seed: int | None,
    output: str | None,
) -> None:
    """Write text with a model that `tsrnn text train` saved.

    \b
    Examples:
      tsrnn text generate --model hamlet
      tsrnn text generate --model hamlet --prompt "Ham." --length 1000 --temperature 0.5 --seed 1
    """
    check_output(models=(folder,), output=output)
    from tsrnn.sequences.text_generator import TextGenerator

    model = TextGenerator.load(folder)
    begin = prompt
    if begin is None:
        begin = next((token for token in ("\n", " ") if token in model.vocabulary_.items), None)
        if begin is None:
            raise click.UsageError("The model's text has no new line to begin with; give a --prompt.")
    text = model.generate(begin, length, temperature, top_k, seed)
    write_text(text if prompt is not None else text.removeprefix(begin), output)


@command.command(name="score")
@click.argument("file")
@click.option("--model", "folder", required=True, type=click.Path(), help="Folder of a saved model.")
@output_options(("table", "json", "csv"))
def score_command(file: str, folder: str, format_: str | None, output: str | None, quiet: bool) -> None:
    """Tell how well a model predicts the text in FILE.

    In nats and bits for each character (or word), and as perplexity.

    \b
    Example:
      tsrnn text score othello.txt --model hamlet
    """
    format_ = chosen_format(format_, output)
    check_output(reads=(file,), models=(folder,), output=output)
    from tsrnn.data.texts import read_text_file
    from tsrnn.sequences.text_generator import TextGenerator

    model = TextGenerator.load(folder)
    score = model.score_text(read_text_file(file))
    write_frame(score_table({"network": score}), format_, output)


def score_table(scores: dict[str, TextScore | None]) -> pd.DataFrame:
    """Return a row for each score that there is.

    >>> from tsrnn.sequences.text_scores import TextScore
    >>> score_table({"network": TextScore(1386.294361, 1000, 1000), "n-grams": None}).round(3)
         model  tokens  nats_per_token  bits_per_character  perplexity
    0  network    1000           1.386                 2.0         4.0
    """
    import pandas as pd

    columns = ["model", "tokens", "nats_per_token", "bits_per_character", "perplexity"]
    rows = [
        (name, score.n_tokens, score.nats_per_token, score.bits_per_character, score.perplexity)
        for name, score in scores.items()
        if score is not None
    ]
    return pd.DataFrame(rows, columns=columns)
