"""A stand-in for Citus: an extension of its name whose functions note what they are asked, and refuse what it refuses.

It moves nothing. What it refuses is what its documents say of it: a trigger, a key that lacks the account, a foreign
key to what is not distributed yet or in another way.
"""

from pathlib import Path

CONTROL = "default_version = '13.2'\nrelocatable = false\nschema = public\ncomment = 'a stand-in of the tests'\n"

SCRIPT = """
CREATE TABLE pg_dist_partition (logicalrelid regclass PRIMARY KEY, partmethod "char" NOT NULL, colocated text);
CREATE TABLE pg_dist_node (groupid integer, isactive boolean, noderole text);
CREATE TABLE pg_dist_local_group (groupid integer);
CREATE TABLE emptied (number integer GENERATED ALWAYS AS IDENTITY, name text);
GRANT SELECT ON pg_dist_partition, pg_dist_node, pg_dist_local_group TO PUBLIC;
INSERT INTO pg_dist_node VALUES (0, true, 'primary'), (1, true, 'primary'), (2, true, 'primary');
INSERT INTO pg_dist_local_group VALUES (0);

CREATE FUNCTION create_reference_table(table_name regclass) RETURNS void LANGUAGE sql AS
$$ INSERT INTO pg_dist_partition VALUES (table_name, 'n', NULL) $$;

CREATE FUNCTION create_distributed_table(
    table_name regclass, column_name text, shard_count integer DEFAULT NULL, colocate_with text DEFAULT 'default'
) RETURNS void LANGUAGE plpgsql AS $$
BEGIN
    IF EXISTS (SELECT FROM pg_trigger WHERE tgrelid = table_name AND NOT tgisinternal) THEN
        RAISE 'triggers are not supported on distributed tables' USING ERRCODE = '0A000';
    END IF;
    IF EXISTS (SELECT FROM pg_constraint WHERE conrelid = table_name AND contype IN ('p', 'u') AND NOT (
        SELECT attnum FROM pg_attribute WHERE attrelid = table_name AND attname = column_name) = ANY (conkey)) THEN
        RAISE 'cannot create constraint on %', table_name USING ERRCODE = '0A000';
    END IF;
    IF EXISTS (SELECT FROM pg_constraint WHERE conrelid = table_name AND contype = 'f' AND NOT EXISTS (
        SELECT FROM pg_dist_partition WHERE logicalrelid = confrelid)) THEN
        RAISE 'referenced table must be a distributed table or a reference table' USING ERRCODE = '0A000';
    END IF;
    IF EXISTS (SELECT FROM pg_constraint JOIN pg_class ON pg_class.oid = conrelid
               WHERE confrelid = table_name AND contype = 'f' AND relname IN ('approvals', 'purchases')) THEN
        RAISE 'a local table refers to it' USING ERRCODE = '0A000';
    END IF;
    INSERT INTO pg_dist_partition VALUES (table_name, 'h', colocate_with);
END
$$;

CREATE FUNCTION truncate_local_data_after_distributing_table(table_name regclass) RETURNS void LANGUAGE sql AS
$$ INSERT INTO emptied (name) VALUES (table_name::text) $$;
"""


def write_extension(folder: Path) -> str:
    """Write the extension below a folder that the server's account reads; return what extension_control_path names."""
    extension = folder / "extension"
    extension.mkdir()
    (extension / "citus.control").write_text(CONTROL)
    (extension / "citus--13.2.sql").write_text(SCRIPT)
    for path in (folder, extension):
        path.chmod(0o755)
    return str(folder)
