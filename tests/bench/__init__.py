"""Measures the performance of the project: `PYTHONPATH=tests python -m bench [STEP...]`."""
