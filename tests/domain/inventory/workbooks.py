"""The two real workbooks as clean rows, read by openpyxl with a mapping written by hand."""

from pathlib import Path

import openpyxl

from masterflow.domain.cleansing import MappedColumn, cleanse
from masterflow.domain.records import Record, SheetRole

ROOT = Path(__file__).parents[3]
RVTOOLS = ROOT / "src" / "masterflow" / "data" / "rvtools-workshop.xlsx"
AZURE = ROOT / "tests" / "data" / "azure_migrate" / "AzureMigrate_Discovery_Report.xlsx"


def column(name, target, kind="text", unit="", target_unit="", **more):
    return MappedColumn(name, target, kind, unit, target_unit, **more)


def size(name, target):
    return column(name, target, "number", "MB", "GiB")


PLACES = (column("Datacenter", "datacenter"), column("Cluster", "cluster_name"), column("Host", "host_name"))
SYSTEMS = (
    column("OS according to the configuration file", "operating_system"),
    column("OS according to the VMware Tools", "os_tools"),
)
STATE = (
    column("VM", "name"),
    column("Powerstate", "power_state", "enum"),
    column("Template", "is_template", "boolean"),
)

RVTOOLS_ROLES = {
    "vInfo": SheetRole("asset", "virtual_machine"),
    "vNetwork": SheetRole("detail", "virtual_machine", "VM"),
    "vPartition": SheetRole("detail", "virtual_machine", "VM"),
    "vHost": SheetRole("asset", "host"),
}
RVTOOLS_MAPPING = {
    "vInfo": (
        *STATE,
        *PLACES,
        *SYSTEMS,
        column("CPUs", "cpu_cores", "integer"),
        size("Memory", "memory_gb"),
        column("NICs", "nic_count", "integer"),
        column("Disks", "disk_count", "integer"),
        size("Provisioned MB", "storage_gb"),
        size("In Use MB", "storage_used_gb"),
    ),
    "vNetwork": (
        *STATE,
        column("IPv4 Address", "ip_address", "ip"),
        column("IPv6 Address", "ip_address", "ip"),
        column("Mac Address", "mac_address", "mac"),
        column("Network", "network_name"),
    ),
    "vPartition": (
        *STATE,
        *PLACES,
        *SYSTEMS,
        size("Capacity MB", "storage_gb"),
        size("Consumed MB", "storage_used_gb"),
        size("Free MB", "storage_free_gb"),
    ),
    "vHost": (
        column("Host", "name"),
        *PLACES[:2],
        column("CPU Model", "cpu_model"),
        column("Speed", "cpu_speed_mhz", "number", "MHz", "MHz"),
        column("# CPU", "cpu_sockets", "integer"),
        column("Cores per CPU", "cores_per_socket", "integer"),
        column("# Cores", "cpu_cores", "integer"),
        column("CPU usage %", "cpu_utilization_percent", "percent", "percent", "percent"),
        size("# Memory", "memory_gb"),
        column("ESX Version", "operating_system"),
        column("Vendor", "vendor"),
        column("Model", "model"),
    ),
}
AZURE_ROLES = {"Discovery_Report": SheetRole("asset", "server")}
AZURE_MAPPING = {
    "Discovery_Report": (
        column("Machine Name", "name"),
        column("Environment", "environment"),
        column("Operating System", "operating_system"),
        column("Cores", "cpu_cores", "integer"),
        size("Memory (in MB)", "memory_gb"),
        column("Total Disks", "disk_count", "integer"),
        column("IP Addresses", "ip_address", "ip"),
        column("MAC Addresses", "mac_address", "mac"),
        column("Total Network Adapters", "nic_count", "integer"),
        column("Boot Type", "boot_type", "enum", values=("bios", "efi")),
        column("Power Stats", "power_state", "enum"),
        column("First Discovery Time", "discovered_at", "date"),
        column("Machine ID", "source_id"),
    ),
}


def read_rows(path, sheets):
    """The filled rows of the sheets as Records; blank rows are skipped, row numbers are kept."""
    book = openpyxl.load_workbook(path, read_only=True, data_only=True)
    rows = []
    for sheet in sheets:
        table = book[sheet].iter_rows(values_only=True)
        header = [str(cell) for cell in next(table)]
        for number, cells in enumerate(table, start=2):
            if any(cell is not None for cell in cells):
                rows.append(Record(sheet, number, dict(zip(header, cells, strict=True))))
    book.close()
    return tuple(rows)


def cleansed(records, roles, mapping):
    """Clean rows and issues; the record id is sheet and row."""
    clean, issues = [], []
    for record in records:
        row, found = cleanse(record, f"{record.sheet}:{record.row}", roles[record.sheet], mapping[record.sheet])
        clean.append(row)
        issues.extend(found)
    return tuple(clean), tuple(issues)
