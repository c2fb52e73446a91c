"""Files of records as offices post them: NDJSON, a JSON list, CSV or XLSX, read row by row in constant memory.

`reading` has the entry; `spool` keeps what was read on disk until it is stored.
"""
