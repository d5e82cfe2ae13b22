"""Read one cell: each module turns a kind of cell into a value, its steps and its problems."""
