"""Examples in the OpenAPI document."""

from __future__ import annotations

from typing import Any

_ID = "550e8400-e29b-41d4-a716-446655440000"
_RUN = "7d444840-9dc0-11d1-b245-5ffdce74fad2"
_IMPORT = "1b4e28ba-2fa1-11d2-883f-0016d3cca427"

CREATE: dict[str, Any] = {
    "discovery": {
        "summary": "A discovery flow that runs until a person is needed",
        "value": {
            "flow_type": "discovery",
            "flow_name": "Production Environment Discovery",
            "initial_data": {"import_file_id": _IMPORT},
            "options": {"auto_execute": True, "notification_emails": ["team@company.com"]},
        },
    }
}
EXECUTE: dict[str, Any] = {
    "next": {"summary": "The next phase", "value": {}},
    "mappings": {
        "summary": "Field mapping with decisions, accepted in advance",
        "value": {
            "phase_name": "field_mapping",
            "inputs": {"mappings": {"vInfo!VM": "name"}, "approval": True},
            "options": {"timeout_seconds": 120},
        },
    },
}
FLOW: dict[str, Any] = {
    "flow_id": _ID,
    "flow_type": "discovery",
    "flow_version": "1.0.0",
    "flow_name": "Production Environment Discovery",
    "flow_description": None,
    "flow_tags": [],
    "status": "initialized",
    "current_phase": "data_import",
    "phases_completed": [],
    "progress_percentage": 0.0,
    "iteration_number": 1,
    "version": 1,
    "waiting_for": {},
    "options": {"auto_execute": False, "notification_emails": []},
    "next_action": {"type": "execute_phase", "phase": "data_import", "required_inputs": []},
    "allowed_actions": ["execute", "pause", "cancel"],
    "current_run_id": None,
    "parent_flow_id": None,
    "created_at": "2026-11-20T10:00:00Z",
    "updated_at": "2026-11-20T10:00:00Z",
    "created_by": "0b8b2e62-5d0c-4c86-9a3e-0f6f3f0f2b11",
    "updated_by": "0b8b2e62-5d0c-4c86-9a3e-0f6f3f0f2b11",
}
ACCEPTED: dict[str, Any] = {
    **FLOW,
    "status": "queued",
    "version": 2,
    "next_action": {"type": "wait", "phase": "data_import", "message": "Processing data import phase"},
    "allowed_actions": ["pause", "cancel"],
    "current_run_id": _RUN,
    "run_id": _RUN,
}
STATUS: dict[str, Any] = {
    "flow_id": _ID,
    "flow_type": "discovery",
    "flow_name": "Production Environment Discovery",
    "status": "running",
    "current_phase": "data_cleansing",
    "progress": {
        "percentage": 33.3,
        "phases_completed": ["data_import", "field_mapping"],
        "phases_remaining": ["data_cleansing", "asset_inventory", "dependency_analysis", "tech_debt_assessment"],
        "estimated_completion": "2026-11-20T10:02:10Z",
    },
    "performance": {"total_execution_time_ms": 1250, "phase_times": {"data_import": 450, "field_mapping": 800}},
    "next_action": {
        "type": "wait",
        "phase": "data_cleansing",
        "message": "Processing data cleansing phase",
        "estimated_duration_seconds": 2,
    },
    "allowed_actions": ["cancel"],
    "version": 7,
}
RESULT: dict[str, Any] = {
    "flow_id": _ID,
    "phase_name": "data_import",
    "run_id": _RUN,
    "status": "success",
    "outputs": {"records": 805},
    "validation_results": [],
    "execution_time_ms": 450,
    "agent_insights": [],
    "next_phase": "field_mapping",
    "errors": [],
    "flow_status": "ready",
}
PROBLEM: dict[str, Any] = {
    "type": "urn:masterflow:error:not_found",
    "title": "Not Found",
    "status": 404,
    "detail": "there is no such flow",
    "instance": f"/api/v1/flows/{_ID}",
    "code": "not_found",
    "request_id": "7f0c1f0e-8f0a-4a43-9a44-0d6b2f2c8a11",
}
