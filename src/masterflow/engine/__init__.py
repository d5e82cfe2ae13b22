"""How a phase runs: dispatch, worker, executor, state, process pool and recovery."""
