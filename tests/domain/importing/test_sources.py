"""Sources told by their headers alone, sources that are unknown, and rules that a source sets for its rows."""

import pytest

from domain.importing.build import reading
from masterflow.domain.importing import detect_source
from masterflow.domain.records import Column, SheetHeader


def header(names: str, sheet: str = "") -> SheetHeader:
    columns = [name.strip() for name in names.split(",")]
    return SheetHeader(sheet, 1, tuple(Column(name, n, name) for n, name in enumerate(columns, 1)))


TABLES = {
    "rvtools vInfo as CSV": (
        "VM,Powerstate,Template,DNS Name,CPUs,Memory,NICs,Disks,Primary IP Address,Provisioned MiB,Host,VM UUID",
        ("rvtools", "asset", "virtual_machine", "VM"),
    ),
    "rvtools vDisk as CSV": (
        "VM,Powerstate,Template,Disk,Capacity MiB,Raw,Disk Mode,Thin,Eagerly Scrub",
        ("rvtools", "detail", "virtual_machine", "VM"),
    ),
    "azure import template": (
        "*Server name,IP addresses,*Cores,*Memory (In MB),*OS name,OS version,Server type,Hypervisor",
        ("azure_migrate_import", "asset", "server", "*Server name"),
    ),
    "azure dependencies": (
        "Time slot,Source server name,Source application,Source process,Destination server name,Destination IP,"
        "Destination application,Destination process,Destination port",
        ("azure_migrate_dependencies", "relation", "", "Source server name"),
    ),
    "aws discovery": (
        "ExternalId,SMBiosId,IPAddress,MACAddress,HostName,VMware.MoRefId,CPU.NumberOfCores,OS.Name,RAM.TotalSizeInMB",
        ("aws_ads", "asset", "server", "HostName"),
    ),
    "aws mgn": (
        "mgn:account-id,mgn:region,mgn:app:name,mgn:wave:name,mgn:server:user-provided-id,mgn:server:platform",
        ("aws_mgn", "asset", "server", "mgn:server:user-provided-id"),
    ),
    "google machines": (
        "MachineId,MachineName,PrimaryIPAddress,AllocatedProcessorCoreCount,MemoryGiB,OsName,OsVersion,IsPhysical",
        ("google_migration_center", "asset", "server", "MachineId"),
    ),
    "google disks": (
        "MachineId,DiskLabel,SizeInGib,UsedInGib,StorageTypeLabel",
        ("google_migration_center", "detail", "server", "MachineId"),
    ),
    "google tags": ("MachineId,Key,Value", ("google_migration_center", "detail", "server", "MachineId")),
    "google performance": (
        "MachineId,TimeStamp,CpuUtilizationPercentage,MemoryUtilizationPercentage",
        ("google_migration_center", "detail", "server", "MachineId"),
    ),
    "servicenow": (
        "sys_id,name,sys_class_name,ip_address,fqdn,os,os_version,cpu_count,ram,disk_space",
        ("servicenow_cmdb", "asset", "server", "name"),
    ),
    "servicenow labels": (
        "Name,Class,IP Address,Operating System,Serial number,Assigned to,RAM (MB)",
        ("servicenow_cmdb", "asset", "server", "Name"),
    ),
    "servicenow relations": ("Parent,Type,Child", ("servicenow_cmdb", "relation", "", "Parent")),
    "nutanix": (
        "VM Name,Host,IP Addresses,Cores,Memory Capacity,Storage,CPU Usage,Power State",
        ("nutanix", "asset", "virtual_machine", "VM Name"),
    ),
    "device42": (
        "device_id,name,type,virtual_subtype,service_level,total_cpus,ram,os_name,serial_no",
        ("device42", "asset", "server", "name"),
    ),
    "cast": (
        "Application,Technologies,CloudReady,Roadblocks,Lines of Code",
        ("cast_highlight", "asset", "application", "Application"),
    ),
    "focus": (
        "BilledCost,BillingPeriodStart,ChargeCategory,EffectiveCost,ServiceName,SubAccountId",
        ("focus", "ignored", "", ""),
    ),
}


@pytest.mark.parametrize(("names", "expected"), TABLES.values(), ids=TABLES.keys())
def test_a_table_is_known_by_its_headers_in_any_case_and_order(names, expected):
    for text in (names, names.upper(), ",".join(reversed(names.split(",")))):
        source = detect_source([header(text)])
        role = source.roles[""]
        found = (source.name, role.kind, role.asset_type, role.key_column.casefold())
        assert found == (*expected[:3], expected[3].casefold())
        assert 0.5 <= source.confidence <= 1.0


