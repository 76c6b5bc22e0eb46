"""Ways out of the sandbox, each a block that a hostile model could write.

`python -m tests.edges.execution.escapes [--like-a-pod]` tries them all as the user it runs as, and prints those that
came through as JSON; `--like-a-pod` first refuses what a container runtime's default filter refuses.
"""

import argparse
import asyncio
import ctypes
import errno
import json
import os
import struct
from dataclasses import dataclass

from dart_k8s.edges.execution import kernel, seccomp
from dart_k8s.edges.execution.base import Block, Execution
from dart_k8s.edges.execution.limits import Limits
from dart_k8s.edges.execution.sandbox import Sandbox
from dart_k8s.edges.execution.syscalls import NUMBERS

QUICK = Limits(seconds=1.0, grace=0.3, memory=256 << 20, output_bytes=200_000, processes=2, sessions=6)

PREAMBLE = """
import ctypes, os, platform, signal, socket, sys
libc = ctypes.CDLL(None, use_errno=True)
X86 = platform.machine() == "x86_64"
NUMBERS = {numbers}
broken = []
def attempt(name, action):
    try:
        result = action()
    except BaseException:
        return
    broken.append((name, repr(result)[:80]))
def call(name, *arguments):
    result = libc.syscall(NUMBERS[name], *arguments)
    if result == -1:
        raise OSError(ctypes.get_errno(), name)
    return result
"""


@dataclass(frozen=True, kw_only=True)
class Escape:
    """An attempt. It failed if the block says so last, or ended in one of `outcomes`."""

    name: str
    code: str
    outcomes: tuple[str, ...] = ()

    def block(self) -> str:
        """What is run."""
        return (
            PREAMBLE.format(numbers=dict(NUMBERS))
            + self.code
            + "\nprint('BROKEN', broken) if broken else print('kept')"
        )

    def failed(self, execution: Execution) -> bool:
        """Whether the sandbox held."""
        if self.outcomes:
            return execution.outcome in self.outcomes
        return execution.outcome == "done" and execution.text.rstrip().endswith("kept")


def _paths(*paths: str) -> str:
    return "\n".join(f"attempt({path!r}, lambda: open({path!r}, 'rb').read(64))" for path in paths)


def _machine_code(code: str) -> str:
    return (
        "import mmap\n"
        "if not X86: os._exit(1)\n"
        "page = mmap.mmap(-1, 4096, prot=mmap.PROT_READ | mmap.PROT_WRITE | mmap.PROT_EXEC)\n"
        f"page.write(bytes.fromhex({code!r}))\n"
        "address = ctypes.addressof(ctypes.c_char.from_buffer(page))\n"
        "broken.append(ctypes.CFUNCTYPE(ctypes.c_long)(address)())"
    )


