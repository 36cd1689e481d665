"""``python -m portico.pdf``: the press. Everything is loaded once; each order gets a fork of it.

Standard input is a socket. Each message brings the limits of one order and a connection, on which
the fork reads the order and answers with the PDF, its length in front.
"""

from __future__ import annotations

import os
import resource
import signal
import socket

from portico.pdf.bounded import IDLE, LENGTH, MESSAGE, Limits, Order, read_all
from portico.pdf.render import PdfFailed, warm_up


def main() -> None:
    """Fork for one order after the other, until the process that started the press is gone, or
    has had no order for a while."""
    orders = socket.socket(fileno=0)
    signal.signal(signal.SIGCHLD, signal.SIG_IGN)  # nobody asks how a fork ended
    warm_up()
    orders.settimeout(IDLE)
    while True:
        try:
            message, connections, _, _ = socket.recv_fds(orders, MESSAGE, 1)
        except TimeoutError:
            return
        if not connections:
            return
        if os.fork() == 0:
            orders.close()
            with socket.socket(fileno=connections[0]) as connection:
                _fill(connection, Limits.read(message))
            os._exit(0)
        os.close(connections[0])


def _fill(connection: socket.socket, limits: Limits) -> None:
    """One order, within its limits. Whoever waits hears of a failure by hearing nothing."""
    size = limits.memory * 1024 * 1024
    signal.setitimer(signal.ITIMER_REAL, limits.wall)
    resource.setrlimit(resource.RLIMIT_CPU, (limits.cpu, limits.cpu))
    resource.setrlimit(resource.RLIMIT_AS, (size, size))
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    try:
        pdf = Order.model_validate_json(read_all(connection)).render()
        connection.sendall(len(pdf).to_bytes(LENGTH) + pdf)
    except (PdfFailed, MemoryError, RecursionError, OSError):
        os._exit(1)


if __name__ == "__main__":
    main()
