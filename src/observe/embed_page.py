#!/usr/bin/env python3
"""Makes the dashboard one page of bytes in C: style and scripts are put into index.html, and their
SHA-256 into the policy that lets a browser run these and nothing else.

usage: embed_page.py OUT.c index.html style.css SCRIPT.js...
"""
import base64
import hashlib
import pathlib
import sys


def source(text):
    return "'sha256-" + base64.b64encode(hashlib.sha256(text.encode()).digest()).decode() + "'"


def main():
    out, page, style, *scripts = map(pathlib.Path, sys.argv[1:])
    css = style.read_text()
    js = '"use strict";\n{\n' + "".join(path.read_text() for path in scripts) + "}\n"
    for text, end in ((css, "</style"), (js, "</script")):
        assert end not in text, f"{end} would end the page's own"
    html = page.read_text().replace("/*STYLE*/", css).replace("/*SCRIPT*/", js)
    policy = (f"default-src 'none'; script-src {source(js)}; style-src {source(css)}; "
              "img-src data:; connect-src 'self'; base-uri 'none'; form-action 'none'; "
              "frame-ancestors 'none'")
    data = html.encode()
    rows = [data[i:i + 24] for i in range(0, len(data), 24)]
    lines = ["/* Made by embed_page.py from web/. */", '#include "page.h"', "",
             "const char page_bytes[] = {"]
    lines += ["    " + ",".join(str(b if b < 128 else b - 256) for b in row) + "," for row in rows]
    lines += ["};", f"const size_t page_size = {len(data)};", f'const char page_policy[] = "{policy}";', ""]
    out.write_text("\n".join(lines))


main()
