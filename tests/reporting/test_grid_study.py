"""Studies: what a grid makes of options, and what a file may say."""

from __future__ import annotations

import pytest

from infostat.cli.numbers import number_list
from infostat.core.errors import InfostatError, InputError, InputTypeError
from infostat.core.rng import as_seed_sequence
from infostat.reporting.grid_options import geometric
from infostat.reporting.grid_study import WINGS, find_wing, make_study, read_study


def _file(tmp_path, text):
    path = tmp_path / "study.toml"
    path.write_text(text, encoding="utf-8")
    return path


# ------------------------------------------------------------------------------- grids
def test_cells_are_all_combinations_with_the_last_key_fastest():
    study = make_study("bounds", {"d": [4, 9], "n": [5, 10, 20]}, {"mu": 1})
    points = [tuple(cell.point.values()) for cell in study.cells()]
    assert points == [(4, 5), (4, 10), (4, 20), (9, 5), (9, 10), (9, 20)]
    assert all(cell.settings["mu"] == 1.0 and cell.settings["loss"] == "hinge" for cell in study.cells())
    assert study.replicates == find_wing("bounds").replicates


def test_lists_that_stay_inside_a_cell_make_no_grid():
    for table in ("grid", "fixed"):
        study = make_study("pn", **{table: {"n": [20, 40]}})
        assert len(study.cells()) == 1 and study.cells()[0].settings["n"] == (20, 40)


def test_a_seed_belongs_to_the_settings_of_a_cell_not_to_its_place():
    root = as_seed_sequence(3)
    small = {cell.settings["n"]: cell.seed(root) for cell in make_study("align", {"n": [200, 400]}).cells()}
    large = make_study("align", {"n": [100, 400, 200], "confidence": [0.9, 0.95]}).cells()
    seeds = {(cell.settings["n"], cell.settings["confidence"]): cell.seed(root) for cell in large}
    assert seeds[200, 0.95].spawn_key == small[200].spawn_key and seeds[400, 0.95].spawn_key == small[400].spawn_key
    assert len({seed.spawn_key for seed in seeds.values()}) == 6
    other = make_study("align", {"n": [200, 400]}, {"confidence": 0.95}).cells()[0]
    assert other.key == make_study("align", {"n": [200]}).cells()[0].key  # a default that is written out


def test_geometric_grids_and_lists_of_lists():
    study = make_study("kde", {"alpha": "1:4:3", "spectrum": [[1, 1], [0.5, 2]]}, {"d": 2})
    assert [cell.point["alpha"] for cell in study.cells()[::2]] == [1.0, 2.0, 4.0]
    assert study.cells()[1].point["spectrum"] == (0.5, 2.0)
    for low, high in ((a / 10, b) for a in range(1, 10) for b in range(1, 10)):
        assert geometric(f"{low}:{high}:9")[-1] == high
        assert number_list("--h", f"{low}:{high}:9") == geometric(f"{low}:{high}:9")  # the cell of a study file


@pytest.mark.parametrize(
    ("wing", "grid", "fixed", "words"),
    [
        ("pm", {}, {}, "study must be one of pn, kde, align, bounds"),
        (7, {}, {}, "study must be"),
        ("kde", {"dd": [1]}, {}, "grid.dd is no option of kde.*did you mean d"),
        ("kde", {3: [1]}, {}, "is no option"),
        ("kde", {"replicates": [1, 2]}, {}, "replicates beside the tables"),
        ("kde", {"d": [2]}, {"d": 3}, "given once"),
        ("kde", {"d": []}, {}, "at least one value"),
        ("kde", {"d": [5, 5]}, {}, "each value once"),
        ("kde", {"d": [5, 0]}, {}, "grid.d must be an integer >= 1"),
        ("kde", {"d": ["five"]}, {}, "grid.d must be"),
        ("kde", {"d": [5, None]}, {}, "grid.d must be"),
        ("kde", {}, {"bandwidths": "a:b:c"}, "LOW:HIGH:COUNT"),
        ("kde", {}, {"bandwidths": "2:1:3"}, "LOW:HIGH:COUNT"),
        ("kde", {}, {"bandwidths": []}, "at least one value"),
        ("kde", {}, {"bandwidths": [float("nan")]}, "bandwidths"),
        ("kde", {"d": [2, 3]}, {"spectrum": [1, 2]}, r"in the cell d = 3: spectrum"),
        ("kde", {"spectrum": [1, 2]}, {"d": 2}, "a list of lists"),
        ("kde", {"n": [10]}, {"alpha": 0.1}, "exactly one of n and alpha"),
        ("pn", {"family": ["normal", "nonsense"]}, {}, "in the cell family = nonsense"),
        ("pn", {"family": ["normal", "mvn"]}, {"d": 3}, "d must be left out"),
        ("pn", {"truth": ["laplace", "t"]}, {}, "in the cell truth = t: truth 't' does not fit"),
        ("pn", {}, {"family": "mvn", "truth": "laplace"}, "several variables"),
        ("pn", {"family": [["normal"]]}, {}, "a word"),
        ("align", {"n": [10, 100]}, {}, "in the cell n = 10: best_of must be at most n = 10"),
        ("align", {}, {"law": "poisson:3"}, "continuous"),
        ("align", {"law": ["norm", "t:9"]}, {}, "in the cell law = t:9: the law has no tilt"),
        ("align", {}, {"confidence": 1}, "confidence"),
        ("bounds", {"ranks": [[20, 5, 1], [20, 30, 1]]}, {}, "in the cell ranks = 20,30,1"),
        ("bounds", {"loss": ["hinge", "zero_one"]}, {}, "in the cell loss = zero_one"),
        ("bounds", {"n": list(range(1, 400)), "d": list(range(1, 400))}, {}, "at most 100000 cells"),
        ("bounds", [1, 2], {}, "a table of options"),
    ],
)  # fmt: skip
def test_studies_that_make_no_sense(wing, grid, fixed, words):
    with pytest.raises((InputError, InputTypeError), match=words):
        make_study(wing, grid, fixed)


