/* job_line.c: one request of a batch, in the forms of both providers. What it answers depends
 * on the seed and the request alone, as live; faults on the batch too, so that a request sent
 * again meets another fate. */
#include "answer.h"
#include "denial.h"
#include "job.h"

struct line {
    struct job *job;
    struct job_world *world;
    size_t number;
    struct str text;
    struct arena arena;
    struct random luck;
    const struct json *custom_id;
    const struct json *body; /* OpenAI's body, Anthropic's params */
    struct buf out;
    bool failure; /* belongs into the failures */
};

static bool struck(struct line *l, enum snag snag)
{
    bool happens = rate_happens(l->world->config->snags.ppm[snag], &l->luck);
    l->world->snags[snag] += happens;
    return happens;
}

/* The answer to a good request, or the denial of a bad one. */
static bool answer_line(struct line *l, struct buf *body, struct denial *no)
{
    struct job *j = l->job;
    const struct emulate_config *c = l->world->config;
    struct target to = {.api = j->api};
    struct diag *diag = arena_alloc(&l->arena, sizeof *diag);
    struct query q;
    *no = (struct denial){.kind = DENIAL_BAD_REQUEST,
                          .dialect = j->anthropic ? EMULATE_ANTHROPIC : EMULATE_OPENAI,
                          .api = j->api};
    if (query_of(&to, l->body, &q, diag) != SL_OK) {
        no->field = diag->where;
        no->text = diag->what;
        return false;
    }
    no->model = q.model;
    if (!roster_find(l->world->roster, q.model)) {
        no->kind = DENIAL_NO_MODEL;
        return false;
    }
    if (q.stream) {
        no->field = "stream";
        no->text = "Streaming is not supported in batches";
        return false;
    }
    if (struck(l, SNAG_FAIL)) {
        no->kind = DENIAL_SERVER_ERROR;
        return false;
    }
    struct answer a = answer_draw(&q, answer_hash(c->seed, l->body->raw), &c->output_tokens);
    answer_body(&a, body);
    j->used_input += q.input_tokens;
    j->used_output += answer_output_tokens(&a);
    return true;
}

/* ---- OpenAI ---- */

static void write_response(struct line *l, int status, struct str body)
{
    buf_printf(&l->out, "{\"status_code\":%d,\"request_id\":\"", status);
    if (status)
        buf_printf(&l->out, "%016llx%016llx", (unsigned long long)random_next(&l->luck),
                   (unsigned long long)random_next(&l->luck));
    buf_puts(&l->out, "\",\"body\":");
    buf_add(&l->out, body);
    buf_puts(&l->out, "},\"error\":null}\n");
}

static void openai_run(struct line *l)
{
    struct buf body = {0};
    struct denial no;
    if (struck(l, SNAG_ZERO)) {
        l->job->succeeded++; /* as it is counted there */
        l->failure = true;
        write_response(l, 0, STR("{}"));
    } else if (answer_line(l, &body, &no)) {
        l->job->succeeded++;
        write_response(l, 200, buf_str(&body));
    } else {
        l->job->failed++;
        l->failure = true;
        denial_body(&no, &body);
        write_response(l, denial_status(&no), buf_str(&body));
    }
    buf_free(&body);
}

static void openai_line(struct line *l, enum job_fate fate)
{
    buf_printf(&l->out, "{\"id\":\"batch_req_%016llx%08llx\",\"custom_id\":",
               (unsigned long long)answer_hash(l->number, l->job->id),
               (unsigned long long)l->number);
    buf_add(&l->out, l->custom_id->raw);
    buf_puts(&l->out, ",\"response\":");
    if (fate == JOB_RUN) {
        openai_run(l);
        return;
    }
    l->failure = true;
    buf_puts(
        &l->out,
        fate == JOB_EXPIRE
            ? "null,\"error\":{\"code\":\"batch_expired\",\"message\":\"This request could "
              "not be executed before the completion window expired.\"}}\n"
            : "null,\"error\":{\"code\":\"batch_cancelled\",\"message\":\"This request was "
              "not executed because the batch was cancelled.\"}}\n");
}

/* ---- Anthropic ---- */

static void anthropic_run(struct line *l)
{
    struct buf body = {0};
    struct denial no;
    bool zero = struck(l, SNAG_ZERO);
    if (answer_line(l, &body, &no) && !zero) {
        l->job->succeeded++;
        buf_puts(&l->out, "{\"type\":\"succeeded\",\"message\":");
    } else {
        if (zero)
            no.kind = DENIAL_OVERLOADED;
        l->job->failed++;
        buf_clear(&body);
        denial_body(&no, &body);
        buf_puts(&l->out, "{\"type\":\"errored\",\"error\":");
    }
    buf_add(&l->out, buf_str(&body));
    buf_puts(&l->out, "}}\n");
    buf_free(&body);
}

static void anthropic_line(struct line *l, enum job_fate fate)
{
    buf_puts(&l->out, "{\"custom_id\":");
    buf_add(&l->out, l->custom_id->raw);
    buf_puts(&l->out, ",\"result\":");
    if (fate == JOB_RUN)
        anthropic_run(l);
    else
        buf_puts(&l->out, fate == JOB_EXPIRE ? "{\"type\":\"expired\"}}\n"
                                             : "{\"type\":\"canceled\"}}\n");
}

/* ---- both ---- */

static void carry_out(struct line *l, enum job_fate fate)
{
    struct job *j = l->job;
    int64_t before = j->succeeded;
    uint64_t request = answer_hash(0, l->text);
    if (fate == JOB_RUN)
        seen_admitted(&l->world->seen, request);
    if (j->anthropic)
        anthropic_line(l, fate);
    else
        openai_line(l, fate);
    if (j->succeeded > before && !l->failure)
        seen_answered(&l->world->seen, request);
    j->expired += fate == JOB_EXPIRE;
    j->cancelled += fate == JOB_CANCEL;
}

enum sl_err job_line_done(struct job *j, struct job_world *w, size_t line, enum job_fate fate,
                          struct diag *diag)
{
    struct line l = {.job = j, .world = w, .number = line};
    struct buf text = {0};
    const struct job_line *at = &j->lines[line];
    enum sl_err err = spool_read(j->input, at->offset, at->length, &text, diag);
    l.text = buf_str(&text);
    const struct json *root = err ? NULL : json_parse(&l.arena, l.text, diag);
    if (root) { /* it was parsed before: anything else is a read that failed */
        l.luck = (struct random){answer_hash(w->config->seed + line, j->id)};
        l.custom_id = json_get(root, "custom_id");
        l.body = json_get(root, j->anthropic ? "params" : "body");
        carry_out(&l, fate);
        err = spool_add(l.failure ? j->failures : j->results, buf_str(&l.out), diag);
    }
    buf_free(&l.out);
    buf_free(&text);
    arena_free(&l.arena);
    return root || err ? err : SL_IO;
}
