"""The operator's folding child, as the operator starts it: `python -I -S client.py SOCKET TAG MODULE ARGUMENT...`.

The warm process forks the real one, with this one's descriptors. Only the standard library's smallest parts: it starts
in some milliseconds.
"""

import json
import os
import signal
import socket
import sys

path, tag, module, *argv = sys.argv[1:]
connection = socket.socket(socket.AF_UNIX, socket.SOCK_SEQPACKET)
connection.connect(path)
request = {"module": module, "argv": argv, "env": dict(os.environ), "tag": tag}
socket.send_fds(connection, [json.dumps(request).encode()], [0, 1, 2])
# Its ends of the pipes are the other one's now.
for number in (0, 1):
    os.close(number)
code = 1
while data := connection.recv(65536):
    answer = json.loads(data)
    if "code" in answer:
        code = answer["code"]
        break
if code < 0:
    signal.signal(-code, signal.SIG_DFL) if -code not in (signal.SIGKILL, signal.SIGSTOP) else None
    os.kill(os.getpid(), -code)
os._exit(code)
