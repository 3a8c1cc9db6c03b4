"""`sluice serve` with more requests in flight than 1,024: than the descriptors a process is given,
and than the connections an upstream opens unless told otherwise.

Run by hand: SLUICE=build/sluice python3 tests/e2e/serve_many.py
"""
import asyncio
import json
import os
import re
import resource
import sys

from run_support import SKIP, SLUICE

MANY = 1300
USUAL = 1024  # the soft limit of a process
ANSWER = json.dumps({"id": "chatcmpl-1", "object": "chat.completion", "choices": [],
                     "usage": {"prompt_tokens": 3, "completion_tokens": 1}}).encode()


def few_descriptors():
    hard = resource.getrlimit(resource.RLIMIT_NOFILE)[1]
    resource.setrlimit(resource.RLIMIT_NOFILE, (USUAL, hard))


async def read_message(reader):
    head = await reader.readuntil(b"\r\n\r\n")
    length = re.search(rb"content-length: (\d+)", head, re.I)
    return head, await reader.readexactly(int(length.group(1)) if length else 0)


class Provider:
    """Answers nobody before everybody has asked."""

    def __init__(self):
        self.asked = 0
        self.all_asked = asyncio.Event()

    async def serve(self, reader, writer):
        await read_message(reader)
        self.asked += 1
        if self.asked == MANY:
            self.all_asked.set()
        await self.all_asked.wait()
        writer.write(b"HTTP/1.1 200 OK\r\ncontent-type: application/json\r\n"
                     b"content-length: %d\r\n\r\n%s" % (len(ANSWER), ANSWER))
        await reader.read()
        writer.close()


async def ask(port):
    body = json.dumps({"model": "gpt-4o", "max_tokens": 5,
                       "messages": [{"role": "user", "content": "How many?"}]}).encode()
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    writer.write(b"POST /v1/chat/completions HTTP/1.1\r\nhost: x\r\n"
                 b"content-type: application/json\r\ncontent-length: %d\r\n\r\n%s"
                 % (len(body), body))
    head, answer = await read_message(reader)
    writer.close()
    return head.startswith(b"HTTP/1.1 200 ") and answer == ANSWER


async def run():
    provider = Provider()
    server = await asyncio.start_server(provider.serve, "127.0.0.1", 0, backlog=MANY)
    port = server.sockets[0].getsockname()[1]
    gateway = await asyncio.create_subprocess_exec(
        SLUICE, "serve", "--listen", "127.0.0.1:0", "--base-url", f"http://127.0.0.1:{port}/v1",
        "--limits", "*:rpm=10M,tpm=1000M", "--window", "bucket", "--concurrency", str(MANY),
        stdout=asyncio.subprocess.PIPE, preexec_fn=few_descriptors)
    line = await gateway.stdout.readline()
    port = int(re.search(rb":(\d+)", line).group(1))
    try:
        good = await asyncio.wait_for(asyncio.gather(*(ask(port) for _ in range(MANY))), 60)
    except asyncio.TimeoutError:
        sys.exit(f"only {provider.asked} of {MANY} reached the provider")
    finally:
        gateway.kill()
        await gateway.wait()
    if not all(good):
        sys.exit(f"{good.count(False)} of {MANY} answers are wrong")
    print(f"ok: {MANY} requests in flight at once")


if __name__ == "__main__":
    most = resource.getrlimit(resource.RLIMIT_NOFILE)[1]
    if most < 4 * MANY:
        print(f"skipped: only {most} descriptors can be had")
        sys.exit(1 if os.environ.get("CI") else SKIP)
    resource.setrlimit(resource.RLIMIT_NOFILE, (4 * MANY, most))
    asyncio.run(run())
