"""Offline validation of files of any size in constant memory (contract.md §1, `uscc validate`)."""

from service.validation_files.run import GOOD_VERDICTS, Problem, Report, validate_file
from service.validation_files.sources import UnreadableFile

__all__ = ["GOOD_VERDICTS", "Problem", "Report", "UnreadableFile", "validate_file"]
