"""PostgreSQL: roles, tables, transitions, change sets and the tenant scope of every session."""
