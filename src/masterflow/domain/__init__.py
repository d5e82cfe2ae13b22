"""What is known about migration: pure values and calculations; no clock, no I/O, no randomness."""
