"""Store: ragged features on disk, a directory of HDF5 shards. h5py lives in this package only."""

from fvx.store.export import export_hdf5, export_parquet
from fvx.store.record import Failure, FeatureRecord
from fvx.store.shard import Shard
from fvx.store.store import Store
from fvx.store.summary import FailureGroup, Summary, group_failures, summarise
from fvx.store.verify import Verification, verify
from fvx.store.view import FeatureView
from fvx.store.writer import ShardWriter

__all__ = [
    "Failure",
    "FailureGroup",
    "FeatureRecord",
    "FeatureView",
    "Shard",
    "ShardWriter",
    "Store",
    "Summary",
    "Verification",
    "export_hdf5",
    "export_parquet",
    "group_failures",
    "summarise",
    "verify",
]
