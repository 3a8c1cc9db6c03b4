#!/usr/bin/env python3
"""Compares `sluice count --ids` with tiktoken (pip install tiktoken==0.14.0) on hostile texts.

    tests/fuzz/token_differential.py [--seconds N] [--seed S] [--sluice build/sluice]
    tests/fuzz/token_differential.py --write-cases N > tests/unit/token/cases.jsonl

The vocabularies come from tools/node_modules (scripts/setup-vocab), nothing is fetched. Each text
is compared in every encoding; a difference prints the text, the seed and both lists of ids.
"""
import argparse
import base64
import json
import os
import random
import subprocess
import sys
import tempfile
import time

try:
    import tiktoken
    import tiktoken_ext.openai_public as public
except ImportError:
    print("skipped: tiktoken is not installed")
    sys.exit(77)

ROOT = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
VOCABULARIES = os.path.join(ROOT, "tools/node_modules/gpt-tokenizer/data")
ENCODINGS = ["r50k_base", "p50k_base", "cl100k_base", "o200k_base", "o200k_harmony"]


def load_vocabulary(url, expected_hash=None):
    path = os.path.join(VOCABULARIES, os.path.basename(url))
    with open(path, "rb") as lines:
        pairs = (line.split() for line in lines)
        return {base64.b64decode(token): int(rank) for token, rank in pairs}


def reference(name):
    public.load_tiktoken_bpe = load_vocabulary
    return tiktoken.Encoding(**public.ENCODING_CONSTRUCTORS[name]())


# ---- texts -------------------------------------------------------------------------------------

WHITE = " \t\n\r\v\f\x1c\x85\xa0\u1680\u2000\u2009\u2028\u2029\u202f\u205f\u3000\u180e\u200b\ufeff"
CONTRACTIONS = ["'s", "'S", "'t", "'re", "'RE", "'vE", "'m", "'ll", "'Ll", "'d", "'\u017f", "'\u212a",
                "'r", "'v", "'l", "\u2019s", "''s", "'", "'re's", "'\u0130", "'\u0131"]
WORDS = ("the of and a to in is you that it he was for on are as with his they at be this have from "
         "or one had by word but not what all were we when your can said there use an each which "
         "she do how their if will up other about out many then them these so some her would make "
         "like him into time has look two more write go see number no way could people my than "
         "first water been call who oil its now find long down day did get come made may part").split()
SCRIPTS = [(0x20, 0x7E), (0x00, 0x1F), (0x80, 0xFF), (0x100, 0x24F), (0x2B0, 0x2FF), (0x300, 0x36F),
           (0x370, 0x3FF), (0x400, 0x52F), (0x530, 0x58F), (0x590, 0x6FF), (0x900, 0xDFF),
           (0xE00, 0xFFF), (0x10A0, 0x10FF), (0x1100, 0x11FF), (0x1C80, 0x1CFF), (0x1D00, 0x1FFF),
           (0x2000, 0x206F), (0x2070, 0x218F), (0x2460, 0x24FF), (0x2C00, 0x2DFF), (0x3000, 0x30FF),
           (0x3400, 0x9FFF), (0xA640, 0xABFF), (0xAC00, 0xD7A3), (0xE000, 0xF8FF), (0xF900, 0xFFFF),
           (0x10000, 0x10FFF), (0x11000, 0x11FFF), (0x16A00, 0x16FFF), (0x1D400, 0x1D7FF),
           (0x1E000, 0x1EFFF), (0x1F000, 0x1FAFF), (0x20000, 0x2FFFF), (0x30000, 0x10FFFF)]
EMOJI = ["\U0001F468\u200D\U0001F469\u200D\U0001F467", "\U0001F1E9\U0001F1EA", "\u2764\uFE0F",
         "\U0001F44D\U0001F3FD", "#\uFE0F\u20E3", "\U0001F3F4\U000E0067\U000E0062\U000E007F"]
DIGITS = "0123456789\u0660\u0669\u0966\u0e53\u2160\u2460\u00bd\u00b2\uff11\U0001D7CE\U00010107\u3007"
CASES = "aAzZ\u01c5\u02b0\u00aa\u05d0\u4e2d\u0301\u0345\u1fbc\u00df\u0130\U0001D400\U0001D41A\u2c7c"


def point(rng):
    low, high = rng.choice(SCRIPTS)
    c = rng.randint(low, high)
    return chr(c) if not 0xD800 <= c <= 0xDFFF else "\ufffd"


def some(rng, items, most):
    return "".join(rng.choice(items) for _ in range(rng.randint(1, most)))


def prose(rng):
    words = []
    for _ in range(rng.randint(1, 30)):
        word = rng.choice(WORDS)
        form = rng.random()
        word = word.title() if form < 0.1 else word.upper() if form < 0.15 else word
        if rng.random() < 0.1:
            word += rng.choice(CONTRACTIONS)
        words.append(word + rng.choice(["", "", "", "", ",", ".", "!\n", ":", ")", '"']))
    return rng.choice([" ", " ", " ", "  ", "\n"]).join(words)


def code(rng):
    lines = []
    for _ in range(rng.randint(1, 8)):
        indent = rng.choice([" ", "\t", "    "]) * rng.randint(0, 6)
        tail = rng.choice(["", "", " ", "  ", "\t", ";", " {", "//", "*/", "\r"])
        symbols = some(rng, ["=", "->", "//", "/", "::", "(", ")", "[", "'", "_", "x1", "Foo", "barBaz"], 6)
        lines.append(indent + rng.choice(WORDS) + rng.choice(["", " ", "."]) + symbols + tail)
    return "\n".join(lines) + rng.choice(["", "\n", "\n\n", "\n/", "\r\n"])


