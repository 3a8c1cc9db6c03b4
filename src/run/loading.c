/* loading.c: see loading.h. Invariant: what is sent is as long as loading_length said: sizes
 * were summed up by loading_of, which writes the same lines. */
#include "loading.h"

enum { PIECE_BYTES = 64 << 10 };

void loading_begin(struct loading *l, struct str boundary)
{
    buf_clear(&l->boundary);
    buf_add(&l->boundary, boundary);
    l->row = l->parcel.first;
    l->written = 0;
    l->begun = l->ended = false;
}

void loading_free(struct loading *l)
{
    buf_free(&l->boundary);
    buf_free(&l->piece);
    input_request_free(&l->request);
}

/* ---- sizes ---- */

/* Every string is one input, and so is a list of tokens. */
static int64_t embedding_inputs(const struct request_line *line)
{
    const struct json *input = json_get(line->tree, "input");
    if (line->route != ROUTE_EMBEDDINGS || !input)
        return 0;
    bool many = input->type == JSON_ARRAY && input->first && input->first->type != JSON_NUMBER;
    return many ? (int64_t)input->count : 1;
}

/* OpenAI's requests keep the ids of the file; Anthropic's could not. */
static void write_request(enum batch_dialect d, struct str endpoint, struct str custom_id,
                          const struct request_line *line, bool first, struct buf *out)
{
    const struct batch_request r = {
        .custom_id = custom_id, .endpoint = endpoint, .body = line->body};
    batch_request_write(d, &r, first, out);
}

struct load loading_of(enum batch_dialect d, struct str endpoint, const struct row *row,
                       const struct request_line *line)
{
    char any_mark[MARK_BYTES];
    memset(any_mark, '0', sizeof any_mark);
    struct buf bytes = {0}, id = {0};
    if (d == BATCH_ANTHROPIC)
        batch_id_write(row->number, (struct str){any_mark, MARK_BYTES}, &id);
    write_request(d, endpoint, id.n ? buf_str(&id) : line->custom_id, line, true, &bytes);
    uint32_t tokens =
        row->input_tokens > row->char_tokens ? row->input_tokens : row->char_tokens;
    struct load l = {.requests = 1,
                     .bytes = (int64_t)bytes.n,
                     .tokens = tokens,
                     .inputs = embedding_inputs(line)};
    buf_free(&bytes);
    buf_free(&id);
    return l;
}

int64_t loading_frame_bytes(enum batch_dialect d, struct str boundary)
{
    struct buf frame = {0}, name = {0};
    struct parcel any = {.number = 1};
    memset(any.mark, '0', sizeof any.mark);
    loading_filename(&any, &name);
    batch_frame_head(d, boundary, buf_str(&name), &frame);
    batch_frame_tail(d, boundary, &frame);
    int64_t n = (int64_t)frame.n;
    buf_free(&frame);
    buf_free(&name);
    return n;
}

int64_t loading_gap_bytes(enum batch_dialect d)
{
    return d == BATCH_ANTHROPIC;
}

int64_t loading_length(const struct loading *l)
{
    return l->parcel.load.bytes + loading_frame_bytes(l->dialect, buf_str(&l->boundary));
}

/* ---- bytes ---- */

static enum sl_err add_request(struct loading *l, const struct row *row, struct diag *diag)
{
    struct buf id = {0};
    enum sl_err err = input_read(l->input, row, &l->request, diag);
    if (err != SL_OK)
        return err;
    if (l->dialect == BATCH_ANTHROPIC)
        batch_id_write(row->number, (struct str){l->parcel.mark, MARK_BYTES}, &id);
    write_request(l->dialect, l->rules->endpoints[l->parcel.endpoint],
                  id.n ? buf_str(&id) : l->request.line.custom_id, &l->request.line,
                  l->written++ == 0, &l->piece);
    buf_free(&id);
    return SL_OK;
}

enum sl_err loading_next(struct loading *l, struct str *piece, struct diag *diag)
{
    const struct rows *rows = &l->input->rows;
    enum sl_err err = SL_OK;
    buf_clear(&l->piece);
    if (!l->begun) {
        struct buf name = {0};
        loading_filename(&l->parcel, &name);
        batch_frame_head(l->dialect, buf_str(&l->boundary), buf_str(&name), &l->piece);
        buf_free(&name);
        l->begun = true;
    }
    for (; err == SL_OK && l->row <= l->parcel.last && l->piece.n < PIECE_BYTES; l->row++) {
        if (rows->list[l->row].parcel == l->parcel.number)
            err = add_request(l, &rows->list[l->row], diag);
    }
    if (err == SL_OK && l->row > l->parcel.last && !l->ended) {
        batch_frame_tail(l->dialect, buf_str(&l->boundary), &l->piece);
        l->ended = true;
    }
    *piece = l->piece.n ? buf_str(&l->piece) : STR("");
    return err;
}

void loading_filename(const struct parcel *p, struct buf *out)
{
    buf_printf(out, "sluice-%.*s.jsonl", MARK_BYTES, p->mark);
}
