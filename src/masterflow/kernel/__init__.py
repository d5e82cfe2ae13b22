"""The words and decisions of a flow, pure: no clock, no I/O, no randomness."""
