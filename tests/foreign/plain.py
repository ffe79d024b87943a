"""Values of DuckDB and pyarrow as JSON can say them."""

import datetime
import math


def plain(value):
    match value:
        case None | bool() | str():
            return value
        case int():
            return value if -(2**63) <= value < 2**64 else str(value)
        case float():
            return value if math.isfinite(value) else str(value)
        case datetime.datetime():
            return value.isoformat(timespec="microseconds").removesuffix("+00:00") + ("Z" if value.tzinfo else "")
        case datetime.date() | datetime.time():
            return value.isoformat()
        case bytes():
            return value.hex()
        case list() | tuple():
            return [plain(item) for item in value]
        case dict():
            return {str(key): plain(item) for key, item in value.items()}
        case _:
            return str(value)
