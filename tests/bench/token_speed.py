#!/usr/bin/env python3
"""Token counting, MB/s on one core, beside tiktoken where it is installed, in one run.

    tests/bench/token_speed.py [--bench build/tests/bench/bench_token] [--encoding o200k_base] [--keep DIR]

The inputs are made here, the same on every run: prose and code from the shared data and this
repository, the rest from a seeded generator.
"""
import argparse
import base64
import glob
import json
import os
import random
import subprocess
import sys
import tempfile
import time

ROOT = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
MB = 1_000_000
SENTENCES = [
    "Das Wasser sammelt sich hinter der Schleuse, bis der Kanal wieder aufnimmt.",
    "Вода собирается за шлюзом, пока канал снова не сможет её принять.",
    "水は水門の後ろに溜まり、水路が受け入れるまで待ちます。",
    "水在闸门后面积聚，直到渠道能够再次接纳。",
    "يتجمع الماء خلف البوابة حتى تستوعبه القناة من جديد.",
    "पानी फाटक के पीछे तब तक जमा रहता है जब तक नहर उसे फिर न ले सके।",
    "물은 수로가 다시 받아들일 때까지 수문 뒤에 고입니다.",
    "Το νερό μαζεύεται πίσω από τη θυρίδα μέχρι να το δεχτεί ξανά το κανάλι.",
    "L'eau s'accumule derrière l'écluse jusqu'à ce que le canal puisse la reprendre.",
    "น้ำสะสมอยู่หลังประตูระบายน้ำจนกว่าคลองจะรับได้อีก",
    "Nước dồn lại sau cửa cống cho đến khi kênh có thể nhận thêm.",
    "👍🏽 עובד היטב — 100 % ✅ “così va bene” ‹ok› №42 ½ ℃",
]


def files(*patterns):
    paths = sorted(p for pattern in patterns for p in glob.glob(os.path.join(ROOT, pattern), recursive=True))
    texts = []
    for path in paths:
        if "unicode_table" not in path:
            with open(path, encoding="utf-8") as f:
                texts.append(f.read())
    return "\n".join(texts)


def prose():
    questions = os.path.join(ROOT, "../shared/data/gsm8k.batch.jsonl")
    if not os.path.exists(questions):
        return files("*.md", "docs/**/*.md")
    with open(questions, encoding="utf-8") as lines:
        bodies = [json.loads(line)["body"] for line in lines]
    return "\n\n".join(m["content"] for body in bodies for m in body["messages"])


def fill(text):
    data = text.encode("utf-8")
    while len(data) < MB:
        data += data
    return data[:MB].decode("utf-8", errors="ignore").encode("utf-8")


def inputs():
    rng = random.Random(1)
    mixed = " ".join(rng.choice(sentence.split(" ")) if rng.random() < 0.5 else sentence
                     for sentence in rng.choices(SENTENCES, k=12000))
    words = " ".join(str(rng.randrange(10 ** rng.randint(1, 12))) for _ in range(200_000))
    return {
        "prose": fill(prose()),
        "code": fill(files("src/**/*.c", "src/**/*.h")),
        "mixed Unicode": fill(mixed),
        "base64": base64.b64encode(rng.randbytes(MB * 3 // 4)),
        "random letters": "".join(rng.choices("abcdefghijklmnopqrstuvwxyz", k=MB)).encode(),
        "numbers": fill(words),
        "one letter": b"a" * MB,
        "spaces": b" " * MB,
        "digits": "".join(rng.choices("0123456789", k=MB)).encode(),
    }


def tiktoken_of(encoding):
    sys.path.insert(0, os.path.join(ROOT, "tests/fuzz"))
    try:
        import token_differential
    except SystemExit:
        return None
    return token_differential.reference(encoding)


def reference_mbs(reference, data):
    """Tokens and processor MB/s through its Python door; None where it cannot do it: its Rust side
    overflows its stack on long white space, and says so at length on standard error."""
    text = data.decode("utf-8")
    best = float("inf")
    said = os.dup(2)
    nowhere = os.open(os.devnull, os.O_WRONLY)
    os.dup2(nowhere, 2)
    try:
        for _ in range(2):
            start = time.process_time()
            ids = reference.encode_ordinary(text)
            best = min(best, time.process_time() - start)
    except BaseException as panic:  # PanicException is no Exception
        if type(panic).__name__ != "PanicException":
            raise
        return None
    finally:
        os.dup2(said, 2)
        os.close(said)
        os.close(nowhere)
    return len(ids), len(data) / best / 1e6


def main():
    options = argparse.ArgumentParser()
    options.add_argument("--bench", default=os.path.join(ROOT, "build/tests/bench/bench_token"))
    options.add_argument("--encoding", default="o200k_base")
    options.add_argument("--keep", help="write the inputs there and leave them")
    given = options.parse_args()
    reference = tiktoken_of(given.encoding)
    with tempfile.TemporaryDirectory() as folder:
        folder = given.keep or folder
        os.makedirs(folder, exist_ok=True)
        print(f"{given.encoding}, MB/s of one core's processor time; tiktoken through Python")
        print(f"{'':16} {'tokens':>9} {'warm':>8} {'4 KB slices':>12} {'tiktoken':>9}")
        for name, data in inputs().items():
            path = os.path.join(folder, name.replace(" ", "-"))
            with open(path, "wb") as f:
                f.write(data)
            answer = subprocess.run([given.bench, given.encoding, path], check=True,
                                    stdout=subprocess.PIPE, text=True).stdout
            _, tokens, warm, slices = answer.split()
            beside = ""
            if reference:
                measured = reference_mbs(reference, data)
                beside = f"{measured[1]:9.1f}" if measured else "    fails"
                if measured:
                    assert measured[0] == int(tokens), f"{name}: {tokens}, reference {measured[0]}"
            print(f"{name:16} {int(tokens):9,} {warm:>8} {slices:>12} {beside}")


if __name__ == "__main__":
    main()
