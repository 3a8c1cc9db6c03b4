/* thread_api.c: threads, messages and runs over HTTP. Fields are those of the openai SDK's
 * types; what of them is not played (tools, files, streams) is left empty or refused. */
#include "member.h"
#include "paging.h"
#include "threads.h"

enum { RUN_EXPIRES_S = 600 };

/* ---- writing ---- */

static void open_object(struct buf *out, struct str id, const char *object)
{
    buf_printf(out, "{\"object\":\"%s\"", object);
    member_text(out, "id", id);
}

static void close_object(struct buf *out, struct str metadata)
{
    buf_puts(out, ",\"metadata\":");
    buf_add(out, metadata);
    buf_char(out, '}');
}

static void write_thread(const struct threads *s, const struct thread *t, struct buf *out)
{
    open_object(out, t->id, "thread");
    registry_write_time(s->registry, out, "created_at", t->created_us);
    buf_puts(out, ",\"tool_resources\":{}");
    close_object(out, t->metadata);
}

static void write_message(const struct threads *s, const struct thread *t,
                          const struct thread_message *m, struct buf *out)
{
    open_object(out, m->id, "thread.message");
    registry_write_time(s->registry, out, "created_at", m->created_us);
    member_text(out, "thread_id", t->id);
    member_text(out, "role", str_of(m->role));
    buf_puts(out, ",\"status\":\"completed\",\"content\":");
    buf_add(out, m->content);
    member_text(out, "assistant_id", m->assistant_id);
    member_text(out, "run_id", m->run_id);
    registry_write_time(s->registry, out, "completed_at", m->created_us);
    buf_puts(out, ",\"incomplete_at\":null,\"incomplete_details\":null,\"attachments\":[]");
    close_object(out, m->metadata);
}

static void write_run(const struct threads *s, const struct thread_run *r, struct buf *out)
{
    bool answered = r->state == RUN_COMPLETED || r->state == RUN_INCOMPLETE;
    bool active = r->thread->active == r;
    int64_t tokens = r->input_tokens + r->output_tokens;
    open_object(out, r->id, "thread.run");
    registry_write_time(s->registry, out, "created_at", r->at_us[RUN_QUEUED]);
    member_text(out, "thread_id", r->thread->id);
    member_text(out, "assistant_id", r->assistant_id);
    member_text(out, "status", str_of(run_state_name(r->state)));
    registry_write_time(s->registry, out, "started_at", r->at_us[RUN_IN_PROGRESS]);
    registry_write_time(
        s->registry, out, "expires_at",
        active ? r->at_us[RUN_QUEUED] + registry_span_us(s->registry, RUN_EXPIRES_S) : -1);
    registry_write_time(s->registry, out, "cancelled_at", r->at_us[RUN_CANCELLED]);
    registry_write_time(s->registry, out, "failed_at", r->at_us[RUN_FAILED]);
    registry_write_time(s->registry, out, "completed_at", r->at_us[RUN_COMPLETED]);
    buf_puts(out, ",\"required_action\":null,\"last_error\":");
    buf_add(out, r->last_error.n ? r->last_error : STR("null"));
    member_text(out, "model", r->model);
    buf_puts(out, ",\"instructions\":");
    buf_json(out, r->instructions);
    buf_puts(out, ",\"tools\":[],\"temperature\":1.0,\"top_p\":1.0,\"max_prompt_tokens\":null");
    member_count(out, "max_completion_tokens", r->max_tokens ? r->max_tokens : -1);
    buf_printf(
        out,
        ",\"truncation_strategy\":{\"type\":\"auto\",\"last_messages\":null},"
        "\"incomplete_details\":%s,\"response_format\":\"auto\",\"tool_choice\":\"auto\","
        "\"parallel_tool_calls\":true,\"usage\":",
        r->state == RUN_INCOMPLETE ? "{\"reason\":\"max_completion_tokens\"}" : "null");
    if (answered)
        buf_printf(out,
                   "{\"prompt_tokens\":%lld,\"completion_tokens\":%lld,\"total_tokens\":%lld}",
                   (long long)r->input_tokens, (long long)r->output_tokens, (long long)tokens);
    else
        buf_puts(out, "null");
    close_object(out, r->metadata);
}

