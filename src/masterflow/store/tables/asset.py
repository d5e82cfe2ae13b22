"""The inventory: assets, what they depend on, and the support state of what runs on them."""

from __future__ import annotations

from datetime import date
from uuid import UUID

from sqlalchemy import text
from sqlalchemy.orm import Mapped, mapped_column

from masterflow.store.tables.base import Base, EngagementScoped
from masterflow.store.tables.columns import Empty, Figure, Items, Now, Objects, Str, Word, index, refers, unique


class Asset(EngagementScoped, Base):
    """A machine, host, cluster, network, database or application of the inventory.

    Memory and storage in GiB, clock speed in MHz, throughput in Mbit/s, utilisation in percent.
    """

    __tablename__ = "assets"
    __table_args__ = (
        unique("natural_key"),
        index("assets", "asset_type", "name", "id"),
        index("assets", "master_flow_id", "id"),
        index("assets", "name", "id"),
    )

    id: Mapped[UUID] = mapped_column(primary_key=True)
    natural_key: Mapped[Word]
    name: Mapped[Word]
    asset_type: Mapped[Word]
    ip_address: Mapped[Str | None]
    ip_addresses: Mapped[Items]
    mac_addresses: Mapped[Items]
    is_template: Mapped[bool | None]
    hostname: Mapped[Str | None]
    fqdn: Mapped[Str | None]
    mac_address: Mapped[Str | None]
    serial_number: Mapped[Str | None]
    vendor: Mapped[Str | None]
    model: Mapped[Str | None]
    source_id: Mapped[Str | None]
    description: Mapped[Str | None]
    environment: Mapped[Str | None]
    location: Mapped[Str | None]
    datacenter: Mapped[Str | None]
    rack_location: Mapped[Str | None]
    availability_zone: Mapped[Str | None]
    security_zone: Mapped[Str | None]
    operating_system: Mapped[Str | None]
    os_version: Mapped[Str | None]
    os_tools: Mapped[Str | None]
    virtualization_platform: Mapped[Str | None]
    virtualization_type: Mapped[Str | None]
    server_role: Mapped[Str | None]
    database_type: Mapped[Str | None]
    database_version: Mapped[Str | None]
    power_state: Mapped[Str | None]
    boot_type: Mapped[Str | None]
    host_name: Mapped[Str | None]
    cluster_name: Mapped[Str | None]
    network_name: Mapped[Str | None]
    business_owner: Mapped[Str | None]
    technical_owner: Mapped[Str | None]
    department: Mapped[Str | None]
    business_unit: Mapped[Str | None]
    application_name: Mapped[Str | None]
    application_type: Mapped[Str | None]
    technology_stack: Mapped[Str | None]
    criticality: Mapped[Str | None]
    business_criticality: Mapped[Str | None]
    lifecycle: Mapped[Str | None]
    six_r_strategy: Mapped[Str | None]
    migration_wave: Mapped[Str | None]
    cpu_model: Mapped[Str | None]
    cpu_cores: Mapped[Figure | None]
    cpu_sockets: Mapped[Figure | None]
    cores_per_socket: Mapped[Figure | None]
    cpu_speed_mhz: Mapped[Figure | None]
    memory_gb: Mapped[Figure | None]
    storage_gb: Mapped[Figure | None]
    storage_used_gb: Mapped[Figure | None]
    storage_free_gb: Mapped[Figure | None]
    nic_count: Mapped[Figure | None]
    disk_count: Mapped[Figure | None]
    cpu_utilization_percent: Mapped[Figure | None]
    memory_utilization_percent: Mapped[Figure | None]
    disk_iops: Mapped[Figure | None]
    network_throughput_mbps: Mapped[Figure | None]
    annual_cost_estimate: Mapped[Figure | None]
    current_monthly_cost: Mapped[Figure | None]
    estimated_cloud_cost: Mapped[Figure | None]
    master_flow_id: Mapped[UUID | None]
    discovery_flow_id: Mapped[UUID | None]
    assessment_flow_id: Mapped[UUID | None]
    planning_flow_id: Mapped[UUID | None]
    execution_flow_id: Mapped[UUID | None]
    source_phase: Mapped[Str | None]
    current_phase: Mapped[Str | None]
    phase_context: Mapped[Objects]
    asset_tags: Mapped[Items]
    flags: Mapped[Items]
    conflicts: Mapped[Items]
    identity_rule: Mapped[Empty]
    custom_attributes: Mapped[Objects]
    technical_details: Mapped[Objects]
    field_sources: Mapped[Objects]
    version: Mapped[int] = mapped_column(server_default=text("1"))
    created_by: Mapped[Str]
    updated_by: Mapped[Str]
    created_at: Mapped[Now]
    updated_at: Mapped[Now]


class AssetDependency(EngagementScoped, Base):
    """One asset needs another; `port` is 0 and `protocol` "" where they are not known."""

    __tablename__ = "asset_dependencies"
    __table_args__ = (
        unique("source_asset_id", "target_asset_id", "kind", "port", "protocol"),
        refers("source_asset_id", "app.assets", deferrable=True),
        refers("target_asset_id", "app.assets", deferrable=True),
        index("asset_dependencies", "target_asset_id"),
    )

    id: Mapped[UUID] = mapped_column(primary_key=True)
    source_asset_id: Mapped[UUID]
    target_asset_id: Mapped[UUID]
    kind: Mapped[Word]
    confidence: Mapped[Figure]
    evidence: Mapped[Items]
    record_ids: Mapped[Items]
    port: Mapped[int] = mapped_column(server_default=text("0"))
    protocol: Mapped[Empty]
    flow_id: Mapped[UUID | None]


class AssetTechDebt(EngagementScoped, Base):
    """The support state of one product on an asset, on the day `assessed_on`."""

    __tablename__ = "asset_tech_debt"
    __table_args__ = (
        unique("asset_id", "subject"),
        refers("asset_id", "app.assets", deferrable=True),
        index("asset_tech_debt", "state"),
    )

    id: Mapped[UUID] = mapped_column(primary_key=True)
    asset_id: Mapped[UUID]
    subject: Mapped[Str]
    found_text: Mapped[Str]
    product: Mapped[Str]
    cycle: Mapped[Str]
    state: Mapped[Word]
    severity: Mapped[Str]
    end_of_life: Mapped[date | None]
    extended_end: Mapped[date | None]
    days_left: Mapped[int | None]
    reasons: Mapped[Items]
    assessed_on: Mapped[date]
    catalog_as_of: Mapped[Str]
    flow_id: Mapped[UUID | None]
