"""DuckDB writes and reads the table that a segment holds, on one thread; says what CPU each took."""

import json
import pathlib
import sys
import tempfile
import time

import duckdb

segment, rounds = sys.argv[1], int(sys.argv[2])
db = duckdb.connect()
db.execute("SET threads = 1")
db.execute("SET preserve_insertion_order = true")
db.execute("CREATE TABLE t AS SELECT * FROM read_parquet(?)", [segment])
columns = [name for (name, *_) in db.execute("DESCRIBE t").fetchall()]
every = ", ".join(f'max("{name}")' for name in columns)


def cpu(sql: str) -> float:
    began = time.process_time()
    db.execute(sql).fetchall()
    return time.process_time() - began


with tempfile.TemporaryDirectory() as folder:
    path = pathlib.Path(folder, "t.parquet")
    copy = f"COPY t TO '{path}' (FORMAT parquet, COMPRESSION zstd)"
    cpu(copy)
    write = [cpu(copy) for _ in range(rounds)]
    read = [cpu(f"SELECT {every} FROM read_parquet('{path}')") for _ in range(rounds)]
    print(json.dumps({"write": write, "read": read, "bytes": path.stat().st_size}))
