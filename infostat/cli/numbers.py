"""Lists and grids of numbers on the command line."""

from __future__ import annotations

import typer

__all__ = ["count_list", "number_list"]


def number_list(option: str, text: str) -> list[float]:
    """Return the numbers that an option lists.

    Parameters
    ----------
    option : str
        The option, for the message.
    text : str
        ``"0.1,0.3"``, or ``"LOW:HIGH:COUNT"`` for a geometric grid.

    Returns
    -------
    list of float
        The numbers in order.

    Raises
    ------
    typer.BadParameter
        If the text is neither.

    Examples
    --------
    >>> number_list("--alphas", "0.1,0.3"), number_list("--alphas", "1:4:3")
    ([0.1, 0.3], [1.0, 2.0, 4.0])
    """
    try:
        if text.count(":") == 2:
            from ..reporting.grid_options import geometric

            return geometric(text)
        return [float(part) for part in text.split(",")]
    except ValueError:
        raise typer.BadParameter(
            f"{option} takes numbers with commas between them, or LOW:HIGH:COUNT with 0 < LOW < HIGH "
            f"and 2 <= COUNT <= 10000; got {text!r}"
        ) from None


def count_list(option: str, text: str) -> list[int]:
    """Return the whole numbers that an option lists.

    Parameters
    ----------
    option : str
        The option, for the message.
    text : str
        ``"1,10,100"``.

    Returns
    -------
    list of int
        The numbers in order.

    Raises
    ------
    typer.BadParameter
        If the text is something else.

    Examples
    --------
    >>> count_list("--m", "1,10,100")
    [1, 10, 100]
    """
    try:
        return [int(part) for part in text.split(",")]
    except ValueError:
        raise typer.BadParameter(f"{option} takes whole numbers with commas between them, got {text!r}") from None
