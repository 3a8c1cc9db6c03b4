/* script.c: streamed answers: the event sequences of every API, cut into steps.
 *
 * Providers send a delta per token or so; here at most DELTAS per choice, each with several
 * tokens, so that a load test is not spent on writing small chunks. */
#include "answer.h"
#include "arena.h"

#include <stdlib.h>

enum { DELTAS = 64 };

static void step_end(struct script *s, int64_t tokens)
{
    s->steps = mem_grow(s->steps, (s->count + 1) * sizeof *s->steps);
    s->steps[s->count++] = (struct script_step){s->bytes.n, tokens};
}

void script_free(struct script *s)
{
    buf_free(&s->bytes);
    free(s->steps);
    *s = (struct script){0};
}

/* Calls `delta` for every piece of a choice, each a step of its own. */
static void each_delta(const struct answer *a, int64_t choice, struct script *s,
                       void (*delta)(const struct answer *a, int64_t choice, int64_t from,
                                     int64_t to, struct script *s))
{
    int64_t size = (a->output_tokens + DELTAS - 1) / DELTAS;
    for (int64_t from = 0; from < a->output_tokens; from += size) {
        int64_t to = from + size < a->output_tokens ? from + size : a->output_tokens;
        delta(a, choice, from, to, s);
        step_end(s, to - from);
    }
}

/* ---- chat completions and completions ---- */

static void chunk_open(const struct answer *a, struct buf *b)
{
    bool chat = a->query->api == API_CHAT;
    buf_puts(b, "data: {\"id\":\"");
    answer_id(a, chat ? "chatcmpl-" : "cmpl-", b);
    buf_printf(b, "\",\"object\":\"%s\",\"created\":%lld,\"model\":",
               chat ? "chat.completion.chunk" : "text_completion", answer_created(a));
    buf_json(b, a->query->model);
    buf_puts(b, ",\"service_tier\":\"default\",\"system_fingerprint\":\"fp_emulated\","
                "\"choices\":[");
}

static void chunk_close(const struct answer *a, struct buf *b)
{
    buf_puts(b, a->query->include_usage ? "],\"usage\":null}\n\n" : "]}\n\n");
}

static void choice_open(const struct answer *a, int64_t choice, struct buf *b)
{
    chunk_open(a, b);
    buf_printf(b, "{\"index\":%lld,%s", (long long)choice,
               a->query->api == API_CHAT ? "\"delta\":{" : "\"text\":\"");
}

static void choice_close(const struct answer *a, const char *finish, struct buf *b)
{
    buf_printf(b, "%s,\"logprobs\":null,\"finish_reason\":%s}",
               a->query->api == API_CHAT ? "}" : "\"", finish);
    chunk_close(a, b);
}

static void chat_delta(const struct answer *a, int64_t choice, int64_t from, int64_t to,
                       struct script *s)
{
    bool chat = a->query->api == API_CHAT;
    choice_open(a, choice, &s->bytes);
    buf_puts(&s->bytes, chat ? "\"content\":\"" : "");
    answer_text(a, choice, from, to, &s->bytes);
    buf_puts(&s->bytes, chat ? "\"" : "");
    choice_close(a, "null", &s->bytes);
}

static void chat_script(const struct answer *a, struct script *s)
{
    struct buf *b = &s->bytes;
    for (int64_t c = 0; c < a->query->choices; c++) {
        if (a->query->api == API_CHAT) {
            choice_open(a, c, b);
            buf_puts(b, "\"role\":\"assistant\",\"content\":\"\",\"refusal\":null");
            choice_close(a, "null", b);
        }
        step_end(s, 0);
        each_delta(a, c, s, chat_delta);
        choice_open(a, c, b);
        choice_close(a, a->cut ? "\"length\"" : "\"stop\"", b);
    }
    if (a->query->include_usage) {
        chunk_open(a, b);
        buf_puts(b, "],\"usage\":");
        answer_usage(a, b);
        buf_puts(b, "}\n\n");
    }
    buf_puts(b, "data: [DONE]\n\n");
    step_end(s, 0);
}

/* ---- responses ---- */

static void event_open(struct buf *b, const char *type, size_t sequence)
{
    buf_printf(b, "event: %s\ndata: {\"type\":\"%s\",\"sequence_number\":%zu,", type, type,
               sequence);
}

static void part_fields(const struct answer *a, struct buf *b)
{
    buf_puts(b, "\"item_id\":\"");
    answer_id(a, "msg_", b);
    buf_puts(b, "\",\"output_index\":0,\"content_index\":0,");
}