ESCAPES = (
    Escape(
        name="sockets of every family",
        code="for family in range(0, 50):\n"
        "    for kind in (1, 2, 3, 5):\n"
        "        attempt((family, kind), lambda: socket.socket(family, kind))\n"
        "attempt('pair', lambda: socket.socketpair())\n"
        "attempt('dns', lambda: socket.getaddrinfo('example.com', 80))",
    ),
    Escape(
        name="urlopen",
        code="import urllib.request\nattempt('url', lambda: urllib.request.urlopen('http://127.0.0.1:1/', timeout=1))",
    ),
    Escape(
        name="files of the system",
        code=_paths("/etc/passwd", "/etc/shadow", "/etc/hosts", "/ro" + "ot/.bashrc", "/var/run/secrets")
        + "\nattempt('list', lambda: os.listdir('/etc'))",
    ),
    Escape(
        name="files of the process file system",
        code=_paths(
            "/proc/1/environ",
            "/proc/self/environ",
            "/proc/self/mem",
            "/proc/self/maps",
            "/proc/self/cmdline",
            "/proc/cpuinfo",
            "/sys/kernel/mm/ksm/run",
            "/dev/mem",
            "/dev/kmsg",
        )
        + "\nfor pid in range(1, 400):\n"
        "    attempt(pid, lambda: open(f'/proc/{pid}/environ').read())\n"
        "    attempt(pid, lambda: open(f'/proc/{pid}/mem', 'r+b'))",
    ),
    Escape(
        # Its own pipes it may open again for all that it is worth.
        name="descriptors of others",
        code="for pid in (1, os.getppid(), os.getppid() - 1, *range(os.getpid() - 40, os.getpid() + 40)):\n"
        "    attempt(pid, lambda: os.listdir(f'/proc/{pid}/fd'))\n"
        "    for d in range(0, 40) if pid != os.getpid() else range(5, 40):\n"
        "        attempt((pid, d), lambda: open(f'/proc/{pid}/fd/{d}', 'r+b', buffering=0))\n"
        "        attempt((pid, d), lambda: open(f'/proc/{pid}/fd/{d}', 'rb', buffering=0))",
    ),
    Escape(
        name="inherited descriptors",
        code="for d in range(5, 256):\n    attempt(d, lambda: os.fstat(d))",
    ),
    Escape(
        name="the environment",
        code="if set(os.environ) - {'HOME', 'LANG', 'TMPDIR'}: broken.append(dict(os.environ))\n"
        "environ = ctypes.POINTER(ctypes.c_char_p).in_dll(libc, 'environ')\n"
        "n = 0\nwhile environ and environ[n]:\n"
        "    if environ[n].split(b'=')[0] not in (b'HOME', b'LANG', b'TMPDIR'): broken.append(environ[n])\n    n += 1",
    ),
    Escape(
        name="writing where it must not",
        code="import numpy\n"
        "folders = [f'{folder}/x' for folder in ('', '/tmp', '/var/tmp', '/dev/shm', '/etc', '/usr/lib')]\n"
        "for path in (*folders, numpy.__file__, os.__file__):\n"
        "    attempt(path, lambda: open(path, 'a'))\n"
        "    attempt(path, lambda: os.unlink(path))\n"
        "    attempt(path, lambda: os.chmod(path, 0o777))\n"
        "    attempt(path, lambda: os.chown(path, 0, 0))\n"
        "    attempt(path, lambda: os.utime(path))\n"
        "    attempt(path, lambda: os.truncate(path, 0))\n"
        "    attempt(path, lambda: os.rename(path, path + '2'))\n"
        "    attempt(path, lambda: os.setxattr(path, 'user.x', b'1'))\n"
        "attempt('dir', lambda: os.mkdir('/x'))",
    ),
    Escape(
        name="links out of the scratch",
        code="attempt('symlink', lambda: os.symlink('/etc/passwd', 'link'))\n"
        "attempt('link', lambda: os.link('/etc/passwd', 'hard'))\n"
        "attempt('up', lambda: open('../../../../etc/passwd').read())\n"
        "attempt('fifo', lambda: os.mkfifo('fifo'))\n"
        "attempt('device', lambda: os.mknod('null', 0o20666, os.makedev(1, 1)))\n"
        "attempt('bind', lambda: libc.mount(b'/', b'.', None, 4096, None) == 0 or 1 / 0)\n"
        "attempt('chroot', lambda: os.chroot('.'))",
    ),
    Escape(
        name="the own devices for more than they are",
        code="attempt('ioctl', lambda: __import__('fcntl').ioctl(1, 0x5412, b'x'))\n"
        "attempt('owner', lambda: __import__('fcntl').fcntl(1, 8, 1))\n"
        "attempt('size', lambda: __import__('fcntl').fcntl(1, 1031, 1 << 20))\n"
        "attempt('lease', lambda: __import__('fcntl').fcntl(0, 1024, 0))",
    ),
    Escape(
        name="new processes",
        code="attempt('fork', os.fork)\n"
        "attempt('vfork', lambda: call('clone', 0x4111, 0, 0, 0, 0))\n"
        "attempt('clone3', lambda: call('clone3', bytes(88), 88))\n"
        "attempt('exec', lambda: os.execv(sys.executable or '/bin/sh', ['x']))\n"
        "import subprocess, multiprocessing\n"
        "attempt('subprocess', lambda: subprocess.run(['true']))\n"
        "attempt('system', lambda: os.system('true') and 1 / 0)\n"
        "attempt('popen', lambda: os.popen('id').read() or 1 / 0)\n"
        "attempt('spawn', lambda: os.posix_spawn('/bin/true', ['true'], {}))\n"
        "attempt('multiprocessing', lambda: multiprocessing.Pool(2))",
    ),
    Escape(name="fork bomb", code="while True:\n    os.fork()", outcomes=("error",)),
    Escape(
        name="a daemon by two forks",
        code="if os.fork() == 0:\n    os.setsid()\n    if os.fork() == 0:\n        while True: pass",
        outcomes=("error",),
    ),
    Escape(
        name="threads",
        code="import threading\nattempt('thread', threading.Thread(target=print).start)\n"
        "import concurrent.futures\n"
        "attempt('pool', lambda: concurrent.futures.ThreadPoolExecutor(4).submit(print).result())",
    ),
    Escape(
        name="a program from memory",
        code="attempt('memfd', lambda: os.memfd_create('x'))\n"
        "attempt('memfd by number', lambda: call('memfd_create', b'x', 0))\n"
        "attempt('execveat', lambda: call('execveat', 0, b'', 0, 0, 0x1000))",
    ),
    Escape(
        name="signals",
        code="for pid in (-1, 0, 1, 2, 3, os.getppid(), os.getpid()):\n"
        "    attempt(pid, lambda: os.kill(pid, 0))\n"
        "    attempt(pid, lambda: os.killpg(pid, 9))\n"
        "    attempt(pid, lambda: signal.pidfd_send_signal(os.pidfd_open(pid), 9))\n"
        "attempt('other thread', lambda: call('tgkill', 1, 1, 9))\n"
        "attempt('queue', lambda: libc.sigqueue(1, 9, 0) and 1 / 0)",
    ),
    Escape(
        name="other processes' memory",
        code="for request in (0, 16, 0x4206):\n"
        "    attempt(request, lambda: call('ptrace', request, os.getppid(), 0, 0))\n"
        "attempt('read', lambda: call('process_vm_readv', 1, 0, 0, 0, 0, 0))\n"
        "attempt('shm', lambda: call('shmget', 1, 4096, 0o1666))\n"
        "attempt('pidfd', lambda: call('pidfd_open', 1, 0))",
    ),
    Escape(
        name="the kernel's back doors",
        code="for name in ('io_uring_setup', 'bpf', 'keyctl', 'userfaultfd', 'perf_event_open', 'init_module',\n"
        "             'setns', 'unshare', 'mount', 'pivot_root', 'seccomp', 'prctl', 'capset'):\n"
        "    attempt(name, lambda: call(name, 0, bytes(128), 0, 0, 0))\n"
        "for flag in (0x20000, 0x10000000, 0x20000000, 0x40000000):\n"
        "    attempt(flag, lambda: call('unshare', flag))\n"
        "    attempt(flag, lambda: call('clone', flag | 17, 0, 0, 0, 0))\n"
        "attempt('swap', lambda: libc.swapon(b'x', 0) and 1 / 0)\n"
        "attempt('reboot', lambda: libc.reboot(0) and 1 / 0)\n"
        "attempt('hostname', lambda: socket.sethostname('x'))\n"
        "attempt('nice', lambda: os.nice(-5))\n"
        "attempt('scheduler', lambda: os.sched_setscheduler(0, os.SCHED_FIFO, os.sched_param(1)))\n"
        "attempt('setuid', lambda: os.setuid(0) or os.geteuid() == 0 and 1 / 0)\n"
        "attempt('setgroups', lambda: os.setgroups([0]))",
    ),
    Escape(
        name="limits raised",
        code="import resource\n"
        "for which in (resource.RLIMIT_AS, resource.RLIMIT_CPU, resource.RLIMIT_FSIZE, resource.RLIMIT_NOFILE):\n"
        "    attempt(which, lambda: resource.setrlimit(which, (resource.RLIM_INFINITY,) * 2))\n"
        "    attempt(which, lambda: resource.prlimit(1, which, (1, 1)))",
    ),
    Escape(name="the 32-bit ABI", code=_machine_code("b814000000cd80c3"), outcomes=("died",)),
    Escape(name="the x32 ABI", code="libc.syscall(0x40000000 | 39) if X86 else os._exit(1)", outcomes=("died",)),
    Escape(
        name="memory bomb",
        code="hold = []\nwhile True:\n    hold.append(bytearray(1 << 24))",
        outcomes=("memory", "timeout"),
    ),
    Escape(name="one huge allocation", code="hold = bytearray(1 << 40)", outcomes=("memory",)),
    Escape(name="a huge power", code="print(10 ** 10 ** 9)", outcomes=("timeout", "memory", "error")),
    Escape(
        name="shared memory beside the limit",
        code="import mmap\nhold = [mmap.mmap(-1, 1 << 28) for _ in range(64)]",
        outcomes=("error", "memory"),
    ),
    Escape(name="output flood", code="while True:\n    print('x' * 10_000)", outcomes=("output",)),
    Escape(name="error flood", code="while True:\n    sys.stderr.write('x' * 10_000)", outcomes=("output",)),
    Escape(name="flood past Python", code="while True:\n    os.write(1, b'x' * 60_000)", outcomes=("output",)),
    Escape(
        name="disk fill",
        code="total = 0\n"
        "try:\n"
        "    for number in range(10_000):\n"
        "        with open(f'{number}', 'wb') as file:\n"
        "            for _ in range(64):\n"
        "                total += file.write(bytes(1 << 20))\n"
        "except OSError:\n    pass\n"
        "if total > 17 << 20: broken.append(total)",
    ),
    Escape(name="many files", code="for n in range(100_000):\n    open(f'{n}', 'w').close()", outcomes=("error",)),
    Escape(name="loop", code="while True:\n    pass", outcomes=("timeout",)),
    Escape(name="sleeping for ever", code="import time\ntime.sleep(10**6)", outcomes=("timeout",)),
    Escape(
        name="ignoring signals",
        code="for n in set(range(1, 65)) - {9, 19, 32, 33}:\n    signal.signal(n, signal.SIG_IGN)\n"
        "while True:\n    pass",
        outcomes=("timeout",),
    ),
    Escape(
        name="swallowing the interruption",
        code="while True:\n    try:\n        while True: pass\n    except BaseException: pass",
        outcomes=("timeout",),
    ),
    Escape(name="stopping itself", code="signal.raise_signal(signal.SIGSTOP)", outcomes=("timeout",)),
    Escape(name="os._exit", code="print('before', flush=True)\nos._exit(0)", outcomes=("died",)),
    Escape(name="sys.exit", code="sys.exit(3)", outcomes=("error",)),
    Escape(name="segmentation fault", code="ctypes.string_at(0)", outcomes=("died",)),
    Escape(name="abort", code="os.abort()", outcomes=("died",)),
    Escape(
        name="deep recursion",
        code="sys.setrecursionlimit(10**9)\ndef f(): f()\nf()",
        outcomes=("died", "memory", "timeout"),
    ),
    Escape(name="a nest too deep to parse", code="x = " + "(" * 5000 + ")" * 5000, outcomes=("error", "memory")),
    Escape(
        name="no output left",
        code="os.close(1); os.close(2)\nsys.stdout = sys.stderr = None",
        outcomes=("done", "error"),
    ),
    Escape(
        name="streams of its own",
        code="class S:\n    def write(self, t): raise SystemError\n    flush = write\n"
        "sys.stdout = sys.stderr = S()\n1/0",
        outcomes=("error",),
    ),
    Escape(
        name="a forged end",
        code='os.write(4, (36).to_bytes(4, \'big\') + b\'{"number": 0, "outcome": "done"}   \')\nwhile True: pass',
        outcomes=("done", "died"),
    ),
    Escape(name="noise in place of an end", code="os.write(4, b'\\xff' * 5000)\nwhile True: pass", outcomes=("died",)),
    Escape(name="a flood of ends", code="while True: os.write(4, b'\\0\\0\\0\\1{' * 5000)", outcomes=("died",)),
    Escape(name="the end closed", code="os.close(4)\nwhile True: pass", outcomes=("died",)),
    Escape(name="reading ahead", code="os.set_blocking(3, False)\nattempt('ahead', lambda: os.read(3, 100))"),
    Escape(
        name="the platform's own code",
        code="for name in ('dart_k8s.answers', 'dart_k8s.workers.main', 'dart_k8s.edges.store.s3', 'boto3', 'yaml'):\n"
        "    attempt(name, lambda: __import__(name))",
    ),
    Escape(
        name="objects of the zygote",
        code="import gc\n"
        "gc.unfreeze()\n"
        "found = [o for o in gc.get_objects() if isinstance(o, (socket.socket, __import__('subprocess').Popen))]\n"
        "for one in found:\n"
        '    attempt(\'send\', lambda: one.send(b\'{"do": "kill", "session": 1}\'))\n'
        "words = [o for o in gc.get_objects() if isinstance(o, dict) and 'SECRET_OF_THE_SERVER' in o]\n"
        "if words: broken.append(words)",
    ),
    Escape(
        name="texts in the memory of the zygote",
        # The blocks of other sessions never were in the process that this one was forked from.
        code="import gc\ngc.unfreeze()\n"
        "mark = 'OTHER' + 'RESPONSE'\n"
        "for one in gc.get_objects():\n"
        "    if type(one) is dict and one is not globals() and len(one) < 50:\n"
        "        broken += [t for t in one.values() if type(t) is str and len(t) < 100 and mark in t]",
    ),
)


