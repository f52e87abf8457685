"""Loads the bench's pages with dlt and prints what it took, as JSON: `python dlt_load.py ORIGIN duckdb|postgres TARGET FOLDER`.

TARGET is a DuckDB file, or a PostgreSQL address. FOLDER holds what dlt works with. Nested values become one column of JSON each, as in
Sluice, and rows are merged by key. The clock runs from the first request to the last commit: neither Python's start nor dlt's imports
count.
"""

import importlib.util
import json
import os
import sys
import time

# dlt reports runs to its makers unless it is told not to.
os.environ["RUNTIME__DLTHUB_TELEMETRY"] = "false"
os.environ.setdefault("RUNTIME__LOG_LEVEL", "CRITICAL")

import dlt  # noqa: E402
from dlt.sources.rest_api import rest_api_source  # noqa: E402


def fastest_format(kind: str) -> str:
    """Of the file formats that dlt can load there, the one that took least time when all were tried with these pages."""
    if kind == "postgres":
        return "csv"
    return "parquet" if importlib.util.find_spec("pyarrow") else "jsonl"


def main(origin: str, kind: str, target: str, folder: str) -> None:
    destination = dlt.destinations.duckdb(target) if kind == "duckdb" else dlt.destinations.postgres(target)
    pipeline = dlt.pipeline("bench", pipelines_dir=folder, destination=destination, dataset_name="dlt_bench")
    source = rest_api_source(
        {
            "client": {"base_url": origin},
            "resources": [
                {
                    "name": "rows",
                    "primary_key": "id",
                    "write_disposition": "merge",
                    "endpoint": {
                        "path": "rows",
                        "data_selector": "data",
                        "paginator": {"type": "cursor", "cursor_path": "next", "cursor_param": "cursor"},
                    },
                }
            ],
        },
        name="bench",
        max_table_nesting=0,
    )
    start = time.perf_counter()
    pipeline.run(source, loader_file_format=fastest_format(kind))
    seconds = time.perf_counter() - start
    with pipeline.sql_client() as client:
        rows, ids = client.execute_sql("SELECT count(*), count(DISTINCT id) FROM rows")[0]
    print(json.dumps({"seconds": seconds, "rows": rows, "distinctIds": ids}))


if __name__ == "__main__":
    main(*sys.argv[1:])
