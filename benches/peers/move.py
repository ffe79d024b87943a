"""The move that one writes by hand, its first half: DuckDB copies what is old from SQLite to Parquet.

The second half, delete.py, is another process: two SQLite libraries in one process do harm to one file.
"""

import importlib.util
import json
import pathlib
import sys

import duckdb


def extension(name: str) -> str:
    """The file of an extension that came as a Python package."""
    spec = importlib.util.find_spec(f"duckdb_extension_{name}")
    (file,) = pathlib.Path(spec.submodule_search_locations[0]).rglob("*.duckdb_extension")
    return str(file)


database, old, target = sys.argv[1:]
db = duckdb.connect(config={"allow_unsigned_extensions": "true"})
db.execute(f"LOAD '{extension('sqlite_scanner')}'")
db.execute(f"ATTACH '{database}' AS live (TYPE sqlite, READ_ONLY)")
copy = f"COPY (SELECT id, data, metadata, created_at, updated_at FROM live.records WHERE {old}) TO '{target}' (FORMAT parquet, COMPRESSION zstd)"
(rows,) = db.execute(copy).fetchone()
print(json.dumps({"rows": rows, "bytes": pathlib.Path(target).stat().st_size}))
