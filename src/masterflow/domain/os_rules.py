"""Tables by which operating system names are recognised: names, editions, builds, kernels."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Literal

Family = Literal["windows", "linux", "unix", "vmware", "network", "other"]


@dataclass(frozen=True, slots=True)
class OsRule:
    """How one product is recognised in a lower-case text.

    `depth` is the number of version parts that name a release cycle in the end-of-life catalogue
    (1 for "7" of RHEL 7.9, 2 for "20.04" of Ubuntu 20.04.6).
    """

    pattern: re.Pattern[str]
    family: Family
    product: str
    slug: str = ""
    depth: int = 1
    is_server: bool | None = None


def _rule(
    pattern: str,
    family: Family,
    product: str,
    slug: str = "",
    depth: int = 1,
    *,
    is_server: bool | None = None,
) -> OsRule:
    return OsRule(re.compile(pattern), family, product, slug, depth, is_server)


# The first rule that matches wins: a more special name stands before the name it contains.
RULES: tuple[OsRule, ...] = (
    _rule(r"\besxi(?=\b|\d)", "vmware", "VMware ESXi", "vmware-esxi", 2, is_server=True),
    _rule(r"\besx(?=\b|\d)", "vmware", "VMware ESX", is_server=True),
    _rule(r"\bphoton\b", "linux", "VMware Photon OS"),
    _rule(r"\bcontainer-optimized os\b|\bcos(?=-\d)", "linux", "Container-Optimized OS", "cos"),
    _rule(r"\brhcos\b|\b(?:red ?hat|fedora)\b.*\bcore ?os\b|\bcore ?os\b", "linux", "CoreOS"),
    _rule(r"\bflatcar\b", "linux", "Flatcar"),
    _rule(r"\bcent ?os\b.*?\bstream(?=\b|\d)", "linux", "CentOS Stream", "centos-stream"),
    _rule(r"\bcent ?os(?: linux)?(?=\b|\d)", "linux", "CentOS", "centos"),
    _rule(
        r"\boracle(?:[ -]?(?:enterprise|unbreakable))?[ -]?linux(?: server)?(?=\b|\d)"
        r"|\blinux oracle\b|\boel(?=\b|\d)|\bol(?=\d| \d)",
        "linux",
        "Oracle Linux",
        "oracle-linux",
    ),
    _rule(r"\balma(?: ?linux)?(?=\b|\d)", "linux", "AlmaLinux", "almalinux"),
    _rule(r"\brocky(?: ?linux)?(?=\b|\d)", "linux", "Rocky Linux", "rocky-linux"),
    _rule(
        r"\bamazon ?linux(?=\b|\d)|\bamzn(?=\b|\d)|\bal(?=2\b|2023\b)",
        "linux",
        "Amazon Linux",
        "amazon-linux",
        2,
    ),
    _rule(
        r"\brhel(?=\b|\d)|\bred ?hat enterprise(?: linux)?(?=\b|\d)",
        "linux",
        "Red Hat Enterprise Linux",
        "rhel",
    ),
    _rule(r"\bred ?hat(?: linux)?(?=\b|\d)", "linux", "Red Hat Linux"),
    _rule(r"\bopen ?suse(?: leap)?(?=\b|\d)", "linux", "openSUSE", "opensuse", 2),
    _rule(
        r"\bsuse linux enterprise|\bsuse ?(?:enterprise|sles)\b|\bsle[sd](?=\b|\d)|\bsle(?=\d| \d)",
        "linux",
        "SUSE Linux Enterprise",
        "sles",
    ),
    _rule(r"\bsuse(?: ?linux)?(?=\b|\d)", "linux", "SUSE Linux"),
    _rule(r"\bdebian(?=\b|\d)", "linux", "Debian", "debian"),
    _rule(r"\bubuntu(?=\b|\d)", "linux", "Ubuntu", "ubuntu", 2),
    _rule(r"\bfedora(?=\b|\d)", "linux", "Fedora", "fedora"),
    _rule(r"\bscientific linux\b", "linux", "Scientific Linux"),
    _rule(r"\b(?:azure linux|cbl-mariner)\b", "linux", "Azure Linux"),
    _rule(r"\balpine(?: linux)?\b", "linux", "Alpine Linux"),
    _rule(r"\bkali(?:[ /]|$)", "linux", "Kali Linux"),
    _rule(r"\blinux mint\b", "linux", "Linux Mint"),
    _rule(r"\barch linux\b", "linux", "Arch Linux"),
    _rule(r"\bgentoo\b", "linux", "Gentoo"),
    _rule(r"\bmandri(?:va|ake)\b", "linux", "Mandriva"),
    _rule(r"\bturbolinux\b", "linux", "Turbolinux"),
    _rule(r"\basianux\b", "linux", "Asianux"),
    _rule(r"\b(?:open ?euler|euleros)\b", "linux", "openEuler"),
    _rule(r"\braspbian\b|\braspberry pi os\b", "linux", "Raspberry Pi OS"),
    _rule(r"\bfreebsd(?=\b|\d)", "unix", "FreeBSD", "freebsd", 2),
    _rule(r"\bopenbsd\b", "unix", "OpenBSD"),
    _rule(r"\bnetbsd\b", "unix", "NetBSD"),
    _rule(r"\b(?:oracle )?solaris(?=\b|\d)", "unix", "Oracle Solaris", "oracle-solaris", 2),
    _rule(r"\bsun ?os(?=\b|\d)", "unix", "Oracle Solaris", "oracle-solaris", 2),
    _rule(r"\baix(?=\b|\d)", "unix", "IBM AIX", "ibm-aix", 3, is_server=True),
    _rule(r"\bhp-?ux\b", "unix", "HP-UX", is_server=True),
    _rule(r"\btru64\b|\bdigital unix\b", "unix", "Tru64 UNIX", is_server=True),
    _rule(r"\birix\b", "unix", "IRIX"),
    _rule(r"\b(?:sco )?openserver\b", "unix", "SCO OpenServer", is_server=True),
    _rule(r"\b(?:sco )?unixware\b", "unix", "SCO UnixWare", is_server=True),
    _rule(r"\bmac ?os(?: ?x)?(?=\b|\d)|\bos x\b", "unix", "macOS", "macos", 2, is_server=False),
    _rule(r"\bz/os\b", "other", "z/OS", is_server=True),
    _rule(r"\bos/400\b|\bibm i\b|\bi5/os\b", "other", "IBM i", is_server=True),
    _rule(r"\bopenvms\b", "other", "OpenVMS", is_server=True),
    _rule(r"\bnetware\b", "other", "NetWare", is_server=True),
    _rule(r"\bos/2\b|\becomstation\b", "other", "OS/2"),
    _rule(r"\b(?:ms-?|free)?dos\b", "other", "DOS"),
    _rule(r"\bontap\b", "other", "NetApp ONTAP"),
    _rule(r"\bnx-?os\b", "network", "Cisco NX-OS"),
    _rule(r"\bcisco\b.*?\bios(?:[ -]?x[er])?\b|\bios[ -]x[er]\b", "network", "Cisco IOS"),
    _rule(r"\bcisco asa\b|\bcisco adaptive security\b", "network", "Cisco ASA"),
    _rule(r"\bjunos\b", "network", "Junos"),
    _rule(r"\bforti(?:os|gate)\b", "network", "FortiOS"),
    _rule(r"\bpan-?os\b", "network", "PAN-OS"),
    _rule(r"\bbig-?ip\b|\btmos\b", "network", "F5 BIG-IP"),
    _rule(r"\baruba ?os\b", "network", "ArubaOS"),
    _rule(r"\barista eos\b", "network", "Arista EOS"),
    _rule(r"\blinux\b", "linux", "Linux", "", 2),
    _rule(r"^(?:other )?unix\b", "unix", "Unix"),
    _rule(r"^other(?: operating system| os)?$", "other", "Other"),
)

WINDOWS = re.compile(
    r"\bwindows(?: (?:microsoft )?windows)*(?=server|[\s\d-]|nt|xp|vista|$)"
    r"|\bwin(?:srv|svr)?(?=[\s\d-]|xp|vista|server|$)"
    r"|\bw(?=2k|20(?:0[038]|1[269]|2[25]))|\bws(?=20(?:0[38]|1[269]|2[25]))"
    r"|\b(?=hyper-v server)|^(?:ms |microsoft )?(?=server[ -]?20(?:0[038]|1[269]|2[25])\b)"
)
SERVER_YEAR = re.compile(
    r"(?<![\d.])(20(?:0[038]|1[269]|2[25])|2k(?:3|8|12|16|19|22|25)?(?!\d))"
    r"(?!\d|\.\d|-\d\d-)[\s-]*(r2(?!\d))?"
)
SHORT_YEARS = {
    "2k": "2000",
    "2k3": "2003",
    "2k8": "2008",
    "2k12": "2012",
    "2k16": "2016",
    "2k19": "2019",
    "2k22": "2022",
    "2k25": "2025",
}
SERVER_CHANNEL = re.compile(r"(?<![\d.])(1709|1803|1809|1903|1909|2004|20h2|23h2)(?![\d.])")
CLIENT = re.compile(r"^[\s-]*(?:nt )?(11|10|8\.1|8|7|vista|xp)(?![\d]|\.\d)")
OLD_CLIENT = re.compile(r"^[\s-]*(95|98|me|millennium|3\.1)\b")
NT = re.compile(r"^[\s-]*nt\b(?:\D*(\d\.\d+|\d))?")
FEATURE_RELEASE = re.compile(r"(?<![\d.])(1507|1511|1607|1703|1709|1803|1809|1903|1909|2004|2[0-9]h[12])(?![\d.])")
LONG_TERM = re.compile(r"\blts[bc]\b")
LONG_TERM_RELEASES = {"2015": "1507", "2016": "1607", "2019": "1809", "2021": "21h2", "2024": "24h2"}
CLIENT_CYCLES = {"vista": "6", "xp": "5"}
# Server lines whose licence, not their code, differs from Windows Server: own dates, not in the catalogue.
WINDOWS_SPECIALS: tuple[tuple[re.Pattern[str], str], ...] = (
    (re.compile(r"\bstorage server\b"), "Windows Storage Server"),
    (re.compile(r"\b(?:small business server|sbs)\b"), "Windows Small Business Server"),
    (re.compile(r"\bhome server\b"), "Windows Home Server"),
    (re.compile(r"\bhyper-v server\b"), "Hyper-V Server"),
    (re.compile(r"\bmultipoint server\b"), "Windows MultiPoint Server"),
    (re.compile(r"\bembedded\b"), "Windows Embedded"),
)

SERVER_BUILDS = {
    "3790": "2003",
    "6002": "2008 sp2",
    "6003": "2008 sp2",
    "7600": "2008 r2",
    "7601": "2008 r2 sp1",
    "9200": "2012",
    "9600": "2012 r2",
    "14393": "2016",
    "20348": "2022",
    "26100": "2025",
}
"""Build number to Windows Server release. 17763 is absent: 2019 and version 1809 share it."""

CLIENT_BUILDS = {
    "10240": "10 1507",
    "10586": "10 1511",
    "14393": "10 1607",
    "15063": "10 1703",
    "16299": "10 1709",
    "17134": "10 1803",
    "17763": "10 1809",
    "18362": "10 1903",
    "18363": "10 1909",
    "19041": "10 2004",
    "19042": "10 20h2",
    "19043": "10 21h1",
    "19044": "10 21h2",
    "19045": "10 22h2",
    "22000": "11 21h2",
    "22621": "11 22h2",
    "22631": "11 23h2",
    "26100": "11 24h2",
    "26200": "11 25h2",
}
BUILD = re.compile(r"(?<![\d.])(?:5\.2|6\.[0-3]|10\.0)\.(\d{4,5})(?!\d)")

EDITIONS: tuple[tuple[re.Pattern[str], str], ...] = (
    (re.compile(r"\bdata ?cent(?:er|re)\b|\bdc\b"), "Datacenter"),
    (re.compile(r"(?<!linux )(?<!red hat )\benterprise\b(?! linux| server \d)|\bent\b"), "Enterprise"),
    (re.compile(r"\bstandard\b|\bstd\b"), "Standard"),
    (re.compile(r"\bessentials\b"), "Essentials"),
    (re.compile(r"\bfoundation\b"), "Foundation"),
    (re.compile(r"\bweb(?: edition| server)?\b"), "Web"),
    (re.compile(r"\bprofessional\b|\bpro\b"), "Professional"),
    (re.compile(r"\bultimate\b"), "Ultimate"),
    (re.compile(r"\beducation\b"), "Education"),
    (re.compile(r"\bhome\b"), "Home"),
    (re.compile(r"\biot\b"), "IoT"),
    (re.compile(r"\blts[bc]\b"), "LTSC"),
    (re.compile(r"\bfor sap\b"), "for SAP"),
    (re.compile(r"\bworkstation\b"), "Workstation"),
    (re.compile(r"\bdesktop\b|\bsled\b"), "Desktop"),
)

CODENAMES = {
    "debian": {
        "squeeze": "6",
        "wheezy": "7",
        "jessie": "8",
        "stretch": "9",
        "buster": "10",
        "bullseye": "11",
        "bookworm": "12",
        "trixie": "13",
    },
    "ubuntu": {
        "trusty": "14.04",
        "xenial": "16.04",
        "bionic": "18.04",
        "focal": "20.04",
        "jammy": "22.04",
        "noble": "24.04",
    },
}

# Only releases that keep one kernel line for life: elsewhere newer kernels are an ordinary update.
_RED_HAT_KERNELS = {
    "4": "2.6.9",
    "5": "2.6.18",
    "6": "2.6.32",
    "7": "3.10.0",
    "8": "4.18.0",
    "9": "5.14.0",
    "10": "6.12.0",
}
KERNELS: dict[str, dict[str, str]] = {"rhel": _RED_HAT_KERNELS, "centos": _RED_HAT_KERNELS}

VAGUE_PAIRS = frozenset(
    {
        frozenset({"CentOS", "CentOS Stream"}),
        frozenset({"SUSE Linux", "SUSE Linux Enterprise"}),
        frozenset({"SUSE Linux", "openSUSE"}),
        frozenset({"Red Hat Linux", "Red Hat Enterprise Linux"}),
    }
)
"""Product names of which one may be short for the other."""

GENERIC = {"windows": "Windows", "linux": "Linux", "unix": "Unix", "other": "Other"}

# Red Hat Linux, the product before Red Hat Enterprise Linux, ended with these numbers.
OLD_RED_HAT = frozenset({"5.2", "6", "6.0", "6.1", "6.2", "7", "7.0", "7.1", "7.2", "7.3", "8", "8.0", "9"})
