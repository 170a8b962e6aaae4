"""What several tests share: the real files, where they are present."""

from __future__ import annotations

from pathlib import Path

import pytest

SHARED = Path(__file__).parents[2] / "shared"


@pytest.fixture(scope="session")
def shared() -> Path:
    """The folder of real files and tools beside the checkout; skips, saying so, where it is absent."""
    if not (SHARED / "real").is_dir():
        pytest.skip(f"no real files at {SHARED}")
    return SHARED


@pytest.fixture(scope="session")
def real(shared: Path) -> Path:
    """The real files themselves."""
    return shared / "real"


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Slow tests last, so that a mistake shows early."""
    items.sort(key=lambda item: item.get_closest_marker("slow") is not None)
