"""Reads tables that datashard went on with after every step, with pyiceberg and DuckDB.

    read_continued_tables.py STEPS

STEPS is a file of JSON, a line for each step: table, version, the metadata file, and how its rows follow from those that the table had at first:
each of them so many `times`, but for `minus` of all of these. What a reader found at first is its own; later steps are held against that.
"""

import collections
import json
import pathlib
import sys

import duckdb
import duckdb_extensions
from pyiceberg.table import StaticTable

# What a reader is known to refuse, at some of the steps: other steps are compared all the same, and it is told when it refuses nothing any more.
OF_VERSION_1 = "lists and existing entries without sequence numbers, as version 1 wrote them, in a table of version 2"
REFUSED = {
    ("v1_basic", "duckdb"): OF_VERSION_1,
    ("v1_partitioned_void", "duckdb"): OF_VERSION_1,
}


def connect():
    connection = duckdb.connect()
    for extension in ["avro", "icu", "json", "parquet", "iceberg"]:
        duckdb_extensions.import_extension(extension, con=connection)
        connection.sql("LOAD " + extension)
    connection.sql("SET TimeZone='UTC'")
    return connection


CONNECTION = connect()


def by_duckdb(metadata):
    return CONNECTION.sql("SELECT * FROM iceberg_scan('%s')" % metadata).to_arrow_table()


def by_pyiceberg(metadata):
    return StaticTable.from_metadata(metadata).scan().to_arrow()


READERS = {"duckdb": by_duckdb, "pyiceberg": by_pyiceberg}


def rows_of(table, columns):
    if not table.num_rows:
        return collections.Counter()
    chosen = [table.column(name).to_pylist() for name in columns]
    return collections.Counter(repr(row) for row in zip(*chosen))


def main():
    steps = [json.loads(line) for line in pathlib.Path(sys.argv[1]).read_text().splitlines()]
    first, read, differs, not_due = {}, collections.Counter(), [], 0
    refused = set()
    for step in steps:
        if "not due" in step:
            not_due += 1
            continue
        for name, reader in READERS.items():
            where = (step["table"], name)
            try:
                table = reader(step["metadata"].removeprefix("file://"))
            except Exception as error:  # whatever a reader throws is its answer
                if where in REFUSED:
                    refused.add(where)
                    continue
                differs.append((where, step["step"], "%s: %s" % (type(error).__name__, str(error)[:300])))
                continue
            if where not in first:
                columns = table.column_names
                first[where] = (columns, rows_of(table, columns))
                read[name] += 1
                continue
            columns, before = first[where]
            found = rows_of(table, columns)
            expected = collections.Counter({row: count * step["times"] for row, count in before.items()})
            more, less = found - expected, expected - found
            if more or less.total() != step["minus"]:
                what = "%d rows too many, %d less, %d expected to be less" % (more.total(), less.total(), step["minus"])
                differs.append((where, step["step"], what))
            read[name] += 1
    upgraded = {step["table"] for step in steps if step["step"] == "format version"}
    for where in sorted(where for where in set(REFUSED) - refused if where[0] in upgraded):
        differs.append((where, "", "it reads that, contrary to what is said of it"))
    for where, step, what in differs:
        print("%s, %s: %s" % (" by ".join(where), step, what))
    tables = len({step["table"] for step in steps})
    reads = ", ".join("%s %d" % pair for pair in sorted(read.items()))
    print("%d tables, %d steps, not due %d; read: %s; differences: %d" % (tables, len(steps), not_due, reads, len(differs)))
    sys.exit(1 if differs or not steps else 0)


main()
