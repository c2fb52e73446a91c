"""`python -m tests.bench [NAME…]`: measures the figures named, or all; `BENCH_SCALE=0.1` makes every size a tenth.

Every line on stdout is JSON. What cannot be measured here says why on stderr and in its line; the status is 0.
"""

from __future__ import annotations

import signal
import sys
import traceback

import orjson

from tests.bench.catalogue import GROUPS
from tests.bench.figures import Skipped


def main(names: list[str]) -> None:
    """Measure; a group of figures that share their set-up is run once."""
    known = [name for group in GROUPS for name in group.names]
    unknown = [name for name in names if not any(each.startswith(name) for each in known)]
    if unknown:
        print(f"no figure {', '.join(unknown)}; there are {', '.join(known)}", file=sys.stderr)
        sys.exit(2)
    # An end from outside is an orderly one: the services go with it.
    signal.signal(signal.SIGTERM, signal.default_int_handler)
    for group in GROUPS:
        wanted = {name for name in group.names if not names or any(name.startswith(each) for each in names)}
        if not wanted:
            continue
        print(f"{', '.join(sorted(wanted))} ...", file=sys.stderr, flush=True)
        try:
            for figure in group.measure(frozenset(wanted)):
                wanted.discard(figure.name)
                sys.stdout.buffer.write(figure.line())
                sys.stdout.flush()
        except Skipped as reason:
            _say_missing(wanted, "skipped", str(reason))
        except Exception as error:  # noqa: BLE001 — the outermost loop: one figure's trouble costs no other figure
            traceback.print_exc()
            _say_missing(wanted, "failed", f"{type(error).__name__}: {error}")


def _say_missing(names: set[str], how: str, why: str) -> None:
    for name in sorted(names):
        print(f"{name} {how}: {why}", file=sys.stderr, flush=True)
        sys.stdout.buffer.write(orjson.dumps({"name": name, how: why}, option=orjson.OPT_APPEND_NEWLINE))
        sys.stdout.flush()


if __name__ == "__main__":
    main(sys.argv[1:])
