"""Results: the record of a cell, the folder that holds records, and the environment they were made in."""
