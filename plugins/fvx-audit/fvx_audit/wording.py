"""Which values of an audit are worth a warning, and what it says."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

ZEROS_S = 0.02  # shorter runs of zeros occur in faint recordings
SILENCE_S = 0.5
ZERO_RATIO = 0.05  # the noise floor is the 5th percentile
NARROW = 0.9  # of what the sampling rate allows
CLIPPED_RATIO = 1e-4
OFFSET = 0.01
QUIET_DB, NOISY_DB = -85.0, 15.0  # noise floor re full scale; speech over noise
FLAT_CREST_DB = 9.0  # speech has 12 to 20
ANALYSIS_RATE_HZ = 16_000


def warnings(values: Mapping[str, float]) -> tuple[str, ...]:
    """Say what is suspicious about an audit, most telling first.

    Parameters
    ----------
    values : mapping of str to float
        Columns of ``Audit`` to their values.
    """
    if values["zero_ratio"] == 1:
        return ("nothing but digital silence",)
    return (*_silence(values), *_band(values), *_level(values))


def _silence(values: Mapping[str, float]) -> Iterator[str]:
    for end, place in (("leading", "at the start"), ("trailing", "at the end")):
        zeros_s, silence_s = values[f"{end}_zeros_s"], values[f"{end}_silence_s"]
        if zeros_s >= ZEROS_S:
            yield f"{zeros_s:.2f} s of digital silence {place}"
        elif silence_s >= SILENCE_S:
            yield f"{silence_s:.2f} s of silence {place}"
    at_ends_s = max(values["leading_zeros_s"], values["trailing_zeros_s"])
    if values["zero_run_s"] >= max(ZEROS_S, 1.01 * at_ends_s):
        yield f"{values['zero_run_s']:.2f} s of digital silence between sounds"


def _band(values: Mapping[str, float]) -> Iterator[str]:
    rate_hz, highest_hz = values["file_rate_hz"], values["effective_bandwidth_hz"]
    if rate_hz < ANALYSIS_RATE_HZ:
        yield f"sampled at {_khz(rate_hz)}: nothing above {_khz(rate_hz / 2)} can be in it"
    if 0 < highest_hz < NARROW * min(rate_hz, ANALYSIS_RATE_HZ) / 2:
        yield f"nothing above {_khz(highest_hz)}: the file was once band-limited"


def _level(values: Mapping[str, float]) -> Iterator[str]:
    noise_db, speech_db = values["noise_floor_db"], values["speech_level_db"]
    # With many zeros the floor is theirs, and they are named already.
    if noise_db <= QUIET_DB and values["zero_ratio"] < ZERO_RATIO:
        yield f"hardly any background noise ({noise_db:.0f} dB re full scale)"
    elif speech_db - noise_db < NOISY_DB:
        yield f"background only {speech_db - noise_db:.0f} dB below the speech"
    if values["clipped_ratio"] >= CLIPPED_RATIO:
        yield f"{100 * values['clipped_ratio']:.2g} % of the samples are clipped"
    if abs(values["dc_offset"]) >= OFFSET:
        yield f"a constant offset of {100 * values['dc_offset']:.1f} % of full scale"
    if 0 < values["crest_db"] < FLAT_CREST_DB:
        yield f"peaks only {values['crest_db']:.0f} dB above the mean: heavily compressed"


def _khz(hz: float) -> str:
    return f"{hz / 1000:.3g} kHz"
