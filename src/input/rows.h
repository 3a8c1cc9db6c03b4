/* rows.h: the index of a batch file: one small row per line, found by its custom_id.
 *
 * Bodies stay in the file and are read again when they are sent, so that a million lines fit
 * into 100 MB: 72 bytes per row, 8 to 16 for the table of names, 4 for the order of picking. */
#ifndef SLUICE_ROWS_H
#define SLUICE_ROWS_H

#include "pace.h"

struct hash128 {
    uint64_t high, low;
};

enum row_state {
    ROW_PENDING, /* to be asked */
    ROW_OUT,     /* handed to the engine */
    ROW_SHIPPED, /* in a parcel that is not over */
    ROW_DONE,    /* its answer stands in the output */
    ROW_FAILED,  /* its final failure stands in the error file */
    ROW_INVALID, /* it can never be sent */
};

struct row {
    uint64_t offset;     /* of its line */
    uint32_t length;     /* bytes of it, at most BOUND_BODY_BYTES */
    uint32_t number;     /* of its line, from 1 */
    struct hash128 id;   /* of custom_id and body: the id in the output */
    struct hash128 name; /* of custom_id */
    uint32_t input_tokens, char_tokens, max_output_tokens; /* its demand, see pace.h */
    uint16_t images;
    uint16_t model;  /* index into the run's models: the one it is sent to */
    uint16_t parcel; /* number of the one it is in; 0: none */
    uint8_t state;   /* enum row_state */
    uint8_t route;   /* enum route */
    bool max_output_given;
    bool downgraded; /* its line names another model */
    bool excused;    /* invalid, and that is to be no reason to stop */
};
_Static_assert(sizeof(struct row) == 72, "a million rows fit into 100 MB");

struct rows {
    struct row *list;
    size_t n, cap;
    uint32_t *slots;   /* row index + 1 by hash of name; 0 empty */
    size_t slot_count; /* a power of two, at least twice the rows in it */
};

void rows_free(struct rows *r);
/* Appends. Returns NULL, or the earlier row of the same name; the new one is then not entered
 * into the table. A name of zero (an invalid line without one) is never entered. */
const struct row *rows_add(struct rows *r, const struct row *row);
/* NULL if there is none. */
struct row *rows_find(const struct rows *r, struct hash128 name);

struct demand row_demand(const struct row *row);
/* Figures over 2^32 are cut: no limit is that large. */
void row_set_demand(struct row *row, const struct demand *d);

bool hash128_eq(struct hash128 a, struct hash128 b);
/* Truncated SHA-256. Each part is hashed with its length, so that ("ab", "c") and ("a", "bc")
 * differ; n parts. */
struct hash128 hash128_of(const struct str *parts, size_t n);

enum { ID_BYTES = 10 + 32 };
/* "batch_req_" and 32 hex digits, not terminated. */
void id_write(struct hash128 id, char out[ID_BYTES]);
enum sl_err id_read(struct str text, struct hash128 *out) SL_CHECK;

#endif
