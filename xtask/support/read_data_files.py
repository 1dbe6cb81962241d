"""Reads data and delete files with pyarrow, DuckDB and fastavro, and holds rows and field ids against what went in.

    read_data_files.py FOLDER

FOLDER/cases.json lists the files: format, Iceberg schema, rows. Values in it:

    boolean, int, long, string     as they are
    float, double                  their bits as an integer
    decimal                        the unscaled number as text
    date                           days since 1970-01-01
    time, timestamp*               the count of their unit
    uuid, fixed, binary            hex
    struct                         array by position; list: array; map: array of pairs

Every value is taken from a reader in a way that loses nothing: temporal values as counts, floats by their bits.
"""

import datetime
import decimal
import itertools
import json
import math
import pathlib
import struct
import sys
import uuid

import duckdb
import fastavro
import fastavro._read
import pyarrow
import pyarrow.parquet

decimal.getcontext().prec = 60
EPOCH = datetime.datetime(1970, 1, 1)


class Differs(Exception):
    """A file does not read as it was written."""


# Canonical values -----------------------------------------------------------------------------------------------


def bits(value, code, width):
    """The bits of a float; all NaNs are one."""
    if math.isnan(value):
        return "NaN"
    return int.from_bytes(struct.pack(">" + code, value), "big")


def expected(kind, value):
    """A value of cases.json, with NaNs made one."""
    if value is None:
        return None
    if isinstance(kind, dict):
        if kind["type"] == "struct":
            return [expected(f["type"], v) for f, v in zip(kind["fields"], value, strict=True)]
        if kind["type"] == "list":
            return [expected(kind["element"], v) for v in value]
        return [[expected(kind["key"], k), expected(kind["value"], v)] for k, v in value]
    if kind == "float":
        return bits(struct.unpack(">f", value.to_bytes(4, "big"))[0], "f", 4)
    if kind == "double":
        return bits(struct.unpack(">d", value.to_bytes(8, "big"))[0], "d", 8)
    return value


def micros(delta):
    return (delta.days * 86_400 + delta.seconds) * 1_000_000 + delta.microseconds


def unscaled(kind, value):
    scale = int(kind[:-1].split(",")[1])
    return str(int(value.scaleb(scale)))


def plain(kind, value):
    """A Python object of pyarrow's scalars or DuckDB's rows as a canonical value."""
    if kind == "float":
        return bits(value, "f", 4)
    if kind == "double":
        return bits(value, "d", 8)
    if kind.startswith("decimal"):
        return unscaled(kind, value)
    if kind == "date":
        return (value - EPOCH.date()).days
    if kind == "time":
        return micros(datetime.datetime.combine(EPOCH.date(), value) - EPOCH)
    if kind.startswith("timestamp"):
        if value.tzinfo is not None:
            value = value.astimezone(datetime.timezone.utc).replace(tzinfo=None)
        return micros(value - EPOCH)
    if kind == "uuid":
        return value.hex if isinstance(value, uuid.UUID) else bytes(value).hex()
    if kind.startswith("fixed") or kind == "binary":
        return bytes(value).hex()
    return value


# pyarrow --------------------------------------------------------------------------------------------------------


def arrow_value(kind, scalar):
    if not scalar.is_valid:
        return None
    if isinstance(kind, dict):
        if kind["type"] == "struct":
            return [arrow_value(f["type"], scalar[f["name"]]) for f in kind["fields"]]
        if kind["type"] == "list":
            return [arrow_value(kind["element"], v) for v in scalar.values]
        entries = scalar.values
        return [
            [arrow_value(kind["key"], k), arrow_value(kind["value"], v)]
            for k, v in zip(entries.field(0), entries.field(1), strict=True)
        ]
    if kind in ("date", "time") or kind.startswith("timestamp"):
        return scalar.value
    if isinstance(scalar, pyarrow.ExtensionScalar):
        scalar = scalar.value
    return plain(kind, scalar.as_py())


