"""Asset fields about load, ownership, application, migration, cost, and the ends of a dependency."""

from __future__ import annotations

from masterflow.domain.fields.asset_field import AssetField, define

LEVELS = ("low", "medium", "high", "critical")

LOAD_FIELDS: tuple[AssetField, ...] = (
    define(
        "cpu_utilization_percent",
        "percent",
        "Processor utilisation, average.",
        "CPU utilization | CPU usage | CPU percent | CPU utilization percentage | average CPU utilization"
        " | avg CPU | CPU load | CPU usage pct avg | processor utilization | CPU-Auslastung"
        " | utilisation CPU | uso de CPU | CPU使用率",
        unit="percent",
    ),
    define(
        "cpu_utilization_percent_max",
        "percent",
        "Processor utilisation, peak.",
        "peak CPU utilization | max CPU utilization | maximum CPU usage | CPU peak"
        " | CPU usage pct max | maximale CPU-Auslastung | pic CPU | pico de CPU | CPU最大使用率",
        unit="percent",
    ),
    define(
        "memory_utilization_percent",
        "percent",
        "Memory utilisation, average.",
        "memory utilization | memory usage | memory percent | memory utilization percentage | RAM usage"
        " | average memory utilization | memory load | RAM-Auslastung | Speicherauslastung"
        " | utilisation mémoire | uso de memoria | uso de memória | メモリ使用率",
        unit="percent",
    ),
    define(
        "memory_utilization_percent_max",
        "percent",
        "Memory utilisation, peak.",
        "peak memory utilization | max memory utilization | maximum memory usage | memory peak"
        " | RAM usage max | pic mémoire | pico de memoria | メモリ最大使用率",
        unit="percent",
    ),
    define(
        "disk_iops",
        "number",
        "Disk operations per second, reads and writes together.",
        "IOPS | disk IOPS | total IOPS | average IOPS | disk operations per second | disk io",
    ),
    define(
        "network_throughput_mbps",
        "number",
        "Network throughput in both directions.",
        "network throughput | network utilization | network bandwidth | total network throughput"
        " | NIC throughput | Netzwerkdurchsatz | débit réseau | ancho de banda",
        unit="Mbit/s",
    ),
)

