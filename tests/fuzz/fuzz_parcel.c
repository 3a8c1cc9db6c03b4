/* Whatever stands in a journal of batches: rows are marked for parcels that there are, and only
 * by lines that hold together. */
#include "parcel.h"

#include <stdio.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

enum { ROWS = 40 };

static void fill(struct input *in)
{
    static struct batch_model model = {.name = STR_INIT("m")};
    static struct batch_pool pool = {.name = STR_INIT("m")};
    in->models.list = &model;
    in->models.n = 1;
    in->models.pools = &pool;
    in->models.pool_count = 1;
    for (uint32_t i = 0; i < ROWS; i++) {
        struct row row = {.number = i * 2 + 1, .name = {i + 1, i}, .id = {i, i}};
        (void)rows_add(&in->rows, &row);
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static const struct str endpoints[] = {STR_INIT("/v1/embeddings")};
    const struct batch_rules rules = {.endpoints = endpoints, .endpoint_count = 1};
    struct input in = {.invalid = 0};
    struct parcels parcels = {0};
    struct diag diag = {"", ""};
    fill(&in);
    struct parcels_reader r = {.parcels = &parcels, .input = &in, .rules = &rules};
    struct str rest = {(const char *)data, size};
    enum sl_err err = SL_OK;
    while (rest.n && err == SL_OK)
        err = parcels_read_line(&r, str_split(&rest, '\n'), &diag);
    sl_assert(err == SL_OK || diag.what[0]);
    sl_assert(!r.choice.made || r.choice.begun);
    sl_assert(!r.choice.begun || (r.choice.until_us >= -1 && r.choice.budget_pusd >= -1));
    for (size_t i = 0; i < ROWS && err == SL_OK; i++) {
        const struct row *row = &in.rows.list[i];
        const struct parcel *p = parcels_get(&parcels, row->parcel);
        sl_assert(!row->parcel || (p && i >= p->first && i <= p->last));
    }
    for (size_t i = 0; i < parcels.n && err == SL_OK; i++) {
        const struct parcel *p = &parcels.list[i];
        sl_assert(p->number == i + 1 && p->model == 0 && p->endpoint == 0);
        sl_assert(p->state != PARCEL_CREATED || batch_id_is_plain(buf_str(&p->batch)));
    }
    parcels_reader_free(&r);
    parcels_free(&parcels);
    rows_free(&in.rows);
    return 0;
}
