"""Publication: copying the tables that people read from a release to a database server.

`tables` reads the tables of a release, `ddl` has their SQL for PostgreSQL, `postgres` is the only module that
connects to a server, `publish_to` is what the command and the DAG call.
"""
