"""DuckDB and DataFusion find rows in one Parquet file: what goes over HTTP, and the CPU of the local file.

Requests and bytes are counted by a server in a process of its own; CPU is taken with the file on the disk, where
neither side waits for a server. Both keep what they know of the file (its footer); what they read of its rows they
forget, as ours does.
"""

import functools
import http.server
import importlib.util
import json
import multiprocessing
import os
import pathlib
import re
import sys
import time

import datafusion
import duckdb
from datafusion.object_store import AmazonS3


class Counting(http.server.SimpleHTTPRequestHandler):
    """Serves ranges of one folder's files, and counts."""

    protocol_version = "HTTP/1.1"
    counts = None

    def do_HEAD(self):
        self.answer(body=False)

    def do_GET(self):
        if self.path == "/counts":
            text = json.dumps(list(self.counts)).encode()
            self.send_response(200)
            self.send_header("Content-Length", str(len(text)))
            self.end_headers()
            self.wfile.write(text)
        else:
            self.answer(body=True)

    def answer(self, body: bool):
        # DataFusion asks as of a bucket, DuckDB as of a server: the name is the same.
        path = pathlib.Path(self.directory, pathlib.PurePosixPath(self.path).name)
        if not path.is_file():
            self.send_error(404)
            return
        size = path.stat().st_size
        asked = re.fullmatch(r"bytes=(\d*)-(\d*)", self.headers.get("Range", ""))
        start, end = 0, size
        if asked and not asked[1]:
            start = size - int(asked[2])
        elif asked:
            start, end = int(asked[1]), min(int(asked[2]) + 1 if asked[2] else size, size)
        self.send_response(206 if asked else 200)
        self.send_header("Accept-Ranges", "bytes")
        self.send_header("Last-Modified", "Thu, 01 Jan 2026 00:00:00 GMT")
        if asked:
            self.send_header("Content-Range", f"bytes {start}-{end - 1}/{size}")
        self.send_header("Content-Length", str(end - start))
        self.end_headers()
        self.counts[0] += 1
        if body:
            self.counts[1] += end - start
            with path.open("rb") as file:
                file.seek(start)
                self.wfile.write(file.read(end - start))

    def log_message(self, *_):
        pass


def serve(folder: str, port, counts):
    Counting.counts = counts
    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), functools.partial(Counting, directory=folder))
    port.value = server.server_port
    server.serve_forever()


def extension(name: str) -> str:
    spec = importlib.util.find_spec(f"duckdb_extension_{name}")
    (file,) = pathlib.Path(spec.submodule_search_locations[0]).rglob("*.duckdb_extension")
    return str(file)


class DuckDb:
    def __init__(self, where: str):
        self.db = duckdb.connect(config={"allow_unsigned_extensions": "true"})
        self.db.execute(f"LOAD '{extension('httpfs')}'")
        self.db.execute("SET threads = 1")
        self.db.execute("SET TimeZone = 'UTC'")
        self.db.execute("SET enable_external_file_cache = false")
        self.db.execute("SET parquet_metadata_cache = true")
        self.db.execute("SET enable_http_metadata_cache = true")
        self.db.execute(f"CREATE VIEW t AS SELECT * FROM read_parquet('{where}')")

    def ask(self, sql: str):
        return len(self.db.execute(sql).fetchall())


class DataFusion:
    def __init__(self, where: str):
        config = (
            datafusion.SessionConfig()
            .with_target_partitions(1)
            .set("datafusion.execution.parquet.pushdown_filters", "true")
            .set("datafusion.execution.parquet.reorder_filters", "true")
        )
        self.context = datafusion.SessionContext(config)
        if where.startswith("http"):
            host, name = where.rsplit("/", 1)
            store = AmazonS3("bucket", endpoint=host, allow_http=True, region="eu-west-1", access_key_id="a", secret_access_key="b")
            self.context.register_object_store("s3://", store, "bucket")
            where = f"s3://bucket/{name}"
        self.context.register_parquet("t", where)

    def ask(self, sql: str):
        return sum(batch.num_rows for batch in self.context.sql(sql).collect())


def questions(asked: dict) -> dict:
    columns = "id, created_at, updated_at, metadata, fields"
    by_id = lambda ids: [f"SELECT {columns} FROM t WHERE id = '{id}'" for id in ids]
    page = f"SELECT {columns} FROM t WHERE created_at >= TIMESTAMP '{{}}' ORDER BY created_at LIMIT 50"
    return {
        "present": (by_id(asked["present"]), True),
        "absent": (by_id(asked["absent"]), False),
        "page": ([page.format(at) for at in asked["from"]], True),
    }


def main():
    segment, asked = pathlib.Path(sys.argv[1]), json.loads(sys.argv[2])
    port, counts = multiprocessing.Value("i", 0), multiprocessing.Array("q", 2)
    server = multiprocessing.Process(target=serve, args=(str(segment.parent), port, counts), daemon=True)
    server.start()
    while port.value == 0:
        time.sleep(0.01)
    remote = f"http://127.0.0.1:{port.value}/{segment.name}"
    said = {}
    for name, peer in {"DuckDB": DuckDb, "DataFusion": DataFusion}.items():
        said[name] = {}
        far, near = peer(remote), peer(str(segment))
        for kind, (list_, is_there) in questions(asked).items():
            # What a first question brings stays, as with ours.
            far.ask(list_[0])
            near.ask(list_[0])
            before = list(counts)
            for sql in list_[:20]:
                assert (far.ask(sql) > 0) == is_there, sql
            requests, size = (now - then for now, then in zip(counts, before))
            began = time.process_time()
            for sql in list_:
                assert (near.ask(sql) > 0) == is_there, sql
            cpu = time.process_time() - began
            far_count = len(list_[:20])
            said[name][kind] = {
                "requests": requests / far_count,
                "bytes": size / far_count,
                "cpu": cpu / len(list_),
            }
    server.kill()
    print(json.dumps(said))


if __name__ == "__main__":
    main()
