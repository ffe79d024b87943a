"""DuckDB searches what lies in SQLite together with what lies in Parquet files; says what CPU each search took."""

import importlib.util
import json
import pathlib
import sys
import time

import duckdb


def extension(name: str) -> str:
    spec = importlib.util.find_spec(f"duckdb_extension_{name}")
    (file,) = pathlib.Path(spec.submodule_search_locations[0]).rglob("*.duckdb_extension")
    return str(file)


database, archive, question, rounds = sys.argv[1], sys.argv[2], sys.argv[3], int(sys.argv[4])
db = duckdb.connect(config={"allow_unsigned_extensions": "true"})
db.execute(f"LOAD '{extension('sqlite_scanner')}'")
db.execute("SET TimeZone = 'UTC'")
db.execute(f"ATTACH '{database}' AS live (TYPE sqlite, READ_ONLY)")
db.execute(f"""
    CREATE VIEW all_records AS
    SELECT id, data, metadata, created_at FROM live.records
    UNION ALL
    SELECT id, fields, metadata, strftime(created_at, '%Y-%m-%d %H:%M:%S.%f')
    FROM read_parquet('{archive}/**/*.parquet')
""")


def cpu() -> float:
    began = time.process_time()
    assert db.execute(f"SELECT * FROM all_records {question}").fetchall()
    return time.process_time() - began


cpu()
print(json.dumps({"cpu": [cpu() for _ in range(rounds)]}))
