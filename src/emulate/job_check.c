/* job_check.c: what OpenAI finds wrong with a batch file. One complaint a line at most.
 *
 * Codes and words are those seen in answers of the real service (docs/emulate.md has the
 * sources); where none was seen, the pattern of the nearest one. */
#include "bounds.h"
#include "job.h"
#include "keyset.h"

#include <stdlib.h>
#include <string.h>

enum {
    BLOCK_BYTES = 256 << 10,
    SLICE_BYTES = 256 << 10,
    REQUESTS_MAX = 50000,
    VECTORS_MAX = 50000, /* embedding inputs of all requests */
};

struct job_check {
    struct buf ahead;   /* read, from the line at `offset` on */
    size_t start;       /* of that line within `ahead` */
    int64_t offset;     /* of that line in the input */
    int64_t line;       /* number of the last line read, from 1 */
    struct keyset ids;  /* custom ids so far */
    struct arena names; /* their texts */
    struct arena tree;  /* of the line at hand */
    int64_t vectors;
    bool whole; /* all was read */
};

void job_check_free(struct job *j)
{
    struct job_check *c = j->check;
    if (!c)
        return;
    buf_free(&c->ahead);
    keyset_free(&c->ids);
    arena_free(&c->names);
    arena_free(&c->tree);
    free(c);
    j->check = NULL;
}

/* ---- lines ---- */

static bool read_more(struct job *j)
{
    struct job_check *c = j->check;
    struct buf block = {0};
    struct diag diag = {{0}, {0}};
    buf_drop(&c->ahead, c->start);
    c->start = 0;
    int64_t at = c->offset + (int64_t)c->ahead.n;
    /* as much again, so that a long line is not searched often */
    size_t n = c->ahead.n > BLOCK_BYTES ? c->ahead.n : BLOCK_BYTES;
    if (spool_read(j->input, at, n, &block, &diag) != SL_OK)
        job_complain(j, "emulator_storage", NULL, 0, "%s", diag.what);
    buf_add(&c->ahead, buf_str(&block));
    bool more = block.n > 0;
    buf_free(&block);
    return more;
}

/* The next line, and where it begins; false at the end. What follows the last newline is a line
 * if it is anything. */
static bool next_line(struct job *j, struct str *line, int64_t *offset)
{
    struct job_check *c = j->check;
    size_t searched = 0;
    for (;;) {
        struct str rest = str_from(buf_str(&c->ahead), c->start);
        const char *end =
            rest.n > searched ? memchr(rest.p + searched, '\n', rest.n - searched) : NULL;
        if (!end) {
            searched = rest.n;
            if (read_more(j))
                continue;
            rest = str_from(buf_str(&c->ahead), c->start);
        }
        *line = end ? str_cut(rest, (size_t)(end - rest.p)) : rest;
        if (!end && rest.n == 0)
            return false;
        *offset = c->offset;
        c->start += line->n + (end != NULL);
        c->offset += (int64_t)line->n + (end != NULL);
        c->line++;
        return true;
    }
}

/* ---- one line ---- */

static void missing(struct job *j, const char *param)
{
    job_complain(j, "missing_required_parameter", param, j->check->line,
                 "Missing required parameter: '%s'.", param);
}

/* The fields around the body. False with a complaint. */
static bool envelope_is_good(struct job *j, const struct json *root)
{
    static const char *const fields[] = {"custom_id", "method", "url"};
    struct job_check *c = j->check;
    for (size_t i = 0; i < 3; i++) {
        const struct json *v = json_get(root, fields[i]);
        if (!v || v->type == JSON_NULL) {
            missing(j, fields[i]);
            return false;
        }
        if (v->type != JSON_STRING) {
            job_complain(j, "invalid_type", fields[i], c->line,
                         "Invalid type for '%s': expected a string.", fields[i]);
            return false;
        }
    }
    struct str id = json_str(json_get(root, "custom_id"));
    struct str method = json_str(json_get(root, "method"));
    if (!json_get(root, "body"))
        missing(j, "body");
    else if (!str_eq(method, STR("POST")))
        job_complain(j, "invalid_value", "method", c->line,
                     "Invalid value: '%.*s'. Supported values are: 'POST'.",
                     STR_ARG(str_cut(method, 50)));
    else if (!str_eq(json_str(json_get(root, "url")), j->endpoint))
        job_complain(j, "invalid_url", "url", c->line,
                     "The URL provided for this request does not match the batch endpoint.");
    else if (!keyset_add(&c->ids, arena_copy(&c->names, id)))
        job_complain(j, "duplicate_custom_id", "custom_id", c->line,
                     "The custom_id '%.*s' for this request is a duplicate of another "
                     "request. The custom_id parameter must be unique for each request in a "
                     "batch.",
                     STR_ARG(str_cut(id, 100)));
    else
        return true;
    return false;
}

