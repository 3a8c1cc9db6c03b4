/* message.c: what a parsed head says about its own framing.
 *
 * Two readers who disagree on where a message ends are how requests are smuggled. A head passes
 * only if there is one way to read it: at most one Content-Length of plain digits, or one
 * Transfer-Encoding that is exactly "chunked" (HTTP/1.1), never both; one Host per request. */
#include "message.h"

#include <string.h>

struct str message_find(const struct message *m, struct str wanted)
{
    for (size_t i = 0; i < m->header_count; i++) {
        if (str_eq_nocase(m->headers[i].name, wanted))
            return m->headers[i].value;
    }
    return (struct str){0};
}

static size_t count_of(const struct message *m, struct str wanted)
{
    size_t n = 0;
    for (size_t i = 0; i < m->header_count; i++)
        n += str_eq_nocase(m->headers[i].name, wanted);
    return n;
}

static enum sl_err object(struct objection *out, int status, const char *why)
{
    *out = (struct objection){status, why};
    return SL_SYNTAX;
}

static enum sl_err frame_length(struct message *m, struct objection *out)
{
    struct str text = message_header(m, "content-length");
    bool digits = text.n > 0;
    for (size_t i = 0; i < text.n; i++)
        digits = digits && text.p[i] >= '0' && text.p[i] <= '9';
    if (!digits || str_int(text, false, &m->content_length) != SL_OK)
        return object(out, 400, "Content-Length is not a plain number");
    return SL_OK;
}

/* A name or an address, perhaps with a port, in the letters of RFC 3986, 3.2; or nothing. */
static bool is_host(struct str s)
{
    static const char others[] = "-._~%!$&'()*+,;=:[]";
    for (size_t i = 0; i < s.n; i++) {
        char c = s.p[i];
        bool letter =
            (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9');
        if (!letter && !memchr(others, c, sizeof others - 1))
            return false;
    }
    return true;
}

enum sl_err message_frame(struct message *m, enum message_side side, struct objection *out)
{
    size_t lengths = count_of(m, STR("content-length"));
    size_t codings = count_of(m, STR("transfer-encoding"));
    size_t hosts = count_of(m, STR("host"));
    m->content_length = -1;
    m->chunked = codings > 0;
    if (side == MESSAGE_REQUEST && hosts != 1 && (hosts > 1 || m->minor == 1))
        return object(out, 400, "a request needs exactly one Host header");
    if (side == MESSAGE_REQUEST && !is_host(message_header(m, "host")))
        return object(out, 400, "the Host header names no host");
    if (lengths > 1)
        return object(out, 400, "Content-Length is repeated");
    if (lengths && codings)
        return object(out, 400, "Content-Length and Transfer-Encoding exclude each other");
    if (codings && m->minor == 0)
        return object(out, 400, "Transfer-Encoding is not for HTTP/1.0");
    if (codings > 1 ||
        (codings && !str_eq_nocase(message_header(m, "transfer-encoding"), STR("chunked"))))
        return object(out, 501, "the only Transfer-Encoding known here is chunked");
    return lengths ? frame_length(m, out) : SL_OK;
}
