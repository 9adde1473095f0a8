"""Small tables for the tests of reports, and a reader of pages."""

from __future__ import annotations

from html.parser import HTMLParser
from typing import Any

import numpy as np
import pandas as pd

VOID = {"meta", "link", "br", "hr", "img", "input"}


def mixed(n: int = 160) -> pd.DataFrame:
    """Return a table with a column of every kind."""
    g = np.random.default_rng(5)
    length = g.gamma(4.0, 2.0, n)
    return pd.DataFrame(
        {
            "length": length,
            "height": 0.4 * length + g.normal(size=n),
            "visits": g.poisson(3.0, n),
            "member": g.integers(0, 2, n),
            "active": g.integers(0, 2, n) == 1,
            "city": g.choice(["Oslo", "Bergen", "<b>&_%"], n),
        }
    )


class Page(HTMLParser):
    """Collects tags, attributes and text of a page; fails where tags do not match."""

    def __init__(self, text: str) -> None:
        super().__init__(convert_charrefs=True)
        self.open: list[str] = []
        self.tags: list[tuple[str, dict[str, str | None]]] = []
        self.words: list[str] = []
        self.feed(text)
        self.close()
        assert self.open == []

    def handle_starttag(self, tag: str, attrs: Any) -> None:
        self.tags.append((tag, dict(attrs)))
        if tag not in VOID:
            self.open.append(tag)

    def handle_startendtag(self, tag: str, attrs: Any) -> None:
        assert "svg" in self.open, f"<{tag}/> is no HTML"
        self.tags.append((tag, dict(attrs)))

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag

    def handle_data(self, data: str) -> None:
        if self.open[-1:] != ["style"] and data.strip():
            self.words.append(" ".join(data.split()))

    def names(self) -> set[str]:
        """Return the tags that occur."""
        return {tag for tag, _ in self.tags}

    def ids(self) -> list[str]:
        """Return every id."""
        return [str(attributes["id"]) for _, attributes in self.tags if "id" in attributes]
