"""A small load generator: keep-alive connections in threads, plain sockets, loopback only.

Each request says in X-Forwarded-For that it comes from another customer, as 10,000 customers do.
"""

from __future__ import annotations

import random
import socket
import sys
import time
from pathlib import Path
from threading import Thread


def _worker(port: int, paths: list[str], until: float, counts: list[int], seed: int) -> None:
    chance = random.Random(seed)
    done = bad = 0
    with socket.create_connection(("127.0.0.1", port)) as connection:
        stream = connection.makefile("rb")
        while time.monotonic() < until:
            number = chance.randrange(len(paths))
            address = f"10.{number >> 16 & 255}.{number >> 8 & 255}.{number & 255}"
            connection.sendall(
                f"GET {paths[number]} HTTP/1.1\r\nHost: 127.0.0.1:{port}\r\n"
                f"X-Forwarded-For: {address}\r\nAccept-Language: en\r\nSec-Fetch-Mode: navigate\r\n"
                "User-Agent: Mozilla/5.0 (X11; Linux x86_64; rv:130.0) Gecko/20100101 "
                "Firefox/130.0\r\n\r\n".encode()
            )
            status = stream.readline()
            length = 0
            while (line := stream.readline().rstrip()) != b"":
                name, _, value = line.partition(b":")
                if name.lower() == b"content-length":
                    length = int(value)
            stream.read(length)
            done += 1
            bad += b" 200 " not in status
    counts.append(done)
    counts[0] += bad


def main() -> None:
    port, seconds, connections = int(sys.argv[1]), float(sys.argv[2]), int(sys.argv[3])
    paths = Path(sys.argv[4]).read_text().split()
    if sys.argv[5] == "bare":
        paths = ["/bare/" + path.rpartition("/")[2] for path in paths]
    counts = [0]
    start = time.monotonic()
    threads = [
        Thread(target=_worker, args=(port, paths, start + seconds, counts, seed))
        for seed in range(connections)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    elapsed = time.monotonic() - start
    print(sum(counts[1:]) / elapsed, counts[0])


if __name__ == "__main__":
    main()
