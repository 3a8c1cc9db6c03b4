/* message_batches.c: Anthropic's message batches. The envelope is judged at once, each request
 * when it is carried out, as Anthropic says. */
#include "jobs.h"
#include "keyset.h"
#include "member.h"
#include "paging.h"

enum {
    REQUESTS_MAX = 100000,
    ID_CHARS_MAX = 64,
    RESULTS_S = 29 * 86400, /* how long results are kept */
};

/* ---- writing one ---- */

static int64_t archived_us(const struct job *j, const struct job_world *w)
{
    return j->created_us + registry_span_us(w->registry, RESULTS_S);
}

static int64_t ended_us(const struct job *j)
{
    return job_is_over(j) ? j->at_us[j->state] : -1;
}

static const char *status_of(const struct job *j)
{
    return job_is_over(j) ? "ended" : j->state == JOB_CANCELLING ? "canceling" : "in_progress";
}

/* What a list is written from. */
struct view {
    const struct jobs *jobs;
    struct str base_url;
    int64_t now_us;
};

static void write_batch(const struct view *v, const struct job *j, struct buf *out)
{
    const struct job_world *w = &v->jobs->world;
    bool over = job_is_over(j);
    int64_t archived = archived_us(j, w);
    buf_puts(out, "{\"type\":\"message_batch\"");
    member_text(out, "id", j->id);
    member_text(out, "processing_status", str_of(status_of(j)));
    /* the counts move only when the whole batch has ended */
    buf_printf(out,
               ",\"request_counts\":{\"processing\":%lld,\"succeeded\":%lld,\"errored\":%lld,"
               "\"canceled\":%lld,\"expired\":%lld}",
               (long long)(over ? 0 : j->count), (long long)(over ? j->succeeded : 0),
               (long long)(over ? j->failed : 0), (long long)(over ? j->cancelled : 0),
               (long long)(over ? j->expired : 0));
    registry_write_instant(w->registry, out, "ended_at", ended_us(j));
    registry_write_instant(w->registry, out, "created_at", j->created_us);
    registry_write_instant(w->registry, out, "expires_at", j->expires_us);
    registry_write_instant(w->registry, out, "archived_at",
                           archived <= v->now_us ? archived : -1);
    registry_write_instant(w->registry, out, "cancel_initiated_at", j->at_us[JOB_CANCELLING]);
    struct buf url = {0};
    if (over)
        buf_printf(&url, "%.*smessages/batches/%.*s/results", STR_ARG(v->base_url),
                   STR_ARG(j->id));
    member_text(out, "results_url", buf_str(&url));
    buf_free(&url);
    buf_char(out, '}');
}

/* ---- creating ---- */

static bool is_id(struct str s)
{
    for (size_t i = 0; i < s.n; i++) {
        char c = s.p[i];
        bool good = (c >= '0' && c <= '9') || (c >= 'A' && c <= 'Z') ||
                    (c >= 'a' && c <= 'z') || c == '_' || c == '-';
        if (!good)
            return false;
    }
    return s.n > 0 && s.n <= ID_CHARS_MAX;
}

/* One request's envelope; false with a refusal. */
static bool request_is_good(struct errand *e, const struct json *request, size_t number,
                            struct keyset *ids)
{
    const struct json *id = json_get(request, "custom_id"),
                      *params = json_get(request, "params");
    const char *wrong = NULL, *field = ".custom_id";
    if (request->type != JSON_OBJECT) {
        field = "";
        wrong = "Input should be an object";
    } else if (!id) {
        wrong = "Field required";
    } else if (id->type != JSON_STRING) {
        wrong = "Input should be a valid string";
    } else if (id->text.n > ID_CHARS_MAX) {
        wrong = "String should have at most 64 characters";
    } else if (!is_id(id->text)) {
        wrong = "String should match pattern '^[a-zA-Z0-9_-]{1,64}$'";
    } else if (!keyset_add(ids, id->text)) {
        wrong = "custom_id values must be unique in a batch";
    } else if (!params || params->type != JSON_OBJECT) {
        field = ".params";
        wrong = params ? "Input should be an object" : "Field required";
    }
    if (wrong)
        errand_refuse(e, 400, NULL, NULL, "requests.%zu%s: %s", number, field, wrong);
    return !wrong;
}

