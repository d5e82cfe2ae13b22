"""The tables that known tools write, told by their headers: which sheets, what their rows describe.

Header names are those of the tools' own exports and documentation (project study of vendor formats);
"a|b" means that either spelling will do, as between RVTools versions.
"""

from __future__ import annotations

from dataclasses import dataclass

from masterflow.domain.records import SheetKind


@dataclass(frozen=True, slots=True)
class SheetSignature:
    """One table of a tool.

    `sheet` is its name in a workbook ("" for any), `required` the headers it must have, `typical`
    those of which at least `least` must be there, `key` the header that names the asset.
    """

    sheet: str
    kind: SheetKind
    asset_type: str = ""
    key: str = ""
    required: tuple[str, ...] = ()
    typical: tuple[str, ...] = ()
    least: int = 0


@dataclass(frozen=True, slots=True)
class SourceSignature:
    """A tool: `name` is stable, `title` is for people, `note` is added to the evidence."""

    name: str
    title: str
    sheets: tuple[SheetSignature, ...]
    note: str = ""


def _words(text: str) -> tuple[str, ...]:
    return tuple(part.strip() for part in text.split(","))


def _vm(sheet: str, required: str, typical: str = "") -> SheetSignature:
    names = _words(typical) if typical else ()
    return SheetSignature(sheet, "detail", "virtual_machine", "vm", _words(required), names)


def _host(sheet: str, required: str) -> SheetSignature:
    return SheetSignature(sheet, "detail", "host", "host", _words(required))


def _ignored(*sheets: str) -> tuple[SheetSignature, ...]:
    return tuple(SheetSignature(sheet, "ignored") for sheet in sheets)


RVTOOLS = SourceSignature(
    "rvtools",
    "RVTools (VMware vSphere export)",
    (
        SheetSignature(
            "vinfo",
            "asset",
            "virtual_machine",
            "vm",
            _words("vm, powerstate, cpus, memory"),
            _words(
                "template, nics, disks, provisioned mb|provisioned mib, in use mb|in use mib, datacenter, cluster, "
                "host, os according to the configuration file, os according to the vmware tools, dns name, "
                "primary ip address, vm uuid, vm id, annotation, guest state, config status, folder, path, "
                "firmware, hw version, connection state, change version, vi sdk server"
            ),
            3,
        ),
        SheetSignature(
            "vhost",
            "asset",
            "host",
            "host",
            _words("host, speed, # cores"),
            _words("# cpu, cores per cpu, # memory, esx version, vendor, model, cpu model, ht available, # vms"),
        ),
        SheetSignature(
            "vcluster",
            "asset",
            "cluster",
            "name|cluster",
            _words("totalcpu"),
            _words("numhosts, numeffectivehosts, numcpucores, totalmemory, effective memory, ha enabled, drs enabled"),
        ),
        SheetSignature(
            "vdatastore",
            "asset",
            "storage",
            "name|datastore",
            _words("name|datastore, capacity mb|capacity mib, free mb|free mib"),
            _words("provisioned mb|provisioned mib, in use mb|in use mib, # vms, # hosts, accessible, sioc enabled"),
        ),
        _vm("vcpu", "vm, overall"),
        _vm("vmemory", "vm, size mb|size mib, ballooned|swapped"),
        _vm("vdisk", "vm, disk, capacity mb|capacity mib", "disk mode, thin, eagerly scrub, disk key, unit #"),
        _vm("vpartition", "vm, disk, capacity mb|capacity mib, consumed mb|consumed mib"),
        _vm("vnetwork", "vm, adapter, network, mac address", "nic label, ipv4 address, starts connected"),
        _vm("vsnapshot", "vm, size mb (total)|size mib (total)|date / time"),
        _vm("vtools", "vm, tools, tools version"),
        _vm("vfloppy", "vm, device node, floppy|connected"),
        _vm("vcd", "vm, device node, device type, starts connected"),
        _vm("vusb", "vm, device node, device type"),
        _host("vhba", "host, device, wwn|pci"),
        _host("vnic", "host, network device, driver|mac"),
        _host("vswitch", "host, switch, # ports|ports"),
        _host("vsc_vmk", "host, port group, device, mac address"),
        _host("vmultipath", "host, datastore, disk, policy"),
        _host("vport", "host, port group, switch, vlan"),
        _vm("vport", "vm, port group, switch, vlan"),
        _vm("dvport", "vm, port group, switch, vlan"),
        *_ignored("vrp", "dvswitch", "vlicense", "vhealth", "vmetadata", "vsource", "vfileinfo"),
    ),
)

