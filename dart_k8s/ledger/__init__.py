"""The run's records: object keys, formats, the budget state and folding results into it. Bytes in, data out."""
