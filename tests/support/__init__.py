"""What tests of several rooms share: a server, rows of every table, catalog rules, small flows."""
