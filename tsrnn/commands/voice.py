"""What a command says on stderr while it works."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager

from rich.console import Console
from rich.progress import BarColumn, Progress, TextColumn, TimeElapsedColumn

# What is over sooner shows no bar.
PATIENCE_SECONDS = 2.0
REDRAW_SECONDS = 0.2
# Without a terminal, a line is written after so long, and then each time twice as late.
FIRST_LINE_SECONDS = 10.0
# Before this much is known, an estimate would jump about.
LEAST_SHARE, LEAST_SECONDS = 0.02, 1.0


class Voice:
    """What a command says on stderr; silent when quiet."""

    def __init__(self, quiet: bool) -> None:
        self.quiet = quiet
        self.console = Console(stderr=True, highlight=False, emoji=False)

    def say(self, *texts: str) -> None:
        """Print each text on a line of its own."""
        if not self.quiet:
            for text in texts:
                self.console.print(text, markup=False, soft_wrap=True)

    @contextmanager
    def working(self, text: str) -> Iterator[Work]:
        """Show how far the work is, with an estimate of the time left, once it takes longer than two seconds."""
        from tsrnn.forecasting.progress import listening

        work = Work(text)
        if self.quiet:
            yield work
            return
        over = threading.Event()
        show = self._draw if self.console.is_terminal else self._write
        watcher = threading.Thread(target=show, args=(work, over), daemon=True)
        watcher.start()
        try:
            with listening(work.told):
                yield work
        finally:
            over.set()
            watcher.join()

    def _draw(self, work: Work, over: threading.Event) -> None:
        """Draw a bar on the terminal until the work is over, and take it away."""
        if over.wait(PATIENCE_SECONDS):
            return
        columns = (
            TextColumn("{task.description}", markup=False),
            BarColumn(bar_width=24),
            TextColumn("{task.fields[share]}", markup=False),
            TimeElapsedColumn(),
            TextColumn("{task.fields[left]}", markup=False),
        )
        with Progress(*columns, console=self.console, transient=True, auto_refresh=False) as bar:
            task = bar.add_task(work.words(), total=None, share="", left="")
            while True:
                known = work.share > 0
                share, left = (f"{work.share:.0%}" if known else ""), work.left_words()
                total = 1.0 if known else None
                bar.update(task, description=work.words(), completed=work.share, total=total, share=share, left=left)
                bar.refresh()
                if over.wait(REDRAW_SECONDS):
                    return

    def _write(self, work: Work, over: threading.Event) -> None:
        """Write a line now and then where there is no terminal."""
        pause = FIRST_LINE_SECONDS
        while not over.wait(pause):
            left = work.left_words()
            done = f": {work.share:.0%} done" if work.share > 0 else ""
            self.say(f"{work.words()}{done}{', ' if left else ''}{left}")
            pause *= 2


class Work:
    """How far a piece of work is; called with words for what is being done.

    Parameters
    ----------
    text : str
        The work as a whole.
    """

    def __init__(self, text: str) -> None:
        self.text, self.step, self.share, self.started = text, "", 0.0, time.monotonic()

    def __call__(self, step: str) -> None:
        """Say what is being done."""
        self.step = step

    def told(self, share: float) -> None:
        """Hear which share of the work is done."""
        self.share = min(max(self.share, share), 1.0)

    def words(self) -> str:
        """Return what is being done."""
        return f"{self.text}: {self.step}" if self.step else self.text

    def left_words(self) -> str:
        """Return an estimate of the time left, or "" while there is none."""
        elapsed = time.monotonic() - self.started
        if self.share < LEAST_SHARE or elapsed < LEAST_SECONDS or self.share >= 1:
            return ""
        return f"about {spoken(elapsed * (1 - self.share) / self.share)} left"


def spoken(seconds: float) -> str:
    """Say a time as people do.

    >>> spoken(7.2), spoken(95), spoken(7300)
    ('8 s', '1 min 35 s', '2 h 1 min')
    """
    whole = int(seconds) + 1 if seconds % 1 else int(seconds)
    if whole < 60:
        return f"{whole} s"
    if whole < 3600:
        return f"{whole // 60} min {whole % 60} s"
    return f"{whole // 3600} h {whole % 3600 // 60} min"
