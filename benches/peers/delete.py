"""The move that one writes by hand, its second half: SQLite deletes what was old."""

import json
import sqlite3
import sys

database, old = sys.argv[1:]
db = sqlite3.connect(database)
db.execute("PRAGMA synchronous = FULL")
rows = db.execute(f"DELETE FROM records WHERE {old}").rowcount
db.commit()
db.close()
print(json.dumps({"rows": rows}))
