"""A checker that hangs, dies, or talks nonsense when it is asked to: a program for tests of those who watch it."""

import json
import os
import sys
import time


def main(*_: object) -> None:
    """The same lines as the real one's; `response` says what happens."""
    print(json.dumps({"ready": os.getpid()}), flush=True)
    for line in sys.stdin:
        number, response, reference, *_rest = json.loads(line)
        if response == "hang":
            time.sleep(3600)
        if response == "die":
            os._exit(1)
        if response == "nonsense":
            print("nonsense", flush=True)
        if response == "break":
            print(json.dumps({"failed": number}), flush=True)
            continue
        print(json.dumps([number, "correct", response, "text", reference, 0]), flush=True)