static void write_deleted(struct errand *e, struct str id, const char *object)
{
    open_object(e->out, id, object);
    buf_puts(e->out, ",\"deleted\":true}");
    e->status = 200;
}

/* ---- reading ---- */

/* Metadata as it is kept: an empty object where none is given. False with a refusal. */
static bool take_metadata(struct errand *e, const struct json *root, struct arena *to,
                          struct str *out)
{
    struct str text;
    if (!errand_metadata(e, root, &text))
        return false;
    *out = str_eq(text, STR("null")) ? STR("{}") : arena_copy(to, text);
    return true;
}

static int64_t characters(struct str s)
{
    int64_t n = 0;
    for (size_t i = 0; i < s.n; i++)
        n += ((unsigned char)s.p[i] & 0xC0) != 0x80;
    return n;
}

static void write_text_part(struct buf *out, struct str text)
{
    buf_puts(out, "{\"type\":\"text\",\"text\":{\"value\":");
    buf_json(out, text);
    buf_puts(out, ",\"annotations\":[]}}");
}

/* A text or a list of parts, as it is given back. False with a refusal. */
static bool take_content(struct errand *e, const struct json *content, struct arena *to,
                         struct thread_message *m)
{
    struct buf text = {0};
    bool good = content && (content->type == JSON_STRING || content->type == JSON_ARRAY);
    if (!good)
        errand_refuse(e, 400, "content", "missing_required_parameter",
                      "Missing required parameter: 'content'.");
    buf_char(&text, '[');
    if (good && content->type == JSON_STRING) {
        write_text_part(&text, content->text);
        m->characters = characters(content->text);
    }
    for (const struct json *p = good ? content->first : NULL; p; p = p->next) {
        buf_puts(&text, p == content->first ? "" : ",");
        struct str said = json_str(json_get(p, "text"));
        if (json_is(json_get(p, "type"), "text"))
            write_text_part(&text, said);
        else
            buf_add(&text, p->raw);
        m->characters += characters(said);
    }
    buf_char(&text, ']');
    m->content = arena_copy(to, buf_str(&text));
    buf_free(&text);
    return good;
}

/* A client's message onto a thread. NULL with a refusal. */
static struct thread_message *take_message(struct threads *s, struct errand *e,
                                           struct thread *t, const struct json *root)
{
    struct thread_message read = {.role = "user"};
    const struct json *role = json_get(root, "role");
    if (!json_is(role, "user") && !json_is(role, "assistant")) {
        errand_refuse(e, 400, "role", "invalid_value",
                      "Invalid value for 'role'. Supported values are: 'user' and "
                      "'assistant'.");
        return NULL;
    }
    if (!take_content(e, json_get(root, "content"), &t->arena, &read) ||
        !take_metadata(e, root, &t->arena, &read.metadata))
        return NULL;
    struct thread_message *m = thread_add_message(s, t, e->now_us);
    if (!m) {
        errand_refuse(e, 400, NULL, NULL, "The thread has no room for more messages.");
        return NULL;
    }
    m->role = json_is(role, "user") ? "user" : "assistant";
    m->content = read.content;
    m->characters = read.characters;
    m->metadata = read.metadata;
    return m;
}

/* A thread as an object describes it. NULL with a refusal. */
static struct thread *take_thread(struct threads *s, struct errand *e, const struct json *root)
{
    struct thread *t = threads_add(s, e->now_us);
    const struct json *messages = json_get(root, "messages");
    if (!t) {
        errand_refuse(e, 400, NULL, NULL, "The account has no room for more threads.");
        return NULL;
    }
    bool good = take_metadata(e, root, &t->arena, &t->metadata);
    for (const struct json *m = messages ? messages->first : NULL; m && good; m = m->next)
        good = take_message(s, e, t, m) != NULL;
    if (good)
        return t;
    thread_delete(t);
    return NULL;
}

/* Assistants are not kept: one that a run does not give a model has the first of the list. */
static struct str usual_model(const struct threads *s)
{
    for (size_t i = 0; i < s->config->model_count; i++) {
        if (!str_eq(s->config->models[i].name, STR("*")))
            return s->config->models[i].name;
    }
    return STR("gpt-4o");
}

