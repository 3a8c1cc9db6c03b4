/* answered.c: see answered.h. */
#include "answered.h"

#include "bounds.h"
#include "json.h"
#include "lines.h"
#include "provider.h"

/* {"response": {"body": ...}}, {"result": {"message": ...}}. */
static const struct json *answer_of(const struct json *line)
{
    const struct json *body = json_path(line, "response.body");
    return body ? body : json_path(line, "result.message");
}

static bool was_cut(const struct json *answer)
{
    const struct json *choices = json_get(answer, "choices");
    bool several = choices && choices->type == JSON_ARRAY;
    for (const struct json *c = several ? choices->first : NULL; c; c = c->next) {
        if (json_is(json_get(c, "finish_reason"), "length"))
            return true;
    }
    return json_is(json_get(answer, "stop_reason"), "max_tokens") ||
           json_is(json_path(answer, "incomplete_details.reason"), "max_output_tokens");
}

static void take_line(const struct json *line, struct outputs *out, struct answered *a)
{
    const struct json *answer = answer_of(line);
    struct usage u = usage_of(answer);
    if (u.output_tokens <= 0) {
        a->others++;
        return;
    }
    a->answers++;
    a->cut += was_cut(answer);
    outputs_add(out, u.output_tokens);
}

enum sl_err answered_read(const char *path, struct outputs *out, struct answered *a,
                          struct diag *diag)
{
    struct lines *lines = NULL;
    struct arena arena = {0};
    struct line line;
    bool more = true;
    *a = (struct answered){0};
    enum sl_err err = lines_open(path, BOUND_RESPONSE_BYTES, &lines, diag);
    while (err == SL_OK && (err = lines_next(lines, &line, &more, diag)) == SL_OK && more) {
        take_line(json_parse(&arena, line.text, NULL), out, a);
        arena_reset(&arena);
    }
    lines_close(&lines);
    arena_free(&arena);
    if (err == SL_OK && !a->answers)
        err = diag_set(diag, SL_MISSING, path,
                       "no line is an answer that says how many tokens it has");
    if (err == SL_OK)
        outputs_settle(out);
    return err;
}
