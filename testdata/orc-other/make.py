#!/usr/bin/env python3
"""Writes the ORC files of this folder, each with the rows that went in.

python make.py    with pyorc 0.12.0 and pyarrow 26.0.1
"""
import datetime as dt
import decimal
import json
import math
import random
import zoneinfo

import pyarrow as pa
import pyarrow.orc as orc
import pyorc
from pyorc import CompressionKind as C

D = decimal.Decimal
decimal.getcontext().prec = 60
UTC = dt.timezone.utc
EPOCH = dt.datetime(1970, 1, 1)


def micros(value):
    if value.tzinfo:
        value = value.astimezone(UTC).replace(tzinfo=None)
    delta = value - EPOCH
    return (delta.days * 86400 + delta.seconds) * 1000000 + delta.microseconds


def plain(value):
    """A value as JSON: floats as text, bytes in hex, decimals as text, dates in days, timestamps in microseconds."""
    if value is None or isinstance(value, (bool, int, str)):
        return value
    if isinstance(value, float):
        if math.isnan(value):
            return "NaN"
        return repr(value).replace("inf", "Infinity")
    if isinstance(value, D):
        return format(value, "f")
    if isinstance(value, bytes):
        return {"hex": value.hex()}
    if isinstance(value, dt.datetime):
        return micros(value)
    if isinstance(value, dt.date):
        return (value - dt.date(1970, 1, 1)).days
    if isinstance(value, dict):
        return [[plain(k), plain(v)] for k, v in value.items()]
    if isinstance(value, (list, tuple)):
        return [plain(v) for v in value]
    raise TypeError(type(value))


class Seconds(pyorc.converters.TimestampConverter):
    """Seconds and nanoseconds since 1970 of any year."""

    @staticmethod
    def to_orc(value, timezone):
        whole = micros(value)
        return whole // 1000000, whole % 1000000 * 1000


CONVERTERS = {pyorc.TypeKind.TIMESTAMP: Seconds, pyorc.TypeKind.TIMESTAMP_INSTANT: Seconds}


def keep(name, rows):
    with open(name + ".json", "w") as out:
        out.write("[\n" + ",\n".join(json.dumps(plain(r), ensure_ascii=False) for r in rows) + "\n]\n")


def with_ids(schema):
    """Gives every type below the root an `iceberg.id`, depth first."""
    counter = [0]

    def visit(node, root=False):
        if not root:
            counter[0] += 1
            attributes = dict(node.attributes)
            attributes["iceberg.id"] = str(counter[0])
            node.set_attributes(attributes)
        if isinstance(node, pyorc.Struct):
            for child in node.fields.values():
                visit(child)
        elif isinstance(node, pyorc.Array):
            visit(node.type)
        elif isinstance(node, pyorc.Map):
            visit(node.key)
            visit(node.value)

    visit(schema, True)
    return schema


def write(name, schema, rows, stripe_rows=None, **options):
    with open(name + ".orc", "wb") as out:
        with pyorc.Writer(out, schema, converters=CONVERTERS, **options) as writer:
            for number, row in enumerate(rows):
                if stripe_rows and number and number % stripe_rows == 0:
                    writer.write_intermediate_footer()
                writer.write(tuple(row))


TYPES = (
    "struct<b:boolean,i8:tinyint,i16:smallint,i32:int,i64:bigint,f:float,d:double,word:string,text:string,"
    "vc:varchar(10),bin:binary,day:date,ts:timestamp,tz:timestamp with local time zone,small:decimal(9,2),"
    "large:decimal(38,10),l:array<int>,m:map<string,bigint>,s:struct<a:int,b:array<string>>,"
    "ls:array<struct<x:int,y:string>>,ll:array<array<double>>>"
)


