"""What may be asked of flows and their data: verbs and queries, each behind a permission."""
