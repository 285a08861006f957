"""A command that is run by the server, or by itself where the server cannot run it.

Arguments: the server's address, the real command, and the command's own arguments. It ends as the
server's process does, and passes signals on to it.
"""

from __future__ import annotations

import array
import marshal
import os
import signal
import socket
import sys

PASSED_ON = (signal.SIGTERM, signal.SIGINT, signal.SIGHUP, signal.SIGUSR1, signal.SIGUSR2)


def main() -> None:
    address, command, *arguments = sys.argv[1:]
    is_python = os.path.basename(command) == "python"  # noqa: PTH119, as pathlib takes 10 ms
    if not is_python:
        arguments = [command, *arguments]
    connection = socket.socket(socket.AF_UNIX)
    try:
        connection.connect(address)
        _send(connection, arguments)
        accepted = connection.recv(1)
    except OSError:
        accepted = b""
    if accepted != b"y":
        connection.close()
        os.execv(command, [command, *(arguments if is_python else arguments[1:])])
    for number in PASSED_ON:
        signal.signal(number, lambda number, frame: connection.send(bytes([number])))
    answer = b""
    while len(answer) < 4:
        part = connection.recv(4 - len(answer))
        if not part:
            os._exit(254)
        answer += part
    status = int.from_bytes(answer, "big", signed=True)
    if status < 0:  # ended by a signal
        if -status != signal.SIGKILL:
            signal.signal(-status, signal.SIG_DFL)
        os.kill(os.getpid(), -status)
    os._exit(status)


def _send(connection: socket.socket, arguments: list[str]) -> None:
    umask = os.umask(0)
    os.umask(umask)
    request = marshal.dumps((arguments, os.getcwd(), dict(os.environ), umask))  # noqa: PTH109
    streams = array.array("i", (0, 1, 2))
    rights = [(socket.SOL_SOCKET, socket.SCM_RIGHTS, streams)]
    connection.sendmsg([len(request).to_bytes(4, "big")], rights)
    connection.sendall(request)


main()
