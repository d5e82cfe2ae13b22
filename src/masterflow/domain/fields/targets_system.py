"""Asset fields that say what a machine is, where it stands and how large it is."""

from __future__ import annotations

from dataclasses import replace

from masterflow.domain.fields.asset_field import AssetField, define

GUESTS = ("virtual_machine", "server", "container", "database", "application", "component", "other")

IDENTITY_FIELDS: tuple[AssetField, ...] = (
    define(
        "name",
        "text",
        "The name people use for the asset.",
        "name | asset name | server name | VM name | machine name | device name | display name | VM"
        " | CI name | system name | computer name | instance name | guest name | node name | server"
        " | system | caption"
        " | Servername | Name des Servers | Rechnername | nom du serveur | nom de la machine"
        " | nombre del servidor | nombre de la máquina | nome do servidor | nome da máquina"
        " | サーバー名 | 仮想マシン名 | 機器名 | 名前 | 名称",
    ),
    define(
        "hostname",
        "text",
        "The short network name, without the domain.",
        "hostname | host name | computer name | netbios name | guest hostname | short hostname"
        " | nom d'hôte | nombre de host | nombre de equipo | nome do host | ホスト名 | コンピュータ名",
    ),
    define(
        "fqdn",
        "fqdn",
        "The fully qualified domain name.",
        "FQDN | DNS | DNS name | fully qualified domain name | server FQDN | DNS hostname | full hostname"
        " | full computer name | nom DNS | nombre DNS | nome DNS | DNS名 | 完全修飾ドメイン名",
    ),
    define(
        "ip_address",
        "ip",
        "Network addresses, IPv4 or IPv6.",
        "IP address | IP | address | primary IP address | IPv4 address | IPv6 address | IP addresses"
        " | management IP | private IP address | public IP address | guest IP | host IP | IP list"
        " | IP-Adresse | adresse IP | dirección IP | endereço IP | IPアドレス",
    ),
    define(
        "mac_address",
        "mac",
        "Hardware addresses of network cards.",
        "MAC address | MAC | MAC addresses | physical address | hardware address | ethernet address"
        " | MAC-Adresse | adresse MAC | dirección MAC | endereço MAC | MACアドレス",
    ),
    define(
        "serial_number",
        "text",
        "The maker's serial number.",
        "serial number | serial | serial no | S/N | service tag | chassis serial | Seriennummer"
        " | numéro de série | número de serie | número de série | シリアル番号 | 製造番号",
    ),
    define(
        "source_id",
        "text",
        "The identifier the source system gives the asset and keeps unique.",
        "UUID | VM UUID | instance UUID | BIOS UUID | VM ID | machine ID | server ID | instance ID"
        " | object ID | sys_id | CI ID | asset ID | device ID | external ID | resource ID | MoRef"
        " | unique ID | ID | GUID | VMID | application code | app code | CI number | APM ID"
        " | application ID | 識別子",
    ),
    define(
        "asset_type",
        "enum",
        "What kind of asset the row describes.",
        "asset type | CI type | class | category | device type | server type | type | CI class"
        " | machine type | object type | sys_class_name | Gerätetyp | Typ | type d'équipement"
        " | tipo de activo | tipo de ativo | 種別",
        values=(
            "server",
            "database",
            "application",
            "component",
            "network",
            "load_balancer",
            "storage",
            "security_group",
            "virtual_machine",
            "container",
            "other",
        ),
    ),
    define(
        "description",
        "text",
        "Free text about the asset.",
        "description | annotation | notes | comment | comments | remarks | short description"
        " | summary | purpose | Beschreibung | Bemerkung | Kommentar | remarques | commentaire"
        " | descripción | descrição | 説明 | 備考",
    ),
    define(
        "vendor",
        "text",
        "The maker of the hardware or product.",
        "vendor | manufacturer | brand | make | supplier | hardware vendor | Hersteller"
        " | fabricant | constructeur | fabricante | メーカー | ベンダー",
    ),
    define(
        "model",
        "text",
        "The maker's model name.",
        "model | hardware model | product model | model name | model number | Modell | modèle | modelo | 型番 | 機種",
    ),
    define(
        "asset_tags",
        "list",
        "Labels of the asset, key and value where the source has both.",
        "tags | labels | tag list | categories | asset tags | keywords | custom tags | étiquettes"
        " | etiquetas | Etiketten | タグ",
    ),
)

