"""Judges operating systems and software against dated end-of-life facts and sums up the debt."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from typing import Literal

from masterflow.domain.lifecycle_catalog import (
    CycleMatch,
    LifecycleCatalog,
    ReleaseCycle,
    day_of,
    load_catalog,
    passed,
)
from masterflow.domain.operating_systems import parse_os

__all__ = [
    "DebtPart",
    "DebtScore",
    "DebtSummary",
    "LifecycleCatalog",
    "LifecycleFinding",
    "LifecycleSeverity",
    "LifecycleState",
    "ReleaseCycle",
    "assess_lifecycle",
    "debt_score",
    "load_catalog",
    "summarise",
]

LifecycleState = Literal["supported", "mainstream_ended", "end_of_life", "extended_ended", "unknown"]
LifecycleSeverity = Literal["critical", "high", "medium", "low", "none", "unknown"]

_OS_SUBJECTS = frozenset({"operating_system", "os", "os_name", "os_version", "guest_os"})
_PRODUCTION = frozenset({"production", "prod", "prd", "live"})
_SCORE_METHOD = (
    "mean points of the products whose support state is known: extended support ended 100, end of "
    "life passed 85, less than 365 days left 60, mainstream support ended 40, less than 730 days "
    "left 20, else 0"
)


@dataclass(frozen=True, slots=True)
class LifecycleFinding:
    """What is known about the support of one named product on one day.

    `days_left` counts from that day to the date that matters next: end of life, then the end of
    extended support; it is negative once the last of them has passed and None without a date.
    """

    subject: str
    text: str
    product: str
    cycle: str
    state: LifecycleState
    end_of_life: date | None
    extended_end: date | None
    days_left: int | None
    severity: LifecycleSeverity
    reasons: tuple[str, ...]
    catalog_as_of: str


def assess_lifecycle(
    subject: str, text: str, catalog: LifecycleCatalog, *, on: date, environment: str = ""
) -> LifecycleFinding:
    """The support state of what `text` names on the day `on`.

    `subject` is the field it stands in: fields of operating systems are read as such, others as
    software of the catalogue first. Every date counts as covered until its end: on the day of end
    of life the state is still the one before, a day later it is `end_of_life` (extended support
    may run), the day after the extended end `extended_ended`. What cannot be matched is `unknown`.

    Severity: critical past end of life in production; high past end of life elsewhere or less
    than 365 days before it; medium when mainstream support has ended or less than 730 days are
    left; low when less than 1,095; none otherwise.
    """
    product, match = _recognise(subject, text, catalog)
    if match.cycle and match.cycle.end_of_life is None:
        match = CycleMatch(None, f"the catalogue has no end of life for release {match.cycle.cycle}")
    cycle = match.cycle
    if cycle is None:
        return LifecycleFinding(
            subject, text, product, "", "unknown", None, None, None, "unknown", (match.reason,), catalog.as_of
        )
    state, days = _state(cycle, on), _days_left(cycle, on)
    return LifecycleFinding(
        subject=subject,
        text=text,
        product=product,
        cycle=cycle.cycle,
        state=state,
        end_of_life=day_of(cycle.end_of_life),
        extended_end=day_of(cycle.extended_end),
        days_left=days,
        severity=_severity(state, days, environment),
        reasons=(match.reason, *_reasons(cycle, state, environment, catalog.as_of)),
        catalog_as_of=catalog.as_of,
    )


def _recognise(subject: str, text: str, catalog: LifecycleCatalog) -> tuple[str, CycleMatch]:
    if subject not in _OS_SUBJECTS:
        slug, version = catalog.name_software(text)
        if slug:
            return catalog.titles[slug], catalog.match_software(slug, version)
    system = parse_os(text)
    if system is None:
        return "", CycleMatch(None, "the text names no product that is known here")
    return system.product, catalog.match(system.slug, system.cycle_hint)


def _state(cycle: ReleaseCycle, on: date) -> LifecycleState:
    if passed(cycle.end_of_life, on):
        return "extended_ended" if passed(cycle.extended_end, on) else "end_of_life"
    return "mainstream_ended" if passed(cycle.mainstream_end, on) else "supported"


def _days_left(cycle: ReleaseCycle, on: date) -> int | None:
    end, extended = day_of(cycle.end_of_life), day_of(cycle.extended_end)
    if end and not passed(end, on):
        return (end - on).days
    next_date = extended or end
    return (next_date - on).days if next_date else None


def _severity(state: LifecycleState, days: int | None, environment: str) -> LifecycleSeverity:
    if state in ("end_of_life", "extended_ended"):
        return "critical" if environment.strip().casefold() in _PRODUCTION else "high"
    left = days if days is not None else 10**6
    if left < 365:
        return "high"
    if state == "mainstream_ended" or left < 730:
        return "medium"
    return "low" if left < 1095 else "none"


def _reasons(cycle: ReleaseCycle, state: LifecycleState, environment: str, as_of: str) -> tuple[str, ...]:
    reasons = [
        _sentence("mainstream support", cycle.mainstream_end, as_of),
        _sentence("support", cycle.end_of_life, as_of),
        _sentence("extended support", cycle.extended_end, as_of),
    ]
    if state in ("end_of_life", "extended_ended") and not environment.strip():
        reasons.append("the environment is not known: in production this would be critical")
    return tuple(reason for reason in reasons if reason)


def _sentence(what: str, end: date | bool | None, as_of: str) -> str:
    match end:
        case None:
            return ""
        case True:
            return f"{what} is over, the day is not in the catalogue"
        case False:
            return f"no end of {what} was announced as of {as_of}"
    return f"the last day of {what} is {end.isoformat()}"


@dataclass(frozen=True, slots=True)
class DebtSummary:
    """Findings counted: by state, by release, by quarter of end of life, and what was not matched.

    `by_product` rows are (product, cycle, state, count, end of life), largest count first; `cliff`
    rows are (quarter "2026Q4", count of products whose support ends in it), past ones included;
    `unmatched` rows are (text, count) of the findings whose state is unknown.
    """

    on: date
    catalog_as_of: str
    by_state: dict[str, int]
    by_product: tuple[tuple[str, str, str, int, date | None], ...]
    cliff: tuple[tuple[str, int], ...]
    unmatched: tuple[tuple[str, int], ...]


@dataclass(frozen=True, slots=True)
class DebtPart:
    """The share of one state in a debt score: `points` is the sum over its `count` findings."""

    state: LifecycleState
    count: int
    points: int


@dataclass(frozen=True, slots=True)
class DebtScore:
    """0 (no debt) to 100, with the points it is made of; `unknown` findings are left out of it."""

    value: float
    parts: tuple[DebtPart, ...]
    known: int
    unknown: int
    method: str


def summarise(findings: Sequence[LifecycleFinding], *, on: date) -> DebtSummary:
    """Counts the findings of one day (`on` is the day they were made for)."""
    known = [finding for finding in findings if finding.state != "unknown"]
    releases = Counter((finding.product, finding.cycle, finding.state, finding.end_of_life) for finding in known)
    by_product = [(product, cycle, str(state), count, end) for (product, cycle, state, end), count in releases.items()]
    quarters = Counter(_quarter(finding.end_of_life) for finding in known if finding.end_of_life)
    texts = Counter(finding.text for finding in findings if finding.state == "unknown")
    return DebtSummary(
        on=on,
        catalog_as_of=", ".join(sorted({finding.catalog_as_of for finding in findings})),
        by_state=dict(sorted(Counter(str(finding.state) for finding in findings).items())),
        by_product=tuple(sorted(by_product, key=lambda row: (-row[3], *row[:3]))),
        cliff=tuple(sorted(quarters.items())),
        unmatched=tuple(sorted(texts.items(), key=lambda row: (-row[1], row[0]))),
    )


def debt_score(findings: Sequence[LifecycleFinding]) -> DebtScore | None:
    """The mean obsolescence of the findings, None when nothing is known of any of them.

    Our own scale: each known finding gets the highest points that apply (`method` lists them); the
    points only grow as days pass. Unknown findings are counted beside the score, not in it.
    """
    known = [finding for finding in findings if finding.state != "unknown"]
    if not known:
        return None
    points: Counter[LifecycleState] = Counter()
    for finding in known:
        points[finding.state] += _points(finding)
    counts = Counter(finding.state for finding in known)
    parts = tuple(DebtPart(state, counts[state], points[state]) for state in sorted(counts))
    return DebtScore(
        value=sum(points.values()) / len(known),
        parts=parts,
        known=len(known),
        unknown=len(findings) - len(known),
        method=_SCORE_METHOD,
    )


def _points(finding: LifecycleFinding) -> int:
    if finding.state == "extended_ended":
        return 100
    if finding.state == "end_of_life":
        return 85
    if finding.days_left is not None and finding.days_left < 365:
        return 60
    if finding.state == "mainstream_ended":
        return 40
    return 20 if finding.days_left is not None and finding.days_left < 730 else 0


def _quarter(day: date) -> str:
    return f"{day.year}Q{(day.month + 2) // 3}"