def arrow_ids(kind, field, path, found):
    mark = (field.metadata or {}).get(b"PARQUET:field_id")
    found[path] = int(mark) if mark is not None else None
    if not isinstance(kind, dict):
        return
    if kind["type"] == "struct":
        for child in kind["fields"]:
            arrow_ids(child["type"], field.type.field(child["name"]), f"{path}.{child['name']}", found)
    elif kind["type"] == "list":
        arrow_ids(kind["element"], field.type.value_field, f"{path}.element", found)
    else:
        arrow_ids(kind["key"], field.type.key_field, f"{path}.key", found)
        arrow_ids(kind["value"], field.type.item_field, f"{path}.value", found)


def read_pyarrow(path, schema):
    file = pyarrow.parquet.ParquetFile(path, page_checksum_verification=True)
    table = file.read()
    fields = schema["fields"]
    columns = {f["name"]: table.column(f["name"]) for f in fields}
    rows = [[arrow_value(f["type"], columns[f["name"]][i]) for f in fields] for i in range(table.num_rows)]
    ids = {}
    for field in fields:
        arrow_ids(field["type"], file.schema_arrow.field(field["name"]), field["name"], ids)
    return rows, ids


# DuckDB ---------------------------------------------------------------------------------------------------------


def duck_value(kind, value):
    if value is None:
        return None
    if isinstance(kind, dict):
        if kind["type"] == "struct":
            return [duck_value(f["type"], value[f["name"]]) for f in kind["fields"]]
        if kind["type"] == "list":
            return [duck_value(kind["element"], v) for v in value]
        return [[duck_value(kind["key"], k), duck_value(kind["value"], v)] for k, v in value.items()]
    return value if kind in ("timestamp_ns", "timestamptz_ns") else plain(kind, value)


def read_duckdb(path, schema):
    connection = duckdb.connect()
    connection.execute("SET TimeZone = 'UTC'")

    def chosen(field):
        quoted = '"' + field["name"].replace('"', '""') + '"'
        # Python's own timestamps have no nanoseconds.
        return f"epoch_ns({quoted})" if field["type"] in ("timestamp_ns", "timestamptz_ns") else quoted

    fields = schema["fields"]
    query = f"SELECT {', '.join(map(chosen, fields))} FROM read_parquet(?)"
    rows = connection.execute(query, [str(path)]).fetchall()
    rows = [[duck_value(f["type"], v) for f, v in zip(fields, row, strict=True)] for row in rows]
    told = connection.execute("SELECT field_id FROM parquet_schema(?) WHERE field_id IS NOT NULL", [str(path)])
    return rows, sorted(row[0] for row in told.fetchall())


# fastavro -------------------------------------------------------------------------------------------------------


def unwrap(avro):
    """An Avro schema without the null around it."""
    if isinstance(avro, list):
        rest = [branch for branch in avro if branch != "null"]
        return rest[0] if len(rest) == 1 else avro
    return avro


def avro_value(kind, value):
    if value is None:
        return None
    if isinstance(kind, dict):
        if kind["type"] == "struct":
            return [avro_value(f["type"], v) for f, v in zip(kind["fields"], value.values(), strict=True)]
        if kind["type"] == "list":
            return [avro_value(kind["element"], v) for v in value]
        pairs = value.items() if isinstance(value, dict) else [(e["key"], e["value"]) for e in value]
        return [[avro_value(kind["key"], k), avro_value(kind["value"], v)] for k, v in pairs]
    if kind.startswith("decimal"):
        return str(int.from_bytes(value, "big", signed=True))
    if kind in ("date", "time") or kind.startswith("timestamp"):
        return value
    return plain(kind, value)


def avro_ids(kind, avro, path, found):
    avro = unwrap(avro)
    if not isinstance(kind, dict):
        return
    if kind["type"] == "struct":
        for child, field in zip(kind["fields"], avro["fields"], strict=True):
            name = f"{path}.{child['name']}" if path else child["name"]
            found[name] = field.get("field-id")
            avro_ids(child["type"], field["type"], name, found)
    elif kind["type"] == "list":
        found[f"{path}.element"] = avro.get("element-id")
        avro_ids(kind["element"], avro["items"], f"{path}.element", found)
    elif avro["type"] == "map":
        found[f"{path}.key"], found[f"{path}.value"] = avro.get("key-id"), avro.get("value-id")
        avro_ids(kind["value"], avro["values"], f"{path}.value", found)
    else:
        entries = {f["name"]: f for f in avro["items"]["fields"]}
        for part in ("key", "value"):
            found[f"{path}.{part}"] = entries[part].get("field-id")
            avro_ids(kind[part], entries[part]["type"], f"{path}.{part}", found)


