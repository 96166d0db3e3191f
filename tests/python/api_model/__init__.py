"""Tests of the API that are generated from botocore's service model: see `every_operation.py`."""
