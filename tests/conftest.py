"""No test touches the records or settings of the person who runs it."""

from __future__ import annotations

import pytest


@pytest.fixture(autouse=True)
def own_home(tmp_path_factory: pytest.TempPathFactory, monkeypatch: pytest.MonkeyPatch) -> None:
    home = tmp_path_factory.mktemp("home")
    monkeypatch.setenv("AUDITOR_HOME", str(home / "records"))
    monkeypatch.setenv("AUDITOR_CONFIG", str(home / "config.toml"))
    for name in ("AUDITOR_HOOK", "AUDITOR_LABEL", "AUDITOR_DEBUG", "SOURCE_DATE_EPOCH"):
        monkeypatch.delenv(name, raising=False)
