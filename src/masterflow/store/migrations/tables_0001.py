# ruff: noqa: E501, SIM905 - column lists read better as long lines of SQL
"""The tables of revision 0001, in order of creation."""

from masterflow.store.ddl import Table

FLOW_COLUMNS = """flow_id uuid not null default gen_random_uuid(),
    flow_type text collate "C" not null, flow_version text not null, user_id text not null,
    flow_name text not null, flow_description text, flow_tags jsonb not null default '[]',
    flow_status text collate "C" not null references app.flow_statuses (status),
    current_phase text collate "C", phases_completed jsonb not null default '[]',
    progress_percentage double precision not null default 0 check (progress_percentage between 0 and 100),
    flow_configuration jsonb not null default '{}', flow_state bytea not null,
    waiting_for jsonb not null default '{}', status_before jsonb, revert_pending boolean not null default false,
    run_id uuid, fence bigint, job_id bigint, version integer not null default 1,
    event_seq integer not null default 1, parent_flow_id uuid, dependent_flow_ids jsonb not null default '[]',
    iteration_number integer not null default 1, cross_phase_context jsonb not null default '{}',
    flow_metadata jsonb not null default '{}', deletion_metadata jsonb,
    created_at timestamptz not null default clock_timestamp(), updated_at timestamptz not null default clock_timestamp(),
    created_by text not null, updated_by text not null,
    foreign key (client_account_id, engagement_id) references app.engagements,
    foreign key (client_account_id, engagement_id, parent_flow_id)
        references app.crewai_flow_state_extensions (client_account_id, engagement_id, flow_id)"""

_FLOW_KEY = """foreign key (client_account_id, engagement_id, flow_id)
        references app.crewai_flow_state_extensions (client_account_id, engagement_id, flow_id)"""

TENANCY = (
    Table(
        "client_accounts",
        "client",
        "name text not null, created_at timestamptz not null default clock_timestamp()",
        key=(),
    ),
    Table(
        "engagements",
        "engagement",
        """name text not null, created_at timestamptz not null default clock_timestamp(),
    foreign key (client_account_id) references app.client_accounts""",
        key=(),
    ),
    Table(
        "principals",
        "client",
        """id uuid not null default gen_random_uuid(), name text not null, email text,
    created_at timestamptz not null default clock_timestamp(), disabled_at timestamptz,
    foreign key (client_account_id) references app.client_accounts""",
    ),
    Table(
        "role_grants",
        "client",
        """id uuid not null default gen_random_uuid(), principal_id uuid not null, engagement_id uuid,
    role text not null check (role in ('viewer', 'analyst', 'engagement_manager', 'client_admin')),
    expires_at timestamptz, granted_by text not null, created_at timestamptz not null default clock_timestamp(),
    foreign key (client_account_id, principal_id) references app.principals,
    foreign key (client_account_id, engagement_id) references app.engagements""",
    ),
    Table(
        "api_keys",
        "client",
        """id uuid not null default gen_random_uuid(), principal_id uuid not null, prefix text not null unique,
    key_hash bytea not null, scopes jsonb not null default '[]', expires_at timestamptz, revoked_at timestamptz,
    created_at timestamptz not null default clock_timestamp(),
    foreign key (client_account_id, principal_id) references app.principals""",
    ),
)

