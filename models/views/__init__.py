"""The views of samples; the table of them is in `models/inputs.py`."""