def run(rng):
    unit = rng.choice([point(rng), some(rng, "ab", 3), rng.choice(WHITE), rng.choice("-=*#_/. '0aA")])
    return unit * rng.choice([2, 5, 17, 60, 64, 65, 130, 300, 700])


def long_word(rng):
    letters = rng.choice(["abcdefghijklmnopqrstuvwxyz", "ab", "aA", "ABCDEF", "\u0430\u0431\u0432\u0410", "ACGT"])
    return "".join(rng.choice(letters) for _ in range(rng.choice([20, 70, 500, 520, 1500])))


MAKERS = [
    lambda rng: "".join(point(rng) for _ in range(rng.randint(1, 20))),
    lambda rng: some(rng, WHITE, 6),
    lambda rng: some(rng, " \n\r\t/", 8),
    lambda rng: some(rng, CONTRACTIONS, 3),
    lambda rng: some(rng, DIGITS, 9),
    lambda rng: some(rng, CASES, 9),
    lambda rng: some(rng, CASES + "'sS /\n \u0301", 12),
    lambda rng: some(rng, EMOJI, 3),
    lambda rng: some(rng, "!?.,;:'\"-_/\\()[]{}<>@#$%^&*+=|~`", 5),
    lambda rng: rng.choice(["<|endoftext|>", "<|im_start|>", "\x00", "\ufffd", "\ufeff"]),
    prose, prose, prose, code, code,
]


def text(rng):
    parts = [rng.choice(MAKERS)(rng) for _ in range(rng.randint(1, 12))]
    if rng.random() < 0.15:
        parts.insert(rng.randrange(len(parts) + 1), rng.choice([run, long_word])(rng))
    return "".join(parts)


def raw(rng):
    """Bytes, of which every fourth lot is damaged UTF-8."""
    data = bytearray(text(rng).encode("utf-8"))
    if rng.random() < 0.25:
        for _ in range(rng.randint(1, 6)):
            at = rng.randrange(len(data) + 1)
            damage = rng.choice([b"\xff", b"\xc0\xaf", b"\xed\xa0\x80", b"\xf0\x9f\x98", b"\xe2\x82",
                                 b"\x80", b"\xf4\x90\x80\x80", b"\xc3", None])
            if damage is None:
                del data[at:at + 1]
            else:
                data[at:at] = damage
    return bytes(data)


# ---- comparison --------------------------------------------------------------------------------

def write_cases(count, seed):
    encodings = [(name, reference(name)) for name in ENCODINGS[:4]]
    rng = random.Random(seed)
    for _ in range(count):
        data = raw(rng)
        while len(data) > 160:
            data = raw(rng)
        case = {"text_b64": base64.b64encode(data).decode()}
        for name, encoding in encodings:
            case[name] = encoding.encode_ordinary(data.decode("utf-8", errors="replace"))
        print(json.dumps(case, separators=(",", ":")))


def compare(sluice, encoding, texts, folder, seed):
    paths = []
    for i, data in enumerate(texts):
        paths.append(os.path.join(folder, f"text-{i}"))
        with open(paths[-1], "wb") as f:
            f.write(data)
    count = [sluice, "count", "--encoding", encoding.name, "--json"]
    lines = subprocess.run(count + ["--ids", "--"] + paths, stdout=subprocess.PIPE,
                           check=True).stdout.splitlines()
    # ids are found piece by piece, totals by blocks: two ways that must agree
    totals = json.loads(subprocess.run(count + ["--"] + paths, stdout=subprocess.PIPE,
                                       check=True).stdout)["files"]
    assert len(lines) == len(totals) == len(texts), f"{len(lines)} answers, {len(texts)} texts"
    for data, line, total in zip(texts, lines, totals):
        want = encoding.encode_ordinary(data.decode("utf-8", errors="replace"))
        got = json.loads(line)
        if got["ids"] != want or got["tokens"] != len(want) or total["tokens"] != len(want):
            print(f"difference: {encoding.name}, --seed {seed}\n  text {data!r}\n  want {want}\n"
                  f"  got  {got['ids']} ({got['tokens']}, total {total['tokens']})")
            return False
    return True


def main():
    options = argparse.ArgumentParser()
    options.add_argument("--sluice", default=os.path.join(ROOT, "build/sluice"))
    options.add_argument("--seconds", type=float, default=30)
    options.add_argument("--seed", type=int, default=1)
    options.add_argument("--write-cases", type=int)
    given = options.parse_args()
    if given.write_cases:
        write_cases(given.write_cases, given.seed)
        return 0
    encodings = [reference(name) for name in ENCODINGS]
    end = time.monotonic() + given.seconds
    seed, texts_seen, bytes_seen = given.seed, 0, 0
    with tempfile.TemporaryDirectory() as folder:
        while time.monotonic() < end:
            rng = random.Random(seed)
            texts = [raw(rng) for _ in range(200)]
            for encoding in encodings:
                if not compare(given.sluice, encoding, texts, folder, seed):
                    return 1
            seed += 1
            texts_seen += len(texts)
            bytes_seen += sum(map(len, texts))
    print(f"{texts_seen} texts, {bytes_seen} bytes, {len(encodings)} encodings: no difference "
          f"(seeds {given.seed} to {seed - 1})")
    return 0


if __name__ == "__main__":
    sys.exit(main())
