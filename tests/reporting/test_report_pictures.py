"""A report in a browser: desktop and phone width, light and dark. Skipped where no Chromium is installed."""

from __future__ import annotations

import re
import shutil
import subprocess
from pathlib import Path

import matplotlib.image
import numpy as np
import pytest

from infostat.reporting import report
from tests.reporting.report_data import mixed

NAMES = ("chromium", "chromium-browser", "google-chrome")
BROWSER = next((found for name in NAMES if (found := shutil.which(name))), "")
pytestmark = pytest.mark.skipif(not BROWSER, reason="needs Chromium")

FLAGS = (
    "--headless", "--no-sandbox", "--disable-gpu", "--no-first-run", "--disable-background-networking",
    "--disable-sync", "--hide-scrollbars", "--allow-file-access-from-files",
)  # fmt: skip
DARK = "--blink-settings=preferredColorScheme=0"
HEIGHT = 4000
# A window of the browser is never narrower than 500; a frame inside it is as narrow as a phone.
FRAME = (
    '<body style="margin:0"><iframe src="page.html" style="width:{width}px;height:{height}px;border:0"></iframe>'
    "<script>onload = () => {{document.body.dataset.wide = "
    "document.querySelector('iframe').contentDocument.documentElement.scrollWidth}}</script></body>"
)


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    found = tmp_path_factory.mktemp("pictures")
    report(mixed(), bootstrap=20).save(found / "page.html")
    for width in (390, 1280):
        (found / f"frame{width}.html").write_text(FRAME.format(width=width, height=HEIGHT))
    return found


def _browse(folder: Path, page: str, *options: str) -> str:
    profile = f"--user-data-dir={folder / 'profile'}"
    done = subprocess.run(
        [BROWSER, *FLAGS, profile, *options, (folder / page).as_uri()],
        capture_output=True, text=True, timeout=120, check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr[-2000:]
    return done.stdout


def _picture(folder: Path, width: int, dark: bool) -> np.ndarray:
    target = folder / f"{width}{dark}.png"
    window = f"--window-size={max(width, 500)},{HEIGHT}"
    _browse(folder, f"frame{width}.html", window, f"--screenshot={target}", *([DARK] if dark else []))
    return np.asarray(matplotlib.image.imread(target))[:, :width, :3]


@pytest.mark.parametrize("width", [390, 1280])
def test_the_page_is_no_blank_and_follows_the_colour_scheme(folder: Path, width: int) -> None:
    light, dark = _picture(folder, width, False), _picture(folder, width, True)
    for picture in (light, dark):
        assert picture.shape == (HEIGHT, width, 3)
        # Every band of the page holds something: text, a table or a figure on its ground.
        for band in np.split(picture, 10):
            assert band.std() > 0.02
        # Verdicts and figures are coloured, and not by a single colour.
        saturation = picture.max(axis=2) - picture.min(axis=2)
        assert (saturation > 0.3).mean() > 0.001
    assert np.median(light) > 0.8 and np.median(dark) < 0.2
    # Figures too: nowhere on the dark page is a large bright area.
    assert (dark.mean(axis=2) > 0.9).mean() < 0.06


def test_the_page_fits_a_phone(folder: Path) -> None:
    for width in (390, 1280):
        text = _browse(folder, f"frame{width}.html", "--window-size=1400,900", "--dump-dom")
        found = re.search(r'data-wide="(\d+)"', text)
        assert found is not None and int(found[1]) <= width
