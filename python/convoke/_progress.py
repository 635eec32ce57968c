"""Bars for long work, by tqdm where it is there."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager


@contextmanager
def watching(name: str, wanted: bool) -> Iterator[Callable[[str, float], object] | None]:
    """Somebody to be told how far along the work is: a message, and a part of 1, or 0 where nobody knows."""
    try:
        from tqdm import tqdm
    except ImportError:
        wanted = False
    if not wanted:
        yield None
        return
    # None but on a terminal.
    with tqdm(total=1.0, desc=name, disable=None, bar_format="{desc}: {percentage:3.0f}%|{bar}| {postfix}") as bar:

        def observe(message: str, done: float) -> None:
            bar.n = max(bar.n, min(done, 1.0))
            bar.set_postfix_str(message)

        yield observe