PLACE_FIELDS: tuple[AssetField, ...] = (
    define(
        "environment",
        "text",
        "Production, test, development or the like.",
        "environment | env | stage | server environment | used for | landscape | deployment stage"
        " | Umgebung | environnement | entorno | ambiente | 環境",
    ),
    define(
        "location",
        "text",
        "The site, city or region.",
        "location | site | region | city | country | building | campus"
        " | hosting location | physical location | office | Standort"
        " | emplacement | ubicación | localização | 場所 | 設置場所 | 所在地 | 拠点",
    ),
    define(
        "datacenter",
        "text",
        "The data centre.",
        "datacenter | data center | data centre | DC | facility | Rechenzentrum | centre de données"
        " | centro de datos | centro de dados | データセンター",
    ),
    define(
        "rack_location",
        "text",
        "The rack or the position in it.",
        "rack | rack location | rack position | rack name | cabinet | rack unit | Serverschrank"
        " | baie | bastidor | ラック",
    ),
    define(
        "availability_zone",
        "text",
        "The zone of a cloud region.",
        "availability zone | zone | AZ | Verfügbarkeitszone | zone de disponibilité",
    ),
    define(
        "security_zone",
        "text",
        "The network security zone.",
        "security zone | network zone | firewall zone | DMZ zone | trust zone | Sicherheitszone"
        " | zone de sécurité | zona de seguridad | zona de segurança",
    ),
    define(
        "cluster_name",
        "text",
        "The cluster the asset belongs to.",
        "cluster | cluster name | vSphere cluster | failover cluster | grappe | クラスター",
    ),
    replace(
        define(
            "host_name",
            "text",
            "The hypervisor host a virtual machine runs on.",
            "host | hypervisor server | ESX host | ESXi host | hypervisor host | VM host | parent host"
            " | physical host"
            " | virtual host | host placement | virtual host name | hôte | hosted on | ホスト",
        ),
        applies_to=GUESTS,
    ),
    define(
        "network_name",
        "text",
        "The network, port group or VLAN.",
        "network | network name | port group | VLAN | VLAN name | subnet | network segment"
        " | virtual network | Netzwerk | réseau | red | rede | ネットワーク",
    ),
)

