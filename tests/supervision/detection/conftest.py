"""Months with rings, and a model trained on them, once for all tests."""

from __future__ import annotations

import pytest
from tests.supervision.detection.rings import SPLIT, Months, months

from amanat.supervision.detection.comparing import trained
from amanat.supervision.detection.training import Training


@pytest.fixture(scope="session")
def ringed(tmp_path_factory: pytest.TempPathFactory) -> Months:
    """Rows and labels."""
    return months(tmp_path_factory.mktemp("months"))


@pytest.fixture(scope="session")
def training(ringed: Months, tmp_path_factory: pytest.TempPathFactory) -> Training:
    """The score learned from them."""
    folder = tmp_path_factory.mktemp("training")
    return trained([ringed.transactions], ringed.labels, SPLIT, folder)
