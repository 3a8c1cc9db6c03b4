/* vocab_build.c: turns a .tiktoken file into the image that sluice carries (src/token/vocab.h).
 *
 *     vocab_build FILE.tiktoken SHA256 SYMBOL OUT.image OUT.c
 *
 * Refuses a file whose SHA-256 is not the one its publisher gives. OUT.s is assembly that
 * places the image in read-only memory under the name SYMBOL. */
#include "vocab.h"

#include <stdio.h>
#include <stdlib.h>

enum {
    MOST_TOKENS = 1 << 18,
    FILTER_MORE = 1 /* bits of the filter for a slot of the pairs, as a power of two */
};

struct bytes {
    unsigned char *p;
    size_t n;
};

struct token {
    unsigned char *p; /* NULL: no token has this id */
    size_t n;
};

struct vocabulary {
    struct token *by_id; /* MOST_TOKENS of them */
    uint32_t count;
    uint32_t shorts;
    uint32_t longs;
    uint32_t long_bytes;
};

_Noreturn static void fail(const char *what, const char *of)
{
    fprintf(stderr, "vocab_build: %s: %s\n", of, what);
    exit(1);
}

static void *allocate(size_t n)
{
    void *p = calloc(n ? n : 1, 1);
    if (!p)
        fail("out of memory", "");
    return p;
}

static struct bytes read_file(const char *path)
{
    FILE *f = fopen(path, "rb");
    if (!f || fseek(f, 0, SEEK_END) != 0)
        fail("cannot be read; scripts/setup-vocab fetches it", path);
    long size = ftell(f);
    rewind(f);
    struct bytes b = {allocate((size_t)size + 1), (size_t)size}; /* ends in a NUL for strtoul */
    if (fread(b.p, 1, b.n, f) != b.n)
        fail("cannot be read", path);
    fclose(f);
    return b;
}

/* ---- SHA-256 (FIPS 180-4) ------------------------------------------------------------ */

static const uint32_t sha_round[64] = {
    0x428a2f98, 0x71374491, 0xb5c0fbcf, 0xe9b5dba5, 0x3956c25b, 0x59f111f1, 0x923f82a4,
    0xab1c5ed5, 0xd807aa98, 0x12835b01, 0x243185be, 0x550c7dc3, 0x72be5d74, 0x80deb1fe,
    0x9bdc06a7, 0xc19bf174, 0xe49b69c1, 0xefbe4786, 0x0fc19dc6, 0x240ca1cc, 0x2de92c6f,
    0x4a7484aa, 0x5cb0a9dc, 0x76f988da, 0x983e5152, 0xa831c66d, 0xb00327c8, 0xbf597fc7,
    0xc6e00bf3, 0xd5a79147, 0x06ca6351, 0x14292967, 0x27b70a85, 0x2e1b2138, 0x4d2c6dfc,
    0x53380d13, 0x650a7354, 0x766a0abb, 0x81c2c92e, 0x92722c85, 0xa2bfe8a1, 0xa81a664b,
    0xc24b8b70, 0xc76c51a3, 0xd192e819, 0xd6990624, 0xf40e3585, 0x106aa070, 0x19a4c116,
    0x1e376c08, 0x2748774c, 0x34b0bcb5, 0x391c0cb3, 0x4ed8aa4a, 0x5b9cca4f, 0x682e6ff3,
    0x748f82ee, 0x78a5636f, 0x84c87814, 0x8cc70208, 0x90befffa, 0xa4506ceb, 0xbef9a3f7,
    0xc67178f2};

static uint32_t rotate(uint32_t x, int n)
{
    return x >> n | x << (32 - n);
}

