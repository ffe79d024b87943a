"""Reads one Parquet file with pyarrow and prints it: what a reader that knows nothing of us sees in a segment.

    parquet.py FILE

First line, the file as one JSON object:
    {"rows": 3, "row_groups": [3], "created_by": "..", "metadata": {"key": "value"},
     "columns": [{"name": "id", "type": "string", "nullable": false, "field_id": 1, "compression": "ZSTD"}]}
then one JSON object per row. Times come as RFC 3339 text, bytes as hex.
"""

import json
import sys

import pyarrow.parquet as pq
from plain import plain


def describe(file: pq.ParquetFile) -> dict:
    metadata = file.metadata
    groups = [metadata.row_group(index) for index in range(metadata.num_row_groups)]
    columns = []
    for index, field in enumerate(file.schema_arrow):
        field_id = (field.metadata or {}).get(b"PARQUET:field_id")
        columns.append({
            "name": field.name,
            "type": str(field.type),
            "nullable": field.nullable,
            "field_id": None if field_id is None else int(field_id),
            "compression": groups[0].column(index).compression if groups else None,
        })
    return {
        "rows": metadata.num_rows,
        "row_groups": [group.num_rows for group in groups],
        "created_by": metadata.created_by,
        "metadata": {key.decode(): value.decode() for key, value in (metadata.metadata or {}).items()},
        "columns": columns,
    }


def main(path: str) -> None:
    file = pq.ParquetFile(path, page_checksum_verification=True)
    print(json.dumps(describe(file)))
    for batch in file.iter_batches():
        for row in batch.to_pylist():
            print(json.dumps(plain(row)))


if __name__ == "__main__":
    main(sys.argv[1])
