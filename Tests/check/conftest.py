"""What several tests of Tests/check use."""

from __future__ import annotations

import os
import subprocess
from collections.abc import Iterator

import pytest


@pytest.fixture(scope="session")
def base_url() -> Iterator[str]:
    """The URL of a thinkwire-mock."""
    with subprocess.Popen(
        [os.environ["THINKWIRE_MOCK"], "--port", "0"], stdout=subprocess.PIPE, text=True
    ) as mock:
        assert mock.stdout
        yield mock.stdout.readline().strip()
        mock.terminate()
