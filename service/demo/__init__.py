"""The demonstration feed of three offices: generated, deterministic, with planted problems and their truth."""

from service.demo.feed import DemoRecord, generate, truth_row, write_feed
from service.demo.push import push

__all__ = ["DemoRecord", "generate", "push", "truth_row", "write_feed"]