BUSINESS_FIELDS: tuple[AssetField, ...] = (
    define(
        "business_owner",
        "text",
        "The person answerable for the business use.",
        "business owner | owner | owned by | application owner | service owner | business contact"
        " | product owner | Fachverantwortlicher | Verantwortlicher | Eigentümer | propriétaire"
        " | responsable | responsable métier | propietario | responsável | 所有者 | 責任者",
    ),
    define(
        "technical_owner",
        "text",
        "The person or team that runs it.",
        "technical owner | technical contact | system owner | IT owner | assigned to | managed by"
        " | administrator | support group | support team | supported by | technischer Ansprechpartner"
        " | responsable technique | responsable técnico | responsável técnico | 管理者 | 担当者",
    ),
    define(
        "department",
        "text",
        "The department that uses it.",
        "department | dept | division | Fachbereich | Abteilung | département | departamento | 部門 | 部署",
    ),
    define(
        "business_unit",
        "text",
        "The business unit or organisation.",
        "business unit | BU | tenant | customer | client | organization"
        " | line of business | LOB | company | business service"
        " | organization name | corporate unit | Geschäftsbereich | unité d'affaires | unidad de negocio"
        " | unidade de negócio | 事業部",
    ),
    define(
        "application_name",
        "text",
        "The application the asset serves.",
        "application name | application | app name | app | applications | business application"
        " | service name | Anwendung | Applikation | nom de l'application | aplicación | aplicação"
        " | アプリケーション名 | アプリケーション",
    ),
    define(
        "application_type",
        "enum",
        "Bought, bespoke or mixed.",
        "application type | app type | COTS | custom or COTS | Anwendungstyp",
        values=("cots", "custom", "custom_cots", "other"),
    ),
    define(
        "technology_stack",
        "list",
        "Languages, frameworks and products it is built on.",
        "technology stack | technologies | tech stack | technology | programming languages"
        " | frameworks | software stack | Technologien | technologie | tecnologías | tecnologias",
    ),
    define(
        "criticality",
        "enum",
        "How severe an outage is, as the source states it.",
        "criticality | tier | application tier | criticality level | severity | priority"
        " | importance | impact | service level | SLA tier | Kritikalität"
        " | criticité | criticidad | criticidade | 重要度",
        values=LEVELS,
    ),
    define(
        "business_criticality",
        "enum",
        "How much the business depends on it.",
        "business criticality | business impact | business priority | business critical"
        " | Geschäftskritikalität | criticité métier | criticidad de negocio",
        values=LEVELS,
    ),
    define(
        "lifecycle",
        "enum",
        "The portfolio decision: retire, replace, retain, invest.",
        "lifecycle | lifecycle status | portfolio status | life cycle stage | Lebenszyklus",
        values=("retire", "replace", "retain", "invest"),
    ),
    define(
        "hosting_model",
        "enum",
        "On premises, cloud, hybrid or colocation.",
        "hosting model | hosting type | deployment type | hosting location type | deployment model"
        " | hosting | Betriebsmodell",
        values=("on_prem", "cloud", "hybrid", "colo"),
    ),
    define(
        "architecture_type",
        "text",
        "The architecture of the application.",
        "architecture type | architecture pattern | application architecture",
    ),
    define(
        "annual_cost_estimate",
        "number",
        "Yearly cost.",
        "annual cost | annual cost estimate | yearly cost | cost per year | TCO | yearly budget"
        " | jährliche Kosten | Jahreskosten | coût annuel | coste anual | custo anual | 年間コスト",
    ),
    define(
        "current_monthly_cost",
        "number",
        "Cost of a month today.",
        "monthly cost | current monthly cost | cost per month | monatliche Kosten | coût mensuel"
        " | coste mensual | custo mensal | 月額費用",
    ),
    define(
        "estimated_cloud_cost",
        "number",
        "Estimated cost in the cloud.",
        "estimated cloud cost | cloud cost estimate | target cost | projected cloud cost",
    ),
    define(
        "has_saas_replacement",
        "boolean",
        "Whether a SaaS product could replace it.",
        "has SaaS replacement | SaaS alternative | SaaS available",
    ),
    define(
        "pii_flag",
        "boolean",
        "Whether it holds personal data.",
        "PII | PII flag | personal data | contains PII | GDPR relevant | personenbezogene Daten"
        " | données personnelles | datos personales | dados pessoais | 個人情報",
    ),
    define(
        "application_data_classification",
        "text",
        "How sensitive the data is.",
        "data classification | information classification | confidentiality | data sensitivity"
        " | Datenklassifizierung | classification des données",
    ),
    define(
        "backup_policy",
        "text",
        "How it is backed up.",
        "backup policy | backup plan | backup schedule | Backup-Richtlinie",
    ),
)