def types(count):
    rng = random.Random(7)
    words = ["", "a", "Ünï", "日本語", "🦀", "z" * 40]
    rows = []
    for i in range(count):
        base = dt.datetime(1969, 12, 31, 23, 59, 58) + dt.timedelta(microseconds=rng.choice([1, 999999, 500, 1000, 0]))
        ts = rng.choice(
            [base, dt.datetime(1, 1, 1), dt.datetime(9999, 12, 31, 23, 59, 59, 999999), dt.datetime(1600, 2, 29, 1, 2, 3, 4),
             dt.datetime(2015, 1, 1), dt.datetime(2014, 12, 31, 23, 59, 59, 999000),
             dt.datetime(2024, 5, 6, 7, 8, 9, rng.randrange(1000000))])
        row = [
            rng.random() < 0.5,
            rng.choice([-128, 127, 0, i % 100]),
            rng.choice([-32768, 32767, i]),
            rng.choice([-2147483648, 2147483647, i * 1000, 5, 5, 5]),
            rng.choice([-(2**63), 2**63 - 1, i, rng.getrandbits(40), -rng.getrandbits(20), 1 << 62]),
            rng.choice([0.0, -0.0, 1.5, float("inf"), float("-inf"), float("nan"), 0.25 * i]),
            rng.choice([0.0, -0.0, math.pi * i, float("inf"), float("nan"), 5e-324, 1.7976931348623157e308]),
            rng.choice(words),
            "%08x-%s" % (rng.getrandbits(32), rng.choice(words)),
            rng.choice(["x", "ten chars!", ""]),
            bytes(rng.getrandbits(8) for _ in range(rng.randrange(6))),
            rng.choice([dt.date(1, 1, 1), dt.date(9999, 12, 31), dt.date(1970, 1, 1), dt.date(2000, 1, 1) + dt.timedelta(i)]),
            ts,
            ts.replace(tzinfo=UTC),
            D(rng.randrange(-999999999, 1000000000)).scaleb(-2),
            rng.choice([D(10**38 - 1), D(1 - 10**38), D(rng.randrange(-(10**20), 10**20)), D(0)]).scaleb(-10),
            [rng.choice([None, j, -j]) for j in range(rng.randrange(5))],
            {w: rng.choice([None, i]) for w in rng.sample(words, rng.randrange(4))},
            (rng.choice([None, i]), rng.choice([None, [], ["p", None, "q" * (i % 9)]])),
            [rng.choice([None, (j, rng.choice([None, "y"]))]) for j in range(rng.randrange(3))],
            [rng.choice([None, [], [0.5, None, float(i)]]) for _ in range(rng.randrange(3))],
        ]
        rows.append([None if rng.random() < 0.1 else v for v in row])
    return rows


