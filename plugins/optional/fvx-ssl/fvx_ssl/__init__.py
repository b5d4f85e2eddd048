"""Embeddings of a self-supervised speech model that lies on this machine.

The environment variable ``FVX_SSL_MODEL`` names the model's folder or ONNX file, and
``FVX_SSL_LAYER`` one of its layers; without the former the plugin offers nothing.
"""

from __future__ import annotations

import os
from collections.abc import Iterable

from fvx import Feature, hookimpl
from fvx_ssl.embeddings import SslEmbeddings
from fvx_ssl.source import LAYER, MODEL, Source

__all__ = ["LAYER", "MODEL", "Source", "SslEmbeddings"]


@hookimpl
def fvx_features() -> Iterable[Feature]:
    if not os.environ.get(MODEL):
        return []
    return [SslEmbeddings.of(Source.from_environment(), os.environ.get(LAYER, ""))]
