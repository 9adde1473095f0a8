"""The gallery page of the documentation, made from the entries of the figures."""

from __future__ import annotations

import textwrap

from .entry import FigureEntry
from .registry import WINGS, list_figures

__all__ = ["gallery_page"]

_TITLES = {
    "projection": ("Is my sample large enough?", "large_enough"),
    "density": ("Which regime is my density estimate in?", "trust_density"),
    "generalization": ("How far can training and test error differ?", "what_bounds_tell"),
    "alignment": ("How much reward does a KL budget buy?", "best_of_n"),
}

_OPENING = """\
Figures
=======

.. This page is made by infostat.reporting.figures.gallery_page; change the entries of the figures instead.

Every figure of the four questions, drawn by the code that ships with the package. In a terminal,

.. code-block:: console

   $ infostat figures --list
   $ infostat figures alignment-frontier E2 --output figures --format svg
   $ infostat figures density --quick
   $ infostat figures --seed 7 --jobs 2

prints the names, writes two figures, those of a wing with fewer replicates, and all of them (about {minutes} on
two cores). Beside each picture lie its data as CSV, and its caption with settings, seed and versions. A name or the
short name in parentheses is accepted, in upper or lower case. In Python,

.. code-block:: python

   from infostat.reporting.figures import make_figure

   figure = make_figure("alignment-frontier")
   figure.plot()
   figure.to_frame()  # panel, curve, nature, x, y, low, high

The column ``nature`` says for every curve whether it is ``exact``, a ``bound``, an ``estimate`` from data or by
simulation, or a ``proxy``: an approximation that is neither. Without a seed the figures below are made again to the
last digit, whatever the number of workers; another seed shows what chance has to do with them.
"""


def gallery_page(folder: str = "figures") -> str:
    """Return the gallery page as reStructuredText.

    Parameters
    ----------
    folder : str
        Where pictures (``.png``) and data (``.csv``) lie, relative to the page.

    Returns
    -------
    str
        The page; pictures are made by :func:`infostat.reporting.figures.write_figures`.
    """
    entries = list_figures()
    total = sum(entry.seconds for entry in entries)
    minutes = f"{max(1, round(total / 60.0))} minutes"
    parts = [_OPENING.format(minutes=minutes)]
    for wing in WINGS:
        title, page = _TITLES[wing]
        parts.append(f"{title}\n{'-' * len(title)}\n\nThe question is explained on :doc:`{page}`.\n")
        parts += [_section(entry, folder) for entry in entries if entry.wing == wing]
    return "\n".join(parts)


def _section(entry: FigureEntry, folder: str) -> str:
    """Heading, picture, caption, command and data of one figure."""
    caption = textwrap.fill(entry.caption, 106, initial_indent="   ", subsequent_indent="   ")
    alt = textwrap.shorten(entry.title, 200)
    return (
        f".. _figure-{entry.name}:\n\n"
        f"{entry.title}\n{'~' * len(entry.title)}\n\n"
        f".. figure:: {folder}/{entry.name}.png\n   :alt: {alt}\n   :width: 100%\n\n{caption}\n\n"
        f"``{entry.name}`` ({entry.alias}) · :download:`data <{folder}/{entry.name}.csv>`\n"
    )
