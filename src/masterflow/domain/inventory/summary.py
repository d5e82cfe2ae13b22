"""Count an inventory: machines, hosts, clusters, and the sizing of what runs."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from masterflow.domain.inventory.model import AssetDraft, Inventory
from masterflow.domain.inventory.systems import TOOLS_RULE

_HOST_FLAGS = frozenset({"described", "named_only"})
_SIZES = ("cpu_cores", "memory_gb", "storage_gb", "storage_used_gb")


@dataclass(frozen=True, slots=True)
class InventorySummary:
    """Counts and sums of an inventory.

    Machines are virtual machines and those servers that are not hosts of them. Sizing (`vcpu`,
    `memory_gib`, `provisioned_tib`, `in_use_tib`) covers machines that are on and no templates; a
    sum is None when no machine states the figure, and `sizing_gaps` counts per field the machines
    left out of a sum because they do not state it. `no_tools_os` is None when the source reports no
    system of the guest tools at all. `os_conflicts` counts machines whose two operating system
    texts say different things.
    """

    vms: int
    servers: int
    hosts_described: int
    hosts_named_only: int
    clusters: int
    cluster_names: tuple[str, ...]
    networks: int
    other_assets: int
    powered_on: int
    powered_off: int
    power_unknown: int
    templates: int
    powered_on_non_templates: int
    vcpu: int | None
    memory_gib: float | None
    provisioned_tib: float | None
    in_use_tib: float | None
    sizing_gaps: dict[str, int]
    os_conflicts: int
    no_tools_os: int | None
    by_operating_system: dict[str, int]
    vms_by_cluster: dict[str, int]
    without_ip: int
    without_operating_system: int


def summarise(inventory: Inventory) -> InventorySummary:
    """Count the assets; figures that the input does not hold are None, never 0."""
    types = Counter(asset.asset_type for asset in inventory.assets)
    hosts = [asset for asset in inventory.assets if is_host(asset)]
    machines = [asset for asset in inventory.assets if is_machine(asset)]
    clusters = sorted(asset.name for asset in inventory.assets if asset.asset_type == "cluster")
    states = Counter(asset.values.get("power_state") for asset in machines)
    sized = [asset for asset in machines if is_sized(asset)]
    cores = _sum(sized, "cpu_cores")
    return InventorySummary(
        vms=types["virtual_machine"],
        servers=sum(1 for asset in machines if asset.asset_type == "server"),
        hosts_described=sum(1 for asset in hosts if "described" in asset.flags),
        hosts_named_only=sum(1 for asset in hosts if "named_only" in asset.flags),
        clusters=len(clusters),
        cluster_names=tuple(clusters),
        networks=types["network"],
        other_assets=len(inventory.assets) - len(hosts) - len(machines) - len(clusters) - types["network"],
        powered_on=states["poweredOn"],
        powered_off=states["poweredOff"],
        power_unknown=len(machines) - states["poweredOn"] - states["poweredOff"],
        templates=sum(1 for asset in machines if "template" in asset.flags),
        powered_on_non_templates=len(sized),
        vcpu=None if cores is None else round(cores),
        memory_gib=_sum(sized, "memory_gb"),
        provisioned_tib=_tib(_sum(sized, "storage_gb")),
        in_use_tib=_tib(_sum(sized, "storage_used_gb")),
        sizing_gaps={name: sum(1 for asset in sized if name not in asset.values) for name in _SIZES},
        os_conflicts=sum(1 for asset in machines if _has_os_conflict(asset)),
        no_tools_os=_without_tools(machines),
        by_operating_system=_counted(asset.values.get("operating_system") for asset in machines),
        vms_by_cluster=_counted(asset.values.get("cluster_name") for asset in machines),
        without_ip=sum(1 for asset in machines if not asset.values.get("ip_address")),
        without_operating_system=sum(1 for asset in machines if "operating_system" not in asset.values),
    )


def is_host(asset: AssetDraft) -> bool:
    """A host of virtual machines, described by a row or only named."""
    return asset.asset_type in {"server", "host", "hypervisor"} and not _HOST_FLAGS.isdisjoint(asset.flags)


def is_machine(asset: AssetDraft) -> bool:
    """A virtual machine, or a server that is no host."""
    return asset.asset_type == "virtual_machine" or (asset.asset_type == "server" and not is_host(asset))


def is_sized(asset: AssetDraft) -> bool:
    """Whether a machine counts for sizing: powered on and no template."""
    return asset.values.get("power_state") == "poweredOn" and "template" not in asset.flags


def _sum(assets: Sequence[AssetDraft], target: str) -> float | None:
    stated = [value for asset in assets if isinstance(value := asset.values.get(target), int | float)]
    return float(sum(stated)) if stated else None


def _tib(gib: float | None) -> float | None:
    return None if gib is None else gib / 1024


def _has_os_conflict(asset: AssetDraft) -> bool:
    return any(conflict.rule == TOOLS_RULE for conflict in asset.conflicts)


def _without_tools(machines: Sequence[AssetDraft]) -> int | None:
    missing = sum(1 for asset in machines if "os_tools" not in asset.values)
    return None if missing == len(machines) else missing


def _counted(values: Iterable[object]) -> dict[str, int]:
    """Counts, largest first, then by name."""
    counts = Counter(str(value) for value in values if value is not None)
    return dict(sorted(counts.items(), key=lambda item: (-item[1], item[0])))
