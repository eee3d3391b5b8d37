"""The distributed system on one machine: `PYTHONPATH=tests python -m stack`, or `running_stack` in tests."""
