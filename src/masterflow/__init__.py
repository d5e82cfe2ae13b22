"""Master Flow Orchestrator: one orchestrator for all stages of a cloud migration."""
