#!/usr/bin/env python3
"""`sluice count` as a user calls it: texts, ids, batch files, complaints and exit codes.

usage: count.py SLUICE [unittest arguments]"""
import json
import os
import subprocess
import sys
import tempfile
import unittest

import sentinel

sentinel.watch()
SLUICE = os.path.abspath(sys.argv.pop(1))


def chat(custom_id, text, model="gpt-4o", **more):
    body = {"model": model, "messages": [{"role": "user", "content": text}], **more}
    return {"custom_id": custom_id, "method": "POST", "url": "/v1/chat/completions", "body": body}


class Count(unittest.TestCase):
    def setUp(self):
        self.folder = tempfile.TemporaryDirectory()
        self.addCleanup(self.folder.cleanup)

    def write(self, name, data):
        with open(os.path.join(self.folder.name, name), "wb") as f:
            f.write(data if isinstance(data, bytes) else data.encode())

    def write_lines(self, name, lines):
        self.write(name, "".join((l if isinstance(l, str) else json.dumps(l)) + "\n" for l in lines))

    def count(self, *args, stdin=b"", code=0):
        done = subprocess.run([SLUICE, "count", *args], input=stdin, capture_output=True,
                              cwd=self.folder.name, timeout=60)
        self.assertEqual(done.returncode, code, done.stderr)
        return done.stdout.decode(), done.stderr.decode()

    def test_ids_as_json_and_nothing_else(self):
        out, err = self.count("--encoding", "cl100k_base", "--ids", "--json", "-",
                              stdin=b"2 + 2 = 4")
        self.assertEqual(out, '{"tokens": 7, "ids": [17, 489, 220, 17, 284, 220, 19]}\n')
        self.assertEqual(err, "")

    def test_ids_of_nothing(self):
        out, _ = self.count("--encoding", "o200k_base", "--ids", "--json", "-")
        self.assertEqual(json.loads(out), {"tokens": 0, "ids": []})

    def test_ids_of_several_files_a_line_each(self):
        self.write("a", "hello world")
        self.write("b", "")
        out, _ = self.count("-e", "cl100k", "--ids", "a", "b", "a")
        self.assertEqual(out, "15339 1917\n\n15339 1917\n")

    def test_table_of_several_files(self):
        self.write("a", "hello world")
        self.write("b", "word " * 1500)
        out, err = self.count("--model", "gpt-4o", "a", "b")
        rows = [line.split() for line in out.splitlines()]
        self.assertEqual(rows, [["tokens", "bytes", "file"], ["2", "11", "a"],
                                ["1,501", "7,500", "b"], ["1,503", "7,511", "total"]])
        self.assertEqual(err, "")

    def test_json_of_several_files(self):
        self.write("a", "hello world")
        out, _ = self.count("--model", "gpt-4", "--json", "a", "a")
        answer = json.loads(out)
        self.assertEqual(answer["encoding"], "cl100k_base")
        self.assertEqual(answer["tokens"], 4)
        self.assertEqual(answer["files"][1], {"file": "a", "tokens": 2, "bytes": 11})

    def test_unknown_model_takes_o200k_and_says_so(self):
        out, err = self.count("--model", "gpt-99", "--json", "-", stdin=b"hello")
        self.assertEqual(json.loads(out)["encoding"], "o200k_base")
        self.assertIn("gpt-99", err)
        self.assertIn("o200k_base", err)

    def test_bytes_that_are_no_utf8(self):
        out, _ = self.count("-e", "o200k", "--ids", "-", stdin=b"a\xff\xe2\x82b")
        again, _ = self.count("-e", "o200k", "--ids", "-", stdin="a\ufffd\ufffdb".encode())
        self.assertEqual(out, again)

    def test_usage(self):
        self.count(code=2)
        self.count("--encoding", "o300k", "-", code=2)
        self.count("--requests", "--ids", "-", code=2)
        self.count("--modle", "gpt-4o", "-", code=2)

    def test_a_file_that_is_not_there_does_not_stop_the_rest(self):
        self.write("a", "hello world")
        out, err = self.count("--model", "gpt-4o", "gone", "a", code=4)
        self.assertIn("gone", err)
        self.assertIn("2             11  a", out)

    def test_a_full_disk_is_an_error(self):
        self.write("a", "hello world")
        with open("/dev/full", "wb") as full:
            done = subprocess.run([SLUICE, "count", "-m", "gpt-4o", "a"], stdout=full,
                                  stderr=subprocess.PIPE, cwd=self.folder.name, timeout=60)
        self.assertEqual(done.returncode, 4)
        self.assertIn(b"standard output", done.stderr)

    def test_requests_by_model(self):
        self.write_lines("batch.jsonl", [
            chat("one", "hello world", max_tokens=100),
            chat("two", "hello world " * 50, model="gpt-4", max_tokens=10),
            chat("three", "hello"),
            "",
            {"custom_id": "four", "params": {"model": "claude-opus-4-1", "max_tokens": 5, "messages": [
                {"role": "user", "content": "hello"}]}},
        ])
        out, err = self.count("--requests", "--json", "batch.jsonl")
        self.assertEqual(err, "")
        answer = json.loads(out)
        rows = {row["model"]: row for row in answer["models"]}
        self.assertEqual(rows["gpt-4o"]["requests"], 2)
        # 3 for the message, 1 for the role, 3 for the reply, beside the text's own
        self.assertEqual(rows["gpt-4o"]["input_tokens"], 7 + 2 + 7 + 1)
        self.assertEqual(rows["gpt-4o"]["reserved_tokens"], 100 + 8)
        self.assertEqual(rows["gpt-4o"]["largest"]["custom_id"], "one")
        self.assertEqual(rows["gpt-4o"]["largest"]["line"], 1)
        self.assertTrue(rows["gpt-4o"]["exact"])
        self.assertGreater(rows["gpt-4"]["reserved_tokens"], 100)
        self.assertFalse(rows["claude-opus-4-1"]["exact"])
        self.assertEqual(answer["requests"], 4)
        table, _ = self.count("--requests", "batch.jsonl")
        self.assertIn("one (batch.jsonl:1)", table)
        self.assertIn("total", table)

    def test_requests_counted_for_another_model(self):
        self.write_lines("batch.jsonl", [chat("one", "お誕生日おめでとう")])
        out, _ = self.count("--requests", "--json", "--model", "gpt-4", "batch.jsonl")
        row = json.loads(out)["models"][0]
        self.assertEqual((row["model"], row["input_tokens"]), ("gpt-4", 9 + 7))

    def test_bad_lines_are_told_with_file_line_and_field(self):
        self.write_lines("batch.jsonl", [
            chat("one", "hello"), "{", {"custom_id": "x", "method": "POST", "url": "/v1/nothing"},
            chat("y", 7), {"custom_id": "z", "params": {"messages": []}}])
        out, err = self.count("--requests", "--json", "batch.jsonl", code=2)
        self.assertEqual(json.loads(out)["requests"], 1)
        places = [line.split(": ")[1:3] for line in err.splitlines()]
        self.assertEqual([place[0] for place in places],
                         [f"batch.jsonl:{n}" for n in (2, 3, 4, 5)])
        self.assertEqual(places[1][1], "url")
        self.assertEqual(places[2][1], "body.messages[0].content")


if __name__ == "__main__":
    unittest.main()