FLOWS = (
    Table("crewai_flow_state_extensions", "engagement", FLOW_COLUMNS, key=("flow_id",), global_key=True),
    Table(
        "change_sets",
        "engagement",
        f"""id uuid not null, kind text not null check (kind in ('run', 'human', 'rollback')),
    status text not null default 'open' check (status in ('open', 'sealed', 'reverted')),
    flow_id uuid, phase text, reverted_by uuid, seq bigint not null default nextval('app.change_seq'),
    created_by text not null, created_at timestamptz not null default clock_timestamp(), sealed_at timestamptz,
    {_FLOW_KEY}""",
    ),
    Table(
        "phase_runs",
        "engagement",
        f"""id uuid not null, flow_id uuid not null, phase text collate "C" not null,
    iteration integer not null, attempt integer not null default 1, takeovers integer not null default 0,
    status text not null check (status in ('pending', 'queued', 'running', 'succeeded', 'failed', 'skipped',
                                           'cancelled', 'superseded')),
    change_set_id uuid, requested_by text not null, permissions jsonb not null default '[]',
    inputs bytea not null, options jsonb not null default '{{}}', outputs bytea, validation jsonb not null default '[]',
    error jsonb, blocked_by jsonb, due_at timestamptz, created_at timestamptz not null default clock_timestamp(),
    started_at timestamptz, finished_at timestamptz, execution_time_ms bigint,
    resource_usage jsonb not null default '{{}}', next_phase text,
    foreign key (client_account_id, engagement_id, change_set_id) references app.change_sets,
    {_FLOW_KEY}""",
    ),
    Table(
        "run_steps",
        "engagement",
        """run_id uuid not null, step integer not null, handler text not null, outputs bytea not null,
    finished_at timestamptz not null default clock_timestamp(),
    foreign key (client_account_id, engagement_id, run_id) references app.phase_runs""",
        key=("run_id", "step"),
        append_only=True,
    ),
    Table(
        "checkpoints",
        "engagement",
        f"""id uuid not null default gen_random_uuid(), flow_id uuid not null, run_id uuid not null,
    phase text not null, kind text not null check (kind in ('before', 'after')), state bytea not null,
    digest bytea not null, phases_completed jsonb not null,
    created_at timestamptz not null default clock_timestamp(),
    unique (client_account_id, engagement_id, run_id, kind),
    {_FLOW_KEY}""",
        append_only=True,
    ),
    Table(
        "flow_events",
        "engagement",
        f"""flow_id uuid not null, seq integer not null, kind text not null, payload jsonb not null,
    version integer not null, created_at timestamptz not null default clock_timestamp(),
    {_FLOW_KEY}""",
        key=("flow_id", "seq"),
        append_only=True,
    ),
    Table(
        "access_audit_log",
        "engagement",
        """id uuid not null default gen_random_uuid(), transaction_id xid8 not null default pg_current_xact_id(),
    user_id text not null, action_type text not null, resource_type text not null, resource_id text,
    result text not null check (result in ('success', 'denied', 'error')), reason text, from_status text,
    to_status text, version integer, ip_address text, user_agent text, request_id text,
    details jsonb not null default '{}', created_at timestamptz not null default clock_timestamp()""",
        append_only=True,
    ),
    Table(
        "agent_insights",
        "engagement",
        f"""id uuid not null default gen_random_uuid(), flow_id uuid not null, run_id uuid, phase text,
    insight jsonb not null, created_at timestamptz not null default clock_timestamp(),
    {_FLOW_KEY}""",
        append_only=True,
    ),
    Table(
        "learning_patterns",
        "engagement",
        """id uuid not null default gen_random_uuid(), flow_id uuid, pattern jsonb not null,
    created_by text not null, created_at timestamptz not null default clock_timestamp()""",
        append_only=True,
    ),
    Table(
        "idempotency_keys",
        "engagement",
        """principal text not null, key text not null, fingerprint bytea not null, status_code integer,
    body jsonb, created_at timestamptz not null default clock_timestamp()""",
        key=("principal", "key"),
    ),
)

IMPORTS = (
    Table(
        "blobs",
        "engagement",
        """id uuid not null, sha256 bytea not null, size bigint not null, media_type text not null,
    created_by text not null default app.actor_id(), created_at timestamptz not null default clock_timestamp(),
    unique (client_account_id, engagement_id, sha256),
    foreign key (client_account_id, engagement_id) references app.engagements""",
        append_only=True,
    ),
    Table(
        "blob_chunks",
        "engagement",
        """blob_id uuid not null, seq integer not null, content bytea not null,
    foreign key (client_account_id, engagement_id, blob_id) references app.blobs""",
        key=("blob_id", "seq"),
        append_only=True,
    ),
    Table(
        "data_imports",
        "engagement",
        """id uuid not null, flow_id uuid, blob_id uuid not null, file_name text not null,
    source text not null default '', source_title text not null default '', dialect jsonb not null default '{}',
    sheets jsonb not null default '[]', status text not null default 'uploaded'
        check (status in ('uploaded', 'read', 'mapped', 'cleansed')),
    total_records integer, rejected_records integer, issues jsonb not null default '[]',
    created_by text not null, created_at timestamptz not null default clock_timestamp(),
    foreign key (client_account_id, engagement_id, blob_id) references app.blobs""",
        captured=True,
    ),
    Table(
        "raw_import_records",
        "engagement",
        """id uuid not null, import_id uuid not null, change_set_id uuid not null default app.change_set_id(),
    sheet text not null, row_number integer not null, values jsonb not null,
    foreign key (client_account_id, engagement_id, change_set_id) references app.change_sets""",
        append_only=True,
        in_change_set=True,
    ),
    Table(
        "import_field_mappings",
        "engagement",
        """id uuid not null, import_id uuid not null, sheet text not null, source_column text not null,
    position integer not null, target_field text, suggested_field text, confidence double precision not null,
    unit text not null default '', evidence jsonb not null default '[]', alternatives jsonb not null default '[]',
    sample_values jsonb not null default '[]', decided_by text not null,
    status text not null check (status in ('suggested', 'changed', 'approved')), updated_by text,
    unique (client_account_id, engagement_id, import_id, sheet, source_column),
    foreign key (client_account_id, engagement_id, import_id) references app.data_imports
        deferrable initially immediate""",
        captured=True,
    ),
    Table(
        "cleansed_records",
        "engagement",
        """id uuid not null, import_id uuid not null, change_set_id uuid not null default app.change_set_id(),
    raw_record_id uuid not null, sheet text not null, row_number integer not null, role jsonb not null,
    values jsonb not null, quarantine_reason text,
    foreign key (client_account_id, engagement_id, change_set_id) references app.change_sets""",
        append_only=True,
        in_change_set=True,
    ),
    Table(
        "quality_issues",
        "engagement",
        """id uuid not null, import_id uuid not null, change_set_id uuid not null default app.change_set_id(),
    code text not null, severity text not null check (severity in ('error', 'warning', 'info')),
    message text not null, sheet text not null, row_number integer, column_name text,
    foreign key (client_account_id, engagement_id, change_set_id) references app.change_sets""",
        append_only=True,
        in_change_set=True,
    ),
)

