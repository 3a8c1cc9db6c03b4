/* batches.c: OpenAI's batches: made of a file, read, listed, cancelled. A file's contents are
 * judged later, in the batch's state "validating". */
#include "jobs.h"
#include "member.h"
#include "paging.h"

enum { DAY_S = 86400, LIVES_LEAST_S = 3600 };

/* ---- writing one ---- */

static void write_errors(struct buf *out, const struct job *j)
{
    buf_puts(out, ",\"errors\":");
    if (j->state != JOB_FAILED) {
        buf_puts(out, "null");
        return;
    }
    buf_puts(out, "{\"object\":\"list\",\"data\":[");
    for (size_t i = 0; i < j->error_count; i++) {
        const struct job_error *error = &j->errors[i];
        buf_printf(out, "%s{\"code\":\"%s\"", i ? "," : "", error->code);
        member_count(out, "line", error->line ? error->line : -1);
        member_text(out, "message", error->message);
        member_text(out, "param", str_of(error->param));
        buf_char(out, '}');
    }
    buf_puts(out, "]}");
}

static void write_batch(const struct job *j, const struct job_world *w, struct buf *out)
{
    static const struct {
        const char *key;
        enum job_state state;
    } times[] = {{"in_progress_at", JOB_IN_PROGRESS}, {"finalizing_at", JOB_FINALIZING},
                 {"completed_at", JOB_COMPLETED},     {"failed_at", JOB_FAILED},
                 {"expired_at", JOB_EXPIRED},         {"cancelling_at", JOB_CANCELLING},
                 {"cancelled_at", JOB_CANCELLED}};
    bool judged = j->at_us[JOB_IN_PROGRESS] >= 0;
    int64_t tokens = j->used_input + j->used_output;
    buf_puts(out, "{\"object\":\"batch\"");
    member_text(out, "id", j->id);
    member_text(out, "endpoint", j->endpoint);
    member_text(out, "model", judged ? j->model : (struct str){0});
    write_errors(out, j);
    member_text(out, "input_file_id", j->input_file_id);
    buf_printf(out, ",\"completion_window\":\"24h\",\"status\":\"%s\"",
               job_state_name(j->state));
    member_text(out, "output_file_id", j->output_file_id);
    member_text(out, "error_file_id", j->error_file_id);
    registry_write_time(w->registry, out, "created_at", j->created_us);
    registry_write_time(w->registry, out, "expires_at", j->expires_us);
    for (size_t i = 0; i < sizeof times / sizeof *times; i++)
        registry_write_time(w->registry, out, times[i].key, j->at_us[times[i].state]);
    /* requests that expired are not counted as failed: seen, warmbly/warmbly#333 */
    buf_printf(out,
               ",\"request_counts\":{\"total\":%zu,\"completed\":%lld,\"failed\":%lld},"
               "\"usage\":{\"input_tokens\":%lld,\"input_tokens_details\":"
               "{\"cached_tokens\":0},\"output_tokens\":%lld,\"output_tokens_details\":"
               "{\"reasoning_tokens\":0},\"total_tokens\":%lld},\"metadata\":",
               judged ? j->count : 0, (long long)j->succeeded, (long long)j->failed,
               (long long)j->used_input, (long long)j->used_output, (long long)tokens);
    buf_add(out, j->metadata);
    buf_char(out, '}');
}

/* ---- creating ---- */

static bool find_api(struct errand *e, struct str endpoint, enum target_api *api)
{
    static const struct {
        const char *endpoint;
        enum target_api api;
    } rows[] = {{"/v1/chat/completions", API_CHAT},
                {"/v1/completions", API_COMPLETIONS},
                {"/v1/embeddings", API_EMBEDDINGS},
                {"/v1/responses", API_RESPONSES}};
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        if (str_eq(endpoint, str_of(rows[i].endpoint))) {
            *api = rows[i].api;
            return true;
        }
    }
    errand_refuse(e, 400, "endpoint", "invalid_value",
                  "Invalid value: '%.*s'. Supported values are: '/v1/chat/completions', "
                  "'/v1/completions', '/v1/embeddings', and '/v1/responses'.",
                  STR_ARG(str_cut(endpoint, 100)));
    return false;
}

