"""Ports for what the benchmarks start."""
import socket


def free_port():
    """A port of 127.0.0.1 free in UDP and in TCP: connections of others take ports for a while, too."""
    while True:
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as udp, socket.socket() as tcp:
            udp.bind(("127.0.0.1", 0))
            try:
                tcp.bind(udp.getsockname())
            except OSError:
                continue
            return udp.getsockname()[1]
