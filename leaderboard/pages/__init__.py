"""Pages: boards as static HTML with figures."""