/* How long output files live; false with a refusal. */
static bool read_lifetime(struct errand *e, const struct json *root, int64_t *lives_s)
{
    const struct json *after = json_get(root, "output_expires_after");
    if (!after || after->type == JSON_NULL)
        return true;
    if (json_is(json_get(after, "anchor"), "created_at") &&
        json_int(json_get(after, "seconds"), lives_s) == SL_OK && *lives_s >= LIVES_LEAST_S &&
        *lives_s <= 30 * DAY_S)
        return true;
    errand_refuse(e, 400, "output_expires_after", "invalid_value",
                  "Invalid 'output_expires_after': expected anchor created_at and %d to %d "
                  "seconds.",
                  LIVES_LEAST_S, 30 * DAY_S);
    return false;
}

/* A file that is not there is told by a batch that fails: seen, 2025-08. */
static void attach_file(struct job *j, const struct job_world *w, int64_t now_us)
{
    struct store_file *f = store_find(w->store, j->input_file_id, now_us);
    if (f && str_eq(f->purpose, STR("batch")))
        j->input = spool_share(f->bytes);
    else
        job_complain(j, "invalid_request", "file_id", 0,
                     "Cannot find file %.*s%s, or organization org-emulated does not have "
                     "access to it.",
                     STR_ARG(str_cut(j->input_file_id, 100)),
                     f ? " among the files of purpose batch" : "");
}

static void create(struct jobs *s, struct errand *e)
{
    const struct job_world *w = &s->world;
    const struct json *root = errand_object(e);
    struct str file = {0}, endpoint = {0}, window = {0}, metadata;
    enum target_api api;
    int64_t lives_s = 30 * DAY_S;
    if (root)
        file = errand_string(e, root, "input_file_id");
    if (file.p)
        endpoint = errand_string(e, root, "endpoint");
    if (!endpoint.p || !find_api(e, endpoint, &api))
        return;
    window = errand_string(e, root, "completion_window");
    if (window.p && !str_eq(window, STR("24h")))
        errand_refuse(e, 400, "completion_window", "invalid_value",
                      "Invalid value: '%.*s'. Supported values are: '24h'.",
                      STR_ARG(str_cut(window, 100)));
    if (e->status || !errand_metadata(e, root, &metadata) || !read_lifetime(e, root, &lives_s))
        return;
    struct job *j = job_new(w, "batch_", e->now_us);
    j->api = api;
    j->endpoint = arena_copy(&j->arena, endpoint);
    j->input_file_id = arena_copy(&j->arena, file);
    j->metadata = arena_copy(&j->arena, metadata);
    j->output_lives_s = lives_s;
    attach_file(j, w, e->now_us);
    write_batch(j, w, e->out);
    e->status = 200;
    jobs_add(s, &j);
}

/* ---- listing, one batch ---- */

static struct str listed_id(const void *ctx, size_t item)
{
    const struct job *j = ((const struct jobs *)ctx)->items[item];
    return j->anthropic ? (struct str){0} : j->id;
}

static void write_listed(const void *ctx, size_t item, struct buf *out)
{
    const struct jobs *s = ctx;
    write_batch(s->items[item], &s->world, out);
}

static void cancel(struct job *j, struct errand *e)
{
    /* seen: so for completed and failed; a cancelled one may be cancelled again */
    if (job_is_over(j) && j->state != JOB_CANCELLED)
        errand_refuse(e, 409, NULL, NULL, "Cannot cancel a batch with status '%s'.",
                      job_state_name(j->state));
    else
        job_cancel(j, e->now_us);
}

void batches_serve(struct jobs *s, struct errand *e)
{
    if (e->to->verb == TARGET_CREATE) {
        create(s, e);
        return;
    }
    if (e->to->verb == TARGET_LIST) {
        const struct paging_source from = {s, s->count, listed_id, write_listed};
        paging_serve(e, &paging_openai, &from);
        return;
    }
    struct job *j = jobs_find(s, false, e->to->ids[0]);
    if (!j) {
        errand_refuse(e, 404, NULL, NULL, "No batch found with id '%.*s'.",
                      STR_ARG(str_cut(e->to->ids[0], 100)));
        return;
    }
    if (e->to->verb == TARGET_CANCEL)
        cancel(j, e);
    if (e->status)
        return;
    write_batch(j, &s->world, e->out);
    e->status = 200;
}
