"""The live rows of an archive as pyarrow finds them in its objects, driven by tests/it/foreign.rs.

Reads one JSON object per line from standard input: where the objects are, the field ids of the columns, and each
live data file with the delete files and the inlined deletes that its catalog has for it:

    {"endpoint": "127.0.0.1:9000", "access": "..", "secret": "..", "columns": [1, 7],
     "files": [{"path": "bucket/..", "rows": 10, "deletes": [{"path": "bucket/..", "rows": 2}], "dead": [4]}]}

and answers each with one per line on standard output, in the order of the columns:

    {"rows": [["r1", "{}"], ..]}

Times come as microseconds. What fails, or contradicts what was told, is answered with {"error": ".."}.
"""

import datetime
import json
import sys

import pyarrow.parquet as pq
from pyarrow import fs

EPOCH = datetime.datetime(1970, 1, 1, tzinfo=datetime.UTC)


def check(holds: bool, what: str) -> None:
    if not holds:
        raise ValueError(what)


def read(store: fs.FileSystem, path: str) -> pq.ParquetFile:
    return pq.ParquetFile(store.open_input_file(path), page_checksum_verification=True)


def dead_rows(store: fs.FileSystem, file: dict) -> set[int]:
    dead = set(file["dead"])
    check(len(dead) == len(file["dead"]), f"{file['path']} has a row that is dead twice")
    check(len(file["deletes"]) <= 1, f"{file['path']} has several live delete files")
    for delete in file["deletes"]:
        table = read(store, delete["path"]).read()
        positions = table.column("pos").to_pylist()
        check(len(positions) == delete["rows"], f"{delete['path']} holds {len(positions)} rows, not {delete['rows']}")
        check(positions == sorted(set(positions)), f"{delete['path']} is in no order")
        check(set(table.column("file_path").to_pylist()) == {"s3://" + file["path"]}, f"{delete['path']} names another file")
        check(dead.isdisjoint(positions), f"{file['path']} has a row that is dead in both stores")
        dead.update(positions)
    check(all(0 <= row < file["rows"] for row in dead), f"{file['path']} has fewer rows than are dead")
    return dead


def value(it):
    return (it - EPOCH) // datetime.timedelta(microseconds=1) if isinstance(it, datetime.datetime) else it


def live_rows(store: fs.FileSystem, columns: list[int], file: dict) -> list[list]:
    table = read(store, file["path"]).read()
    check(table.num_rows == file["rows"], f"{file['path']} has {table.num_rows} rows, not {file['rows']}")
    ids = [int((field.metadata or {}).get(b"PARQUET:field_id", -1)) for field in table.schema]
    found = [table.column(ids.index(column)).to_pylist() for column in columns]
    dead = dead_rows(store, file)
    return [[value(it) for it in row] for at, row in enumerate(zip(*found, strict=True)) if at not in dead]


def answer(command: dict) -> dict:
    store = fs.S3FileSystem(
        access_key=command["access"],
        secret_key=command["secret"],
        endpoint_override=command["endpoint"],
        scheme="http",
        region="us-east-1",
    )
    return {"rows": [row for file in command["files"] for row in live_rows(store, command["columns"], file)]}


def main() -> None:
    for line in sys.stdin:
        try:
            reply = answer(json.loads(line))
        except Exception as error:
            reply = {"error": f"{type(error).__name__}: {error}"}
        print(json.dumps(reply), flush=True)


if __name__ == "__main__":
    main()
