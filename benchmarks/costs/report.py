"""The figures of a benchmark of features as lines to read."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any


def report(record: Mapping[str, Any]) -> str:
    """The figures as lines to read."""
    clips, all_ms, of_s = record["clips"], record["all_ms"], record["clips"]["scaled_to_s"]
    floor_ms = record["decode_ms"] + record["fourier_ms"]
    in_run = {name: of["in_run_ms"] for name, of in record["features"].items()}
    n_together = sum(cost is not None for cost in in_run.values())
    title = f"all {n_together} features together"
    rates = "/".join(f"{rate_hz / 1000:g}" for rate_hz in clips["rates_hz"])
    lines = [
        f"{record['machine']}; one core, CPU time, the least of up to {record['rounds']} rounds",
        f"{clips['n']} clips of {clips['mean_s']:.2f} s (mean); ms for one of {of_s:g} s",
        "",
        f"{title:<34}{all_ms:8.1f}   (by the clock {record['all_wall_ms']:.1f})",
        f"{'decoding, FLAC and the like':<34}{record['decode_ms']:8.1f}   ({rates} kHz)",
        f"{'Fourier transforms in the features':<34}{record['fourier_ms']:8.1f}",
        f"{'floor: decoding and transforms':<34}{floor_ms:8.1f}   "
        f"({100 * floor_ms / (all_ms + record['decode_ms']):.0f} % of decoding and features)",
        f"decoding and features: {record['times_real_time']:.0f} times real time",
        "",
        f"{'feature':<22}{'alone':>9}{'in the run':>12}",
        *(
            f"{name:<22}{of['alone_ms']:9.2f}{_ms(of['in_run_ms']):>12}"
            for name, of in record["features"].items()
        ),
        "in the run: in this order, on one Audio; who asks first pays for what is shared",
        "",
        "shared, in the run, each without what it asks for itself",
        *(f"{part['ms']:9.2f}  {part['what']}" for part in record["shared"]),
        "",
        f"{'feature':<20}{'fvx':>9}  {'peer':<42}{'peer':>9}{'ratio':>8}",
    ]
    for peer in record["peers"]:
        ours_ms = all_ms if peer["feature"] == "all" else _alone_ms(record, peer["feature"])
        ratio = f"{peer['ms'] / ours_ms:.1f}" if peer["ms"] and ours_ms else "-"
        theirs = "not installed" if peer["ms"] is None else f"{peer['ms']:.1f}"
        lines.append(
            f"{peer['feature']:<20}{_ms(ours_ms):>9}  {peer['title']:<42}{theirs:>9}{ratio:>8}"
        )
    return "\n".join(lines)


def _alone_ms(record: Mapping[str, Any], name: str) -> float | None:
    cost: float | None = record["features"].get(name, {}).get("alone_ms")
    return cost


def _ms(cost: float | None) -> str:
    return "-" if cost is None else f"{cost:.2f}"
