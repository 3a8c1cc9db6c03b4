/* write.c: see write.h. */
#include "write.h"
#include "plain.h"

#include <string.h>

const char *write_reason(int status)
{
    static const struct {
        int status;
        const char *reason;
    } reasons[] = {
        {100, "Continue"},
        {200, "OK"},
        {201, "Created"},
        {202, "Accepted"},
        {204, "No Content"},
        {304, "Not Modified"},
        {400, "Bad Request"},
        {401, "Unauthorized"},
        {402, "Payment Required"},
        {403, "Forbidden"},
        {404, "Not Found"},
        {405, "Method Not Allowed"},
        {408, "Request Timeout"},
        {409, "Conflict"},
        {413, "Content Too Large"},
        {414, "URI Too Long"},
        {415, "Unsupported Media Type"},
        {417, "Expectation Failed"},
        {422, "Unprocessable Content"},
        {429, "Too Many Requests"},
        {431, "Request Header Fields Too Large"},
        {500, "Internal Server Error"},
        {501, "Not Implemented"},
        {502, "Bad Gateway"},
        {503, "Service Unavailable"},
        {504, "Gateway Timeout"},
        {505, "HTTP Version Not Supported"},
        {529, "Overloaded"},
    };
    for (size_t i = 0; i < sizeof reasons / sizeof *reasons; i++) {
        if (reasons[i].status == status)
            return reasons[i].reason;
    }
    return "";
}

/* A token of RFC 9110, 5.6.2: methods and header names. */
static bool is_token(struct str s)
{
    static const bool allowed[256] = {
        ['a' ... 'z'] = true, ['A' ... 'Z'] = true, ['0' ... '9'] = true, ['!'] = true,
        ['#'] = true,         ['$'] = true,         ['%'] = true,         ['&'] = true,
        ['\''] = true,        ['*'] = true,         ['+'] = true,         ['-'] = true,
        ['.'] = true,         ['^'] = true,         ['_'] = true,         ['`'] = true,
        ['|'] = true,         ['~'] = true,
    };
    for (size_t i = 0; i < s.n; i++) {
        if (!allowed[(unsigned char)s.p[i]])
            return false;
    }
    return s.n > 0;
}

static bool is_target(struct str s)
{
    for (size_t i = 0; i < s.n; i++) {
        unsigned char c = (unsigned char)s.p[i];
        if (c <= ' ' || c >= 0x7F)
            return false;
    }
    return s.n > 0;
}

enum sl_err write_request_line(struct buf *out, struct str method, struct str target)
{
    if (!is_token(method) || !is_target(target))
        return SL_SYNTAX;
    buf_reserve(out, method.n + target.n + sizeof "  HTTP/1.1\r\n");
    buf_add(out, method);
    buf_char(out, ' ');
    buf_add(out, target);
    buf_add(out, STR(" HTTP/1.1\r\n"));
    return SL_OK;
}

void write_status_line(struct buf *out, int status)
{
    sl_assert(status >= 100 && status <= 999);
    buf_add(out, STR("HTTP/1.1 "));
    buf_int(out, status);
    buf_char(out, ' ');
    buf_puts(out, write_reason(status));
    buf_add(out, STR("\r\n"));
}

enum sl_err write_header(struct buf *out, struct str name, struct str value)
{
    if (!is_token(name) || plain_ahead(value) < value.n)
        return SL_SYNTAX;
    buf_reserve(out, name.n + value.n + sizeof ": \r\n");
    buf_add(out, name);
    buf_add(out, STR(": "));
    buf_add(out, value);
    buf_add(out, STR("\r\n"));
    return SL_OK;
}

enum sl_err write_headers(struct buf *out, const struct header *headers, size_t n)
{
    size_t before = out->n;
    for (size_t i = 0; i < n; i++) {
        enum sl_err err = write_header(out, headers[i].name, headers[i].value);
        if (err) {
            out->n = before;
            return err;
        }
    }
    return SL_OK;
}

void write_head_end(struct buf *out)
{
    buf_add(out, STR("\r\n"));
}

static void add_hex(struct buf *out, size_t n)
{
    char digits[2 * sizeof n];
    size_t i = sizeof digits;
    do
        digits[--i] = "0123456789abcdef"[n % 16];
    while ((n /= 16) > 0);
    buf_add(out, (struct str){digits + i, sizeof digits - i});
}

void write_chunk(struct buf *out, struct str bytes)
{
    if (bytes.n == 0)
        return;
    add_hex(out, bytes.n);
    buf_add(out, STR("\r\n"));
    buf_add(out, bytes);
    buf_add(out, STR("\r\n"));
}

void write_last_chunk(struct buf *out)
{
    buf_add(out, STR("0\r\n\r\n"));
}
