"""Known columns of cloud assessment tools, CMDBs and application portfolios."""

from __future__ import annotations

AZURE_DISCOVERY = """
Machine Name = name
Environment = environment
Software Inventory Count =
SQL Discovery Server Count =
Is SQL Service Present =
Web Applications Count =
Operating System = operating_system
Cores = cpu_cores
Memory (in MB) = memory_gb
Total Disks = disk_count
IP Addresses = ip_address
MAC Addresses = mac_address
Total Network Adapters = nic_count
Boot Type = boot_type
Power Stats = power_state
First Discovery Time =
Last Updated Time = discovered_at
Machine ID = source_id
"""

AZURE_IMPORT = """
*Server name = name
IP addresses = ip_address
IP address = ip_address
*Cores = cpu_cores
*Memory (In MB) = memory_gb
*OS name = operating_system
OS version = os_version
OS architecture =
OS license =
Server type = virtualization_type
Hypervisor = virtualization_platform
CPU utilization percentage = cpu_utilization_percent
Memory utilization percentage = memory_utilization_percent
Network adapters = nic_count
Number of network adapters = nic_count
Network In throughput =
Network Out throughput =
Boot type = boot_type
Number of disks = disk_count
Storage in use (In GB) = storage_used_gb
*Storage allocated (In GB) = storage_gb
Disk 1 size (In GB) =
Disk 1 read throughput (MB per second) =
Disk 1 write throughput (MB per second) =
Disk 1 read ops (operations per second) =
Disk 1 write ops (operations per second) =
Disk 2 size (In GB) =
Disk 2 read throughput (MB per second) =
Disk 2 write throughput (MB per second) =
Disk 2 read ops (operations per second) =
Disk 2 write ops (operations per second) =
"""

AZURE_DEPENDENCIES = """
Timeslot =
Source server name = source_name
Source IP = source_ip
Source application =
Source process =
Destination server name = target_name
Destination IP = target_ip
Destination application =
Destination process = process_name
Destination port = target_port
"""

AWS_ADS = """
ExternalId = source_id
ServerId =
SMBiosId =
IPAddress = ip_address
MACAddress = mac_address
HostName = hostname
VMware.MoRefId =
VMware.VCenterId =
VMware.VMName = name
CPU.NumberOfProcessors = cpu_sockets
CPU.NumberOfCores = cpu_cores
CPU.NumberOfLogicalCores =
OS.Name = operating_system
OS.Version = os_version
RAM.TotalSizeInMB = memory_gb
RAM.UsedSizeInMB.Avg =
RAM.UsedSizeInMB.Max =
CPU.UsagePct.Avg = cpu_utilization_percent
CPU.UsagePct.Max = cpu_utilization_percent_max
DiskReadsPerSecondInKB.Avg =
DiskReadsPerSecondInKB.Max =
DiskWritesPerSecondInKB.Avg =
DiskWritesPerSecondInKB.Max =
DiskReadsOpsPerSecond.Avg =
DiskReadsOpsPerSecond.Max =
DiskWritesOpsPerSecond.Avg =
DiskWritesOpsPerSecond.Max =
NetworkReadsPerSecondInKB.Avg =
NetworkReadsPerSecondInKB.Max =
NetworkWritesPerSecondInKB.Avg =
NetworkWritesPerSecondInKB.Max =
Applications = application_name
ApplicationWave = migration_wave
Tags = asset_tags
"""

AWS_CMF = """
wave_name = migration_wave
app_name = application_name
aws_region =
aws_accountid =
server_name = name
server_os_family = operating_system
server_os_version = os_version
server_fqdn = fqdn
server_tier = server_role
server_environment = environment
r_type = six_r_strategy
subnet_IDs =
securitygroup_IDs =
subnet_IDs_test =
securitygroup_IDs_test =
instanceType =
iamRole =
private_ip = ip_address
tenancy =
tags = asset_tags
"""

AWS_MGN = """
mgn:account-id =
mgn:region =
mgn:app:name = application_name
mgn:app:description =
mgn:wave:name = migration_wave
mgn:wave:description =
mgn:server:user-provided-id = name
mgn:server:platform = operating_system
mgn:server:fqdn-for-action-framework = fqdn
mgn:launch:instance-type =
"""

GOOGLE_VM_INFO = """
MachineId = source_id
MachineName = name
PrimaryIPAddress = ip_address
PrimaryMACAddress = mac_address
PublicIPAddress = ip_address
IpAddressListSemiColonDelimited = ip_address
TotalDiskAllocatedGiB = storage_gb
TotalDiskUsedGiB = storage_used_gb
MachineTypeLabel =
AllocatedProcessorCoreCount = cpu_cores
MemoryGiB = memory_gb
HostingLocation = location
OsType =
OsName = operating_system
OsVersion = os_version
MachineStatus = power_state
ProvisioningState =
CreateDate =
IsPhysical = virtualization_type
Source = discovery_source
"""