/* What a run asks for, judged before it is made. False with a refusal. */
static bool read_run(struct threads *s, struct errand *e, const struct json *root,
                     struct thread_run *out)
{
    const struct json *most = json_get(root, "max_completion_tokens");
    out->assistant_id = errand_string(e, root, "assistant_id");
    if (!out->assistant_id.p)
        return false;
    out->model = json_str(json_get(root, "model"));
    out->model = out->model.n ? out->model : usual_model(s);
    out->instructions = json_str(json_get(root, "instructions"));
    if (json_true(json_get(root, "stream"))) {
        errand_refuse(e, 400, "stream", "unsupported_value",
                      "Runs are not streamed by this emulator.");
    } else if (!roster_find(s->roster, out->model)) {
        errand_refuse(e, 400, "model", "model_not_found",
                      "The requested model '%.*s' does not exist.",
                      STR_ARG(str_cut(out->model, 100)));
    } else if (most && most->type != JSON_NULL &&
               (json_int(most, &out->max_tokens) != SL_OK || out->max_tokens < 1)) {
        errand_refuse(e, 400, "max_completion_tokens", "invalid_value",
                      "Invalid 'max_completion_tokens': expected a whole number above 0.");
    }
    return e->status == 0 && errand_metadata(e, root, &out->metadata);
}

static void start_run(struct threads *s, struct errand *e, struct thread *t,
                      const struct thread_run *like)
{
    struct thread_run *r = thread_add_run(s, t, e->now_us);
    if (!r) {
        errand_refuse(e, 400, NULL, NULL, "The thread has no room for more runs.");
        return;
    }
    r->assistant_id = arena_copy(&t->arena, like->assistant_id);
    r->model = arena_copy(&t->arena, like->model);
    r->instructions = arena_copy(&t->arena, like->instructions);
    r->characters = characters(r->instructions);
    r->max_tokens = like->max_tokens;
    if (!str_eq(like->metadata, STR("null")))
        r->metadata = arena_copy(&t->arena, like->metadata);
    write_run(s, r, e->out);
    e->status = 200;
}

/* ---- lists ---- */

struct listing {
    const struct threads *threads;
    const struct thread *thread;
};

static struct str thread_id(const void *ctx, size_t item)
{
    const struct thread *t = ((const struct listing *)ctx)->threads->items[item];
    return t->gone ? (struct str){0} : t->id;
}

static void list_thread(const void *ctx, size_t item, struct buf *out)
{
    const struct listing *l = ctx;
    write_thread(l->threads, l->threads->items[item], out);
}

static struct str message_id(const void *ctx, size_t item)
{
    const struct thread_message *m = ((const struct listing *)ctx)->thread->messages[item];
    return m->gone ? (struct str){0} : m->id;
}

static void list_message(const void *ctx, size_t item, struct buf *out)
{
    const struct listing *l = ctx;
    write_message(l->threads, l->thread, l->thread->messages[item], out);
}

static struct str run_id(const void *ctx, size_t item)
{
    return ((const struct listing *)ctx)->thread->runs[item]->id;
}

static void list_run(const void *ctx, size_t item, struct buf *out)
{
    const struct listing *l = ctx;
    write_run(l->threads, l->thread->runs[item], out);
}

/* ---- the three collections ---- */

static void change_metadata(struct errand *e, struct arena *to, struct str *metadata)
{
    const struct json *root = errand_object(e);
    if (root && json_get(root, "metadata"))
        (void)take_metadata(e, root, to, metadata);
}

static void serve_threads(struct threads *s, struct errand *e, struct thread *t)
{
    if (e->to->verb == TARGET_LIST) {
        const struct listing l = {s, NULL};
        const struct paging_source from = {&l, s->count, thread_id, list_thread};
        paging_serve(e, &paging_openai, &from);
        return;
    }
    if (e->to->verb == TARGET_CREATE) {
        const struct json *root = errand_object(e);
        t = root ? take_thread(s, e, root) : NULL;
        if (!t)
            return;
    }
    sl_assert(t); /* the path names it */
    if (e->to->verb == TARGET_CHANGE) {
        change_metadata(e, &t->arena, &t->metadata);
    } else if (e->to->verb == TARGET_DELETE) {
        write_deleted(e, t->id, "thread.deleted");
        thread_delete(t);
    }
    if (e->status)
        return;
    write_thread(s, t, e->out);
    e->status = 200;
}

