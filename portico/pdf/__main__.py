"""``python -m portico.pdf CPU_SECONDS MEMORY_MIB``: an order on stdin, its PDF on stdout."""

from __future__ import annotations

import resource
import sys

from portico.pdf.bounded import Order
from portico.pdf.render import PdfFailed


def main(cpu: str, memory: str) -> int:
    """Render one order within the limits. Returns the exit code."""
    size = int(memory) * 1024 * 1024
    resource.setrlimit(resource.RLIMIT_CPU, (int(cpu), int(cpu)))
    resource.setrlimit(resource.RLIMIT_AS, (size, size))
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    try:
        pdf = Order.model_validate_json(sys.stdin.buffer.read()).render()
    except (PdfFailed, MemoryError, RecursionError):
        return 1
    sys.stdout.buffer.write(pdf)
    return 0


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:3]))