def read_fastavro(path, schema):
    with open(path, "rb") as stream:
        reader = fastavro.reader(stream)
        root = {"type": "struct", "fields": schema["fields"]}
        rows = [avro_value(root, record) for record in reader]
        ids = {}
        avro_ids(root, reader.writer_schema, "", ids)
        return rows, ids


# Comparison -----------------------------------------------------------------------------------------------------


def schema_ids(kind, path, found):
    if not isinstance(kind, dict):
        return
    if kind["type"] == "struct":
        for field in kind["fields"]:
            name = f"{path}.{field['name']}" if path else field["name"]
            found[name] = field["id"]
            schema_ids(field["type"], name, found)
    elif kind["type"] == "list":
        found[f"{path}.element"] = kind["element-id"]
        schema_ids(kind["element"], f"{path}.element", found)
    else:
        found[f"{path}.key"], found[f"{path}.value"] = kind["key-id"], kind["value-id"]
        schema_ids(kind["key"], f"{path}.key", found)
        schema_ids(kind["value"], f"{path}.value", found)


READERS = {
    "parquet": {"pyarrow": read_pyarrow, "duckdb": read_duckdb},
    "avro": {"fastavro": read_fastavro},
}


def check(folder, case, name, read):
    schema = case["schema"]
    # Columns of type unknown are in no Parquet file, and nulls in Avro.
    stored = [f["type"] != "unknown" or case["format"] == "avro" for f in schema["fields"]]
    schema["fields"] = list(itertools.compress(schema["fields"], stored))
    case["rows"] = [list(itertools.compress(row, stored)) for row in case["rows"]]
    rows, ids = read(folder / case["file"], schema)
    wanted = [[expected(f["type"], v) for f, v in zip(schema["fields"], row, strict=True)] for row in case["rows"]]
    if len(rows) != len(wanted):
        raise Differs(f"{len(rows)} rows, {len(wanted)} were written")
    for number, (row, want) in enumerate(zip(rows, wanted, strict=True)):
        for field, found, value in zip(schema["fields"], row, want, strict=True):
            if found != value:
                raise Differs(f"row {number}, column {field['name']}: {found!r}, {value!r} was written")
    wanted_ids = {}
    schema_ids(schema, "", wanted_ids)
    if isinstance(ids, list):
        # DuckDB lists ids without paths, and with one of its own for the root of some files.
        missing = sorted(set(wanted_ids.values()) - set(ids))
        if missing:
            raise Differs(f"field ids {missing} are not in the file")
    elif ids != wanted_ids:
        different = {p: (ids.get(p), i) for p, i in wanted_ids.items() if ids.get(p) != i}
        raise Differs(f"field ids (found, written): {different}")


def main():
    # Logical types of Avro as the counts and bytes that are in the file.
    fastavro._read.LOGICAL_READERS.clear()
    folder = pathlib.Path(sys.argv[1])
    cases = json.loads((folder / "cases.json").read_text())["cases"]
    bad = 0
    count = {}
    left_out = {}
    for case in cases:
        for name, read in READERS[case["format"]].items():
            reason = case["unreadable-by"].get(name)
            if reason:
                left_out.setdefault((name, reason), []).append(case["name"])
                continue
            try:
                check(folder, json.loads(json.dumps(case)), name, read)
                count[name] = count.get(name, 0) + 1
            except Exception as error:  # whatever a reader throws is a finding
                bad += 1
                print(f"{case['name']}: {name}: {type(error).__name__}: {error}")
    for (name, reason), names in left_out.items():
        print(f"not given to {name}, {reason}: {'; '.join(names)}")
    told = ", ".join(f"{name} {number}" for name, number in sorted(count.items()))
    print(f"{len(cases)} files; read as written by {told}; {bad} differences")
    for name in {name for readers in READERS.values() for name in readers}:
        if not count.get(name):
            print(f"{name} has read nothing")
            bad += 1
    sys.exit(1 if bad or not cases else 0)


if __name__ == "__main__":
    main()
