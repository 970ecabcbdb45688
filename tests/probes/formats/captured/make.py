"""Makes the captured files beside it, with the real libraries: pip install adios2 zarr pyarrow webdataset safetensors; python make.py"""

import os
import sys
from pathlib import Path

import adios2
import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import safetensors.numpy
import webdataset as wds
import zarr

here = Path(sys.argv[1] if len(sys.argv) > 1 else Path(__file__).parent)
os.chdir(here)

pq.write_table(
    pa.table({"x": list(range(20)), "y": [float(i) for i in range(20)]}), "rows.parquet", row_group_size=5, compression="zstd"
)

for version in (2, 3):
    group = zarr.open_group(f"v{version}.zarr", mode="w", zarr_format=version)
    a = group.create_array("field", shape=(40, 40), chunks=(10, 20), dtype="f4")
    a[:20] = 1.0  # the rest stays empty: its chunks are not written
a = zarr.create_array("sharded.zarr", shape=(64, 64), chunks=(8, 8), shards=(32, 64), dtype="f8")
a[:] = 2.0

safetensors.numpy.save_file(
    {"weight": np.ones((4, 8), np.float32), "bias": np.zeros(4, np.float16)}, "model.safetensors", {"format": "pt"}
)

with wds.TarWriter("shard-000000.tar") as out:
    for i in range(3):
        out.write({"__key__": f"{i:04d}", "txt": f"sample {i}", "cls": i})

for engine in ("BP4", "BP5"):
    adios = adios2.Adios()
    io = adios.declare_io(engine)
    io.set_engine(engine)
    stream = adios2.Stream(io, f"run.{engine.lower()}", "w")
    for _ in range(3):
        stream.begin_step()
        stream.write("t", np.arange(100, dtype=np.float64), [100], [0], [100])
        stream.end_step()
    stream.close()
