"""Summaries as text, Markdown, HTML and LaTeX; cells as text."""

from __future__ import annotations

import re
from html.parser import HTMLParser
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from infostat.core.tables import WIDTH, Section, Summary, format_cell, latex_escape

PAIRS = [["n", 1599], ["p", 77], ["verdict", "insufficient"], ["risk (nats)", 0.0471], ["seed", None]]
ROWS = [["T0", 145.4, 135.9], ["rows required", 3693, 3435]]
TABLE = Section(ROWS, ("quantity", "low", "high"), "Intervals")
SUMMARY = Summary("A title", (Section(PAIRS), TABLE), ("First note.", "Second note. " * 20))
AWKWARD = ["a|b", "<b>", "&amp;", 'say "x"', "50 % of $5_#{x}~^2", "back\\slash", "[1] *star*", "two\nlines"]

cells = st.one_of(st.none(), st.booleans(), st.integers(), st.floats(), st.text(max_size=12))


# ------------------------------------------------------------------------- cells
@pytest.mark.parametrize(
    ("value", "text"),
    [
        (None, "-"),
        (True, "yes"),
        (False, "no"),
        (np.True_, "yes"),
        ("word", "word"),
        ("", ""),
        (0, "0"),
        (1599, "1599"),
        (10**12, "1000000000000"),
        (np.int64(7), "7"),
        (np.uint8(7), "7"),
        (0.0, "0"),
        (-0.0, "0"),
        (0.123456, "0.1235"),
        (np.float64(0.123456), "0.1235"),
        (np.float32(0.5), "0.5"),
        (1.0, "1"),
        (-1234.56, "-1235"),
        (9999.4, "9999"),
        (9999.7, "10000"),
        (-9999.7, "-10000"),
        (49915.6, "49916"),
        (9999999.0, "9999999"),
        (1e7, "1.000e+07"),
        (1e-4, "0.0001"),
        (0.00012344, "0.0001234"),
        (9.9e-5, "9.900e-05"),
        (-2e-300, "-2.000e-300"),
        (5e-324, "4.941e-324"),
        (float("inf"), "inf"),
        (float("-inf"), "-inf"),
        (float("nan"), "nan"),
    ],
)
def test_cells(value: Any, text: str) -> None:
    assert format_cell(value) == text


@settings(deadline=None, max_examples=200)
@given(st.floats(-1.797e308, 1.797e308))  # larger ones round up to infinity
def test_a_number_is_printed_to_four_digits_and_reads_back(value: float) -> None:
    # Half a unit of the fourth digit; below the normal range doubles have fewer digits themselves.
    assert float(format_cell(value)) == pytest.approx(value, rel=5.001e-4, abs=5e-324)


# -------------------------------------------------------------------------- text
def test_text_is_aligned_and_as_wide_as_the_rules() -> None:
    lines = str(SUMMARY).splitlines()
    rule = "=" * WIDTH
    assert [lines[0], lines[2]] == [rule, rule]
    assert lines.count(rule) == 3
    assert lines[1].strip() == "A title"
    assert abs(len(lines[1]) - len("A title") - (WIDTH - len(lines[1]))) <= 1
    assert all(len(line) <= WIDTH for line in lines)
    assert all(line == line.rstrip() for line in lines)
    assert repr(SUMMARY) == str(SUMMARY)