GOOGLE_DISK_INFO = """
MachineId = source_id
DiskLabel =
SizeInGib = storage_gb
UsedInGib = storage_used_gb
StorageTypeLabel =
"""

GOOGLE_TAG_INFO = """
MachineId = source_id
Key =
Value = asset_tags
"""

GOOGLE_PERF_INFO = """
MachineId = source_id
TimeStamp =
CpuUtilizationPercentage = cpu_utilization_percent
MemoryUtilizationPercentage = memory_utilization_percent
UtilizedMemoryBytes =
DiskReadOperationsPerSec =
DiskWriteOperationsPerSec =
NetworkBytesPerSecSent =
NetworkBytesPerSecReceived =
"""

SERVICENOW = """
sys_id = source_id
name = name
host_name = hostname
sys_class_name = asset_type
ip_address = ip_address
mac_address = mac_address
fqdn = fqdn
dns_domain =
os = operating_system
os_version = os_version
os_service_pack =
cpu_type = cpu_model
cpu_name = cpu_model
cpu_speed = cpu_speed_mhz [MHz]
cpu_count = cpu_sockets
cpu_core_count = cpu_cores
cpu_core_thread =
ram = memory_gb [MB]
disk_space = storage_gb [GB]
serial_number = serial_number
asset_tag =
manufacturer = vendor
model_id = model
environment = environment
used_for = environment
operational_status = status
install_status =
business_criticality = business_criticality
assigned_to = technical_owner
owned_by = business_owner
managed_by =
support_group =
department = department
company = business_unit
location = location
short_description = description
virtual = virtualization_type
discovery_source = discovery_source
last_discovered = discovered_at
sys_updated_on =
sys_created_on =
"""

SERVICENOW_RELATION = """
parent = source_name
child = target_name
type = relation_type
sys_id =
connection_strength =
"""

NUTANIX = """
VM Name = name
Host = host_name
IP Addresses = ip_address
Cores = cpu_cores
Memory Capacity = memory_gb
Storage = storage_gb
CPU Usage = cpu_utilization_percent
Memory Usage = memory_utilization_percent
Controller Read IOPS =
Controller Write IOPS =
Controller IO Bandwidth =
Controller Avg IO Latency =
Backup and Recovery Capable =
Flash Mode =
Power State = power_state
Cluster = cluster_name
Categories = asset_tags
VM UUID = source_id
Hypervisor = virtualization_platform
"""

_KONVEYOR_APPLICATION = """
Record Type =
Record Type 1 =
Application Name = name
Description = description
Comments =
Business Service = business_unit
Dependency = target_name
Dependency Direction = relation_type
Binary Group =
Binary Artifact =
Binary Version =
Binary Packaging =
Repository Type =
Repository URL =
Repository Branch =
Repository Path =
Owner = business_owner
Contributors =
"""

KONVEYOR = _KONVEYOR_APPLICATION + "".join(
    f"Tag Category {number} =\nTag {number} = asset_tags\n" for number in range(1, 21)
)

CAST_HIGHLIGHT = """
Application = name
Application ID = source_id
Domain = business_unit
Technologies = technology_stack
Technical Debt =
CloudReady =
Software Resiliency =
Software Agility =
Software Elegance =
Open Source Safety =
Business Impact = business_criticality
Roadblocks =
Boosters =
Lines of Code =
Total Files =
Last Submission =
"""

DEVICE42 = """
Name = name
Device Name = name
Type = virtualization_type
Virtual Subtype = virtualization_platform
Virtual Host = host_name
Service Level = environment
Serial # = serial_number
Serial No = serial_number
UUID = source_id
Manufacturer = vendor
Hardware = model
Hardware Model = model
OS = operating_system
OS Name = operating_system
OS Version = os_version
OS Arch =
CPU Count = cpu_sockets
Total CPUs = cpu_sockets
Cores Per CPU = cores_per_socket
CPU Core = cores_per_socket
CPU Speed = cpu_speed_mhz
RAM = memory_gb
RAM Size = memory_gb
HDD Count = disk_count
HDD Size =
IP Addresses = ip_address
MAC Addresses = mac_address
Building = location
Rack = rack_location
Room = datacenter
Customer = business_unit
In Service =
Is It Virtual Host =
Last Discovered = discovered_at
Tags = asset_tags
Notes = description
"""