def main():
    rows = types(90)
    keep("types", rows)
    for name, kind in [("none", C.NONE), ("zlib", C.ZLIB), ("snappy", C.SNAPPY), ("lz4", C.LZ4), ("zstd", C.ZSTD)]:
        schema = with_ids(pyorc.TypeDescription.from_string(TYPES))
        write("types_" + name, schema, rows, compression=kind, compression_block_size=65536,
              dict_key_size_threshold=0.5, row_index_stride=50, timezone=zoneinfo.ZoneInfo("UTC"))

    # Several stripes of several row groups; each column of its own use for a filter.
    rng = random.Random(11)
    rows = []
    for i in range(6000):
        at = dt.datetime(1969, 12, 1) + dt.timedelta(milliseconds=i * 997, microseconds=i % 1000)
        rows.append([
            i,
            float("nan") if i // 500 in (1, 4, 8) and i % 500 in (0, 7) else i / 2,
            "k%06d" % i,
            at,
            at.replace(tzinfo=UTC),
            D(i).scaleb(-1) - 250,
            None if i // 500 == 3 else i % 7,
            dt.date(1960, 1, 1) + dt.timedelta(i),
            i // 1000 == 2,
            (None if i % 3 else i,),
            [i, i + 1],
        ])
    schema = with_ids(pyorc.TypeDescription.from_string(
        "struct<id:bigint,x:double,k:string,ts:timestamp,tz:timestamp with local time zone,n:decimal(20,1),few:int,"
        "day:date,flag:boolean,s:struct<a:int>,l:array<int>>"))
    write("groups", schema, rows, compression=C.ZSTD, compression_block_size=65536, stripe_rows=1500, batch_size=500,
          row_index_stride=500, timezone=zoneinfo.ZoneInfo("UTC"))
    keep("groups", rows[::149])

    # As Hive leaves them: no ids, names, timestamps of a zone with daylight saving, text filled up with spaces.
    rows = [[i, "n%d" % (i % 3), dt.datetime(2021, 1 + i % 12, 15, i % 24, 30, 0, i), "c" * (i % 6)] for i in range(40)]
    rows.append([None, None, dt.datetime(1950, 7, 1, 12, 0, 0, 250000), None])
    zone = zoneinfo.ZoneInfo("America/New_York")
    stored = [[a, b, at.replace(tzinfo=zone), c] for a, b, at, c in rows]
    write("hive_like", pyorc.TypeDescription.from_string("struct<_col0:int,name:string,at:timestamp,code:char(5)>"), stored,
          compression=C.SNAPPY, timezone=zone)
    keep("hive_like", rows)

    # Attributes of Iceberg on binary and long.
    schema = with_ids(pyorc.TypeDescription.from_string("struct<u:binary,f:binary,g:binary,t:bigint,n:timestamp,v:struct<metadata:binary,value:binary>,r:int>"))
    def more(node, **attributes):
        node.set_attributes({**dict(node.attributes), **{"iceberg." + k.replace("_", "-"): v for k, v in attributes.items()}})
    more(schema.fields["u"], binary_type="UUID")
    more(schema.fields["f"], binary_type="FIXED", length="3")
    more(schema.fields["g"], binary_type="GEOMETRY")
    more(schema.fields["t"], long_type="TIME")
    more(schema.fields["n"], timestamp_unit="NANOS")
    more(schema.fields["v"], struct_type="VARIANT")
    more(schema.fields["r"], required="true")
    rows = [[bytes(range(i, i + 16)), b"abc", b"\x01", i * 1000001, dt.datetime(2024, 1, 1, 0, 0, 0, i), (b"\x01\x00\x00", b"\x0c"), i]
            if i % 4 else [None, None, None, None, None, None, i] for i in range(20)]
    utc = zoneinfo.ZoneInfo("UTC")
    write("attributes", schema, rows, compression=C.ZLIB, timezone=utc)
    keep("attributes", rows)
    write("wrong_uuid", schema, rows[1:3] + [[bytes(15), b"abc", b"", 0, None, None, 0]], compression=C.NONE, timezone=utc)
    write("wrong_fixed", schema, rows[1:3] + [[bytes(16), b"abcd", b"", 0, None, None, 0]], compression=C.NONE, timezone=utc)
    write("wrong_time", schema, rows[1:3] + [[bytes(16), b"abc", b"", -1, None, None, 0]], compression=C.NONE, timezone=utc)
    write("wrong_required", schema, rows[1:3] + [[bytes(16), b"abc", b"", 1, None, None, None]], compression=C.NONE, timezone=utc)

    schema = with_ids(pyorc.TypeDescription.from_string("struct<a:int,b:string,c:decimal(38,2),l:array<string>,s:struct<x:double>>"))
    write("empty", schema, [], compression=C.ZSTD)
    write("all_null", schema, [[None] * 5] * 700, compression=C.ZLIB, row_index_stride=100)

    # The first version of the runs of integers, and nanoseconds, by another writer.
    numbers = [i if i % 50 < 30 else rng.getrandbits(30) - (1 << 29) for i in range(400)]
    nanos = [(i - 200) * 123456789012345 + i for i in range(400)]
    table = pa.table({
        "i": pa.array(numbers, pa.int64()), "same": pa.array([7] * 400, pa.int32()),
        "down": pa.array([1000 - 3 * i for i in range(400)], pa.int16()),
        "word": pa.array(["w%d" % (i % 5) for i in range(400)]), "free": pa.array(["%x" % rng.getrandbits(60) for _ in range(400)]),
        "ns": pa.array(nanos, pa.timestamp("ns")), "maybe": pa.array([None if i % 5 == 0 else bool(i % 2) for i in range(400)]),
    })
    rows = list(zip(numbers, [7] * 400, [1000 - 3 * i for i in range(400)], table["word"].to_pylist(), table["free"].to_pylist(),
                    [n // 1000 for n in nanos], table["maybe"].to_pylist()))
    keep("first_version", rows)
    orc.write_table(table, "first_version.orc", file_version="0.11", compression="zlib", dictionary_key_size_threshold=0.5)
    # A union beside columns that can be read.
    schema = pyorc.TypeDescription.from_string("struct<a:int,u:uniontype<int,string>,z:int>")
    write("union", schema, [[i, i if i % 2 else "s%d" % i, -i] for i in range(10)], compression=C.NONE)


if __name__ == "__main__":
    main()