static void serve_messages(struct threads *s, struct errand *e, struct thread *t)
{
    struct thread_message *m = NULL;
    sl_assert(t); /* the path names it */
    if (e->to->verb == TARGET_LIST) {
        const struct listing l = {s, t};
        const struct paging_source from = {&l, t->message_count, message_id, list_message};
        paging_serve(e, &paging_openai, &from);
        return;
    }
    if (e->to->verb == TARGET_CREATE) {
        const struct json *root = errand_object(e);
        if (root && t->active)
            errand_refuse(e, 400, NULL, NULL,
                          "Can't add messages to %.*s while a run %.*s is active.",
                          STR_ARG(t->id), STR_ARG(t->active->id));
        else if (root)
            m = take_message(s, e, t, root);
    } else if (!(m = thread_find_message(t, e->to->ids[1]))) {
        errand_refuse(e, 404, NULL, NULL, "No message found with id '%.*s'.",
                      STR_ARG(str_cut(e->to->ids[1], 100)));
    } else if (e->to->verb == TARGET_CHANGE) {
        change_metadata(e, &t->arena, &m->metadata);
    } else if (e->to->verb == TARGET_DELETE) {
        m->gone = true;
        write_deleted(e, m->id, "thread.message.deleted");
    }
    if (e->status || !m)
        return;
    write_message(s, t, m, e->out);
    e->status = 200;
}

/* POST /v1/threads/runs makes the thread, too. */
static void create_run(struct threads *s, struct errand *e, struct thread *t)
{
    const struct json *root = errand_object(e);
    struct thread_run like = {.max_tokens = 0};
    if (!root || !read_run(s, e, root, &like))
        return;
    if (t && t->active) {
        errand_refuse(e, 400, NULL, NULL, "Thread %.*s already has an active run %.*s.",
                      STR_ARG(t->id), STR_ARG(t->active->id));
        return;
    }
    const struct json *more = json_get(root, "additional_messages");
    bool made = !t;
    if (made)
        t = take_thread(s, e, json_get(root, "thread"));
    for (const struct json *m = t && more ? more->first : NULL; m && !e->status; m = m->next)
        (void)take_message(s, e, t, m);
    if (t && !e->status)
        start_run(s, e, t, &like);
    if (t && made && e->status >= 400)
        thread_delete(t);
}

static void serve_runs(struct threads *s, struct errand *e, struct thread *t)
{
    struct thread_run *r = NULL;
    if (e->to->verb == TARGET_CREATE) {
        create_run(s, e, t);
        return;
    }
    sl_assert(t); /* the path names it */
    if (e->to->verb == TARGET_LIST) {
        const struct listing l = {s, t};
        const struct paging_source from = {&l, t->run_count, run_id, list_run};
        paging_serve(e, &paging_openai, &from);
        return;
    }
    if (!(r = thread_find_run(t, e->to->ids[1])))
        errand_refuse(e, 404, NULL, NULL, "No run found with id '%.*s'.",
                      STR_ARG(str_cut(e->to->ids[1], 100)));
    else if (e->to->verb == TARGET_CANCEL && t->active != r)
        errand_refuse(e, 400, NULL, NULL, "Cannot cancel run with status '%s'.",
                      run_state_name(r->state));
    else if (e->to->verb == TARGET_CANCEL)
        thread_cancel_run(r, e->now_us);
    else if (e->to->verb == TARGET_CHANGE)
        change_metadata(e, &t->arena, &r->metadata);
    if (e->status || !r)
        return;
    write_run(s, r, e->out);
    e->status = 200;
}

void threads_serve(struct threads *s, struct errand *e)
{
    struct str id = e->to->ids[0];
    struct thread *t = id.n ? threads_find(s, id) : NULL;
    if (id.n && !t)
        errand_refuse(e, 404, NULL, NULL, "No thread found with id '%.*s'.",
                      STR_ARG(str_cut(id, 100)));
    else if (e->to->api == API_THREADS)
        serve_threads(s, e, t);
    else if (e->to->api == API_THREAD_MESSAGES)
        serve_messages(s, e, t);
    else
        serve_runs(s, e, t);
}