/* The list of requests; NULL with a refusal. */
static const struct json *read_requests(struct errand *e, const struct json *root)
{
    const struct json *list = json_get(root, "requests");
    struct keyset ids = {0};
    size_t number = 0;
    const char *wrong = NULL;
    if (!list)
        wrong = "Field required";
    else if (list->type != JSON_ARRAY)
        wrong = "Input should be a valid list";
    else if (list->count == 0)
        wrong = "List should have at least 1 item";
    else if (list->count > REQUESTS_MAX)
        wrong = "List should have at most 100000 items";
    if (wrong) {
        errand_refuse(e, 400, NULL, NULL, "requests: %s", wrong);
        return NULL;
    }
    const struct json *v = list->first;
    while (v && request_is_good(e, v, number++, &ids))
        v = v->next;
    keyset_free(&ids);
    return v ? NULL : list;
}

static bool queue_has_room(const struct jobs *s, struct errand *e, size_t requests)
{
    int64_t limit = s->world.config->batch_requests;
    if (!limit || jobs_waiting(s) + (int64_t)requests <= limit)
        return true;
    struct buf text = {0};
    buf_thousands(&text, limit);
    errand_refuse(e, 429, NULL, NULL,
                  "This request would exceed the rate limit for your organization "
                  "(org-emulated) of %s batch requests in the processing queue. For details, "
                  "refer to: https://docs.anthropic.com/en/api/rate-limits. Please try again "
                  "later.",
                  buf_cstr(&text));
    buf_free(&text);
    return false;
}

static void create(struct jobs *s, const struct view *v, struct errand *e)
{
    const struct json *root = errand_object(e);
    const struct json *list = root ? read_requests(e, root) : NULL;
    struct diag diag = {{0}, {0}};
    if (!list || !queue_has_room(s, e, list->count))
        return;
    struct job *j = job_new(&s->world, "msgbatch_01", e->now_us);
    j->anthropic = true;
    j->api = API_MESSAGES;
    j->input = spool_new();
    struct str body = str_trim(e->body);
    if (spool_add(j->input, body, &diag) != SL_OK) {
        errand_refuse(e, 500, NULL, NULL, "%s", diag.what);
        job_free(&j);
        return;
    }
    for (const struct json *request = list->first; request; request = request->next)
        job_add_line(j, request->raw.p - body.p, request->raw.n);
    job_begin(j, &s->world, e->now_us);
    write_batch(v, j, e->out);
    e->status = 200;
    jobs_add(s, &j);
}

/* ---- listing, one batch ---- */

static struct str listed_id(const void *ctx, size_t item)
{
    const struct job *j = ((const struct view *)ctx)->jobs->items[item];
    return j->anthropic && !j->deleted ? j->id : (struct str){0};
}

static void write_listed(const void *ctx, size_t item, struct buf *out)
{
    const struct view *v = ctx;
    write_batch(v, v->jobs->items[item], out);
}

static void serve_one(const struct view *v, struct job *j, struct errand *e)
{
    bool over = job_is_over(j);
    if (e->to->verb == TARGET_CONTENT) {
        if (!over || archived_us(j, &v->jobs->world) <= e->now_us) {
            errand_refuse(e, 404, NULL, NULL, "Message batch %.*s has no results %s.",
                          STR_ARG(j->id), over ? "any more" : "yet");
            return;
        }
        e->content = spool_share(j->results);
    } else if (e->to->verb == TARGET_DELETE) {
        if (!over) {
            errand_refuse(e, 400, NULL, NULL,
                          "Message batch %.*s cannot be deleted while it is processed: cancel "
                          "it first.",
                          STR_ARG(j->id));
            return;
        }
        j->deleted = true;
        buf_puts(e->out, "{\"type\":\"message_batch_deleted\"");
        member_text(e->out, "id", j->id);
        buf_char(e->out, '}');
    } else if (e->to->verb == TARGET_CANCEL && over) {
        errand_refuse(e, 400, NULL, NULL, "Message batch %.*s has already ended.",
                      STR_ARG(j->id));
        return;
    } else {
        if (e->to->verb == TARGET_CANCEL)
            job_cancel(j, e->now_us);
        write_batch(v, j, e->out);
    }
    e->status = 200;
}

void message_batches_serve(struct jobs *s, struct errand *e)
{
    const struct view v = {s, e->base_url, e->now_us};
    if (e->to->verb == TARGET_CREATE) {
        create(s, &v, e);
    } else if (e->to->verb == TARGET_LIST) {
        const struct paging_source from = {&v, s->count, listed_id, write_listed};
        paging_serve(e, &paging_anthropic, &from);
    } else {
        struct job *j = jobs_find(s, true, e->to->ids[0]);
        if (j)
            serve_one(&v, j, e);
        else
            errand_refuse(e, 404, NULL, NULL, "Message batch not found: %.*s",
                          STR_ARG(str_cut(e->to->ids[0], 100)));
    }
}
