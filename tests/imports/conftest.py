"""Fixtures of the workbooks."""

from tests.spreadsheets.conftest import convert  # noqa: F401