SYSTEM_FIELDS: tuple[AssetField, ...] = (
    define(
        "operating_system",
        "text",
        "The operating system and its edition.",
        "operating system | OS | OS name | guest OS | OS type | OS family | platform"
        " | OS according to the configuration file | installed OS | server OS | ESX version"
        " | Betriebssystem | système d'exploitation | sistema operativo | sistema operacional"
        " | オペレーティングシステム",
    ),
    define(
        "os_version",
        "text",
        "The version of the operating system where it stands alone.",
        "OS version | server OS version | guest OS version | operating system version | OS release"
        " | kernel version | OS build | OS level"
        " | Betriebssystemversion | version du système d'exploitation | versión del sistema operativo"
        " | versão do sistema operacional | OSバージョン",
    ),
    define(
        "os_tools",
        "text",
        "The operating system the guest tools report; may differ from the configured one.",
        "OS according to the VMware Tools | guest tools OS | OS reported by tools | detected OS"
        " | guest full name | running OS",
    ),
    define(
        "cpu_cores",
        "integer",
        "Number of cores, or of virtual CPUs of a virtual machine.",
        "cores | CPU cores | vCPU | vCPUs | vCPU count | number of vCPUs"
        " | CPUs | CPU count | number of CPUs | core count | CPU | CPU core count"
        " | number of cores | total cores | logical processors | virtual CPUs | processor cores"
        " | processor count | allocated processor core count | Anzahl Kerne | CPU-Kerne | Kerne"
        " | nombre de cœurs | cœurs | nombre de CPU | núcleos | número de CPU | nucleos de CPU"
        " | コア数 | CPUコア数 | CPU数 | プロセッサ数",
    ),
    define(
        "cpu_sockets",
        "integer",
        "Number of processor sockets.",
        "sockets | CPU sockets | processors | CPUs | CPU count | number of CPUs"
        " | number of processors | processor count"
        " | number of sockets | physical CPUs | physical processors"
        " | physical CPU count | socket count | Sockel | ソケット数",
    ),
    define(
        "cores_per_socket",
        "integer",
        "Cores of one processor socket.",
        "cores per socket | cores per CPU | cores per processor | cores p/s | core per CPU"
        " | Kerne pro Sockel | cœurs par socket | núcleos por socket",
    ),
    define(
        "cpu_model",
        "text",
        "The processor's model name.",
        "CPU model | processor model | processor | CPU type | processor type | processor name"
        " | CPU name | Prozessor | Prozessortyp | processeur | procesador | processador | プロセッサ",
    ),
    define(
        "cpu_speed_mhz",
        "number",
        "Clock rate of one core.",
        "CPU speed | speed | clock speed | processor speed | CPU frequency | clock rate"
        " | Taktfrequenz | fréquence CPU | frecuencia | velocidad de CPU | クロック周波数",
        unit="MHz",
    ),
    define(
        "memory_gb",
        "number",
        "Main memory.",
        "memory | RAM | memory size | total memory | memory capacity | physical memory"
        " | allocated memory | RAM size | installed memory | memory GB | memory MB | vRAM"
        " | Arbeitsspeicher | Hauptspeicher | RAM-Größe | Speicher | mémoire | mémoire vive"
        " | memoria | memória | メモリ | メモリ容量",
        unit="GiB",
    ),
    define(
        "storage_gb",
        "number",
        "Disk space given to the asset.",
        "storage | provisioned | storage size | disk size | disk space | total disk size | capacity"
        " | provisioned storage | provisioned space | storage allocated | total storage | disk"
        " | disk capacity | total disk capacity | total disk allocated | storage capacity | disk GB"
        " | allocated storage | Festplatte | Festplattengröße | Speicherplatz | Plattenplatz"
        " | Speicher | stockage | espace disque | capacité disque | almacenamiento | disco"
        " | armazenamento | espaço em disco | ディスク容量 | ストレージ容量 | ストレージ",
        unit="GiB",
    ),
    define(
        "storage_used_gb",
        "number",
        "Disk space in use.",
        "storage used | in use | used space | consumed | disk used | used storage | storage in use"
        " | total disk used | used disk space | used capacity | disk usage | belegter Speicherplatz"
        " | belegt | espace utilisé | stockage utilisé | espacio usado | espaço usado | 使用済み容量"
        " | ディスク使用量",
        unit="GiB",
    ),
    define(
        "storage_free_gb",
        "number",
        "Disk space still free.",
        "storage free | free space | free disk space | available space | free | disk free"
        " | freier Speicherplatz | espace libre | espacio libre | espaço livre | 空き容量",
        unit="GiB",
    ),
    define(
        "nic_count",
        "integer",
        "Number of network cards.",
        "NICs | NIC count | number of NICs | network adapters | network interfaces"
        " | number of network adapters | network cards | Netzwerkkarten | cartes réseau"
        " | tarjetas de red | placas de rede | NIC数",
    ),
    define(
        "disk_count",
        "integer",
        "Number of disks.",
        "disks | disk count | number of disks | total disks | hard disks | Anzahl Festplatten"
        " | nombre de disques | número de discos | ディスク数",
    ),
    define(
        "boot_type",
        "enum",
        "BIOS or EFI start.",
        "boot type | firmware | firmware type | boot mode | boot firmware | BIOS type",
        values=("bios", "efi"),
    ),
    define(
        "power_state",
        "enum",
        "Whether the machine was on when it was listed.",
        "power state | powerstate | power status | power stats | VM state | running state"
        " | machine status | VM status | Betriebszustand | Status | Energiezustand"
        " | état d'alimentation | estado de energía | estado de energia | 電源状態 | 状態",
        values=("on", "off", "suspended"),
    ),
    define(
        "is_template",
        "boolean",
        "True for a template that never runs.",
        "template | is template | VM template | Vorlage | modèle de VM | plantilla | テンプレート",
    ),
    define(
        "virtualization_platform",
        "text",
        "The hypervisor or cloud that runs it.",
        "virtualization platform | hypervisor | hypervisor type | hypervisor vendor"
        " | virtualization software | virtualisation platform | Virtualisierungsplattform"
        " | hyperviseur | hipervisor | ハイパーバイザー",
    ),
    define(
        "virtualization_type",
        "enum",
        "Virtual, physical or container.",
        "virtualization type | virtual or physical | physical or virtual | is virtual | is physical"
        " | physical virtual | machine type label | physique ou virtuel | físico o virtual"
        " | virtuell oder physisch | 仮想物理",
        values=("virtual", "physical", "container", "other"),
    ),
    define(
        "server_role",
        "text",
        "What the server is used for: web, db, app, file and so on.",
        "server role | role | function | tier | server tier | server function | workload type"
        " | workload | Serverrolle | Rolle | rôle | rol | função | 役割 | 用途",
    ),
    define(
        "database_type",
        "text",
        "The database product.",
        "database type | DB type | database engine | DBMS | database platform | Datenbanktyp"
        " | type de base de données | tipo de base de datos | データベース種別",
    ),
    define(
        "database_version",
        "text",
        "The version of the database product.",
        "database version | DB version | DBMS version | Datenbankversion",
    ),
    define(
        "database_size_gb",
        "number",
        "Size of the database.",
        "database size | DB size | total database size | Datenbankgröße",
        unit="GiB",
    ),
)
