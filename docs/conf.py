"""Settings of the documentation; it is built without any network access."""

from __future__ import annotations

import configparser
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(ROOT))
sys.path.insert(0, str(ROOT / "docs" / "_ext"))

_setup = configparser.ConfigParser()
_setup.read(ROOT / "setup.cfg", encoding="utf-8")

project = "infostat"
author = _setup["metadata"]["author"]
copyright = f"2026, {author}"
version = release = _setup["metadata"]["version"]

extensions = [
    "sphinx.ext.autodoc",
    "sphinx.ext.autosummary",
    "offline_math",  # docs/_ext: formulas without scripts or network
    "sphinx_gallery.gen_gallery",
    "numpydoc",
    "figure_gallery",  # docs/_ext: the pictures of figures.rst
    "benchmark_table",  # docs/_ext: the times of comparison.rst
]
exclude_patterns = ["_build", "gallery/*.ipynb", "gallery/*.py.md5"]
templates_path = ["_templates"]
html_static_path = ["_static"]
html_css_files = ["infostat.css"]
default_role = "code"  # `name` in a docstring is a name

# The reference lists what each package exports: __all__ is the one place that decides.
autosummary_generate = True
autosummary_ignore_module_all = False
autosummary_imported_members = True
autodoc_typehints = "none"  # numpydoc sections say the types in words
numpydoc_show_class_members = False

sphinx_gallery_conf = {
    "examples_dirs": ["../examples"],
    "gallery_dirs": ["gallery"],
    "filename_pattern": r"[/\\]plot_",
    "ignore_pattern": r"__init__\.py",
    "within_subsection_order": "FileNameSortKey",
    "capture_repr": ("_repr_html_", "__repr__"),
    "remove_config_comments": True,
    "show_memory": False,
    "show_signature": False,
    "download_all_examples": False,
    "min_reported_time": 1e9,  # times of one machine are no news to the reader
    "write_computation_times": False,
}

html_theme = "pydata_sphinx_theme"
html_title = f"infostat {release}"
html_show_sourcelink = False
html_theme_options = {
    "show_prev_next": True,
    "navigation_with_keys": False,
    "navbar_center": ["main-links"],
    "secondary_sidebar_items": ["page-toc"],
    "footer_start": ["copyright"],
    "footer_end": [],
}
# Every page, under the captions of the landing page, which needs no list beside it.
html_sidebars = {"index": [], "**": ["globaltoc"]}
