"""DuckDB and DataFusion find rows in one Parquet file in a bucket, when it is their turn.

Each line of standard input is a piece of work, JSON: first where the file is, then `{"peer": name, "ask": [sql, ..]}`. The
answer is a line with the seconds that it took. Both keep what they know of the file (its footer); what they read of its
rows they forget, as ours does.
"""

import importlib.util
import json
import pathlib
import sys
import time

import datafusion
import duckdb
from datafusion.object_store import AmazonS3


def extension(name: str) -> str:
    spec = importlib.util.find_spec(f"duckdb_extension_{name}")
    (file,) = pathlib.Path(spec.submodule_search_locations[0]).rglob("*.duckdb_extension")
    return str(file)


class DuckDb:
    def __init__(self, place: dict):
        self.db = duckdb.connect(config={"allow_unsigned_extensions": "true"})
        self.db.execute(f"LOAD '{extension('httpfs')}'")
        self.db.execute("SET threads = 2")
        self.db.execute("SET TimeZone = 'UTC'")
        self.db.execute("SET enable_external_file_cache = false")
        self.db.execute("SET parquet_metadata_cache = true")
        self.db.execute("SET enable_http_metadata_cache = true")
        host = place["endpoint"].removeprefix("http://")
        self.db.execute(
            f"CREATE SECRET (TYPE s3, KEY_ID '{place['access']}', SECRET '{place['secret']}', REGION 'us-east-1', "
            f"ENDPOINT '{host}', URL_STYLE 'path', USE_SSL false)"
        )
        self.db.execute(f"CREATE VIEW t AS SELECT * FROM read_parquet('{place['file']}')")

    def ask(self, sql: str) -> int:
        return len(self.db.execute(sql).fetchall())


class DataFusion:
    def __init__(self, place: dict):
        config = (
            datafusion.SessionConfig()
            .with_target_partitions(2)
            .set("datafusion.execution.parquet.pushdown_filters", "true")
            .set("datafusion.execution.parquet.reorder_filters", "true")
        )
        self.context = datafusion.SessionContext(config)
        bucket = place["file"].removeprefix("s3://").split("/")[0]
        store = AmazonS3(
            bucket,
            endpoint=place["endpoint"],
            allow_http=True,
            region="us-east-1",
            access_key_id=place["access"],
            secret_access_key=place["secret"],
        )
        self.context.register_object_store("s3://", store, bucket)
        self.context.register_parquet("t", place["file"])

    def ask(self, sql: str) -> int:
        return sum(batch.num_rows for batch in self.context.sql(sql).collect())


def main():
    place = json.loads(sys.stdin.readline())
    peers = {"DuckDB": DuckDb(place), "DataFusion": DataFusion(place)}
    for line in sys.stdin:
        work = json.loads(line)
        peer = peers[work["peer"]]
        began = time.perf_counter()
        for sql in work["ask"]:
            assert (peer.ask(sql) > 0) == work["is_there"], sql
        print(time.perf_counter() - began, flush=True)


if __name__ == "__main__":
    main()
