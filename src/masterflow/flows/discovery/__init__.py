"""Discovery: from an inventory file to assets, their dependencies and the age of what they run."""

from masterflow.kernel.definition import FlowCapabilities, FlowTypeConfig, PhaseConfig, RetryConfig

from . import handlers, schemas, validators

_RETRY = RetryConfig(max_attempts=3, initial_delay_seconds=2, backoff_multiplier=2, max_delay_seconds=30)

FLOW = FlowTypeConfig(
    name="discovery",
    display_name="Discovery",
    description="Read inventory files and build a connected inventory in which every value names its source cell",
    version="1.0.0",
    output_schema=schemas.DiscoveryOutput,
    capabilities=FlowCapabilities(max_iterations=5),
    phase_aliases={
        "attribute_mapping": "field_mapping",
        "inventory": "asset_inventory",
        "assets": "asset_inventory",
        "dependencies": "dependency_analysis",
        "tech_debt": "tech_debt_assessment",
        "data_cleaning": "data_cleansing",
    },
    phases=[
        PhaseConfig(
            name="data_import",
            display_name="Data import",
            description="Store every record of the uploaded file with its sheet and row",
            inputs=schemas.DataImportInputs,
            required_inputs=["import_file_id"],
            validators=["file_exists"],
            handlers=["store_raw_records"],
            timeout_seconds=1800,
            retry_config=_RETRY,
        ),
        PhaseConfig(
            name="field_mapping",
            display_name="Field mapping",
            description="Suggest which asset field each column holds, with evidence, for a person to accept",
            inputs=schemas.FieldMappingInputs,
            optional_inputs=["mappings"],
            validators=["records_stored"],
            handlers=["suggest_mappings", "apply_mappings"],
            approval="review",
            timeout_seconds=1200,
            retry_config=_RETRY,
        ),
        PhaseConfig(
            name="data_cleansing",
            display_name="Data cleansing",
            description="Normalise units, systems, addresses and empty words; list what cannot be read",
            inputs=schemas.NoInputs,
            validators=["mappings_complete"],
            handlers=["cleanse_records"],
            timeout_seconds=1500,
            retry_config=_RETRY,
        ),
        PhaseConfig(
            name="asset_inventory",
            display_name="Asset inventory",
            description="Build assets across sheets; conflicts are recorded, guesses stay suggestions",
            inputs=schemas.NoInputs,
            handlers=["build_assets"],
            timeout_seconds=1800,
            retry_config=_RETRY,
        ),
        PhaseConfig(
            name="dependency_analysis",
            display_name="Dependency analysis",
            description="Connect assets as far as the file says: hosts, clusters, networks, stated relations",
            inputs=schemas.NoInputs,
            handlers=["connect_assets"],
            can_skip=True,
            timeout_seconds=2100,
            retry_config=_RETRY,
        ),
        PhaseConfig(
            name="tech_debt_assessment",
            display_name="Tech-debt assessment",
            description="Compare operating systems with published end-of-life dates at a stated date",
            inputs=schemas.TechDebtInputs,
            optional_inputs=["as_of"],
            handlers=["assess_lifecycles"],
            timeout_seconds=1200,
            retry_config=_RETRY,
        ),
    ],
)

__all__ = ["FLOW", "handlers", "schemas", "validators"]
