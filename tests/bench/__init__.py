"""The figures of performance.md: `python -m tests.bench [NAME…]` prints one JSON line each."""
