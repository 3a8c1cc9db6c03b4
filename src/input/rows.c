/* rows.c: see rows.h. Invariants: every entered row is found by its name; slots are at most
 * half full, so that a search ends after two probes on average; a hash of 128 bits is taken for
 * its name (a million names collide with a chance of 10^-27). */
#include "rows.h"

#include "arena.h"

#include <openssl/evp.h>
#include <stdlib.h>
#include <string.h>

void rows_free(struct rows *r)
{
    free(r->list);
    free(r->slots);
    *r = (struct rows){0};
}

bool hash128_eq(struct hash128 a, struct hash128 b)
{
    return a.high == b.high && a.low == b.low;
}

/* The slot that holds the name, or the empty one where it belongs. */
static uint32_t *slot_of(const struct rows *r, struct hash128 name)
{
    size_t mask = r->slot_count - 1;
    for (size_t i = name.low & mask;; i = (i + 1) & mask) {
        uint32_t *slot = &r->slots[i];
        if (!*slot || hash128_eq(r->list[*slot - 1].name, name))
            return slot;
    }
}

static bool nameless(const struct row *row)
{
    return hash128_eq(row->name, (struct hash128){0, 0});
}

static void grow_slots(struct rows *r)
{
    free(r->slots);
    r->slot_count = r->slot_count ? r->slot_count * 2 : 1024;
    r->slots = mem_zero(r->slot_count * sizeof *r->slots);
    for (size_t i = 0; i < r->n; i++) {
        uint32_t *slot = nameless(&r->list[i]) ? NULL : slot_of(r, r->list[i].name);
        if (slot && !*slot)
            *slot = (uint32_t)i + 1;
    }
}

const struct row *rows_add(struct rows *r, const struct row *row)
{
    sl_assert(r->n < UINT32_MAX - 1);
    if ((r->n + 1) * 2 > r->slot_count)
        grow_slots(r);
    if (r->n == r->cap) {
        r->cap =
            r->cap ? r->cap + r->cap / 4 : 1024; /* a quarter: 1.25 x the memory at worst */
        r->list = mem_grow(r->list, r->cap * sizeof *r->list);
    }
    r->list[r->n++] = *row;
    if (nameless(row))
        return NULL;
    uint32_t *slot = slot_of(r, row->name);
    if (*slot)
        return &r->list[*slot - 1];
    *slot = (uint32_t)r->n;
    return NULL;
}

struct row *rows_find(const struct rows *r, struct hash128 name)
{
    if (!r->slot_count)
        return NULL;
    uint32_t slot = *slot_of(r, name);
    return slot ? &r->list[slot - 1] : NULL;
}

struct demand row_demand(const struct row *row)
{
    return (struct demand){.input_tokens = row->input_tokens,
                           .char_tokens = row->char_tokens,
                           .max_output_tokens = row->max_output_tokens,
                           .images = row->images,
                           .max_output_given = row->max_output_given};
}

static uint32_t cut32(int64_t v)
{
    return v < 0 ? 0 : v > UINT32_MAX ? UINT32_MAX : (uint32_t)v;
}

void row_set_demand(struct row *row, const struct demand *d)
{
    row->input_tokens = cut32(d->input_tokens);
    row->char_tokens = cut32(d->char_tokens);
    row->max_output_tokens = cut32(d->max_output_tokens);
    row->images = d->images > UINT16_MAX ? UINT16_MAX : (uint16_t)d->images;
    row->max_output_given = d->max_output_given;
}

static uint64_t big_endian(const unsigned char *p)
{
    uint64_t v = 0;
    for (int i = 0; i < 8; i++)
        v = v << 8 | p[i];
    return v;
}

struct hash128 hash128_of(const struct str *parts, size_t n)
{
    static EVP_MD *sha256; /* fetched once: looking it up costs more than hashing a line */
    static EVP_MD_CTX *ctx;
    if (!ctx) {
        sha256 = EVP_MD_fetch(NULL, "SHA256", NULL);
        ctx = EVP_MD_CTX_new();
    }
    unsigned char digest[EVP_MAX_MD_SIZE];
    bool fine = sha256 && ctx && EVP_DigestInit_ex(ctx, sha256, NULL);
    for (size_t i = 0; fine && i < n; i++) {
        unsigned char length[8];
        for (int b = 0; b < 8; b++)
            length[b] = (unsigned char)(parts[i].n >> (8 * b));
        fine = EVP_DigestUpdate(ctx, length, sizeof length) &&
               EVP_DigestUpdate(ctx, parts[i].p, parts[i].n);
    }
    fine = fine && EVP_DigestFinal_ex(ctx, digest, NULL);
    sl_assert(fine);
    return (struct hash128){big_endian(digest), big_endian(digest + 8)};
}

void id_write(struct hash128 id, char out[ID_BYTES])
{
    static const char hex[] = "0123456789abcdef";
    /* An id is bytes of a known length, without a NUL.
     * NOLINTNEXTLINE(bugprone-not-null-terminated-result) */
    memcpy(out, "batch_req_", 10);
    for (int i = 0; i < 16; i++) {
        out[10 + i] = hex[id.high >> (60 - 4 * i) & 15];
        out[26 + i] = hex[id.low >> (60 - 4 * i) & 15];
    }
}

static int hex_value(char c)
{
    if (c >= '0' && c <= '9')
        return c - '0';
    return c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

enum sl_err id_read(struct str text, struct hash128 *out)
{
    if (text.n != ID_BYTES || !str_starts(text, STR("batch_req_")))
        return SL_SYNTAX;
    uint64_t half[2] = {0, 0};
    for (int i = 0; i < 32; i++) {
        int v = hex_value(text.p[10 + i]);
        if (v < 0)
            return SL_SYNTAX;
        half[i / 16] = half[i / 16] << 4 | (uint64_t)v;
    }
    *out = (struct hash128){half[0], half[1]};
    return SL_OK;
}
