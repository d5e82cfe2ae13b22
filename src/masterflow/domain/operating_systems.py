"""Reads operating system names as inventories write them and says whether two of them agree."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Literal

from masterflow.domain import os_rules
from masterflow.domain.os_rules import Family, OsRule

Agreement = Literal["same", "detail", "vaguer", "conflict"]

_MARKS = re.compile(r"\((?:r|tm|c)\)|[®™©_:,]", re.IGNORECASE)
_BITS_64 = re.compile(
    r"\(?\b64[ -]?bits?\b\)?|x86[- ]64\b|(?<![a-z])x64\b|\b(?:amd64|aarch64|arm64|ppc64(?:le)?|s390x)\b"
)
_BITS_32 = re.compile(r"\(?\b32[ -]?bits?\b\)?|(?<![a-z\d])x86\b|\bi[3-6]86\b|\bia32\b")
_VERSION = re.compile(
    r"(?<![\w./])(?<!pre-)(?:v|b\.)?(\d+(?:/\d+)+|\d+(?:\.(?:\d+|x))*)(?![\d/])"
    r"(?:(?![a-z])|(?=i\b|u\d|sp|tl))(?: +(or later))?"
)
_SERVICE_PACK = re.compile(r"(?<![a-z])(?:sp|service ?pack|patchlevel)[ =-]*(\d+)")
_AIX_LEVEL = re.compile(r"\b([5-7])([1-3])00-(\d\d)(?!\d)")
_AIX_TECHNOLOGY = re.compile(r"\b(?:tl|technology level)[ -]*(\d+)")


@dataclass(frozen=True, slots=True)
class OperatingSystem:
    """An operating system as far as a text names it; empty fields were not named.

    `slug` is the key of the product in the end-of-life catalogue ("" when it has none) and
    `cycle_hint` the text by which its release cycle is found there ("" when the text names no
    single release, as "2016 or later" does). `bits` is the width of the guest or processor.
    """

    family: Family
    product: str
    version: str
    edition: str
    bits: int | None
    slug: str
    cycle_hint: str
    is_server: bool | None


@dataclass(frozen=True, slots=True)
class _Release:
    version: str
    hint: str


def parse_os(text: str) -> OperatingSystem | None:
    """The operating system that a text of an inventory names, or None when it names none.

    Accepts display names of RVTools, Azure Migrate, AWS, Google and ServiceNow, release files,
    short hand-typed names, and name and version joined by a space. Nothing is assumed that the
    text does not say: a missing version stays "".
    """
    plain = _MARKS.sub(" ", text.replace("\N{NO-BREAK SPACE}", " ")).casefold()
    plain = " ".join(plain.split())
    bits, plain = _take_bits(plain)
    windows = os_rules.WINDOWS.search(plain)
    if windows:
        return _parse_windows(plain[windows.end() :].split(" sql")[0], bits)
    for rule in os_rules.RULES:
        found = rule.pattern.search(plain)
        if found:
            # A kernel version stands before the bare name: "Other 2.6.x Linux".
            tail = plain if rule.product == "Linux" else plain[found.end() :]
            return _parse_other(rule, plain, tail, bits)
    return None


def compare_systems(left: OperatingSystem, right: OperatingSystem) -> Agreement:
    """How two statements about one machine agree.

    `same`: nothing differs. `detail`: product and version are equal, only edition, service pack
    or width differ. `vaguer`: one says less and does not contradict the other ("Other 2.6.x
    Linux" and RHEL 6, whose kernel is 2.6.32). `conflict`: product or version cannot both be true.
    """
    if left == right:
        return "same"
    if (left.product, left.version) == (right.product, right.version):
        return "detail"
    return "vaguer" if _compatible(left, right) else "conflict"


def same_system(left: OperatingSystem, right: OperatingSystem) -> bool:
    """True unless product or version of the two contradict each other (see `compare_systems`)."""
    return compare_systems(left, right) != "conflict"


def _take_bits(plain: str) -> tuple[int | None, str]:
    for width, pattern in ((64, _BITS_64), (32, _BITS_32)):
        if pattern.search(plain):
            rest = " ".join(_BITS_32.sub(" ", pattern.sub(" ", plain)).split())
            return width, rest.removesuffix("(").strip()
    return None, plain


def _edition(text: str) -> str:
    words = [name for pattern, name in os_rules.EDITIONS if pattern.search(text)]
    return " ".join(words)


def _with_service_pack(edition: str, text: str) -> str:
    pack = _SERVICE_PACK.search(text)
    return f"{edition} SP{pack[1]}".strip() if pack else edition


def _parse_windows(tail: str, bits: int | None) -> OperatingSystem:
    for pattern, product in os_rules.WINDOWS_SPECIALS:
        if pattern.search(tail):
            named = re.search(r"(?<![\d.])20\d\d(?!\d)", tail)
            version = _years(tail) or (named[0] if named else "")
            return _windows(product, version, tail, bits, is_server="Server" in product or None)
    client = os_rules.CLIENT.match(tail)
    if client:
        return _windows_client(client[1], tail, bits)
    legacy = _legacy_windows(tail, bits)
    if legacy:
        return legacy
    years = _years(tail)
    if years and not (years == "2000" and "server" not in tail):
        return _windows_server(years, tail, bits)
    return _windows_without_year(years, tail, bits)


def _windows(product: str, version: str, tail: str, bits: int | None, *, is_server: bool | None) -> OperatingSystem:
    edition = _with_service_pack(_edition(tail), tail)
    return OperatingSystem("windows", product, version, edition, bits, "", "", is_server)


def _legacy_windows(tail: str, bits: int | None) -> OperatingSystem | None:
    old = os_rules.OLD_CLIENT.match(tail)
    if old:
        return _windows("Windows", old[1], tail, bits, is_server=False)
    nt = os_rules.NT.match(tail)
    if nt:
        return _windows("Windows NT", nt[1] or "", tail, bits, is_server=None)
    return None


def _years(tail: str) -> str:
    """The Windows Server releases a text names, as "2008 R2" or "2012/2016"; "" for none."""
    found: list[str] = []
    for year, r2 in os_rules.SERVER_YEAR.findall(tail):
        name = os_rules.SHORT_YEARS.get(year, year) + (" R2" if r2 else "")
        if name not in found:
            found.append(name)
    return "/".join(found)


def _windows_server(years: str, tail: str, bits: int | None) -> OperatingSystem:
    edition = _with_service_pack(_edition(tail), tail)
    hint = "" if "/" in years else _server_hint(years, tail)
    if "or later" in tail:
        years, hint = f"{years} or later", ""
    return OperatingSystem("windows", "Windows Server", years, edition, bits, "windows-server", hint, is_server=True)


def _server_hint(years: str, tail: str) -> str:
    # 2003 R2 is 2003 with service pack 1 or 2 and a second disc: it follows the dates of 2003.
    base = years.lower().replace(" ", "-").replace("2003-r2", "2003")
    pack = _SERVICE_PACK.search(tail)
    return f"{base}-sp{pack[1]}" if pack else base


def _windows_without_year(years: str, tail: str, bits: int | None) -> OperatingSystem:
    build = os_rules.BUILD.search(tail)
    number = build[1] if build else ""
    if "server" in tail:
        known = os_rules.SERVER_BUILDS.get(number)
        if known:
            return _windows_server(_years(known), f"{tail} {known}", bits)
        return _server_channel(tail, bits)
    if number in os_rules.CLIENT_BUILDS and number not in os_rules.SERVER_BUILDS:
        name = os_rules.CLIENT_BUILDS[number]
        return _windows_client(name.split()[0], f"{name} {tail}", bits)
    return _windows("Windows", years, tail, bits, is_server=None)


def _server_channel(tail: str, bits: int | None) -> OperatingSystem:
    channel = os_rules.SERVER_CHANNEL.search(tail)
    name = channel[1] if channel else ""
    suffix = "ac" if name == "23h2" else "sac"
    return OperatingSystem(
        "windows",
        "Windows Server",
        name.upper(),
        _edition(tail),
        bits,
        "windows-server",
        f"{name}-{suffix}" if name else "",
        is_server=True,
    )


def _windows_client(name: str, tail: str, bits: int | None) -> OperatingSystem:
    edition = _with_service_pack(_edition(tail), tail)
    build = os_rules.BUILD.search(tail)
    known = os_rules.CLIENT_BUILDS.get(build[1], "") if build else ""
    named = os_rules.FEATURE_RELEASE.search(tail)
    release = named[1] if named else known.removeprefix(f"{name} ").strip()
    if "or later" in tail:
        hint, version = "", f"{name} or later"
    else:
        hint, release = _client_hint(name, release, edition, tail)
        version = f"{name.upper() if name == 'xp' else name.capitalize()} {release.upper()}".strip()
    return OperatingSystem("windows", "Windows", version, edition, bits, "windows", hint, is_server=False)


def _client_hint(name: str, release: str, edition: str, tail: str) -> tuple[str, str]:
    cycle = os_rules.CLIENT_CYCLES.get(name, name)
    pack = _SERVICE_PACK.search(tail)
    if name not in ("10", "11"):
        return (f"{cycle}-sp{pack[1]}" if pack else cycle), ""
    if os_rules.LONG_TERM.search(tail):
        year = re.search(r"\b20(?:15|16|19|21|24)\b", tail)
        release = release or (os_rules.LONG_TERM_RELEASES[year[0]] if year else "")
        kind = "iot-lts" if "IoT" in edition and release in ("21h2", "24h2") else "e-lts"
        return f"{cycle}-{release or 'unnamed'}-{kind}", release
    if not release:
        return cycle, ""
    if "Enterprise" in edition or "Education" in edition:
        return f"{cycle}-{release}-e", release
    return (f"{cycle}-{release}-w" if edition else f"{cycle}-{release}"), release


def _parse_other(rule: OsRule, plain: str, tail: str, bits: int | None) -> OperatingSystem:
    release = _release(rule, tail)
    edition = _edition(plain)
    product, slug = rule.product, rule.slug
    major = release.version.split(".")[0]
    if product == "CentOS" and major.isdigit() and int(major) >= 9:
        # CentOS Linux ended with 8: from 9 on the name can only mean Stream.
        product, slug = "CentOS Stream", "centos-stream"
    elif product == "Red Hat Linux" and release.version not in {"", *os_rules.OLD_RED_HAT}:
        product, slug = "Red Hat Enterprise Linux", "rhel"
    elif product == "SUSE Linux" and " SP" in release.version:
        product, slug = "SUSE Linux Enterprise", "sles"
    if "Desktop" in edition and slug == "sles":
        slug = ""
    hint = release.hint if slug else ""
    return OperatingSystem(
        rule.family, product, release.version, edition, bits, slug, hint, _is_server(rule, plain, edition)
    )


def _is_server(rule: OsRule, plain: str, edition: str) -> bool | None:
    if "Desktop" in edition or "Workstation" in edition:
        return False
    if rule.is_server is None and re.search(r"\bserver\b|\bsles", plain):
        return True
    return rule.is_server


def _release(rule: OsRule, tail: str) -> _Release:
    if rule.product == "IBM AIX":
        return _aix_release(tail)
    # Names of Ubuntu images leave the point out: 2204.
    tail = re.sub(r"(?<!\d)(\d\d)(04|10)(?!\d)", r"\1.\2", tail) if rule.slug == "ubuntu" else tail
    found = _VERSION.search(tail)
    version = found[1] if found else _codename(rule.slug, tail)
    if rule.product == "HP-UX" and "11i" in tail:
        version = " ".join(re.findall(r"11i|v\d", tail))
    if not version:
        # The first generation was sold as "Amazon Linux AMI"; its releases share their dates.
        first = rule.product == "Amazon Linux" and tail.startswith(" ami")
        return _Release("1", "2018.03") if first else _Release("", "")
    if found and found[2]:
        return _Release(f"{version} or later", "")
    if "/" in version:
        return _Release(version, "")
    return _numbered(rule, version, tail)


def _codename(slug: str, tail: str) -> str:
    names = os_rules.CODENAMES.get(slug, {})
    return next((version for name, version in names.items() if name in tail), "")


def _numbered(rule: OsRule, version: str, tail: str) -> _Release:
    parts = [part for part in version.split(".") if part != "x"]
    match rule.product:
        case "SUSE Linux Enterprise" | "SUSE Linux":
            return _suse_release(parts, tail)
        case "Oracle Solaris" if parts[0] == "5" and len(parts) > 1:
            return _Release(".".join(parts[1:]), ".".join(parts[1:]))  # SunOS 5.10 is Solaris 10
        case "Container-Optimized OS":
            return _Release(version, f"cos-{parts[0]}")
        case "macOS" if parts[0] != "10":
            return _Release(version, parts[0])
        case "Debian" if int(parts[0]) < 4:
            return _Release(version, ".".join(parts[:2]))
        case "Amazon Linux":
            return _amazon_release(version, parts)
    return _Release(version, ".".join(parts[: rule.depth]))


def _amazon_release(version: str, parts: list[str]) -> _Release:
    if version == "1":
        return _Release("1", "2018.03")
    # The first generation was numbered by year and month, up to 2018.03; 2023 is one line.
    dated = len(parts[0]) == 4 and parts[0] <= "2018"
    return _Release(version, ".".join(parts[:2]) if dated else parts[0])


def _suse_release(parts: list[str], tail: str) -> _Release:
    pack = _SERVICE_PACK.search(tail)
    level = pack[1] if pack else "".join(parts[1:2])
    if not level:
        return _Release(parts[0], parts[0])
    # From 16 on the maker counts minor versions, before it counted service packs.
    version = f"{parts[0]}.{level}" if int(parts[0]) >= 16 else f"{parts[0]} SP{level}"
    return _Release(version, f"{parts[0]}.{level}")


def _aix_release(tail: str) -> _Release:
    level = _AIX_LEVEL.search(tail)
    if level:
        base, technology = f"{level[1]}.{level[2]}", str(int(level[3]))
        return _Release(f"{base} TL{technology}", f"{base}.{technology}")
    found = _VERSION.search(tail)
    if not found:
        return _Release("", "")
    parts = found[1].split(".")
    stated = _AIX_TECHNOLOGY.search(tail)
    # oslevel prints 7.2.0.0 at every technology level: a zero in third place says nothing.
    third = parts[2] if len(parts) > 2 and parts[2] != "0" else ""
    technology = str(int(stated[1])) if stated else third
    base = ".".join(parts[:2])
    if not technology:
        return _Release(base, base)
    return _Release(f"{base} TL{technology}", f"{base}.{technology}")


def _compatible(left: OperatingSystem, right: OperatingSystem) -> bool:
    for vague, precise in ((left, right), (right, left)):
        if vague.product == "Other":
            return True
        if vague.product == os_rules.GENERIC.get(vague.family) and vague.family == precise.family:
            if not vague.version:
                return True
            if vague.family == "linux" and precise.product != "Linux":
                return _kernel_fits(vague.version, precise)
    pair = frozenset({left.product, right.product})
    if len(pair) > 1 and pair not in os_rules.VAGUE_PAIRS:
        return False
    return _versions_meet(left.version, right.version, dotted=left.family != "windows")


def _kernel_fits(kernel: str, system: OperatingSystem) -> bool:
    known = os_rules.KERNELS.get(system.slug, {}).get(system.cycle_hint)
    return known is None or _versions_meet(kernel, known, dotted=True)


def _versions_meet(left: str, right: str, *, dotted: bool) -> bool:
    """Whether one release can bear both version texts ("7" and "7.9" yes, "2008" and "2008 R2" no)."""
    if not left or not right:
        return True
    return any(_meet(one, other, dotted=dotted) for one in _alternatives(left) for other in _alternatives(right))


def _alternatives(version: str) -> list[str]:
    later = version.endswith(" or later")
    names = version.removesuffix(" or later").split("/")
    return [f"{name} or later" if later and name == names[-1] else name for name in names]


def _meet(left: str, right: str, *, dotted: bool) -> bool:
    first, second = _parts(left, dotted=dotted), _parts(right, dotted=dotted)
    if left.endswith(" or later") and right.endswith(" or later"):
        return True
    if left.endswith(" or later"):
        return _numbers(second) >= _numbers(first)
    if right.endswith(" or later"):
        return _numbers(first) >= _numbers(second)
    shorter, longer = sorted((first, second), key=len)
    return longer[: len(shorter)] == shorter and longer[len(shorter) : len(shorter) + 1] != ["r2"]


def _parts(version: str, *, dotted: bool) -> list[str]:
    plain = version.lower().removesuffix(" or later")
    return [part for part in re.split(r"[ .]" if dotted else r" ", plain) if part != "x"]


def _numbers(parts: list[str]) -> tuple[int, ...]:
    return tuple(int(part) for part in parts if part.isdigit())
