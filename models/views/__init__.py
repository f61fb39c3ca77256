"""How samples are shown to models, a file each; `models/inputs.py` is the table of them."""
