"""End-of-life facts by product: reads a snapshot and finds the release cycle that a version fits."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date

from masterflow.domain.operating_systems import OperatingSystem
from masterflow.errors import InvalidInput

_OPTIONAL_SUFFIX = re.compile(r"-(?:e|w|sp\d+)$")
_NUMBER = re.compile(
    r"^[\s:/_-]*(?:(?:server|database|enterprise|standard|community|express|edition|version|release|v)"
    r"[\s:_.-]*)*(\d[\w.]*)(?:[\s-]+r(?:elease[\s-]+)?(\d))?(?:.*?[\s-](sp\d))?"
)
_ORACLE = re.compile(r"\boracle(?= \d+[cgi]\b)")


@dataclass(frozen=True, slots=True)
class ReleaseCycle:
    """One release line of a product with its dates, each the last day that is still covered.

    True in place of a date means "over, day not known"; False means "not over on the day of the
    catalogue, no end announced"; None means that the catalogue says nothing.
    """

    product: str
    cycle: str
    label: str
    released: date | None
    mainstream_end: date | None
    end_of_life: date | bool | None
    extended_end: date | bool | None
    latest: str
    lts: bool


@dataclass(frozen=True, slots=True)
class CycleMatch:
    """The release cycle that fits a text, or None, and why."""

    cycle: ReleaseCycle | None
    reason: str


@dataclass(frozen=True, slots=True)
class LifecycleCatalog:
    """End-of-life facts by product slug as of one day; built by `load_catalog`."""

    as_of: str
    products: Mapping[str, tuple[ReleaseCycle, ...]]
    titles: Mapping[str, str]
    aliases: Mapping[str, str]

    def find(self, os: OperatingSystem) -> ReleaseCycle | None:
        """The release cycle of an operating system, None when the text fits none or several."""
        return self.match(os.slug, os.cycle_hint).cycle

    def match(self, slug: str, hint: str) -> CycleMatch:
        """The release cycle of a product that a version text fits.

        A text that fits several releases ("Windows Server 2003" without a service pack) is matched
        only when all of them had ended on the day of the catalogue; the one that ended last then
        stands for them. Otherwise the match would be a guess and there is none. Long-term and IoT
        releases of Windows count only when the text names them.
        """
        known = self.products.get(self.aliases.get(slug, slug))
        if known is None:
            return CycleMatch(None, "the catalogue has no such product")
        if not hint:
            return CycleMatch(None, "the text does not name one release")
        fitting = _fitting(known, hint) or _fitting(known, _OPTIONAL_SUFFIX.sub("", hint))
        return self._decide(hint, fitting)

    def match_software(self, slug: str, version: str) -> CycleMatch:
        """As `match`, for a version with more parts than the catalogue lists ("11.2.0.4", "9.6.24")."""
        known = self.products.get(slug, ())
        if not version or _fitting(known, version):
            return self.match(slug, version)
        parts = version.split(".")
        for count in range(len(parts) - 1, 0, -1):
            name = ".".join(parts[:count])
            fitting = [cycle for cycle in known if cycle.cycle == name or cycle.cycle.startswith(f"{name}-")]
            if fitting:
                return self._decide(version, fitting)
        return self._decide(version, [])

    def _decide(self, hint: str, fitting: Sequence[ReleaseCycle]) -> CycleMatch:
        if not fitting:
            return CycleMatch(None, f"the catalogue has no release {hint!r} of this product")
        if len(fitting) == 1:
            return CycleMatch(fitting[0], f"release {fitting[0].cycle} of the catalogue")
        names = _listed(fitting)
        day = date.fromisoformat(self.as_of)
        if not all(passed(cycle.end_of_life, day) for cycle in fitting):
            return CycleMatch(None, f"the text fits several releases and not all have ended: {names}")
        last = max(fitting, key=_ending)
        reason = f"the text fits several releases, all ended ({names}): {last.cycle} ended last"
        return CycleMatch(last, reason)

    def name_software(self, text: str) -> tuple[str, str]:
        """(slug, version text) of the catalogue product that a text names, ("", "") for none.

        The longest product name that stands in the text as whole words counts.
        """
        plain = _ORACLE.sub("oracle database", " ".join(text.casefold().replace("_", " ").split()))
        best, slug, tail = "", "", ""
        for name, owner in self.aliases.items():
            if len(name) > len(best) and name in plain:
                found = re.search(rf"(?<![\w.]){re.escape(name)}(?![a-z])", plain)
                if found:
                    best, slug, tail = name, owner, plain[found.end() :]
        number = _NUMBER.match(tail)
        if not number:
            return slug, ""
        second = f"r{number[2]}" if number[2] else ""
        return slug, " ".join(part for part in (number[1], second, number[3]) if part)


def load_catalog(document: Mapping[str, object], *, as_of: str) -> LifecycleCatalog:
    """The catalogue of a parsed endoflife document ({"products": {slug: {"releases": [...]}}}).

    `as_of` is the ISO date of the snapshot. Raises InvalidInput with product and release for a
    document of another shape or a date that cannot be read.
    """
    _date(as_of, {"field": "as_of"})
    products = document.get("products")
    if not isinstance(products, Mapping) or not products:
        raise InvalidInput('The end-of-life document has no "products".', next_step="Import an endoflife snapshot.")
    cycles: dict[str, tuple[ReleaseCycle, ...]] = {}
    titles: dict[str, str] = {}
    aliases: dict[str, str] = {}
    for slug, entry in products.items():
        if not isinstance(entry, Mapping) or not isinstance(entry.get("releases"), Sequence):
            raise InvalidInput("A product has no list of releases.", where={"product": slug})
        cycles[slug] = tuple(_release(slug, release) for release in entry["releases"])
        titles[slug] = str(entry.get("title") or slug)
        aliases |= {name: str(slug) for name in _names(slug, entry)}
    return LifecycleCatalog(as_of, cycles, titles, aliases)


def passed(end: date | bool | None, on: date) -> bool:
    """Whether an end lies before the day `on`; the last day itself is still covered."""
    return end if isinstance(end, bool) else end is not None and on > end


def day_of(end: date | bool | None) -> date | None:
    """The date of an end, None where the catalogue has only yes or no."""
    return None if isinstance(end, bool) else end


def _ending(cycle: ReleaseCycle) -> tuple[date, date]:
    ended = day_of(cycle.end_of_life) or date.min
    return ended, day_of(cycle.extended_end) or ended


def _listed(cycles: Sequence[ReleaseCycle]) -> str:
    names = ", ".join(cycle.cycle for cycle in cycles[:4])
    return f"{names} and {len(cycles) - 4} more" if len(cycles) > 4 else names


def _fitting(known: Sequence[ReleaseCycle], name: str) -> list[ReleaseCycle]:
    found = [cycle for cycle in known if _fits(cycle, name)]
    # "stable/13" is the branch itself: its dates hold for a 13 of which the minor is not named.
    branch = [cycle for cycle in found if cycle.cycle == name and cycle.label.startswith("stable/")]
    return branch or found


def _fits(cycle: ReleaseCycle, name: str) -> bool:
    label = cycle.label.casefold().replace("release ", "r")
    if name in (cycle.cycle, label):
        return True
    if cycle.product == "windows":
        special = cycle.lts or cycle.cycle.endswith("-iot")
        return not special and cycle.cycle.startswith(f"{name}-")
    if cycle.product == "windows-server":
        return cycle.cycle.startswith(f"{name}-sp")
    # "11g" covers "11g R1" and "11g R2"; "2008" of SQL Server does not cover "2008 R2".
    second = r"(?:sp|r)\d" if name[-1].isalpha() else r"sp\d"
    return cycle.cycle.startswith(f"{name}.") or re.match(rf"{re.escape(name)} {second}", label) is not None


def _release(slug: str, entry: object) -> ReleaseCycle:
    if not isinstance(entry, Mapping) or "releaseCycle" not in entry:
        raise InvalidInput("A release has no releaseCycle.", where={"product": slug})
    cycle = str(entry["releaseCycle"])
    where = {"product": slug, "release": cycle}
    label = str(entry.get("releaseLabel") or "").replace("__RELEASE_CYCLE__", cycle)
    return ReleaseCycle(
        product=slug,
        cycle=cycle,
        label=" ".join(re.sub(r"\(?'?__[A-Z_]+__'?\)?", " ", label).split()),
        released=day_of(_end(entry.get("releaseDate"), where)),
        mainstream_end=day_of(_end(entry.get("eoas"), where)),
        end_of_life=_end(entry.get("eol"), where),
        extended_end=_end(entry.get("eoes"), where),
        latest=str(entry.get("latest") or ""),
        lts=entry.get("lts") is True,
    )


def _end(value: object, where: Mapping[str, object]) -> date | bool | None:
    return value if value is None or isinstance(value, bool) else _date(value, where)


def _date(value: object, where: Mapping[str, object]) -> date:
    try:
        return date.fromisoformat(str(value))
    except ValueError:
        raise InvalidInput(f"{value!r} is not a date.", where=where, next_step="Write it as YYYY-MM-DD.") from None


def _names(slug: str, entry: Mapping[str, object]) -> set[str]:
    title = str(entry.get("title") or slug).casefold()
    urls = entry.get("alternate_urls")
    paths = [entry.get("permalink"), *(urls if isinstance(urls, list) else [])]
    names = {slug, title, title.removeprefix("microsoft "), title.removeprefix("apache ")}
    names |= {str(path).strip("/") for path in paths if path}
    return names | {name.replace("-", " ") for name in names}