_TEXTS = """hostname fqdn mac_address serial_number vendor model source_id description environment location
    datacenter rack_location availability_zone security_zone operating_system os_version os_tools
    virtualization_platform virtualization_type server_role database_type database_version power_state boot_type
    host_name cluster_name network_name business_owner technical_owner department business_unit application_name
    application_type technology_stack criticality business_criticality lifecycle six_r_strategy migration_wave
    cpu_model""".split()
_NUMBERS = """cpu_cores cpu_sockets cores_per_socket cpu_speed_mhz memory_gb storage_gb storage_used_gb
    storage_free_gb nic_count disk_count cpu_utilization_percent memory_utilization_percent disk_iops
    network_throughput_mbps annual_cost_estimate current_monthly_cost estimated_cloud_cost""".split()
_FLOW_LINKS = "master_flow_id discovery_flow_id assessment_flow_id planning_flow_id execution_flow_id".split()

INVENTORY = (
    Table(
        "assets",
        "engagement",
        f"""id uuid not null, natural_key text collate "C" not null, name text collate "C" not null,
    asset_type text collate "C" not null, ip_address text, ip_addresses jsonb not null default '[]',
    mac_addresses jsonb not null default '[]', is_template boolean,
    {", ".join(f"{name} text" for name in _TEXTS)},
    {", ".join(f"{name} double precision" for name in _NUMBERS)},
    {", ".join(f"{name} uuid" for name in _FLOW_LINKS)},
    source_phase text, current_phase text, phase_context jsonb not null default '{{}}',
    asset_tags jsonb not null default '[]', flags jsonb not null default '[]',
    conflicts jsonb not null default '[]', identity_rule text not null default '',
    custom_attributes jsonb not null default '{{}}', technical_details jsonb not null default '{{}}',
    field_sources jsonb not null default '{{}}', version integer not null default 1,
    created_by text not null, updated_by text not null,
    created_at timestamptz not null default clock_timestamp(),
    updated_at timestamptz not null default clock_timestamp(),
    unique (client_account_id, engagement_id, natural_key)""",
        captured=True,
    ),
    Table(
        "asset_dependencies",
        "engagement",
        """id uuid not null, source_asset_id uuid not null, target_asset_id uuid not null,
    kind text collate "C" not null, confidence double precision not null, evidence jsonb not null default '[]',
    record_ids jsonb not null default '[]', port integer not null default 0, protocol text not null default '',
    flow_id uuid, unique (client_account_id, engagement_id, source_asset_id, target_asset_id, kind, port, protocol),
    foreign key (client_account_id, engagement_id, source_asset_id) references app.assets deferrable initially immediate,
    foreign key (client_account_id, engagement_id, target_asset_id) references app.assets deferrable initially immediate""",
        captured=True,
    ),
    Table(
        "asset_tech_debt",
        "engagement",
        """id uuid not null, asset_id uuid not null, subject text not null, found_text text not null,
    product text not null, cycle text not null, state text collate "C" not null, severity text not null,
    end_of_life date, extended_end date, days_left integer, reasons jsonb not null default '[]',
    assessed_on date not null, catalog_as_of text not null, flow_id uuid,
    unique (client_account_id, engagement_id, asset_id, subject),
    foreign key (client_account_id, engagement_id, asset_id) references app.assets deferrable initially immediate""",
        captured=True,
    ),
)
