/* answer.c: whole answers of every API. See answer.h. */
#include "answer.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

static const char words[64][4] = {
    "the", "sun", "was", "hot", "and", "dry", "all", "day", "our", "old", "dog", "ran", "out",
    "his", "own", "way", "for", "one", "new", "red", "hat", "she", "saw", "two", "big", "men",
    "sit", "too", "far", "off", "any", "car", "but", "now", "who", "can", "say", "why", "not",
    "try", "add", "six", "ten", "per", "sum", "has", "had", "let", "see", "how", "bit", "end",
    "job", "key", "low", "mid", "net", "odd", "put", "run", "set", "top", "use", "yet"};

/* Source: the finaliser of splitmix64, as in random.h. */
static uint64_t mix(uint64_t x)
{
    struct random r = {x};
    return random_next(&r);
}

uint64_t answer_hash(uint64_t seed, struct str body)
{
    uint64_t h = mix(seed ^ body.n);
    size_t i = 0;
    for (; i + 8 <= body.n; i += 8) {
        uint64_t word;
        memcpy(&word, body.p + i, 8);
        h = mix(h ^ word);
    }
    uint64_t rest = 0;
    if (body.n > i)
        memcpy(&rest, body.p + i, body.n - i);
    return mix(h ^ rest);
}

struct answer answer_draw(const struct query *p, uint64_t hash, const struct spread *length)
{
    struct random r = {hash};
    struct answer a = {.query = p, .hash = hash, .output_tokens = spread_draw(length, &r)};
    if (a.output_tokens < 1)
        a.output_tokens = 1;
    if (p->max_tokens && a.output_tokens >= p->max_tokens) {
        a.cut = a.output_tokens > p->max_tokens;
        a.output_tokens = p->max_tokens;
    }
    if (p->api == API_EMBEDDINGS || p->api == API_COUNT_TOKENS)
        a.output_tokens = 0;
    return a;
}

int64_t answer_output_tokens(const struct answer *a)
{
    return a->output_tokens * a->query->choices;
}

/* Some second of the four months after 2026-01-01: real enough, and the same every time. */
long long answer_created(const struct answer *a)
{
    return 1767225600 + (long long)(a->hash % 10368000);
}

void answer_id(const struct answer *a, const char *prefix, struct buf *out)
{
    buf_printf(out, "%s%016llx%08llx", prefix, (unsigned long long)a->hash,
               (unsigned long long)(mix(a->hash) >> 32));
}

void answer_text(const struct answer *a, int64_t choice, int64_t from, int64_t to,
                 struct buf *out)
{
    buf_reserve(out, (size_t)(to - from) * 4);
    for (int64_t i = from; i < to; i++) {
        uint64_t pick = mix(a->hash + (uint64_t)choice * 0x10001 + (uint64_t)i) >> 58;
        buf_add(out, (struct str){words[pick], 3});
        buf_char(out, i + 1 == a->output_tokens && !a->cut ? '.' : ' ');
    }
}

void answer_usage(const struct answer *a, struct buf *out)
{
    long long in = a->query->input_tokens, made = answer_output_tokens(a);
    buf_printf(out,
               "{\"prompt_tokens\":%lld,\"completion_tokens\":%lld,\"total_tokens\":%lld,"
               "\"prompt_tokens_details\":{\"cached_tokens\":0,\"audio_tokens\":0},"
               "\"completion_tokens_details\":{\"reasoning_tokens\":0,\"audio_tokens\":0,"
               "\"accepted_prediction_tokens\":0,\"rejected_prediction_tokens\":0}}",
               in, made, in + made);
}

static void chat_body(const struct answer *a, struct buf *out)
{
    bool chat = a->query->api == API_CHAT;
    buf_puts(out, "{\"id\":\"");
    answer_id(a, chat ? "chatcmpl-" : "cmpl-", out);
    buf_printf(out, "\",\"object\":\"%s\",\"created\":%lld,\"model\":",
               chat ? "chat.completion" : "text_completion", answer_created(a));
    buf_json(out, a->query->model);
    buf_puts(out, ",\"choices\":[");
    for (int64_t c = 0; c < a->query->choices; c++) {
        buf_printf(out, "%s{\"index\":%lld,%s\"", c ? "," : "", (long long)c,
                   chat ? "\"message\":{\"role\":\"assistant\",\"content\":" : "\"text\":");
        answer_text(a, c, 0, a->output_tokens, out);
        buf_printf(out, "\"%s,\"logprobs\":null,\"finish_reason\":\"%s\"}",
                   chat ? ",\"refusal\":null,\"annotations\":[]}" : "",
                   a->cut ? "length" : "stop");
    }
    buf_puts(out, "],\"usage\":");
    answer_usage(a, out);
    buf_puts(out, ",\"service_tier\":\"default\",\"system_fingerprint\":\"fp_emulated\"}");
}

void answer_response_item(const struct answer *a, bool ended, struct buf *out)
{
    buf_puts(out, "{\"type\":\"message\",\"id\":\"");
    answer_id(a, "msg_", out);
    buf_printf(out, "\",\"status\":\"%s\",\"role\":\"assistant\",\"content\":[",
               !ended   ? "in_progress"
               : a->cut ? "incomplete"
                        : "completed");
    if (ended) {
        buf_puts(out, "{\"type\":\"output_text\",\"text\":\"");
        answer_text(a, 0, 0, a->output_tokens, out);
        buf_puts(out, "\",\"annotations\":[],\"logprobs\":[]}");
    }
    buf_puts(out, "]}");
}

