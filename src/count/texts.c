/* texts.c: tokens of plain texts, a row for each file and a total. */
#include "count.h"

#include "arena.h"
#include "bounds.h"
#include "exits.h"
#include "file.h"
#include "token.h"

#include <stdio.h>
#include <stdlib.h>

struct counted {
    const char *path;
    int64_t tokens;
    int64_t bytes;
};

/* NULL after a complaint about an encoding that is not known. */
static const struct encoding *choose(const struct count_options *o)
{
    if (o->encoding) {
        const struct encoding *e = encoding_named(str_of(o->encoding));
        if (!e)
            fprintf(
                stderr,
                "sluice count: --encoding: %s is not known; there are r50k_base, p50k_base, "
                "cl100k_base, o200k_base, o200k_harmony\n",
                o->encoding);
        return e;
    }
    bool known = false;
    const struct encoding *e = encoding_of_model(str_of(o->model), &known);
    if (!o->model)
        fprintf(stderr, "sluice count: no --model given: counting with %s\n", encoding_name(e));
    else if (!known)
        fprintf(stderr, "sluice count: %s: model not known: counting with %s\n", o->model,
                encoding_name(e));
    return e;
}

struct id_list {
    struct buf *out;
    const char *separator;
    bool begun;
};

static void add_id(void *ctx, uint32_t id)
{
    struct id_list *list = ctx;
    if (list->begun)
        buf_puts(list->out, list->separator);
    buf_printf(list->out, "%u", id);
    list->begun = true;
}

/* {"tokens": 2, "ids": [24912, 2375]}, or the ids alone. */
static int64_t add_ids(struct buf *out, const struct encoding *e, struct str text, bool json)
{
    struct buf ids = {0};
    struct id_list list = {&ids, json ? ", " : " ", false};
    size_t count = token_ids(e, text, add_id, &list);
    if (json)
        buf_printf(out, "{\"tokens\": %zu, \"ids\": [", count);
    buf_add(out, buf_str(&ids));
    buf_puts(out, json ? "]}\n" : "\n");
    buf_free(&ids);
    return (int64_t)count;
}

static void add_row(struct buf *out, int64_t tokens, int64_t bytes, const char *name)
{
    struct buf cells[2] = {0};
    buf_thousands(&cells[0], tokens);
    buf_thousands(&cells[1], bytes);
    buf_printf(out, "%14s %14s  %s\n", buf_cstr(&cells[0]), buf_cstr(&cells[1]), name);
    buf_free(&cells[0]);
    buf_free(&cells[1]);
}

static void add_json(struct buf *out, const struct counted *rows, int n, const char *encoding)
{
    int64_t total = 0;
    buf_puts(out, "{\"encoding\": ");
    buf_json(out, str_of(encoding));
    buf_puts(out, ", \"files\": [");
    for (int i = 0; i < n; i++) {
        total += rows[i].tokens;
        buf_puts(out, i ? ", {\"file\": " : "{\"file\": ");
        buf_json(out, str_of(rows[i].path));
        buf_printf(out, ", \"tokens\": %lld, \"bytes\": %lld}", (long long)rows[i].tokens,
                   (long long)rows[i].bytes);
    }
    buf_printf(out, "], \"tokens\": %lld}\n", (long long)total);
}

static void add_table(struct buf *out, const struct counted *rows, int n)
{
    int64_t tokens = 0, bytes = 0;
    buf_printf(out, "%14s %14s  %s\n", "tokens", "bytes", "file");
    for (int i = 0; i < n; i++) {
        tokens += rows[i].tokens;
        bytes += rows[i].bytes;
        add_row(out, rows[i].tokens, rows[i].bytes, rows[i].path);
    }
    if (n > 1)
        add_row(out, tokens, bytes, "total");
}

/* Counts one file; its ids go out at once, because those of all files would not fit. */
static enum sl_err count_one(const struct count_options *o, const struct encoding *e,
                             struct counted *row)
{
    struct buf text = {0}, out = {0};
    struct diag diag;
    enum sl_err err = file_read(row->path, BOUND_TEXT_BYTES, &text, &diag);
    row->bytes = (int64_t)text.n;
    if (err != SL_OK)
        fprintf(stderr, "sluice count: %s: %s\n", diag.where, diag.what);
    else if (o->ids)
        row->tokens = add_ids(&out, e, buf_str(&text), o->json);
    else
        row->tokens = (int64_t)token_count(e, buf_str(&text));
    if (!count_write(&out))
        err = SL_IO;
    buf_free(&out);
    buf_free(&text);
    return err;
}

int count_texts(const struct count_options *o, char **paths, int n)
{
    const struct encoding *e = choose(o);
    if (!e)
        return EXIT_USAGE;
    int exit_code = EXIT_ALL_DONE, counted = 0;
    struct counted *rows = mem_alloc((size_t)n * sizeof *rows);
    for (int i = 0; i < n; i++) {
        rows[counted] = (struct counted){.path = paths[i]};
        enum sl_err err = count_one(o, e, &rows[counted]);
        int code = err == SL_OK ? EXIT_ALL_DONE : err == SL_IO ? EXIT_IO : EXIT_USAGE;
        counted += err == SL_OK;
        exit_code = code > exit_code ? code : exit_code;
    }
    struct buf out = {0};
    if (!o->ids && o->json)
        add_json(&out, rows, counted, encoding_name(e));
    else if (!o->ids && counted > 0)
        add_table(&out, rows, counted);
    if (!count_write(&out))
        exit_code = EXIT_IO;
    buf_free(&out);
    free(rows);
    return exit_code;
}
