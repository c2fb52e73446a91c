"""An independent reading of the standard: the judgement written a second time, slow and plain, from the text alone.

Nothing here imports `sync` or `validators`; only their tables under validators/data and service/config are read, as
data. Every decision folds every record of its code from scratch. tests/integration/test_model.py feeds the same seeded
records to this model and to the real program and asks for the same answers.
"""
