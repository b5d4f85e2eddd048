"""openSMILE's own feature sets, for non-commercial research only.

openSMILE comes under audEERING's research licence: private, academic and other non-commercial
research use. Whoever trains or ships a product with these features needs a licence of audEERING.
"""

from __future__ import annotations

from collections.abc import Iterable

from fvx import Feature, hookimpl
from fvx_opensmile.contours import EgemapsContour
from fvx_opensmile.functionals import Compare2016, Egemaps, Emobase

__all__ = ["Compare2016", "Egemaps", "EgemapsContour", "Emobase"]


@hookimpl
def fvx_features() -> Iterable[Feature]:
    return [Compare2016(), Egemaps(), EgemapsContour(), Emobase()]