static void sha_block(uint32_t state[8], const unsigned char *p)
{
    uint32_t w[64], s[8];
    for (int i = 0; i < 16; i++)
        w[i] = (uint32_t)p[4 * i] << 24 | (uint32_t)p[4 * i + 1] << 16 |
               (uint32_t)p[4 * i + 2] << 8 | p[4 * i + 3];
    for (int i = 16; i < 64; i++) {
        uint32_t a = w[i - 15], b = w[i - 2];
        w[i] = w[i - 16] + (rotate(a, 7) ^ rotate(a, 18) ^ a >> 3) + w[i - 7] +
               (rotate(b, 17) ^ rotate(b, 19) ^ b >> 10);
    }
    memcpy(s, state, sizeof s);
    for (int i = 0; i < 64; i++) {
        uint32_t sum1 = rotate(s[4], 6) ^ rotate(s[4], 11) ^ rotate(s[4], 25);
        uint32_t choice = (s[4] & s[5]) ^ (~s[4] & s[6]);
        uint32_t t1 = s[7] + sum1 + choice + sha_round[i] + w[i];
        uint32_t sum0 = rotate(s[0], 2) ^ rotate(s[0], 13) ^ rotate(s[0], 22);
        uint32_t majority = (s[0] & s[1]) ^ (s[0] & s[2]) ^ (s[1] & s[2]);
        memmove(s + 1, s, 7 * sizeof *s);
        s[4] += t1;
        s[0] = t1 + sum0 + majority;
    }
    for (int i = 0; i < 8; i++)
        state[i] += s[i];
}

static void sha256_hex(struct bytes b, char hex[65])
{
    uint32_t state[8] = {0x6a09e667, 0xbb67ae85, 0x3c6ef372, 0xa54ff53a,
                         0x510e527f, 0x9b05688c, 0x1f83d9ab, 0x5be0cd19};
    unsigned char tail[128] = {0};
    size_t whole = b.n / 64 * 64, rest = b.n - whole, padded = rest < 56 ? 64 : 128;
    for (size_t i = 0; i < whole; i += 64)
        sha_block(state, b.p + i);
    memcpy(tail, b.p + whole, rest);
    tail[rest] = 0x80;
    for (int i = 0; i < 8; i++)
        tail[padded - 1 - (size_t)i] = (unsigned char)((uint64_t)b.n * 8 >> 8 * i);
    for (size_t i = 0; i < padded; i += 64)
        sha_block(state, tail + i);
    for (int i = 0; i < 8; i++)
        snprintf(hex + 8 * i, 9, "%08x", state[i]);
}

/* ---- the .tiktoken file: lines of "base64 rank" -------------------------------------- */

static int sextet(unsigned char c)
{
    static const char digits[] =
        "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    const char *at = c ? strchr(digits, c) : NULL;
    return at ? (int)(at - digits) : -1;
}

static struct token base64_decode(const unsigned char *p, size_t n, const char *path)
{
    struct token t = {allocate(n), 0};
    uint32_t bits = 0, held = 0;
    for (size_t i = 0; i < n && p[i] != '='; i++) {
        int digit = sextet(p[i]);
        if (digit < 0)
            fail("bad base64", path);
        bits = bits << 6 | (uint32_t)digit;
        held += 6;
        if (held >= 8) {
            held -= 8;
            t.p[t.n++] = (unsigned char)(bits >> held);
        }
    }
    return t;
}

static struct vocabulary parse(struct bytes file, const char *path)
{
    struct vocabulary voc = {.by_id = allocate(MOST_TOKENS * sizeof(struct token))};
    for (size_t at = 0; at < file.n;) {
        const unsigned char *line = file.p + at;
        const unsigned char *end = memchr(line, '\n', file.n - at);
        if (!end)
            end = file.p + file.n;
        const unsigned char *space = memchr(line, ' ', (size_t)(end - line));
        if (!space)
            fail("a line without a rank", path);
        unsigned long id = strtoul((const char *)space, NULL, 10);
        struct token t = base64_decode(line, (size_t)(space - line), path);
        if (id >= VOCAB_NONE || t.n == 0 || t.n > VOCAB_TOKEN_BYTES || voc.by_id[id].p)
            fail("a rank or token out of bounds, or given twice", path);
        voc.by_id[id] = t;
        voc.count++;
        voc.shorts += t.n <= VOCAB_KEY_BYTES;
        voc.longs += t.n > VOCAB_KEY_BYTES;
        voc.long_bytes += t.n > VOCAB_KEY_BYTES ? (uint32_t)t.n : 0;
        at = (size_t)(end - file.p) + 1;
    }
    return voc;
}