static void part_event(const struct answer *a, const char *type, size_t sequence, bool ended,
                       struct buf *b)
{
    event_open(b, type, sequence);
    part_fields(a, b);
    buf_puts(b, "\"part\":{\"type\":\"output_text\",\"text\":\"");
    if (ended)
        answer_text(a, 0, 0, a->output_tokens, b);
    buf_puts(b, "\",\"annotations\":[],\"logprobs\":[]}}\n\n");
}

static void item_event(const struct answer *a, const char *type, size_t sequence, bool ended,
                       struct buf *b)
{
    event_open(b, type, sequence);
    buf_puts(b, "\"output_index\":0,\"item\":");
    answer_response_item(a, ended, b);
    buf_puts(b, "}\n\n");
}

static void response_event(const struct answer *a, const char *type, size_t sequence,
                           bool ended, struct buf *b)
{
    event_open(b, type, sequence);
    buf_puts(b, "\"response\":");
    answer_response(a, ended, b);
    buf_puts(b, "}\n\n");
}

static void response_delta(const struct answer *a, int64_t choice, int64_t from, int64_t to,
                           struct script *s)
{
    /* the first step holds the opening events, every later one a single delta */
    event_open(&s->bytes, "response.output_text.delta", ANSWER_OPENING + s->count - 1);
    part_fields(a, &s->bytes);
    buf_puts(&s->bytes, "\"delta\":\"");
    answer_text(a, choice, from, to, &s->bytes);
    buf_puts(&s->bytes, "\",\"logprobs\":[]}\n\n");
}

static void responses_script(const struct answer *a, struct script *s)
{
    struct buf *b = &s->bytes;
    response_event(a, "response.created", 0, false, b);
    response_event(a, "response.in_progress", 1, false, b);
    item_event(a, "response.output_item.added", 2, false, b);
    part_event(a, "response.content_part.added", 3, false, b);
    step_end(s, 0);
    each_delta(a, 0, s, response_delta);
    size_t sequence = ANSWER_OPENING + s->count - 1;
    event_open(b, "response.output_text.done", sequence++);
    part_fields(a, b);
    buf_puts(b, "\"text\":\"");
    answer_text(a, 0, 0, a->output_tokens, b);
    buf_puts(b, "\",\"logprobs\":[]}\n\n");
    part_event(a, "response.content_part.done", sequence++, true, b);
    item_event(a, "response.output_item.done", sequence++, true, b);
    response_event(a, a->cut ? "response.incomplete" : "response.completed", sequence, true, b);
    step_end(s, 0);
}

/* ---- messages ---- */

static void message_delta(const struct answer *a, int64_t choice, int64_t from, int64_t to,
                          struct script *s)
{
    buf_puts(&s->bytes,
             "event: content_block_delta\ndata: {\"type\":\"content_block_delta\",\"index\":0,"
             "\"delta\":{\"type\":\"text_delta\",\"text\":\"");
    answer_text(a, choice, from, to, &s->bytes);
    buf_puts(&s->bytes, "\"}}\n\n");
}

static void messages_script(const struct answer *a, struct script *s)
{
    struct buf *b = &s->bytes;
    buf_puts(b, "event: message_start\ndata: {\"type\":\"message_start\",\"message\":");
    answer_message(a, false, b);
    buf_puts(b, "}\n\nevent: content_block_start\ndata: {\"type\":\"content_block_start\","
                "\"index\":0,\"content_block\":{\"type\":\"text\",\"text\":\"\"}}\n\n"
                "event: ping\ndata: {\"type\":\"ping\"}\n\n");
    step_end(s, 0);
    each_delta(a, 0, s, message_delta);
    buf_printf(b,
               "event: content_block_stop\ndata: {\"type\":\"content_block_stop\",\"index\":0}"
               "\n\nevent: message_delta\ndata: {\"type\":\"message_delta\",\"delta\":"
               "{\"stop_reason\":\"%s\",\"stop_sequence\":null},\"usage\":"
               "{\"output_tokens\":%lld}}\n\n"
               "event: message_stop\ndata: {\"type\":\"message_stop\"}\n\n",
               a->cut ? "max_tokens" : "end_turn", (long long)answer_output_tokens(a));
    step_end(s, 0);
}

void answer_script(const struct answer *a, struct script *out)
{
    if (a->query->api == API_MESSAGES)
        messages_script(a, out);
    else if (a->query->api == API_RESPONSES)
        responses_script(a, out);
    else
        chat_script(a, out);
}
