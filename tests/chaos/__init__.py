"""Faults on purpose: killed and frozen workers, a stopped database, and a checker of what they left."""
