"""Constant-Q cepstral coefficients: CQCC."""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache
from typing import Any

import numpy as np
import scipy.interpolate
import scipy.sparse.linalg
from fvx_spectral.constant_q import (
    Layout,
    Scale,
    bins_hz,
    clip_layout,
    clip_spectrum,
    power_blocks,
)
from numpy.typing import NDArray

from fvx import Audio, Feature
from fvx_cepstral.deltas import cepstral_columns, with_slopes

_POWER_FLOOR = 2.0**-52


@dataclass(frozen=True)
class Cqcc(Feature):
    """Shape of the log spectrum on a constant-Q scale (finest in the bass), and how it moves.

    A constant-Q transform gives the power in each bin; its logarithm is interpolated with a
    cubic spline onto equally spaced frequencies; the first coefficients of the orthonormal
    DCT-II of that are kept.

    Parameters
    ----------
    bins_per_octave : int
        Resolution of the constant-Q transform.
    floor_hz : float
        The lowest bin lies a whole number of octaves below half the sampling rate, the first
        at or below this: 15.625 Hz at 16 kHz.
    first_octave_samples : int
        How many of the equally spaced frequencies lie in the lowest octave.
    n_coefficients : int
        Static coefficients kept, the zeroth included.
    delta_reach : int
        Frames to each side over which a slope is fitted.
    hop_s : float
        Step between frames, in seconds.

    Returns
    -------
    float32 array, shape (n_frames, 3 * n_coefficients)
        ``cqcc_0`` and so on, of the natural logarithm of power (full scale 1, floor 2⁻⁵²);
        their slopes per frame, ``cqcc_0_delta`` and so on; the slopes of these,
        ``cqcc_0_delta2`` and so on. Dimensionless.

    Raises
    ------
    AudioError
        If the clip is shorter than 0.2 s.

    Notes
    -----
    The transform takes the whole clip and at least a second of zeros after it at once, and
    each bin's response is sampled where the frames are centred: it is exact there whatever
    the hop. Band edges fall on spectral samples, whose spacing is one over that length, so the
    same sound in a clip of another length differs a little (0.1 to 0.3, root mean square).

    References
    ----------
    Todisco, Delgado and Evans (2017), "Constant Q cepstral coefficients: A spoofing
    countermeasure for automatic speaker verification", Computer Speech & Language 45.
    """

    name = "cqcc"
    kind = "matrix"
    perceptible = False

    bins_per_octave: int = 96
    floor_hz: float = 20.0
    first_octave_samples: int = 16
    n_coefficients: int = 20
    delta_reach: int = 3
    hop_s: float = 0.010

    @property
    def columns(self) -> tuple[str, ...]:  # type: ignore[override]  # they follow a setting
        return cepstral_columns(self.name, self.n_coefficients)

    def extract(self, audio: Audio) -> NDArray[np.float32]:
        scale = octaves_below(audio.rate_hz / 2, self.bins_per_octave, self.floor_hz)
        layout = clip_layout(audio, scale, self.hop_s)
        spectrum = audio.shared(clip_spectrum, layout.n_samples)
        matrix = cepstral_matrix(self, audio.rate_hz).astype(np.float32)
        static = cepstra(spectrum, layout, matrix, audio.n_frames(self.hop_s))
        return with_slopes(static, self.delta_reach)


def octaves_below(top_hz: float, bins_per_octave: int, floor_hz: float) -> Scale:
    """As many whole octaves below ``top_hz`` as reach ``floor_hz`` or go below it."""
    n_octaves = int(np.ceil(np.log2(top_hz / floor_hz)))
    return Scale(bins_per_octave, top_hz / 2**n_octaves, n_octaves)


def cepstra(
    spectrum: NDArray[Any], layout: Layout, matrix: NDArray[Any], n_frames: int
) -> NDArray[Any]:
    """Static coefficients of the first ``n_frames`` frames.

    Parameters
    ----------
    spectrum : complex64 or complex128 array, shape (layout.n_samples // 2 + 1,)
        ``rfft`` of the clip.
    layout : Layout
        Geometry of the constant-Q transform.
    matrix : float32 or float64 array, shape (n_coefficients, n_bins)
        See ``cepstral_matrix``.
    n_frames : int
        At most ``layout.n_frames``.

    Returns
    -------
    array of the matrix's dtype, shape (n_frames, n_coefficients)
    """
    static = np.zeros((len(matrix), n_frames), matrix.dtype)
    for bins, power in power_blocks(spectrum, layout):
        log_power = power[:, :n_frames]
        log_power += _POWER_FLOOR
        static += matrix[:, bins] @ np.log(log_power, out=log_power)
    return static.T


@lru_cache(maxsize=8)
def cepstral_matrix(feature: Cqcc, rate_hz: int) -> NDArray[np.float64]:
    """Spline interpolation and DCT, both linear, as one matrix of (n_coefficients, n_bins)."""
    scale = octaves_below(rate_hz / 2, feature.bins_per_octave, feature.floor_hz)
    centre_hz, _ = bins_hz(scale, rate_hz)
    step_hz = centre_hz[0] / feature.first_octave_samples
    even_hz = np.arange(centre_hz[0], centre_hz[-1], step_hz)
    order = np.arange(feature.n_coefficients)[:, np.newaxis]
    dct = np.cos(np.pi * order * (np.arange(len(even_hz)) + 0.5) / len(even_hz))
    dct *= np.sqrt(np.where(order == 0, 1, 2) / len(even_hz))
    # "Not a knot": the second and the last but one centre are left out.
    knots_hz = np.concatenate([[centre_hz[0]] * 4, centre_hz[2:-2], [centre_hz[-1]] * 4])
    at_centres = scipy.interpolate.BSpline.design_matrix(centre_hz, knots_hz, 3)
    at_even = scipy.interpolate.BSpline.design_matrix(even_hz, knots_hz, 3)
    solver = scipy.sparse.linalg.splu(at_centres.T.tocsc())
    matrix: NDArray[np.float64] = solver.solve((dct @ at_even).T).T
    matrix.flags.writeable = False
    return matrix
