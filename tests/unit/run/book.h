/* book.h: an input of a dozen rows, and the results of its runs. */
#ifndef SLUICE_BOOK_H
#define SLUICE_BOOK_H

#include "desk.h"
#include "results.h"

enum { BOOK_ROWS = 12 };

struct book {
    struct desk desk;
    uv_loop_t loop;
    struct results *results;
    struct results_found found;
    struct diag diag;
};

/* Rows "row-0", "row-1" ...; `tag` makes other bodies. */
static inline void book_requests(struct book *b, int rows, const char *tag)
{
    struct buf text = {0};
    for (int i = 0; i < rows; i++)
        buf_printf(&text,
                   "{\"custom_id\":\"row-%d\",\"method\":\"POST\",\"url\":\"/v1/responses\","
                   "\"body\":{\"model\":\"gpt-4o\",\"input\":\"%s %d\"}}\n",
                   i, tag, i);
    desk_write(b->desk.requests, buf_cstr(&text));
    buf_free(&text);
}

static inline enum sl_err book_try(struct book *b)
{
    struct results_config c = {b->desk.output, NULL};
    return results_open(&b->loop, &c, &b->desk.input, &b->results, &b->found, &b->diag);
}

/* A run begins: the input is checked, the results are opened. */
static inline void book_begin(struct book *b)
{
    assert_int_equal(desk_open(&b->desk), SL_OK);
    assert_int_equal(book_try(b), SL_OK);
}

static inline void book_end(struct book *b)
{
    assert_int_equal(results_close(&b->results, &b->diag), SL_OK);
    uv_run(&b->loop, UV_RUN_DEFAULT);
    input_close(&b->desk.input);
}

static inline void book_init(struct book *b)
{
    *b = (struct book){0};
    desk_init(&b->desk);
    assert_int_equal(uv_loop_init(&b->loop), 0);
    book_requests(b, BOOK_ROWS, "say");
}

static inline void book_free(struct book *b)
{
    uv_run(&b->loop, UV_RUN_DEFAULT);
    assert_int_equal(uv_loop_close(&b->loop), 0);
    desk_free(&b->desk);
}

static inline const struct row *book_row(const struct book *b, int i)
{
    return &b->desk.input.rows.list[i];
}

static inline struct result book_result(const struct book *b, int i, char name[16],
                                        const char *body)
{
    snprintf(name, 16, "row-%d", i);
    return (struct result){.id = book_row(b, i)->id,
                           .custom_id = str_of(name),
                           .answered = true,
                           .status = 200,
                           .request_id = STR("req_1"),
                           .body = str_of(body)};
}

static inline void book_answer(struct book *b, int i)
{
    char name[16];
    struct result r = book_result(b, i, name, "{\"ok\":true}");
    assert_int_equal(results_answer(b->results, &r, &b->diag), SL_OK);
}

static inline void book_fail(struct book *b, int i, const char *code)
{
    char name[16];
    struct result r = book_result(b, i, name, "");
    r.answered = false;
    assert_int_equal(results_failure(b->results, &r, str_of(code), STR("no"), &b->diag), SL_OK);
}

#endif