def test_every_wing_reads_its_own_defaults():
    for name in WINGS:
        wing = find_wing(name)
        settings = make_study(name).cells()[0].settings
        assert all(option.read(option.name, settings[option.name]) == settings[option.name]
                   for option in wing.options if option.name in settings)  # fmt: skip
        assert wing.headline in wing.quantities


# ------------------------------------------------------------------------------- files
def test_a_file_says_everything(tmp_path):
    told = read_study(
        _file(
            tmp_path,
            'wing = "kde"\nreplicates = 7\nseed = 5\ncheckpoint = "parts"\noutput = "a.csv"\n[grid]\nd = [2, 3]\n'
            '[fixed]\nn = 50\nbandwidths = "0.5:1:2"\n[figure]\nquantity = "kl_per_dim"\n',
        )
    )
    assert told.study == make_study("kde", {"d": [2, 3]}, {"n": 50, "bandwidths": [0.5, 1.0]}, 7)
    assert (told.seed, told.checkpoint, [str(p) for p in told.output]) == (5, "parts", ["a.csv"])
    assert told.figure == {"quantity": "kl_per_dim"}


def test_a_byte_order_mark_is_no_key(tmp_path):
    path = tmp_path / "study.toml"
    path.write_bytes(b'\xef\xbb\xbfwing = "pn"\r\n')
    assert read_study(path).study.wing.name == "pn"


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("", "must have the key wing"),
        ("wing = pn", "is no TOML.*quotes"),
        ('wing = "pn"\nwing = "kde"', "is no TOML"),
        ('wing = "phase"', "wing must be one of"),
        ("wing = [1]", "wing must be one of"),
        ('wing = "pn"\nreplicate = 5', "unknown key replicate, .*did you mean replicates"),
        ('wing = "pn"\nn = 5', r"unknown key n, .*under \[grid\] or \[fixed\]"),
        ('wing = "pn"\ngrid = 5', "study.toml: grid must be a table"),
        ('wing = "pn"\n[fixed]\nfamly = "normal"', "study.toml: fixed.famly is no option of pn.*did you mean family"),
        ('wing = "pn"\n[fixed]\nn = 2.5', "study.toml: fixed.n must be an integer"),
        ('wing = "pn"\n[fixed]\nn = true', "study.toml: fixed.n must be"),
        ('wing = "pn"\n[fixed]\nfamily = 2020-01-01', "study.toml: fixed.family must be a word"),
        ('wing = "kde"\n[grid]\nd = [1, "x"]', "study.toml: grid.d must be"),
        ('wing = "kde"\n[fixed]\nbandwidths = [inf]', "study.toml: fixed.bandwidths"),
        ('wing = "pn"\nreplicates = "many"', "study.toml: replicates must be"),
        ('wing = "pn"\nseed = -1', "study.toml: seed must be"),
        ('wing = "pn"\noutput = "table.xls"', "study.toml: output must be names that end in"),
        ('wing = "pn"\noutput = [1]', "study.toml: output must be"),
        ('wing = "pn"\ncheckpoint = 3', "study.toml: checkpoint must be"),
        ('wing = "pn"\n[figure]\ny = "risk"', "figure has the unknown key y"),
        ('wing = "pn"\n[figure]\nx = 3', "figure.x must be"),
    ],
)
def test_files_that_cannot_be_used(tmp_path, text, words):
    with pytest.raises(InfostatError, match=words):
        read_study(_file(tmp_path, text))


def test_files_that_cannot_be_read(tmp_path):
    with pytest.raises(InputError, match="no such file"):
        read_study(tmp_path / "none.toml")
    with pytest.raises(InputError, match="cannot be read"):
        read_study(tmp_path)
    (tmp_path / "latin.toml").write_bytes(b'wing = "\xe9"')
    with pytest.raises(InputError, match="UTF-8"):
        read_study(tmp_path / "latin.toml")
    with pytest.raises(InputError, match="nested|is no TOML"):
        read_study(_file(tmp_path, 'wing = "pn"\nseed = ' + "[" * 50_000))
