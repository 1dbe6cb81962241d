"""ORC files for the benchmark `orc_data`: the same rows once per codec, `<folder>/<codec>.orc`.

    python3 make_orc.py <folder> <rows>

Eight columns as in `rows.rs`: ascending ids, ints with 5 % nulls, ascending times, prices, doubles with 10 % nulls, 200 city names
(a dictionary), random text of 16 characters, booleans. Needs pyarrow and numpy.
"""

import os
import sys

try:
    import numpy as np
    import pyarrow as pa
    from pyarrow import orc
except ImportError as error:
    sys.exit(f"make_orc.py needs pyarrow and numpy: {error}")


def table(rows):
    random = np.random.default_rng(7)
    ids = np.arange(rows, dtype=np.int64)
    cities = pa.array([f"city number {number:03}" for number in range(200)])
    digits = random.bytes(rows * 8).hex()
    # Unscaled prices: the low half of a decimal of 128 bits, the high half of which is zero.
    prices = np.zeros((rows, 2), dtype=np.int64)
    prices[:, 0] = random.integers(0, 10_000_000, rows)
    decimals = pa.decimal128(12, 2)
    columns = {
        "id": pa.array(ids),
        "quantity": pa.array(random.integers(0, 1_000, rows, dtype=np.int32), mask=random.random(rows) < 0.05),
        "at": pa.array(1_700_000_000_000_000 + ids * 1_000, pa.timestamp("us", tz="UTC")),
        "price": pa.Array.from_buffers(decimals, rows, [None, pa.py_buffer(prices)]),
        "score": pa.array(random.integers(0, 1 << 30, rows) / 1_000.0, mask=random.random(rows) < 0.1),
        "city": cities.take(pa.array(random.integers(0, 200, rows))),
        "token": pa.array([digits[at : at + 16] for at in range(0, rows * 16, 16)]),
        "is_new": pa.array(random.random(rows) < 0.5),
    }
    return pa.table(columns)


def main(folder, rows):
    os.makedirs(folder, exist_ok=True)
    data = table(rows)
    for codec, name in [("none", "uncompressed"), ("snappy", "snappy"), ("zstd", "zstd"), ("zlib", "zlib")]:
        path = os.path.join(folder, f"{codec}.orc")
        orc.write_table(data, path + ".tmp", compression=name, dictionary_key_size_threshold=0.5)
        os.replace(path + ".tmp", path)


if __name__ == "__main__":
    if len(sys.argv) != 3:
        sys.exit(__doc__)
    main(sys.argv[1], int(sys.argv[2]))