_AZURE = (
    SourceSignature(
        "azure_migrate_discovery",
        "Azure Migrate discovery report",
        (
            SheetSignature(
                "",
                "asset",
                "server",
                "machine name",
                _words("machine name, operating system, cores, memory (in mb)"),
                _words(
                    "total disks, ip addresses, mac addresses, boot type, power stats|power status, machine id, "
                    "first discovery time, last updated time, software inventory count, total network adapters"
                ),
                3,
            ),
        ),
    ),
    SourceSignature(
        "azure_migrate_import",
        "Azure Migrate import template",
        (
            SheetSignature(
                "",
                "asset",
                "server",
                "server name",
                _words("server name, cores, memory (in mb), os name"),
                _words(
                    "ip addresses, os version, os architecture, server type, hypervisor, boot type, "
                    "cpu utilization percentage, memory utilization percentage, network adapters, number of disks, "
                    "disk 1 size (in gb), storage in use (in gb)"
                ),
                2,
            ),
        ),
    ),
    SourceSignature(
        "azure_migrate_dependencies",
        "Azure Migrate dependency export",
        (
            SheetSignature(
                "",
                "relation",
                key="source server name",
                required=_words("source server name, destination port, destination server name|destination ip"),
                typical=_words(
                    "timeslot|time slot, source ip, source application, source process, destination application, "
                    "destination process"
                ),
                least=1,
            ),
        ),
    ),
)

_AWS = (
    SourceSignature(
        "aws_ads",
        "AWS Application Discovery Service / Migration Hub import",
        (
            SheetSignature(
                "",
                "asset",
                "server",
                "hostname|vmware.vmname|externalid|serverid",
                _words("cpu.numberofcores|cpu.numberofprocessors|ram.totalsizeinmb|os.name"),
                _words(
                    "externalid, smbiosid, ipaddress, macaddress, hostname, vmware.morefid, vmware.vcenterid, "
                    "vmware.vmname, ram.totalsizeinmb, os.version, os.name, cpu.numberofcores, applications, "
                    "applicationwave, serverid"
                ),
                3,
            ),
        ),
    ),
    SourceSignature(
        "aws_cmf",
        "AWS Cloud Migration Factory intake form",
        (
            SheetSignature(
                "",
                "asset",
                "server",
                "server_name",
                _words("server_name, server_os_family, r_type, app_name|wave_name"),
                _words("wave_name, app_name, aws_region, aws_accountid, server_fqdn, server_os_version, server_tier"),
                2,
            ),
        ),
    ),
    SourceSignature(
        "aws_mgn",
        "AWS Application Migration Service import",
        (
            SheetSignature(
                "",
                "asset",
                "server",
                "mgn:server:fqdn-for-action-framework|mgn:server:user-provided-id",
                _words("mgn:server:user-provided-id, mgn:region|mgn:account-id"),
                _words("mgn:app:name, mgn:wave:name, mgn:server:platform, mgn:launch:instance-type"),
                1,
            ),
        ),
    ),
)


def _google(required: str, kind: SheetKind = "detail") -> SheetSignature:
    return SheetSignature("", kind, "server", "machineid", _words(required))


_GOOGLE = SourceSignature(
    "google_migration_center",
    "Google Migration Center import",
    (
        _google("machineid, machinename, allocatedprocessorcorecount|memorygib|osname", "asset"),
        _google("machineid, disklabel, sizeingib"),
        _google("machineid, timestamp, cpuutilizationpercentage|memoryutilizationpercentage"),
        _google("machineid, key, value"),
    ),
)

