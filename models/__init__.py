"""Models, and the views that turn samples into their input."""
