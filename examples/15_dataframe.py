"""Results into a data frame: a Parquet file that is written as they come, and read as a table.

It needs pyarrow, which is the extra ``aioxide[arrow]``; pandas, polars and DuckDB read the file as well.
"""

import asyncio
import tempfile
from pathlib import Path

import aioxide
from aioxide.testing import LocalSite


async def main(site: LocalSite, path: Path) -> None:
    """Fetch a few hundred bodies of all sizes, and ask the table about them."""
    try:
        import pyarrow.compute as compute
        import pyarrow.parquet as parquet
    except ImportError:
        print("pyarrow is not installed: pip install aioxide[arrow]")
        return

    urls = [f"{site.url}/gzip/{100 * n}" for n in range(300)] + [f"{site.url}/status/404"]
    statistics = await aioxide.fetch_all(urls, concurrency=20).save(path)
    print(f"{statistics.done} results, {statistics.bytes} bytes on the way")

    table = parquet.read_table(path)
    print(f"columns: {', '.join(table.column_names)}")
    print(f"{table.num_rows} rows, {compute.sum(table['length'])} bytes")
    by_status = table.group_by("status").aggregate([("url", "count"), ("length", "max")]).sort_by("status")
    for row in by_status.to_pylist():
        print(f"status {row['status']}: {row['url_count']} URLs, the longest body {row['length_max']} bytes")


if __name__ == "__main__":
    with LocalSite() as site, tempfile.TemporaryDirectory() as folder:
        asyncio.run(main(site, Path(folder, "results.parquet")))
