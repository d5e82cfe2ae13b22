"""Counts every finding of a sheet and lists each kind up to a limit, so a bad file stays readable."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from masterflow.domain.records import Issue, Place, Severity


class IssueLog:
    """The findings of one sheet: the first `limit` of each code pass, all are counted."""

    def __init__(self, *, file: str, sheet: str, limit: int) -> None:
        self._place = Place(file=file, sheet=sheet)
        self._limit = limit
        self._counts: dict[tuple[str, Severity], int] = {}

    def listed(self, issues: Iterable[Issue]) -> Iterator[Issue]:
        """Counts the issues and yields those that are still below the limit of their code."""
        for issue in issues:
            kind = (issue.code, issue.severity)
            count = self._counts[kind] = self._counts.get(kind, 0) + 1
            if count <= self._limit:
                yield issue

    def closing(self) -> Iterator[Issue]:
        """One issue with the total for each code that went over the limit."""
        for (code, severity), count in self._counts.items():
            if count > self._limit:
                message = f"{count:,} findings of the kind {code}; the first {self._limit:,} are listed."
                yield Issue("issues_capped", severity, message, self._place)