/* The first line says which model a file is for. False with a complaint. */
static bool model_is_good(struct job *j, const struct job_world *w, struct str model)
{
    struct job_check *c = j->check;
    if (!model.n) {
        job_complain(j, "invalid_request", "body.model", c->line,
                     "Model parameter is required.");
        return false;
    }
    if (!j->model.n) {
        j->model = arena_copy(&j->arena, model);
        j->pool = roster_find(w->roster, model);
    }
    if (!str_eq(j->model, model)) {
        job_complain(j, "mismatched_model", "body.model", c->line,
                     "The model '%.*s' for this request does not match the rest of the batch. "
                     "Each batch must contain requests for a single model.",
                     STR_ARG(str_cut(model, 100)));
        return false;
    }
    if (!j->pool)
        job_complain(j, "model_not_found", "body.model", c->line,
                     "The provided model '%.*s' is not supported by the Batch API.",
                     STR_ARG(str_cut(model, 100)));
    return j->pool != NULL;
}

static const char *api_name(enum target_api api)
{
    return api == API_RESPONSES ? "Responses"
           : api == API_CHAT    ? "Chat Completions"
                                : "Completions";
}

static const struct {
    enum target_api api;
    const char *field, *param, *name;
} texts[] = {
    {API_CHAT, "messages", "body.messages", "Messages"},
    {API_RESPONSES, "input", "body.input", "Input"},
    {API_EMBEDDINGS, "input", "body.input", "Input"},
    {API_COMPLETIONS, "prompt", "body.prompt", "Prompt"},
};

static bool body_is_good(struct job *j, const struct job_world *w, const struct json *body)
{
    struct job_check *c = j->check;
    if (body->type != JSON_OBJECT) {
        job_complain(j, "invalid_type", "body", c->line,
                     "Invalid type for 'body': expected an object.");
        return false;
    }
    if (!model_is_good(j, w, json_str(json_get(body, "model"))))
        return false;
    if (json_true(json_get(body, "stream"))) {
        job_complain(j, "streaming_unsupported", "body.stream", c->line,
                     "%s: Streaming is not supported in the Batch API.", api_name(j->api));
        return false;
    }
    for (size_t i = 0; i < sizeof texts / sizeof *texts; i++) {
        if (texts[i].api != j->api || json_get(body, texts[i].field))
            continue;
        job_complain(j, "invalid_request", texts[i].param, c->line, "%s parameter is required.",
                     texts[i].name);
        return false;
    }
    return true;
}

/* What a good line adds to the whole. A body that a model would refuse is no matter of the
 * file: its request fails when it is carried out. */
static void count_line(struct job *j, const struct json *body)
{
    struct target to = {.api = j->api};
    struct query q;
    if (query_of(&to, body, &q, NULL) != SL_OK)
        return;
    j->input_tokens += q.input_tokens;
    j->check->vectors += q.vectors;
}

static void check_line(struct job *j, const struct job_world *w, struct str line)
{
    struct job_check *c = j->check;
    arena_reset(&c->tree);
    const struct json *root =
        line.n > BOUND_BODY_BYTES ? NULL : json_parse(&c->tree, line, NULL);
    if (!root || root->type != JSON_OBJECT)
        job_complain(j, "invalid_json_line", NULL, c->line,
                     "This line is not parseable as valid JSON.");
    else if (envelope_is_good(j, root) && body_is_good(j, w, json_get(root, "body")))
        count_line(j, json_get(root, "body"));
}

/* ---- the file ---- */

static void check_whole(struct job *j)
{
    if (j->count > REQUESTS_MAX)
        job_complain(j, "too_many_tasks", NULL, 0,
                     "The batch input file has more than %d requests.", REQUESTS_MAX);
    else if (j->count == 0)
        job_complain(j, "empty_file", NULL, 0, "The batch input file is empty.");
    else if (j->check->vectors > VECTORS_MAX)
        job_complain(j, "invalid_request", "body.input", 0,
                     "The batch has more than %d embedding inputs.", VECTORS_MAX);
}

bool job_check_slice(struct job *j, const struct job_world *w)
{
    if (!j->check)
        j->check = mem_zero(sizeof *j->check);
    struct job_check *c = j->check;
    struct str line;
    int64_t offset;
    size_t read = 0;
    while (!c->whole && read < SLICE_BYTES) {
        c->whole = j->count > REQUESTS_MAX || !next_line(j, &line, &offset);
        if (c->whole) {
            check_whole(j);
            break;
        }
        check_line(j, w, line);
        job_add_line(j, offset, line.n);
        read += line.n + 1;
    }
    return c->whole;
}
