"""Prints the seconds that fastavro takes to read all rows of an Avro file, the best of three."""

import sys
import time

import fastavro


def read(path):
    start = time.perf_counter()
    with open(path, "rb") as file:
        for _ in fastavro.reader(file):
            pass
    return time.perf_counter() - start


print(min(read(sys.argv[1]) for _ in range(3)))