void answer_response(const struct answer *a, bool ended, struct buf *out)
{
    long long in = a->query->input_tokens, made = answer_output_tokens(a);
    buf_puts(out, "{\"id\":\"");
    answer_id(a, "resp_", out);
    buf_printf(out,
               "\",\"object\":\"response\",\"created_at\":%lld,\"status\":\"%s\","
               "\"error\":null,\"incomplete_details\":%s,\"instructions\":null,"
               "\"metadata\":{},\"model\":",
               answer_created(a),
               !ended   ? "in_progress"
               : a->cut ? "incomplete"
                        : "completed",
               ended && a->cut ? "{\"reason\":\"max_output_tokens\"}" : "null");
    buf_json(out, a->query->model);
    buf_puts(out, ",\"output\":[");
    if (ended)
        answer_response_item(a, true, out);
    buf_puts(out, "],\"parallel_tool_calls\":true,\"temperature\":1.0,\"tool_choice\":\"auto\","
                  "\"tools\":[],\"top_p\":1.0,\"usage\":");
    if (ended)
        buf_printf(out,
                   "{\"input_tokens\":%lld,\"input_tokens_details\":{\"cached_tokens\":0},"
                   "\"output_tokens\":%lld,\"output_tokens_details\":{\"reasoning_tokens\":0},"
                   "\"total_tokens\":%lld}}",
                   in, made, in + made);
    else
        buf_puts(out, "null}");
}

void answer_message(const struct answer *a, bool ended, struct buf *out)
{
    buf_puts(out, "{\"id\":\"");
    answer_id(a, "msg_01", out);
    buf_puts(out, "\",\"type\":\"message\",\"role\":\"assistant\",\"model\":");
    buf_json(out, a->query->model);
    buf_puts(out, ",\"content\":[");
    if (ended) {
        buf_puts(out, "{\"type\":\"text\",\"text\":\"");
        answer_text(a, 0, 0, a->output_tokens, out);
        buf_puts(out, "\"}");
    }
    buf_printf(out,
               "],\"stop_reason\":%s,\"stop_sequence\":null,\"usage\":{\"input_tokens\":%lld,"
               "\"cache_creation_input_tokens\":0,\"cache_read_input_tokens\":0,"
               "\"output_tokens\":%lld}}",
               !ended   ? "null"
               : a->cut ? "\"max_tokens\""
                        : "\"end_turn\"",
               (long long)a->query->input_tokens,
               (long long)(ended ? answer_output_tokens(a) : 1));
}

static void base64_write(struct buf *out, const unsigned char *p, size_t n)
{
    static const char digits[] =
        "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    for (size_t i = 0; i < n; i += 3) {
        size_t left = n - i;
        uint32_t v = (uint32_t)p[i] << 16 | (left > 1 ? (uint32_t)p[i + 1] << 8 : 0) |
                     (left > 2 ? p[i + 2] : 0);
        buf_char(out, digits[v >> 18]);
        buf_char(out, digits[v >> 12 & 63]);
        buf_char(out, left > 1 ? digits[v >> 6 & 63] : '=');
        buf_char(out, left > 2 ? digits[v & 63] : '=');
    }
}

/* A vector of length one in a random direction. */
static void vector_write(const struct answer *a, int64_t index, struct buf *out)
{
    enum { MOST = 4096 };
    float v[MOST] = {0};
    size_t n = (size_t)a->query->dimensions;
    sl_assert(n <= MOST);
    struct random r = {a->hash + (uint64_t)index};
    double square = 0;
    for (size_t i = 0; i < n; i++) {
        v[i] = (float)(random_unit(&r) * 2 - 1);
        square += (double)v[i] * (double)v[i];
    }
    for (size_t i = 0; i < n; i++)
        v[i] = (float)((double)v[i] / sqrt(square > 0 ? square : 1));
    if (a->query->base64) { /* little-endian floats, as this machine has them */
        buf_char(out, '"');
        base64_write(out, (const unsigned char *)v, n * sizeof *v);
        buf_char(out, '"');
        return;
    }
    for (size_t i = 0; i < n; i++)
        buf_printf(out, "%c%.8f", i ? ',' : '[', (double)v[i]);
    buf_char(out, ']');
}

static void embeddings_body(const struct answer *a, struct buf *out)
{
    buf_puts(out, "{\"object\":\"list\",\"data\":[");
    for (int64_t i = 0; i < a->query->vectors; i++) {
        buf_printf(out,
                   "%s{\"object\":\"embedding\",\"index\":%lld,\"embedding\":", i ? "," : "",
                   (long long)i);
        vector_write(a, i, out);
        buf_char(out, '}');
    }
    buf_puts(out, "],\"model\":");
    buf_json(out, a->query->model);
    buf_printf(out, ",\"usage\":{\"prompt_tokens\":%lld,\"total_tokens\":%lld}}",
               (long long)a->query->input_tokens, (long long)a->query->input_tokens);
}

void answer_body(const struct answer *a, struct buf *out)
{
    switch (a->query->api) {
    case API_CHAT:
    case API_COMPLETIONS:
        chat_body(a, out);
        return;
    case API_RESPONSES:
        answer_response(a, true, out);
        return;
    case API_MESSAGES:
        answer_message(a, true, out);
        return;
    case API_EMBEDDINGS:
        embeddings_body(a, out);
        return;
    case API_COUNT_TOKENS:
        buf_printf(out, "{\"input_tokens\":%lld}", (long long)a->query->input_tokens);
        return;
    case API_MODELS:
    case API_MODEL:
    case API_REPORT:
    case API_RESET:
    case API_FILES:
    case API_BATCHES:
    case API_MESSAGE_BATCHES:
    case API_THREADS:
    case API_THREAD_MESSAGES:
    case API_RUNS:
    case API_THING:
    case API_NONE:
    case API_BAD_METHOD:
        break;
    }
    bool has_answers = false;
    sl_assert(has_answers);
}
