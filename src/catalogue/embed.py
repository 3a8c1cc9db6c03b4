#!/usr/bin/env python3
"""Turns data files into C: one `const char catalogue_file_NAME[]` for each.

usage: embed.py OUT.c FILE.json...
"""
import pathlib
import sys


def main():
    out = ['/* Made by embed.py from the files in data/. */', '#include "catalogue_data.h"', '']
    for path in map(pathlib.Path, sys.argv[2:]):
        data = path.read_bytes()
        rows = [data[i:i + 24] for i in range(0, len(data), 24)]
        out.append(f'const char catalogue_file_{path.stem}[] = {{')
        out += ['    ' + ','.join(str(b if b < 128 else b - 256) for b in row) + ',' for row in rows]
        out += ['};', f'const size_t catalogue_size_{path.stem} = {len(data)};', '']
    pathlib.Path(sys.argv[1]).write_text('\n'.join(out))


main()
