"""Praat's own voice measures, through parselmouth; under the GNU General Public License.

fvx itself is Apache-2.0 and does not need this. Praat and parselmouth are under the GPL (version 3
or later), and so is this plugin: who passes on a program that contains them has to do so under
the GPL too.
"""

from __future__ import annotations

from collections.abc import Iterable

from fvx import Feature, hookimpl
from fvx_praat.f0 import PraatF0
from fvx_praat.formants import PraatFormants
from fvx_praat.hnr import PraatHnr
from fvx_praat.intensity import PraatIntensity
from fvx_praat.jitter import PraatJitter
from fvx_praat.shimmer import PraatShimmer

__all__ = [
    "PraatF0",
    "PraatFormants",
    "PraatHnr",
    "PraatIntensity",
    "PraatJitter",
    "PraatShimmer",
]


@hookimpl
def fvx_features() -> Iterable[Feature]:
    return [
        PraatF0(),
        PraatFormants(),
        PraatHnr(),
        PraatIntensity(),
        PraatJitter(),
        PraatShimmer(),
    ]
