"""The two real workbooks, read and cleansed once."""

import pytest

from domain.inventory.workbooks import (
    AZURE,
    AZURE_MAPPING,
    AZURE_ROLES,
    RVTOOLS,
    RVTOOLS_MAPPING,
    RVTOOLS_ROLES,
    cleansed,
    read_rows,
)


@pytest.fixture(scope="session")
def rvtools_rows():
    return read_rows(RVTOOLS, RVTOOLS_ROLES)


@pytest.fixture(scope="session")
def rvtools_clean(rvtools_rows):
    return cleansed(rvtools_rows, RVTOOLS_ROLES, RVTOOLS_MAPPING)


@pytest.fixture(scope="session")
def azure_rows():
    return read_rows(AZURE, AZURE_ROLES)


@pytest.fixture(scope="session")
def azure_clean(azure_rows):
    return cleansed(azure_rows, AZURE_ROLES, AZURE_MAPPING)
