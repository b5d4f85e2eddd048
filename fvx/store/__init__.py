"""Store: ragged features on disk, a directory of HDF5 shards. h5py lives in this package only."""

from fvx.store.shard import Failure, FeatureRecord, Shard, ShardWriter
from fvx.store.store import FeatureView, Store

__all__ = [
    "Failure",
    "FeatureRecord",
    "FeatureView",
    "Shard",
    "ShardWriter",
    "Store",
]
