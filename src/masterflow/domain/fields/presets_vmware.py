"""Known columns of VMware exports: RVTools, every sheet, old and new headers."""

from __future__ import annotations

from masterflow.domain.fields.presets_vmware_hosts import RVTOOLS_HOSTS

_OWNER = """
VM = name
Powerstate = power_state
Template = is_template
SRM Placeholder =
Annotation = description
Backup status =
ClusterInvariantVMMId =
Last backup =
Datacenter = datacenter
Cluster = cluster_name
Host = host_name
Folder =
OS according to the configuration file = operating_system
OS according to the VMware Tools = os_tools
VM ID =
VMRef =
VM UUID = source_id
VI SDK Server =
VI SDK UUID =
VI SDK Server type =
VI SDK API Version =
Internal Sort Column =
"""

_INFO = """
Config status =
DNS Name = fqdn
Connection state =
Guest state =
Heartbeat =
Consolidation Needed =
PowerOn =
Suspended To Memory =
Suspend time =
Suspend Interval =
Creation date =
Change Version =
CPUs = cpu_cores
Overall Cpu Readiness =
Memory = memory_gb [MiB]
Active Memory =
NICs = nic_count
Disks = disk_count
Total disk capacity MiB =
Fixed Passthru HotPlug =
min Required EVC Mode Key =
Latency Sensitivity =
Op Notification Timeout =
EnableUUID =
CBT =
Primary IP Address = ip_address
Network #1 = network_name
Network #2 =
Network #3 =
Network #4 =
Network #5 =
Network #6 =
Network #7 =
Network #8 =
Num Monitors =
Video Ram KiB =
Video Ram KB =
Resource pool =
Folder ID =
vApp =
DAS protection =
FT State =
FT Role =
FT Latency =
FT Bandwidth =
FT Sec. Latency =
Vm Failover In Progress =
Provisioned MiB = storage_gb
In Use MiB = storage_used_gb
Unshared MiB =
HA Restart Priority =
HA Isolation Response =
HA VM Monitoring =
Cluster rule(s) =
Cluster rule name(s) =
Boot Required =
Boot delay =
Boot retry delay =
Boot retry enabled =
Boot BIOS setup =
Reboot PowerOff =
EFI Secure boot =
Firmware = boot_type
HW version =
HW upgrade status =
HW upgrade policy =
HW target =
Path =
Log directory =
Snapshot directory =
Suspend directory =
Customization Info =
Guest Detailed Data =
SMBIOS UUID =
CPU Usage % = cpu_utilization_percent
Memory Usage % = memory_utilization_percent
"""

_CPU = """
CPUs = cpu_cores
Sockets = cpu_sockets
Cores p/s = cores_per_socket
Max =
Overall =
Level =
Shares =
Reservation =
Entitlement =
DRS Entitlement =
Limit =
Hot Add =
Hot Remove =
Numa Hotadd Exposed =
CPU ready % =
CPU co-stop =
"""

_MEMORY = """
Size MiB = memory_gb
Memory Reservation Locked To Max =
Overhead =
Max =
Consumed =
Consumed Overhead =
Private =
Shared =
Swapped =
Ballooned =
Active =
Entitlement =
DRS Entitlement =
Level =
Shares =
Reservation =
Limit =
Hot Add =
"""

_DISK = """
Disk =
Disk Key =
Disk UUID =
Disk Path =
Capacity MiB = storage_gb
Raw =
Disk Mode =
Sharing mode =
Thin =
Eagerly Scrub =
Split =
Write Through =
Level =
Shares =
Reservation =
Limit =
Controller =
Label =
SCSI Unit # =
Unit # =
Shared Bus =
Path =
Raw LUN ID =
Raw Comp. Mode =
"""

_PARTITION = """
Disk =
Disk Key =
Capacity MiB = storage_gb
Consumed MiB = storage_used_gb
Free MiB = storage_free_gb
Free % =
"""

_NETWORK = """
NIC label =
Adapter =
Network = network_name
Switch =
Connected =
Starts Connected =
Mac Address = mac_address
Type =
IPv4 Address = ip_address
IPv6 Address = ip_address
Direct Path IO =
"""

_TOOLS = """
VM Version =
Tools =
Tools Version =
Required Version =
Upgradeable =
Upgrade Policy =
Sync time =
App status =
Heartbeat status =
Kernel Crash state =
Operation Ready =
State change support =
Interactive Guest =
"""

_SNAPSHOT = """
Name =
Snapshot =
Description =
Date / time =
Filename =
Size MiB (vmsn) =
Size MiB (total) =
Quiesced =
State =
"""

_DEVICE = """
Device Node =
Device Type =
Connected =
Starts Connected =
Family =
Speed =
EHCI enabled =
Auto connect =
Bus number =
Unit number =
"""

RVTOOLS: dict[str, str] = {
    "vInfo": _OWNER + _INFO,
    "vCPU": _OWNER + _CPU,
    "vMemory": _OWNER + _MEMORY,
    "vDisk": _OWNER + _DISK,
    "vPartition": _OWNER + _PARTITION,
    "vNetwork": _OWNER + _NETWORK,
    "vTools": _OWNER + _TOOLS,
    "vSnapshot": _OWNER + _SNAPSHOT,
    "vCD": _OWNER + _DEVICE,
    "vUSB": _OWNER + _DEVICE,
    "vFloppy": _OWNER + _DEVICE,
    **RVTOOLS_HOSTS,
}
"""Sheet -> lines "header = target [unit]"; nothing behind "=" means the column is left unmapped.
The MiB headers also stand for the MB headers of older versions: a scale is no part of the name."""