/* ---- the image ----------------------------------------------------------------------- */

/* log2 of the slots for n entries at most `percent` full */
static uint32_t bits_for(uint64_t n, uint64_t percent)
{
    uint32_t bits = 4;
    while ((percent << bits) < n * 100)
        bits++;
    return bits;
}

static struct vocab *lay_out(const struct vocabulary *voc)
{
    struct vocab head = {.tokens = voc->count};
    head.key_bits = bits_for(voc->shorts, 80);
    head.long_bits = bits_for(voc->longs, 50);
    head.pair_bits = bits_for(voc->count, 50);
    head.filter_bits = head.pair_bits + FILTER_MORE;
    head.keys_at = (sizeof head + 63) / 64 * 64;
    head.ids_at = head.keys_at + (sizeof(struct vocab_key) << head.key_bits);
    head.longs_at = head.ids_at + (sizeof(uint32_t) << head.key_bits);
    head.pairs_at = head.longs_at + (sizeof(struct vocab_long) << head.long_bits);
    head.filter_at = head.pairs_at + (sizeof(uint64_t) << head.pair_bits);
    head.byte_pairs_at = head.filter_at + (UINT64_C(1) << head.filter_bits) / 8;
    head.text_at = head.byte_pairs_at + sizeof(uint32_t) * 256 * 256;
    head.size = head.text_at + voc->long_bytes;
    struct vocab *image = allocate(head.size);
    *image = head;
    return image;
}

static void *image_part(struct vocab *image, uint64_t offset)
{
    return (unsigned char *)image + offset;
}

static void put_short(struct vocab *image, struct token t, uint32_t id)
{
    struct vocab_key *keys = image_part(image, image->keys_at);
    uint32_t *ids = image_part(image, image->ids_at);
    struct vocab_key key = vocab_key_of(t.p, t.n);
    uint32_t slot = vocab_key_hash(key, image->key_bits);
    while (keys[slot].high)
        slot = (slot + 1) & ((1u << image->key_bits) - 1);
    keys[slot] = key;
    ids[slot] = id;
}

static uint32_t put_long(struct vocab *image, struct token t, uint32_t id, uint32_t at)
{
    struct vocab_long *longs = image_part(image, image->longs_at);
    unsigned char *text = image_part(image, image->text_at);
    uint32_t hash = vocab_long_hash(t.p, t.n);
    uint32_t slot = hash & ((1u << image->long_bits) - 1);
    while (longs[slot].length)
        slot = (slot + 1) & ((1u << image->long_bits) - 1);
    longs[slot] = (struct vocab_long){id, at, (uint32_t)t.n, hash};
    memcpy(text + at, t.p, t.n);
    return at + (uint32_t)t.n;
}

static void put_tokens(struct vocab *image, const struct vocabulary *voc)
{
    uint32_t at = 0;
    for (uint32_t id = 0; id < MOST_TOKENS; id++) {
        struct token t = voc->by_id[id];
        if (!t.p)
            continue;
        if (t.n == 1)
            image->byte_id[t.p[0]] = id;
        if (t.n <= VOCAB_KEY_BYTES)
            put_short(image, t, id);
        else
            at = put_long(image, t, id, at);
    }
    for (int i = 0; i < 256; i++) {
        unsigned char c = (unsigned char)i;
        if (vocab_find(image, &c, 1) == VOCAB_NONE)
            fail("a byte has no token", "vocabulary");
    }
}

/* Merges the token's own bytes, lowest rank first and leftmost among equals, until two parts
 * are left: the split by which merging reaches it. Gives the length of the left part, or 0 if
 * merging stops earlier (such a token only ever matches a whole piece). */
