"""Keys and prompts that can be told from all else, looked for in everything that comes out.

`run_support` calls watch() when it is imported, so that every test watches: the environment holds
sentinel keys; what sluice prints, captured or not, and what it leaves in directories before a test
removes them must hold no key, and, but for requests, results and what an emulated provider keeps,
no prompt. A test program in which one is found fails, whatever its tests say. `secrets.py` proves
that it would."""
import atexit
import os
import re
import shutil
import subprocess
import tempfile
import threading

KEY = "sk-sentinel-2f6c1d0b8e"
KEYS = re.compile(rb"sk-sentinel-|admin-token-of-a-test|sluice-[0-9a-z]{8,}-[0-9a-z]{20,}")
PROMPTS = re.compile(rb"How many\?|Question \d+: word")  # those of chat() and request_line()
# Files of sluice's own making in which a prompt has no place.
NO_PROMPTS = re.compile(r"(^|/)(state|STATE)(/|$)|\.log$|journal|report|lessons|admin-\d+")
# Whoever makes a key or is told a token prints it, once, on purpose.
OVERLAP = 64
leaks = []


def look(data, where, patterns=(KEYS, PROMPTS)):
    """Remembers what should not be there."""
    data = data.encode(errors="replace") if isinstance(data, str) else data or b""
    for pattern in patterns:
        found = pattern.search(data)
        if found:
            leaks.append(f"{where}: {data[max(0, found.start() - 60):found.end() + 20]!r}")


def look_into(directory):
    for parent, _, names in os.walk(directory):
        for name in names:
            path = os.path.join(parent, name)
            if os.path.islink(path) or not os.path.isfile(path):
                continue
            with open(path, "rb") as f:
                data = f.read(64 << 20)
            look(data, path, (re.compile(rb"sk-sentinel-"),))
            if NO_PROMPTS.search(os.path.relpath(path, directory)):
                look(data, path, (PROMPTS,))


def _verb(args):
    """The verb, if it is sluice that is started."""
    args = args if isinstance(args, (list, tuple)) else [args]
    sluice = os.path.basename(str(args[0])) == "sluice"
    return str(args[1]) if sluice and len(args) > 1 else None


def _may_print_keys(args):
    words = [str(a) for a in args]
    return "key" in words[:2] or any(a.startswith("--ui") for a in words) or "--help" in words


class _Watched(subprocess.Popen):
    def __init__(self, args, *rest, **fields):
        self.sluice = _verb(args)
        super().__init__(args, *rest, **fields)

    def communicate(self, *rest, **fields):
        out, err = super().communicate(*rest, **fields)
        if self.sluice and not _may_print_keys(self.args):
            for name, data in (("standard output", out), ("standard error", err)):
                look(data, f"{name} of sluice {self.sluice}")
        return out, err


def _tee(reader, saved):
    before = b""
    while True:
        data = os.read(reader, 65536)
        if not data:
            return
        look(before + data, "standard error")
        before = data[-OVERLAP:]
        os.write(saved, data)


def watch():
    """From now on, until the program ends."""
    if subprocess.Popen is _Watched:
        return
    for name in ("OPENAI_API_KEY", "ANTHROPIC_API_KEY", "GROQ_API_KEY"):
        os.environ[name] = KEY
    subprocess.Popen = _Watched
    remove = shutil.rmtree

    def rmtree(path, *rest, **fields):
        look_into(path)
        return remove(path, *rest, **fields)

    shutil.rmtree = rmtree
    cleanup = tempfile.TemporaryDirectory.cleanup

    def cleaned(self):  # Debian's tempfile has an rmtree of its own
        look_into(self.name)
        cleanup(self)

    tempfile.TemporaryDirectory.cleanup = cleaned
    reader, writer = os.pipe()
    saved = os.dup(2)
    os.dup2(writer, 2)
    os.close(writer)
    os.set_inheritable(2, True)
    thread = threading.Thread(target=_tee, args=(reader, saved), daemon=True)
    thread.start()

    @atexit.register
    def judge():
        os.dup2(saved, 2)
        thread.join(10)  # processes that a failed test has left hold it open
        if leaks:
            words = "\n".join(leaks[:10])
            os.write(2, f"\nA SECRET CAME OUT, {len(leaks)} times:\n{words}\n".encode())
            os._exit(1)
