"""DuckDB in a process of its own, driven by tests/it/foreign.rs.

Reads one JSON object per line from standard input and answers each with one per line on standard output:

    {"attach": "lake.db", "as": "lake", "read_only": true, "data_path": "archive/"}     -> {}
    {"attach": "host=.. dbname=..", "as": "lake", "kind": "postgres", "schema": "thermocline"}    -> {}
    {"query": "SELECT .."}                                      -> {"columns": [..], "rows": [[..], ..]}
    {"execute": "INSERT .."}                                    -> {"count": 3}    the rows it changed, else null
    {"detach": "lake"}                                          -> {}
    {"quit": true}                                              -> {} and the process ends

What fails is answered with {"error": ".."}. Times come as RFC 3339 text in UTC, JSON, decimals, integers beyond
64 bits and floats that JSON has no word for as text, bytes as hex.

Never in the test's own process: two SQLite libraries in one process do not see each other's locks on a file.
"""

import importlib.util
import json
import pathlib
import sys

import duckdb
from plain import plain

EXTENSIONS = ["httpfs", "sqlite_scanner", "postgres_scanner", "ducklake"]


def connect() -> duckdb.DuckDBPyConnection:
    session = duckdb.connect(config={"allow_unsigned_extensions": "true"})
    # By file: what DuckDB would fetch by name is not to be had without a network.
    for extension in EXTENSIONS:
        package = importlib.util.find_spec(f"duckdb_extension_{extension}").submodule_search_locations[0]
        (file,) = pathlib.Path(package).glob(f"extensions/v{duckdb.__version__}/*.duckdb_extension")
        session.execute(f"LOAD {text(str(file))}")
    session.execute("SET autoinstall_known_extensions = false; SET TimeZone = 'UTC'")
    return session


def text(value: str) -> str:
    return "'" + value.replace("'", "''") + "'"


def name(value: str) -> str:
    return '"' + value.replace('"', '""') + '"'


def attach(session, path: str, alias: str, read_only: bool, data_path: str | None, kind: str, schema: str | None) -> dict:
    options = ["READ_ONLY"] if read_only else []
    if schema is not None:
        options += [f"METADATA_SCHEMA {text(schema)}"]
    if data_path is not None:
        options += [f"DATA_PATH {text(data_path)}", "OVERRIDE_DATA_PATH true"]
    options = f" ({', '.join(options)})" if options else ""
    session.execute(f"ATTACH {text(f'ducklake:{kind}:{path}')} AS {name(alias)}{options}")
    return {}


def query(session, sql: str) -> dict:
    session.execute(sql)
    columns = [column[0] for column in session.description or []]
    return {"columns": columns, "rows": [[plain(value) for value in row] for row in session.fetchall()]}


def execute(session, sql: str) -> dict:
    session.execute(sql)
    rows = session.fetchall() if session.description else []
    counted = len(rows) == 1 and len(rows[0]) == 1 and isinstance(rows[0][0], int)
    return {"count": rows[0][0] if counted else None}


def answer(session, command: dict) -> dict:
    match command:
        case {"attach": path, "as": alias, "read_only": read_only, "data_path": data_path}:
            return attach(session, path, alias, read_only, data_path, "sqlite", None)
        case {"attach": path, "as": alias, "read_only": read_only, "kind": kind, "schema": schema}:
            return attach(session, path, alias, read_only, None, kind, schema)
        case {"query": sql}:
            return query(session, sql)
        case {"execute": sql}:
            return execute(session, sql)
        case {"detach": alias}:
            session.execute(f"DETACH {name(alias)}")
            return {}
        case {"quit": True}:
            return {}
        case _:
            return {"error": f"unknown command {command}"}


def main() -> None:
    session = connect()
    for line in sys.stdin:
        command = json.loads(line)
        try:
            reply = answer(session, command)
        except Exception as error:
            reply = {"error": str(error)}
        print(json.dumps(reply), flush=True)
        if "quit" in command:
            return


if __name__ == "__main__":
    main()
