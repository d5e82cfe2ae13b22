"""Known columns of RVTools sheets about hosts, clusters, data stores and their adapters."""

from __future__ import annotations

_HOST_OWNER = """
Host = name
Datacenter = datacenter
Cluster = cluster_name
VI SDK Server =
VI SDK UUID =
Object ID =
"""

_HOST = """
Config status =
Compliance Check State =
in Maintenance Mode =
in Quarantine Mode =
vSAN Fault Domain Name =
CPU Model = cpu_model
Speed = cpu_speed_mhz [MHz]
HT Available =
HT Active =
# CPU = cpu_sockets
Cores per CPU = cores_per_socket
# Cores = cpu_cores
CPU usage % = cpu_utilization_percent
# Memory = memory_gb [MiB]
Memory Tiering Type =
Memory usage % = memory_utilization_percent
Console =
# NICs = nic_count
# HBAs =
# VMs total =
# VMs =
VMs per Core =
# vCPUs =
vCPUs per Core =
vRAM =
VM Used memory =
VM Memory Swapped =
VM Memory Ballooned =
VMotion support =
Storage VMotion support =
Current EVC =
Max EVC =
Assigned License(s) =
ATS Heartbeat =
ATS Locking =
Current CPU power man. policy =
Supported CPU power man. =
Host Power Policy =
ESX Version = operating_system
Boot time =
DNS Servers =
DHCP =
Domain =
Domain List =
DNS Search Order =
NTP Server(s) =
NTPD running =
Time Zone =
Time Zone Name =
GMT Offset =
Vendor = vendor
Model = model
Serial number = serial_number
Service tag =
OEM specific string =
BIOS Vendor =
BIOS Version =
BIOS Date =
Certificate Issuer =
Certificate Start Date =
Certificate Expiry Date =
Certificate Status =
Certificate Subject =
AutoDeploy.MachineIdentity =
UUID = source_id
"""

_CLUSTER = """
Name = name
Cluster = name
Config status =
OverallStatus =
NumHosts =
numEffectiveHosts =
TotalCpu =
NumCpuCores = cpu_cores
NumCpuThreads =
Effective Cpu =
TotalMemory =
Effective Memory =
Num VMotions =
HA enabled =
Failover Level =
DRS enabled =
DRS default VM behavior =
DPM enabled =
Object ID = source_id
"""

_DATASTORE = """
Name = name
Config status =
Address =
Accessible =
Type =
# VMs total =
# VMs =
Capacity MiB = storage_gb
Provisioned MiB =
In Use MiB = storage_used_gb
Free MiB = storage_free_gb
Free % =
SIOC enabled =
SIOC Threshold =
# Hosts =
Hosts =
Cluster name = cluster_name
Cluster capacity MiB =
Cluster free space MiB =
Block size =
Max Blocks =
# Extents =
Major Version =
Version =
VMFS Upgradeable =
MHA =
URL =
Object ID = source_id
"""

_ADAPTER = """
Network Device =
Device =
Driver =
Speed =
Duplex =
MAC = mac_address
Mac Address = mac_address
Switch =
Uplink port =
PCI =
WakeOn =
Port Group =
DHCP =
IP Address = ip_address
IP 6 Address = ip_address
Subnet mask =
Gateway =
IP 6 Gateway =
MTU =
Bus =
Type =
Status =
Model =
WWN =
"""

_PORT = """
VM = name
Port =
Network = network_name
Port Group =
Switch =
VLAN =
Status =
Type =
# Ports =
Ports =
Free Ports =
Ports Available =
Promiscuous Mode =
Allow Promiscuous =
Mac Changes =
Forged Transmits =
Traffic Shaping =
Width =
Peak =
Burst =
Policy =
Reverse Policy =
Notify Switch =
Rolling Order =
Offload =
TSO =
Zero Copy Xmit =
MTU =
Speed =
"""

_PATH = """
Datastore =
Disk =
Display name =
Policy =
Oper. State =
Queue depth =
Vendor =
Model =
Revision =
Level =
Serial # =
UUID =
"""

RVTOOLS_HOSTS: dict[str, str] = {
    "vHost": _HOST_OWNER + _HOST,
    "vHBA": _HOST_OWNER + _ADAPTER,
    "vNIC": _HOST_OWNER + _ADAPTER,
    "vSC_VMK": _HOST_OWNER + _ADAPTER,
    "vSwitch": _HOST_OWNER + _PORT,
    "vPort": _HOST_OWNER + _PORT,
    "dvPort": _PORT,
    "vMultiPath": _HOST_OWNER + _PATH,
    "vCluster": _CLUSTER,
    "vDatastore": _DATASTORE,
}
"""Sheet -> lines "header = target [unit]"."""
