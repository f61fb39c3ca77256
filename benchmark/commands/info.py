"""`info`: the machine, the versions and the folders."""

from __future__ import annotations

import json as json_format

from benchmark.commands import options
from benchmark.core.paths import user_path


def command(
    results: options.Results = options.DEFAULT_RESULTS, data: options.Data = None, json: options.Json = False
) -> int:
    """Show the machine, GPU, versions and folders, for a bug report.

    Example: python -m benchmark info --json
    """
    from benchmark.core.machine import gpu_name, resolve_device
    from benchmark.records import environment

    device = resolve_device("auto")
    code = environment.code()
    machine = environment.describe()
    facts = {
        "benchmark": code.version,
        "revision": f"{code.revision}{' with changes' if code.dirty else ''}"
        if code.revision
        else "not a git checkout",
        **{name: value for name, value in machine.items() if name != "packages"},
        "device": device,
        "gpu": gpu_name(device) or "none",
        "results": str(user_path(results, "--results")),
        "data": str(options.data_root(data)),
        **machine["packages"],
    }
    if json:
        print(json_format.dumps(facts, indent=1))
    else:
        width = max(map(len, facts))
        for name, value in facts.items():
            print(f"{name:<{width}}  {value}")
    return 0