async def tried(sandbox: Sandbox) -> list[tuple[str, str, str]]:
    """Name, outcome and text of every escape that the sandbox did not hold."""
    await sandbox.execute(Block(session="other", blocks=("hidden = 'OTHER" + "RESPONSE'",)))

    async def attempt(escape: Escape) -> Execution:
        return await sandbox.execute(Block(session=f"escape {escape.name}", blocks=(escape.block(),)))

    executions = await asyncio.gather(*(attempt(escape) for escape in ESCAPES))
    found = [
        (escape.name, execution.outcome, execution.text[-500:])
        for escape, execution in zip(ESCAPES, executions, strict=True)
        if not escape.failed(execution)
    ]
    after = await sandbox.execute(Block(session="after", blocks=("1 + 1",)))
    if after.text != "2\n":
        found.append(("the next block", after.outcome, after.text))
    return found


def like_a_pod() -> None:
    """Refuse what a container runtime's default filter refuses without capabilities."""
    step = seccomp._operation
    steps = [step(0x20, 0)]
    for name in (
        "unshare",
        "setns",
        "mount",
        "umount2",
        "pivot_root",
        "bpf",
        "perf_event_open",
        "keyctl",
        "userfaultfd",
    ):
        if name in NUMBERS:
            steps += [step(0x15, NUMBERS[name], 0, 1), step(0x06, 0x0005_0000 | errno.EPERM)]
    code = b"".join([*steps, step(0x06, 0x7FFF_0000)])
    instructions = ctypes.create_string_buffer(code, len(code))
    kernel.prctl(kernel.PR_SET_NO_NEW_PRIVS, 1)
    kernel.drop_capabilities()
    program = ctypes.create_string_buffer(struct.pack("=HxxxxxxQ", len(code) // 8, ctypes.addressof(instructions)), 16)
    kernel.prctl(kernel.PR_SET_SECCOMP, 2, ctypes.addressof(program))


async def _main() -> None:
    sandbox = Sandbox(QUICK)
    os.environ["SECRET_OF_THE_SERVER"] = "SECRET_OF_THE_SERVER"
    standing = await sandbox.start()
    found = await tried(sandbox)
    await sandbox.close()
    print(json.dumps({"layers": dict(standing.layers), "user": os.geteuid(), "escaped": found}))


if __name__ == "__main__":
    parser = argparse.ArgumentParser()
    parser.add_argument("--like-a-pod", action="store_true")
    if parser.parse_args().like_a_pod:
        like_a_pod()
    asyncio.run(_main())