static size_t split_of(const struct vocab *image, struct token t)
{
    size_t ends[VOCAB_TOKEN_BYTES], parts = t.n;
    for (size_t i = 0; i < parts; i++)
        ends[i] = i + 1;
    while (parts > 2) {
        uint32_t best = VOCAB_NONE;
        size_t where = 0;
        for (size_t i = 0; i + 1 < parts; i++) {
            size_t start = i ? ends[i - 1] : 0;
            uint32_t id = vocab_find(image, t.p + start, ends[i + 1] - start);
            if (id < best) {
                best = id;
                where = i;
            }
        }
        if (best == VOCAB_NONE)
            return 0;
        memmove(ends + where, ends + where + 1, (parts - where - 1) * sizeof *ends);
        parts--;
    }
    return ends[0];
}

static void put_pairs(struct vocab *image, const struct vocabulary *voc)
{
    uint64_t *pairs = image_part(image, image->pairs_at);
    uint64_t *filter = image_part(image, image->filter_at);
    uint64_t mask = (UINT64_C(1) << image->pair_bits) - 1;
    memset(pairs, 0xFF, sizeof(uint64_t) << image->pair_bits);
    for (uint32_t id = 0; id < MOST_TOKENS; id++) {
        struct token t = voc->by_id[id];
        size_t left = t.n > 1 ? split_of(image, t) : 0;
        if (left == 0)
            continue;
        uint64_t pair = (uint64_t)vocab_find(image, t.p, left) << 18 |
                        vocab_find(image, t.p + left, t.n - left);
        uint64_t hash = vocab_pair_hash(pair), bit = hash >> (64 - image->filter_bits);
        uint64_t slot = hash >> (64 - image->pair_bits);
        filter[bit / 64] |= UINT64_C(1) << bit % 64;
        while (pairs[slot] != VOCAB_NO_PAIR)
            slot = (slot + 1) & mask;
        pairs[slot] = pair << 18 | id;
    }
}

static void put_byte_pairs(struct vocab *image)
{
    uint32_t *byte_pairs = image_part(image, image->byte_pairs_at);
    for (uint32_t i = 0; i < 256 * 256; i++)
        byte_pairs[i] = vocab_merge(image, image->byte_id[i >> 8], image->byte_id[i & 0xFF]);
}

static void write_file(const char *path, const void *p, size_t n)
{
    FILE *f = fopen(path, "wb");
    if (!f || fwrite(p, 1, n, f) != n || fclose(f) != 0)
        fail("cannot be written", path);
}

static void write_source(const char *path, const char *symbol, const char *image)
{
    FILE *f = fopen(path, "w");
    if (!f)
        fail("cannot be written", path);
    fprintf(f,
            "__asm__(\".pushsection .rodata\\n\"\n"
            "        \".balign 64\\n\"\n"
            "        \".globl %s\\n\"\n"
            "        \".hidden %s\\n\"\n"
            "        \".type %s, %%object\\n\"\n"
            "        \"%s:\\n\"\n"
            "        \".incbin \\\"%s\\\"\\n\"\n"
            "        \".size %s, . - %s\\n\"\n"
            "        \".popsection\\n\");\n",
            symbol, symbol, symbol, symbol, image, symbol, symbol);
    if (fclose(f) != 0)
        fail("cannot be written", path);
}

int main(int argc, char **argv)
{
    if (argc != 6)
        fail("FILE.tiktoken SHA256 SYMBOL OUT.image OUT.c", "usage");
    struct bytes file = read_file(argv[1]);
    char hex[65];
    sha256_hex(file, hex);
    if (strcmp(hex, argv[2]) != 0)
        fail("its SHA-256 is not the published one", argv[1]);

    struct vocabulary voc = parse(file, argv[1]);
    struct vocab *image = lay_out(&voc);
    put_tokens(image, &voc);
    put_pairs(image, &voc);
    put_byte_pairs(image);
    write_file(argv[4], image, image->size);
    write_source(argv[5], argv[3], argv[4]);
    return 0;
}