_CMDB = (
    SourceSignature(
        "servicenow_cmdb",
        "ServiceNow CMDB export",
        (
            SheetSignature(
                "",
                "asset",
                "server",
                "name",
                _words("name, sys_class_name|sys_id"),
                _words(
                    "sys_id, sys_class_name, ip_address, fqdn, os, os_version, cpu_count, cpu_core_count, ram, "
                    "disk_space, serial_number, operational_status, install_status, support_group, used_for, "
                    "sys_updated_on, assigned_to, environment, business_criticality"
                ),
                3,
            ),
            SheetSignature(
                "",
                "asset",
                "server",
                "name",
                _words("name, class"),
                _words(
                    "ip address, operating system, os version, cpu count, cpu core count, ram (mb), disk space (gb), "
                    "serial number, manufacturer, model id, assigned to, support group, operational status, "
                    "install status, most recent discovery, fully qualified domain name, used for, company"
                ),
                4,
            ),
            SheetSignature("", "relation", key="parent", required=_words("parent, child, type")),
        ),
    ),
    SourceSignature(
        "nutanix",
        "Nutanix Prism export",
        (
            SheetSignature(
                "",
                "asset",
                "virtual_machine",
                "vm name",
                _words("vm name, memory capacity, cores|vcpus"),
                _words("host, ip addresses, storage, cpu usage, power state, cluster, categories"),
                2,
            ),
        ),
    ),
    SourceSignature(
        "device42",
        "Device42 export",
        (
            SheetSignature(
                "",
                "asset",
                "server",
                "device_name|device name|name",
                _words("device_id|device id|device_name|device name, virtual_subtype|virtual subtype|device_type|type"),
                _words(
                    "service_level, service level, total_cpus, cpucount, cpu count, core_per_cpu, cpucore, ram, "
                    "os_name, os name, serial_no, serial #, hdd_count, hdd count, in_service, virtual_host, "
                    "virtual host, uuid, ip_addresses, customer, building, rack, hw_model, hardware model"
                ),
                3,
            ),
        ),
    ),
)

_APPLICATIONS = (
    SourceSignature(
        "konveyor",
        "Konveyor application import",
        (
            SheetSignature(
                "",
                "asset",
                "application",
                "application name",
                _words("record type 1|record type, application name, dependency, dependency direction"),
            ),
        ),
        "Rows of record type 1 are applications, rows of record type 2 dependencies between them.",
    ),
    SourceSignature(
        "cast_highlight",
        "CAST Highlight export",
        (
            SheetSignature(
                "",
                "asset",
                "application",
                "application|application name",
                _words("application|application name, cloudready|cloud ready|cloudready score"),
                _words(
                    "technologies, technical debt, roadblocks, lines of code, software resiliency, software agility, "
                    "software elegance, business impact, technology, boosters"
                ),
                1,
            ),
        ),
    ),
)

_NOT_ASSETS = "The rows are charges, not assets; the cost analysis reads them."

_COSTS = (
    SourceSignature(
        "focus",
        "FOCUS billing data",
        (
            SheetSignature(
                "",
                "ignored",
                required=_words("billedcost, chargeperiodstart|billingperiodstart, servicename|chargecategory"),
                typical=_words("effectivecost, listcost, contractedcost, subaccountid, providername, billingcurrency"),
                least=1,
            ),
        ),
        _NOT_ASSETS,
    ),
    SourceSignature(
        "azure_cost",
        "Azure cost export",
        (
            SheetSignature(
                "",
                "ignored",
                required=_words(
                    "metercategory, costinbillingcurrency|pretaxcost|cost|costinpricingcurrency|costinusd, "
                    "subscriptionid|subscriptionguid"
                ),
                typical=_words(
                    "consumedservice, metersubcategory, usagedatetime, date, quantity, usagequantity, unitofmeasure, "
                    "resourceid, instanceid, resourcelocation, additionalinfo, tags"
                ),
                least=2,
            ),
        ),
        _NOT_ASSETS,
    ),
)

SOURCES = (RVTOOLS, *_AZURE, *_AWS, _GOOGLE, *_CMDB, *_APPLICATIONS, *_COSTS)
