"""The ground: errors, plug-ins and their parameters, registry, files, processes. It imports nothing above it."""