MIGRATION_FIELDS: tuple[AssetField, ...] = (
    define(
        "six_r_strategy",
        "enum",
        "The migration treatment already decided.",
        "6R strategy | 7R strategy | migration strategy | r_type | treatment | disposition | 6R | 7R"
        " | R type | migration approach | Migrationsstrategie | stratégie de migration"
        " | estrategia de migración | estratégia de migração | 移行方式",
        values=(
            "rehost",
            "replatform",
            "refactor",
            "rearchitect",
            "repurchase",
            "retire",
            "retain",
            "relocate",
        ),
    ),
    define(
        "migration_wave",
        "text",
        "The wave or batch it moves in.",
        "migration wave | wave | wave name | application wave | move group | migration batch"
        " | Migrationswelle | vague de migration | ola de migración | onda de migração | 移行ウェーブ",
    ),
    define(
        "migration_priority",
        "integer",
        "Order of migration, 1 to 10.",
        "migration priority | migration order | move priority | Migrationspriorität",
    ),
    define(
        "migration_complexity",
        "enum",
        "How hard the migration is expected to be.",
        "migration complexity | complexity | Komplexität | complexité | complejidad | complexidade",
        values=LEVELS,
    ),
    define(
        "status",
        "text",
        "Operational status in the source.",
        "operational status | install status | asset status | status | CI status"
        " | Betriebsstatus | statut | estado | situação | ステータス",
    ),
    define(
        "migration_status",
        "enum",
        "How far its migration is.",
        "migration status | migration state | Migrationsstatus",
        values=(
            "discovered",
            "assessed",
            "planned",
            "migrating",
            "migrated",
            "failed",
            "excluded",
        ),
    ),
    define(
        "risk_level",
        "enum",
        "Risk as the source states it.",
        "risk level | risk | risk rating | Risiko | risque | riesgo | risco",
        values=LEVELS,
    ),
    define(
        "tech_debt_flags",
        "list",
        "Known technical debt.",
        "technical debt | tech debt | tech debt flags | technical debt items",
    ),
    define(
        "discovery_source",
        "text",
        "The tool or system the row comes from.",
        "discovery source | data source | source | source system | collected by | discovered by | Quelle",
    ),
    define(
        "discovered_at",
        "date",
        "When the source last saw the asset.",
        "discovered at | last discovered | last seen | last updated | last scan | discovery date"
        " | last updated time | last inventory date | inventory date | scan date | last contact"
        " | most recent discovery | zuletzt gesehen"
        " | dernière découverte | última detección | última detecção | 最終更新日",
    ),
)

RELATION_FIELDS: tuple[AssetField, ...] = (
    define(
        "source_name",
        "text",
        "The asset that depends on, or connects to, the other.",
        "source server name | source | source name | source host | source machine | client name"
        " | parent | from | consumer | dependent asset | client server | listener client"
        " | Quellserver | Quelle | serveur source | servidor origen | servidor de origem"
        " | 送信元サーバー",
    ),
    define(
        "source_ip",
        "ip",
        "Address of the connecting side.",
        "source IP | source IP address | src IP | client IP | source address | Quell-IP | IP source"
        " | IP de origen | IP de origem | 送信元IPアドレス",
    ),
    define(
        "target_name",
        "text",
        "The asset that is depended on.",
        "destination server name | target | destination | target name | target server"
        " | destination host | depends on | dependency | child | to | provider | remote server"
        " | Zielserver | Ziel | serveur cible | serveur de destination | servidor destino"
        " | servidor de destino | 宛先サーバー",
    ),
    define(
        "target_ip",
        "ip",
        "Address of the side that answers.",
        "destination IP | destination IP address | target IP | dst IP | remote IP | server IP"
        " | Ziel-IP | IP de destination | IP de destino | 宛先IPアドレス",
    ),
    define(
        "target_port",
        "integer",
        "Port that answers.",
        "destination port | port | target port | dst port | server port | listening port"
        " | remote port | Zielport | port de destination | puerto de destino | porta de destino"
        " | 宛先ポート | ポート番号",
    ),
    define(
        "protocol",
        "text",
        "Transport protocol.",
        "protocol | transport protocol | IP protocol | transport | Protokoll | protocole | protocolo | プロトコル",
    ),
    define(
        "process_name",
        "text",
        "The process that answers.",
        "destination process | process | process name | target process | server process"
        " | listening process | Prozess | processus | proceso | processo | プロセス名",
    ),
    define(
        "relation_type",
        "text",
        "What kind of dependency it is.",
        "relation type | relationship type | dependency type | type | relationship | connection type"
        " | dependency direction | Beziehungstyp | type de relation | tipo de relación"
        " | tipo de relação | 関係種別",
    ),
    define(
        "connection_count",
        "integer",
        "Connections seen in the period.",
        "connection count | connections | number of connections | hits | flow count | session count"
        " | Anzahl Verbindungen | nombre de connexions | número de conexiones | número de conexões"
        " | 接続数",
    ),
)
