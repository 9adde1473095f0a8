"""Formulas as MathML, which browsers draw by themselves: no scripts, no fonts, no network.

The converter is the one that docutils brings. A formula that it cannot read is a warning, and so an
error of the build.
"""

from __future__ import annotations

import re
from typing import Any

from docutils import nodes
from docutils.utils.math import MathError
from docutils.utils.math.latex2mathml import tex2mathml
from sphinx.application import Sphinx
from sphinx.util import logging
from sphinx.writers.html5 import HTML5Translator

LOGGER = logging.getLogger(__name__)


_FUNCTION = r"(\\(?:log|exp|cos|sin|tanh)(?![A-Za-z])|\\operatorname\{\w+\})"
# What the converter reads differently from LaTeX, or not at all, and how to say it so that both agree.
_REWRITTEN = (
    (r"\\dots(?![A-Za-z])", r"\\ldots"),
    (r"\\([bB]igg?)\s*(?=\\langle|\(|\[|\\\{)", r"\\\1l"),  # large brackets say on which side they are
    (r"\\([bB]igg?)\s*(?=\\rangle|\)|\]|\\\})", r"\\\1r"),
    (r"(\\[td]?frac)\s*(\d)(\d)", r"\1{\2}{\3}"),  # digits are one number for it, two arguments for LaTeX
    (r"(\\[td]?frac)\s*(\d)(?=[A-Za-z{\\])", r"\1{\2}"),
    # An index belongs to the letter together with its accent.
    (r"\\(tilde|hat|bar)\s*(\\[A-Za-z]+|[A-Za-z])(?=\s*[_^])", r"{\\\1{\2}}{}"),
    # A thin space between the name of a function and an argument without brackets.
    (_FUNCTION + r"\s*(?=[A-Za-z0-9]|\\[a-zA-Z])(?!\\[bB]ig|\\left|\\,)", r"\1\\,"),
)


def to_mathml(tex: str, *, block: bool) -> str:
    """Return a formula of LaTeX as MathML; lines of a block are aligned at ``&``."""
    text = tex
    for pattern, replacement in _REWRITTEN:
        text = re.sub(pattern, replacement, text)
    if block and ("&" in text or r"\\" in text) and r"\begin" not in text:
        text = rf"\begin{{aligned}}{text}\end{{aligned}}"
    found = str(tex2mathml(text, as_block=block))
    return found.replace("<mtable", '<mtable displaystyle="true"') if block else found


def _write(translator: HTML5Translator, node: nodes.Element, *, block: bool) -> None:
    try:
        markup = to_mathml(node.astext(), block=block)
    except MathError as error:
        LOGGER.warning("formula cannot be turned into MathML: %s", error, location=node)
        markup = f"<code>{translator.encode(node.astext())}</code>"
    kind = "math aligned" if "&" in node.astext() and r"\begin" not in node.astext() else "math"
    translator.body.append(f'<div class="{kind}">{markup}</div>\n' if block else markup)
    raise nodes.SkipNode


def _inline(translator: HTML5Translator, node: nodes.math) -> None:
    _write(translator, node, block=False)


def _block(translator: HTML5Translator, node: nodes.math_block) -> None:
    _write(translator, node, block=True)


def setup(app: Sphinx) -> dict[str, Any]:
    """Make it the way in which pages show formulas."""
    app.add_html_math_renderer("offline", (_inline, None), (_block, None))
    app.config.html_math_renderer = "offline"  # type: ignore[attr-defined]
    return {"parallel_read_safe": True, "parallel_write_safe": True}