def test_a_sheet_that_bears_the_name_of_one_of_the_tool_needs_only_its_key():
    full = header(TABLES["rvtools vInfo as CSV"][0], "vInfo")
    roles = detect_source([full, header("VM,Any", "vTools"), header("Any,Thing", "vCPU")]).roles
    assert (roles["vTools"].kind, roles["vTools"].key_column) == ("detail", "VM")
    assert roles["vCPU"].kind == "ignored"


def test_a_renamed_sheet_is_known_by_its_headers():
    assert detect_source([header(TABLES["rvtools vInfo as CSV"][0], "Servers")]).roles["Servers"].kind == "asset"


def test_other_sheets_of_a_known_workbook_are_ignored_and_named():
    source = detect_source([header(TABLES["rvtools vInfo as CSV"][0], "vInfo"), header("a,b", "Notes")])
    assert source.roles["Notes"].kind == "ignored"
    assert source.evidence[-1] == "Not read as inventory: Notes."


def test_the_real_rvtools_port_sheet_belongs_to_hosts():
    ports = header("Host,Datacenter,Cluster,Port Group,Switch,VLAN", "vPort")
    assert detect_source([ports]).roles["vPort"].asset_type == "host"


@pytest.mark.parametrize(
    ("names", "key"),
    [
        ("hostName,numCpu,memoryMB,ipAddress", "hostName"),
        ("Host,Name,vCPU", "Name"),
        ("server,environment,operating_system", "server"),
        ("Rechnername,Betriebssystem,Standort", "Rechnername"),
        ("FQDN,IP", "FQDN"),
        ("OS Name,VM Name", "VM Name"),
    ],
)
def test_an_unknown_table_of_servers_is_read_as_assets(names, key):
    source = detect_source([header(names)])
    assert (source.name, source.confidence) == ("unknown", 0.4)
    assert (source.roles[""].kind, source.roles[""].asset_type, source.roles[""].key_column) == ("asset", "server", key)


@pytest.mark.parametrize(
    "names", ["source,target,port", "src_ip,dst_ip,dst_port", "From,To", "sourceHost,destinationHost"]
)
def test_an_unknown_table_of_pairs_is_read_as_relations(names):
    assert detect_source([header(names)]).roles[""].kind == "relation"


@pytest.mark.parametrize(
    "names", ["Owner Name,Department", "provider,region,vcpu,memory_gib", "name,owner", "1,2", "x"]
)
def test_other_tables_are_ignored_with_the_reason(names):
    source = detect_source([header(names, "T")])
    assert (source.name, source.confidence, source.roles["T"].kind) == ("unknown", 0.0, "ignored")
    assert source.evidence[0].startswith("Sheet T: ")


def test_the_source_that_explains_more_of_a_workbook_wins():
    sheets = [header(TABLES["rvtools vInfo as CSV"][0], "vInfo"), header("Parent,Child,Type", "Links")]
    for order in (sheets, sheets[::-1]):
        source = detect_source(order)
        assert (source.name, source.roles["Links"].kind) == ("rvtools", "ignored")


def test_a_source_of_nothing_is_unknown():
    assert detect_source([]).name == "unknown"


KONVEYOR = "Record Type 1,Application Name,Description,Dependency,Dependency Direction\n"


@pytest.mark.parametrize(
    ("line", "word"),
    [
        ("3,Shop,,,", "record type is '3'"),
        (",Shop,,,", "record type is ''"),
        ("1,,x,,", "name is missing"),
        ("2,Shop,,,southbound", "dependency is missing"),
        ("2,Shop,,Db,sideways", "direction is 'sideways'"),
    ],
)
def test_a_konveyor_row_that_its_importer_refuses_is_rejected_with_the_reason(line, word):
    found = reading(KONVEYOR + "1,Shop,,,\n" + line + "\n2,Shop,,Db,Northbound\n")
    assert (found.ends[0].records, found.ends[0].rejected) == (2, 1)
    assert word in found.issues[0].message
    assert found.issues[0].place.row == 3


def test_other_sources_have_no_such_rule():
    assert reading("Kind,Name,Description,Direction,IP\n3,Shop,,,1.1.1.1\n").ends[0].records == 1
