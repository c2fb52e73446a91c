"""An independent reading of the standard: the judgement written a second time, slow and plain, from the text alone.

The model (codes, messages, holdings, rules, judging, registry) imports neither `sync` nor `validators`; only their
tables are read, as data. `pure` and `differential` drive the real program beside it. Every decision folds every record
of its code from scratch. tests/integration/test_model.py feeds the same seeded records to both and asks for the same
answers. readings.md lists what the text leaves open, as it is read here.
"""
