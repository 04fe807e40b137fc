"""What a network does to a TCP connection: forget it, as NATs and firewalls do, and the state it is in."""

from __future__ import annotations

import asyncio
import ctypes
import socket
import struct
import sys

_SO_ATTACH_FILTER = 26  # Linux, asm-generic/socket.h
_RETURN_K = 0x06  # BPF: accept as many bytes of the packet as the operand says
_ESTABLISHED = 1  # the first byte of Linux' struct tcp_info


def forget(transport: asyncio.Transport) -> None:
    """Let every packet that the client sends from now on vanish: no answer, no FIN, no RST, not even an ACK.

    Only on Linux: elsewhere packets are acknowledged but never read.
    """
    transport.pause_reading()
    connection = transport.get_extra_info("socket")
    if sys.platform != "linux" or connection is None:
        return
    drop_all = ctypes.create_string_buffer(struct.pack("HBBI", _RETURN_K, 0, 0, 0))
    program = struct.pack("HP", 1, ctypes.addressof(drop_all))
    connection.setsockopt(socket.SOL_SOCKET, _SO_ATTACH_FILTER, program)


def is_open(transport: asyncio.Transport) -> bool:
    """Whether neither side has closed the connection; on Linux this is known also of one that nobody reads."""
    connection = transport.get_extra_info("socket")
    if transport.is_closing() or connection is None or connection.fileno() < 0:
        return False
    if sys.platform != "linux":
        return True
    return connection.getsockopt(socket.IPPROTO_TCP, socket.TCP_INFO, 1)[0] == _ESTABLISHED
