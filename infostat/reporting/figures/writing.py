"""Write figures to a folder: the picture, its data and its caption."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path

from ...core.errors import DataFileError, InputTypeError, describe
from ...core.files import check_writable, write_atomic
from ...core.page import versions
from ...core.progress import Progress
from ...core.replicates import check_jobs
from ...core.rng import RngLike, as_seed_sequence
from ...core.style import figure_bytes
from ...core.tables import format_cell
from ...core.validation import check_choice, check_flag, short
from .display import show_progress
from .gallery_figure import GalleryFigure
from .making import run_entry
from .registry import find_figures

__all__ = ["KINDS", "caption_text", "write_figures"]

KINDS = ("pdf", "svg", "png")


def write_figures(
    folder: str | Path,
    names: str | Iterable[str] | None = None,
    *,
    kind: str = "pdf",
    rng: RngLike = None,
    quick: bool = False,
    n_jobs: int | None = None,
    progress: Progress = False,
) -> tuple[Path, ...]:
    """Compute figures and write each with its data and its caption.

    Parameters
    ----------
    folder : str or Path
        Where to write; it is made if only its last part is missing. A file of the same name is replaced.
    names : str or iterable of str, optional
        Names, aliases or wings; all figures if None.
    kind : {"pdf", "svg", "png"}
        Format of the pictures.
    rng : None, int, SeedSequence or Generator
        Seed of every figure; None takes the seeds of the gallery. A figure does not depend on which
        others are made.
    quick : bool
        Run fewer replicates.
    n_jobs : int, optional
        Parallel workers; the files do not depend on it.
    progress : bool or callable
        True draws bars on stderr; a callable gets ``(figures done, total)``.

    Returns
    -------
    tuple of Path
        Per figure the picture, the data (``.csv``) and the caption with settings, seed and versions
        (``.md``). Every file appears whole or not at all; what was finished before an interruption stays.

    Raises
    ------
    InputError
        If a name or the format is unknown.
    DataFileError
        If the folder cannot be made or written to.

    Examples
    --------
    >>> import tempfile
    >>> from infostat.reporting.figures import write_figures
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     [path.name for path in write_figures(folder, "projection-thresholds", kind="svg")]
    ['projection-thresholds.svg', 'projection-thresholds.csv', 'projection-thresholds.md']
    """
    entries = find_figures(names)
    suffix = check_choice("kind", kind, KINDS)
    check_flag("quick", quick)
    check_jobs(n_jobs)
    # Drawn from once: a Generator would give every figure another seed.
    seed = None if rng is None else as_seed_sequence(rng)
    written: list[Path] = []
    with show_progress(progress, len(entries)) as begin:
        target = _folder(folder, [f"{entry.name}.{suffix}" for entry in entries])
        for done, entry in enumerate(entries):
            report = begin(done, entry.name)
            written += _write(run_entry(entry, seed, quick, n_jobs, report), target, suffix)
        begin(len(entries), "")
    return tuple(written)


def caption_text(figure: GalleryFigure) -> str:
    """Return the caption of a figure, with all that is needed to make it again, as Markdown.

    Parameters
    ----------
    figure : GalleryFigure
        The figure.

    Returns
    -------
    str
        Title, caption, interpretation, numbers, settings, versions.
    """
    lines = [f"# {figure.title}", "", figure.caption, ""]
    if figure.interpretation:
        lines += [figure.interpretation, ""]
    facts = {**{key.replace("_", " "): format_cell(value) for key, value in figure.numbers.items()}}
    facts |= {key: format_cell(value) for key, value in figure._settings().items()}
    facts |= versions()
    return "\n".join([*lines, *(f"- {key}: {value}" for key, value in facts.items())]) + "\n"


def _folder(folder: str | Path, names: list[str]) -> Path:
    """The folder, made if need be, before minutes of work are done for it."""
    if not isinstance(folder, (str, Path)):
        raise InputTypeError(describe("folder", "the path of a folder", short(folder)))
    target = Path(folder)
    if not target.is_dir():
        check_writable(target, what="the folder")  # its parent has to exist, and it must be no file
        try:
            target.mkdir()
        except OSError as error:
            raise DataFileError(f"the folder {target} cannot be made: {error.strerror or error}") from error
    for name in names:
        check_writable(target / name)
    return target


def _write(figure: GalleryFigure, folder: Path, suffix: str) -> list[Path]:
    """Write the files of one figure; all of them are rendered before the first one is written."""
    contents = {
        suffix: figure_bytes(figure._draw, suffix),
        "csv": str(figure.frame.to_csv(index=False)).encode(),
        "md": caption_text(figure).encode(),
    }
    paths = []
    for ending, content in contents.items():
        paths.append(folder / f"{figure.name}.{ending}")
        write_atomic(paths[-1], content)
    return paths
