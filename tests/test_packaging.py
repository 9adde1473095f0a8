"""The lists in setup.cfg that nothing else would notice going stale."""

from __future__ import annotations

import configparser
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[1]


@pytest.fixture(scope="module")
def settings() -> configparser.ConfigParser:
    parser = configparser.ConfigParser()
    parser.read(ROOT / "setup.cfg", encoding="utf-8")
    return parser


def test_every_package_is_installed(settings: configparser.ConfigParser) -> None:
    folders = {path.parent.relative_to(ROOT) for path in (ROOT / "infostat").rglob("*.py")}
    packages = [".".join(folder.parts) for folder in folders]
    assert settings["options"]["packages"].split() == sorted([*packages, "infostat.datasets.files"])


def test_every_package_folder_has_an_init() -> None:
    folders = {path.parent for path in (ROOT / "infostat").rglob("*.py")}
    assert [str(folder) for folder in sorted(folders) if not (folder / "__init__.py").is_file()] == []


def test_every_data_file_is_installed(settings: configparser.ConfigParser) -> None:
    patterns = settings["options.package_data"]["infostat.datasets.files"].split(", ")
    files = list((ROOT / "data").iterdir())
    assert [file.name for file in files if not any(file.match(pattern) for pattern in patterns)] == []


def test_citation_names_the_released_version(settings: configparser.ConfigParser) -> None:
    version = settings["metadata"]["version"]
    assert f"version: {version}" in (ROOT / "CITATION.cff").read_text(encoding="utf-8").splitlines()
    assert version in (ROOT / "CHANGELOG.md").read_text(encoding="utf-8")
