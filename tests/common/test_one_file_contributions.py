"""A family, a divergence, a bound and a figure are each added by adding one file.

The four files of ``contributed`` are put into a copy of the package, and nothing else is changed. The
documentation shows the same files as models (docs/contributing.rst).
"""

from __future__ import annotations

import json
import math
import os
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from scipy import stats

import infostat
from infostat.core.declared import declared, declared_names

PACKAGE = Path(infostat.__file__).parent
CONTRIBUTED = Path(__file__).parent / "contributed"
PLACES = {
    "rayleigh": "families",
    "power_divergence": "divergences",
    "finite_class": "generalization",
    "projection_rayleigh": "reporting/figures/catalogue",
}
SCRIPT = """
import json, sys
import numpy as np
import infostat
from infostat import divergences, families, generalization
from infostat.reporting.figures import list_figures
from infostat.cli.main import main

P, Q = [0.5, 0.3, 0.2], [0.2, 0.5, 0.3]
wide = np.random.default_rng(1).rayleigh(2.0, 400)
np.savetxt("rows.csv", wide, header="length", comments="")
risk = infostat.pn_criterion("rows.csv", "rayleigh")
family = families.get_family("Rayleigh")
theta = family.natural(scale=1.5)
found = {
    "package": infostat.__file__,
    "family": ["rayleigh" in families.family_names(), "Rayleigh" in families.__all__, repr(families.Rayleigh())],
    "scale": family.params(infostat.information_projection(wide, "rayleigh").theta)["scale"],
    "mean square": float(np.mean(wide**2)),
    "verdict": risk.verdict,
    "risk of the model": infostat.projection.risk_terms(None, "rayleigh", theta=theta).a2,
    "kinds": "cressie_read" in divergences.divergence_kinds() and "cressie_read" in divergences.__all__,
    "table": float(infostat.divergence(P, Q, "cressie_read")),
    "function": divergences.cressie_read(P, Q),
    "help": divergences.cressie_read.__doc__.splitlines()[0],
    "conjugate": divergences.generator("cressie_read").conjugate(0.3),
    "bound": float(generalization.union_bound(1000, 10_000)),
    "offered": "union_bound" in generalization.__all__,
    "figure": [entry.title for entry in list_figures() if entry.name == "projection-rayleigh"],
}
json.dump(found, open("found.json", "w"))
sys.argv = ["infostat", "figures", "projection-rayleigh", "--output", "pictures", "--quick"]
try:
    main()
except SystemExit as stop:
    assert not stop.code, stop.code
"""


@pytest.fixture(scope="module")
def grown(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, dict[str, Any]]:
    """What a copy of the package with the four files says, and the folder in which it said so."""
    folder = tmp_path_factory.mktemp("grown")
    shutil.copytree(PACKAGE, folder / "infostat", ignore=shutil.ignore_patterns("__pycache__"))
    for name, place in PLACES.items():
        shutil.copy(CONTRIBUTED / f"{name}.txt", folder / "infostat" / place / f"{name}.py")
    (folder / "script.py").write_text(SCRIPT, encoding="utf-8")
    environment = {**os.environ, "PYTHONPATH": str(folder), "MPLBACKEND": "Agg"}
    run = subprocess.run(
        [sys.executable, "script.py"], cwd=folder, env=environment, capture_output=True, text=True, check=False
    )
    assert run.returncode == 0, run.stderr
    found = json.loads((folder / "found.json").read_text("utf-8"))
    assert Path(found["package"]).parent == folder / "infostat"
    return folder, found


def test_a_family_is_one_file(grown: tuple[Path, dict[str, Any]]) -> None:
    _, found = grown
    assert found["family"] == [True, True, "Rayleigh()"]
    assert found["scale"] == pytest.approx(math.sqrt(found["mean square"] / 2.0), rel=1e-9)
    # CSV keeps all digits (%.18e), and 400 rows are plenty for one parameter.
    assert found["verdict"] == "sufficient"
    # The statistic is exponential: (19 s^2 - 9 e)/24 with skewness 2 and excess kurtosis 6.
    assert found["risk of the model"] == pytest.approx(11.0 / 12.0, rel=1e-12)


def test_a_divergence_is_one_file(grown: tuple[Path, dict[str, Any]]) -> None:
    _, found = grown
    assert found["kinds"]
    wanted = stats.power_divergence([0.5, 0.3, 0.2], [0.2, 0.5, 0.3], lambda_="cressie-read").statistic / 2.0
    assert found["table"] == pytest.approx(wanted, rel=1e-12)
    assert found["function"] == found["table"]
    assert found["help"] == "Return the Cressie-Read divergence of P from Q: 9/10 sum p ((p/q)^(2/3) - 1)."
    t = (1.0 + 2.0 / 3.0 * 0.3) ** 1.5  # f'(t) = 0.3
    f = 0.9 * t ** (5.0 / 3.0) - 1.5 * t + 0.6
    assert found["conjugate"] == pytest.approx(0.3 * t - f, rel=1e-12)


def test_a_bound_is_one_file(grown: tuple[Path, dict[str, Any]]) -> None:
    _, found = grown
    assert found["offered"]
    assert found["bound"] == pytest.approx(math.sqrt(math.log(40_000.0) / 20_000.0), rel=1e-12)


def test_a_figure_is_one_file(grown: tuple[Path, dict[str, Any]]) -> None:
    folder, found = grown
    assert found["figure"] == ["Estimation risk of a Rayleigh law"]
    made = {path.name for path in (folder / "pictures").iterdir()}
    assert {"projection-rayleigh.pdf", "projection-rayleigh.csv"} <= made


def _package(folder: Path, **sources: str) -> tuple[str, str]:
    folder.mkdir()
    for name, text in sources.items():
        (folder / f"{name}.py").write_text(text, encoding="utf-8")
    return folder.name, str(folder)


def test_declarations_are_read_without_importing(tmp_path: Path) -> None:
    package = _package(
        tmp_path / "one",
        second="raise SystemExit\nWORD = {\n    'b': 'B(c=(1, 2))',  # two lines\n}\n",
        first="WORD = {'a': 'A()'}\nWORDS = 3\n",
        none="other = 'WORD = 1'\n    \nWORDS = 2\n",
    )
    assert declared(*package, "WORD") == {"first": {"a": "A()"}, "second": {"b": "B(c=(1, 2))"}}
    assert declared(*package, "NOTHING") == {}


def test_declarations_that_cannot_be_read_are_errors(tmp_path: Path) -> None:
    computed = _package(tmp_path / "two", one="WORD = ('a',) + tuple('b')\n")
    with pytest.raises(RuntimeError, match=r"two\.one: .* must be a literal"):
        declared(*computed, "WORD")
    twice = _package(tmp_path / "three", one="WORD = ('a', 'b')\n", two="WORD = ('b',)\n")
    with pytest.raises(RuntimeError, match="'b' is declared by one and by two of three"):
        declared_names(*twice, "WORD")
    same = _package(tmp_path / "four", one="WORD = ('one',)\n")
    with pytest.raises(RuntimeError, match=r"module four\.one must not be called like the name 'one'"):
        declared_names(*same, "WORD")
