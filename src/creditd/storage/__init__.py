"""All SQL: the tables, what is read and written by noun, the migrations, and the embedded PostgreSQL."""
