"""Makes the pictures of docs/figures.rst when the documentation is built.

A picture is made again when its own module or the machinery of the figures has changed, as the
gallery of examples does it; ``make clean`` removes them all.
"""

from __future__ import annotations

import hashlib
import importlib
from pathlib import Path
from typing import Any

FOLDER = "figures"


def _stamp(entry: Any) -> str:
    """Fingerprint of what a figure is made by."""
    from infostat.core import style
    from infostat.reporting import figures

    package = Path(figures.__file__).parent
    own = importlib.import_module(f"{figures.__name__}.catalogue.{entry.name.replace('-', '_')}").__file__
    sources = [*sorted(package.glob("*.py")), Path(own), Path(style.__file__)]
    return hashlib.sha256(b"".join(path.read_bytes() for path in sources)).hexdigest()


def make_pictures(app: Any) -> None:
    """Write the pictures and data that are missing or out of date."""
    from sphinx.util import logging
    from sphinx.util.display import status_iterator

    from infostat.reporting.figures import list_figures, write_figures

    folder = Path(app.srcdir) / FOLDER
    folder.mkdir(exist_ok=True)
    todo = []
    for entry in list_figures():
        mark = folder / f"{entry.name}.stamp"
        files = (folder / f"{entry.name}.png", folder / f"{entry.name}.csv", mark)
        if not all(path.exists() for path in files) or mark.read_text("utf-8") != _stamp(entry):
            todo.append(entry)
    logging.getLogger(__name__).info(f"figures: {len(todo)} to make")
    for entry in status_iterator(todo, "making figures... ", length=len(todo), stringify_func=lambda e: e.name):
        write_figures(folder, entry.name, kind="png", n_jobs=2)
        (folder / f"{entry.name}.stamp").write_text(_stamp(entry), "utf-8")


def setup(app: Any) -> dict[str, Any]:
    """Register with Sphinx."""
    app.connect("builder-inited", make_pictures)
    return {"parallel_read_safe": True, "parallel_write_safe": True}