def test_pairs_stand_two_in_a_line_and_read_down() -> None:
    lines = str(Summary("t", (Section(PAIRS),))).splitlines()[3:-1]
    assert [line.split() for line in lines] == [
        ["n", "1599", "risk", "(nats)", "0.0471"],
        ["p", "77", "seed", "-"],
        ["verdict", "insufficient"],
    ]
    assert {len(line) for line in lines[:2]} == {WIDTH}
    # The left values end in one column, the right labels begin in one.
    left = zip(lines, ("1599", "77", "insufficient"), strict=True)
    assert {line.index(word) + len(word) for line, word in left} == {WIDTH // 2 - 1}
    assert lines[0].index("risk") == lines[1].index("seed") == WIDTH // 2 + 1


def test_few_or_long_pairs_stand_one_in_a_line() -> None:
    three = str(Summary("t", (Section(PAIRS[:3]),))).splitlines()[3:-1]
    assert [len(line) for line in three] == [WIDTH] * 3
    long = str(Summary("t", (Section([*PAIRS, ["source", "x" * 50]]),))).splitlines()[3:-1]
    assert [line.split()[0] for line in long] == ["n", "p", "verdict", "risk", "seed", "source"]


def test_a_value_longer_than_the_line_is_wrapped() -> None:
    lines = str(Summary("t", (Section([["source", "word " * 40]]),))).splitlines()[3:-1]
    assert len(lines) == 3
    assert lines[0].startswith("source: word")
    assert all(len(line) <= WIDTH for line in lines)
    assert all(line.startswith("    word") for line in lines[1:])


@pytest.mark.parametrize("n_columns", range(1, 9))
def test_columns_of_a_table_end_together_and_the_last_at_the_rule(n_columns: int) -> None:
    header = ("quantity", *(f"c{k}" for k in range(1, n_columns)))
    rows = [["label", *(10.0**k for k in range(1, n_columns))], ["x", *[None] * (n_columns - 1)]]
    head, rule, *body = str(Summary("t", (Section(rows, header),))).splitlines()[3:-1]
    assert rule == "-" * WIDTH
    lines = [head, *body]
    ends = [[match.end() for match in re.finditer(r"\S+", line)][1:] for line in lines]
    assert ends[0] == ends[1] == ends[2]
    assert len(ends[0]) == n_columns - 1
    assert n_columns == 1 or ends[0][-1] == WIDTH


def test_a_long_title_is_wrapped_and_centred() -> None:
    lines = str(Summary("title " * 20)).splitlines()
    assert all(len(line) <= WIDTH for line in lines)
    assert " ".join(line.strip() for line in lines[1:-2]) == ("title " * 20).strip()


@settings(deadline=None, max_examples=60)
@given(st.lists(st.tuples(st.text(max_size=20), cells), max_size=8))
def test_text_never_ends_a_line_with_blanks(rows: list[tuple[str, Any]]) -> None:
    for section in (Section(rows), Section(rows, ("label", "value"))):
        for line in Summary("t", (section,)).to_text().split("\n"):
            assert line == line.rstrip(" ")


# --------------------------------------------------------------------- Markdown
def _markdown_rows(text: str) -> list[list[str]]:
    """Cells of the table lines, split as GitHub does: at every bar without a backslash."""
    rows = [line for line in text.splitlines() if line.startswith("|")]
    return [[cell.strip() for cell in re.split(r"(?<!\\)(?:\\\\)*\|", row)[1:-1]] for row in rows]


def test_markdown_tables_have_one_width_each() -> None:
    text = SUMMARY.to_markdown()
    rows = _markdown_rows(text)
    assert {len(row) for row in rows[:7]} == {2}
    assert {len(row) for row in rows[7:]} == {3}
    assert rows[1] == ["---", "---:"]
    assert rows[7:10] == [["quantity", "low", "high"], ["---", "---:", "---:"], ["T0", "145.4", "135.9"]]
    assert text.startswith("**A title**\n\n|")
    assert "\n\n*Intervals*\n\n|" in text
    assert "\n\nFirst note.\n\n" in text


@pytest.mark.parametrize("label", AWKWARD)
def test_markdown_cells_stay_cells(label: str) -> None:
    text = Summary(label, (Section([[label, label, 1.0]], (label, "b", "c"), label),), (label,)).to_markdown()
    rows = _markdown_rows(text)
    assert [len(row) for row in rows] == [3, 3, 3]
    assert not re.search(r"(?<!\\)<", text)
    assert rows[2][2] == "1"
    assert rows[2][0] == rows[2][1]
    assert "\n" not in rows[2][0]


def test_markdown_escapes_what_would_be_markup() -> None:
    text = Summary("t", (), ("|a| *b* `c` <d> _e_ T0_se",)).to_markdown()
    assert text.endswith(r"\|a\| \*b\* \`c\` \<d> \_e\_ T0_se")


# -------------------------------------------------------------------------- HTML
class _Tags(HTMLParser):
    """Collects text and fails on tags that do not match."""

    def __init__(self) -> None:
        super().__init__()
        self.open: list[str] = []
        self.seen: list[str] = []
        self.texts: list[str] = []

    def handle_starttag(self, tag: str, attrs: Any) -> None:
        self.open.append(tag)
        self.seen.append(tag)

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag

    def handle_data(self, data: str) -> None:
        self.texts.append(data)


def _parse(text: str) -> _Tags:
    parser = _Tags()
    parser.feed(text)
    parser.close()
    assert parser.open == []
    return parser


@pytest.mark.parametrize("word", AWKWARD)
def test_html_shows_every_text_as_it_is(word: str) -> None:
    section = Section([[word, word]], (word, "b"), word)
    parsed = _parse(Summary(word, (section,), (word,)).to_html())
    assert parsed.texts.count(word) == 6
    assert set(parsed.seen) == {"div", "h3", "table", "caption", "thead", "tbody", "tr", "th", "td", "p"}


def test_html_is_a_fragment_with_one_table_a_section() -> None:
    parsed = _parse(SUMMARY.to_html())
    assert parsed.seen.count("table") == 2
    assert parsed.seen.count("tr") == len(PAIRS) + 1 + len(TABLE.rows)
    assert SUMMARY._repr_html_() == SUMMARY.to_html()


# ------------------------------------------------------------------------- LaTeX
SPECIAL = set('\\&%$#_{}~^<>|[]*"')


@pytest.mark.parametrize(
    ("text", "source"),
    [
        ("\\", r"\textbackslash{}"),
        ("&", r"\&"),
        ("%", r"\%"),
        ("$", r"\$"),
        ("#", r"\#"),
        ("_", r"\_"),
        ("{", r"\{"),
        ("}", r"\}"),
        ("~", r"\textasciitilde{}"),
        ("^", r"\textasciicircum{}"),
        ("<", r"\textless{}"),
        (">", r"\textgreater{}"),
        ("|", r"\textbar{}"),
        ('"', r"{\char34}"),
        ("[1] x", "{[}1] x"),
        ("*", "{*}"),
        ("two\n\nlines\t", "two lines"),
        ("\\{", r"\textbackslash{}\{"),
        ("λ, Γ, ς, Ω, ο, Α", r"$\lambda$, $\Gamma$, $\varsigma$, $\Omega$, o, A"),
        ("≤ ² ‖ é", r"$\leq$ $^2$ $\Vert$ é"),
    ],
)
def test_latex_escapes(text: str, source: str) -> None:
    assert latex_escape(text) == source


def _unescaped(source: str) -> str:
    """What is left when the commands that latex_escape writes are taken away."""
    source = re.sub(r"\$(\\[A-Za-z]+|-|\^[23])\$|\{\\char34\}|\{[\[*]\}", "", source)
    return re.sub(r"\\text[a-z]+\{\}|\\[&%$#_{}]", "", source)


@settings(deadline=None, max_examples=200)
@given(st.text(alphabet=st.sampled_from(sorted(SPECIAL) + list("a1 \nλΣ²")), max_size=30))
def test_latex_source_has_no_live_special_character(text: str) -> None:
    left = _unescaped(latex_escape(text))
    assert set(left) & SPECIAL <= {"]"}
    assert "\n" not in left


@pytest.mark.parametrize("word", AWKWARD)
def test_latex_tables_are_balanced_and_rows_have_their_cells(word: str) -> None:
    table = Section([[word, word, 1.0]], (word, "b", "c"), word)
    source = Summary(word, (table, Section(PAIRS)), (word,)).to_latex()
    stack: list[str] = []
    for kind, name in re.findall(r"\\(begin|end)\{(\w+)\}", source):
        if kind == "begin":
            stack.append(name)
        else:
            assert stack.pop() == name
    assert stack == []
    plain = re.sub(r"\\[{}]", "", source)
    assert plain.count("{") == plain.count("}")
    rows = [line for line in source.splitlines() if line.endswith(r" \\") and "multicolumn" not in line]
    assert [len(re.findall(r"(?<!\\)&", row)) for row in rows] == [2, 2] + [1] * len(PAIRS)
    # A row that began with a bracket or star would be read as an argument of the \\ before it.
    assert not any(re.match(r"\s*[\[*]", line) for line in source.splitlines())
    assert r"\begin{tabular}{lrr}" in source
    assert source.count(r"\toprule") == source.count(r"\bottomrule") == 2


@pytest.mark.parametrize("form", ["to_text", "to_markdown", "to_html", "to_latex"])
def test_empty_sections_and_rows_can_be_printed(form: str) -> None:
    empty = Summary("t", (Section([]), Section([], ("a", "b")), Section([["only"]])))
    assert "only" in getattr(empty, form)()
