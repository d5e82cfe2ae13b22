"""Headers that resemble a field by name and are something else; general, no tool's own columns."""

from __future__ import annotations

_LISTED = (
    "default gateway | gateway | subnet mask | netmask | DNS server | DNS servers | NTP server | DHCP"
    " | DNS domain | domain | workgroup | BIOS version | BIOS date | driver version | tools version"
    " | hardware version | firmware version | software version | agent version | OS architecture"
    " | architecture | disk path | path | folder | resource pool | disk mode | disk label | disk ID"
    " | disk name | datastore | snapshot size | snapshot count | number of snapshots | swap size"
    " | page file size | memory used | used memory | active memory | memory reservation"
    " | memory limit | CPU limit | CPU reservation | CPU shares | number of VMs | VM count"
    " | number of hosts | host count | number of users | user count | user name | username | login"
    " | logged on user | last logged on user | asset tag number | barcode | purchase date"
    " | purchase order | warranty | warranty expiry | warranty end date | created at | creation date"
    " | created by | updated by | created date | install date | boot time | last boot | uptime"
    " | first discovery time | first seen | time zone | backup status | last backup | account ID"
    " | subscription ID | tenant ID | resource group | region ID | security group | instance type"
    " | machine size | target size | disk read throughput | disk write throughput"
    " | network in throughput | network out throughput | disk read ops | disk write ops"
    " | free percent | phone | email | URL | row number | sequence number | number of tables"
    " | number of databases | software count | patch level | service pack | antivirus | monitoring"
    " | license | licence key | timestamp | time slot | version | generation | HW version"
    " | config status | configuration status | guest state | provisioning state | connection state"
    " | heartbeat | hyper-threading | quarantine mode | maintenance mode | consolidation needed"
    " | disk key | unit number | NIC label | adapter | switch | number of HBAs | port speed"
    " | patch group | change window | maintenance window | collation | source application"
    " | destination application | source process | source port"
)

NOT_FIELDS: tuple[str, ...] = tuple(part.strip() for part in _LISTED.split("|"))
"""Headers to leave unmapped."""
