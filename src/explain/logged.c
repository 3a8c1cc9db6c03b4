/* logged.c: see logged.h. A text is read from the method on: the path follows it, the status
 * follows that, or stands before. */
#include "logged.h"

#include "stamp.h"

#include <string.h>

static bool is_digit(char c)
{
    return c >= '0' && c <= '9';
}

static bool is_word(char c)
{
    return is_digit(c) || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '_';
}

/* ---- texts --------------------------------------------------------------------------- */

static const char *const methods[] = {"GET", "POST", "DELETE", "PUT", "PATCH", "HEAD"};
enum { METHODS = sizeof methods / sizeof *methods };

static bool begins_path(struct str s)
{
    return str_starts(s, STR("/")) || str_starts(s, STR("http://")) ||
           str_starts(s, STR("https://"));
}

/* The path that follows a method, behind blanks and quotes. */
static struct str path_after(struct str s, size_t at)
{
    while (at < s.n && strchr(" \"'`,:", s.p[at]))
        at++;
    struct str rest = str_from(s, at);
    size_t n = 0;
    if (!begins_path(rest))
        return (struct str){0};
    while (n < rest.n && !strchr(" \t\"'`,)", rest.p[n]))
        n++;
    if (n && rest.p[n - 1] == ':')
        n--;
    return str_cut(rest, n);
}

/* A method as a word of its own with a path behind it; where it stands, or -1. */
static ptrdiff_t find_request(struct str s, struct logged *out)
{
    for (size_t m = 0; m < METHODS; m++) {
        struct str word = str_of(methods[m]);
        for (ptrdiff_t at = str_find(s, word, 0); at >= 0;
             at = str_find(s, word, (size_t)at + 1)) {
            size_t end = (size_t)at + word.n;
            if ((at > 0 && is_word(s.p[at - 1])) || end >= s.n || is_word(s.p[end]))
                continue;
            struct str path = path_after(s, end);
            if (!path.n)
                continue;
            out->method = (struct str){s.p + at, word.n};
            out->path = path;
            return at;
        }
    }
    return -1;
}

/* The first number of three digits that can be a status, as a word of its own. */
static int status_in(struct str s)
{
    for (size_t i = 0; i + 3 <= s.n; i++) {
        bool begins = i == 0 || strchr(" \t\"'=:[(|", s.p[i - 1]);
        bool ends = i + 3 == s.n || strchr(" \t\"',;)]|", s.p[i + 3]);
        int64_t n;
        if (begins && ends && is_digit(s.p[i]) &&
            str_int(str_cut(str_from(s, i), 3), false, &n) == SL_OK && n >= 100 && n < 600)
            return (int)n;
    }
    return 0;
}

/* The value of `key=` in logfmt. */
static struct str logfmt(struct str s, const char *key)
{
    struct str word = str_of(key);
    for (ptrdiff_t at = str_find(s, word, 0); at >= 0; at = str_find(s, word, (size_t)at + 1)) {
        if (at > 0 && is_word(s.p[at - 1]))
            continue;
        struct str rest = str_from(s, (size_t)at + word.n);
        char end = ' ';
        if (rest.n && rest.p[0] == '"') {
            end = '"';
            rest = str_from(rest, 1);
        }
        return str_split(&rest, end);
    }
    return (struct str){0};
}

static void read_logfmt(struct str s, struct logged *out)
{
    static const char *const paths[] = {"path=", "url=", "uri=", "target="};
    static const char *const statuses[] = {"status=", "status_code=", "code="};
    int64_t n;
    out->method = logfmt(s, "method=");
    for (size_t i = 0; !out->path.n && i < sizeof paths / sizeof *paths; i++)
        out->path = logfmt(s, paths[i]);
    for (size_t i = 0; !out->status && i < sizeof statuses / sizeof *statuses; i++) {
        struct str value = logfmt(s, statuses[i]);
        if (value.n == 3 && str_int(value, false, &n) == SL_OK && n >= 100 && n < 600)
            out->status = (int)n;
    }
    out->model = logfmt(s, "model=");
}

/* A tenant's own limit is named with it: "tenant-rpm". */
static struct str dimension_named(struct str name)
{
    struct str own = STR("tenant-");
    return str_starts(name, own) ? str_from(name, own.n) : name;
}

/* The last word of *s, which then ends before it. */
static struct str last_word(struct str *s)
{
    size_t at = s->n;
    while (at > 0 && s->p[at - 1] != ' ')
        at--;
    struct str word = str_from(*s, at);
    *s = str_trim(str_cut(*s, at));
    return word;
}

/* "TIME TENANT MODEL STATUS VERDICT in N out N waited N ms ... for LIMIT": sluice's own. The
 * model may hold blanks, or be a dash for none. */
static bool read_own_text(struct str s, struct logged *out)
{
    ptrdiff_t in = str_find(s, STR(" in "), 0);
    struct str head = str_cut(s, in < 0 ? 0 : (size_t)in), tail = str_from(s, head.n);
    int64_t status;
    if (in < 0 || str_find(tail, STR(" out "), 0) < 0)
        return false;
    struct str verdict = last_word(&head), code = last_word(&head);
    (void)str_split(&head, ' '); /* the time */
    struct str tenant = str_split(&head, ' ');
    if (!head.n || str_int(code, false, &status) != SL_OK || status < 0 || status > 599)
        return false;
    out->tenant = tenant;
    out->model = str_eq(head, STR("-")) ? (struct str){0} : head;
    out->status = (int)status;
    out->verdict = verdict;
    int64_t refused;
    ptrdiff_t said = str_find(tail, STR(" refused "), 0);
    struct str rest = said < 0 ? (struct str){0} : str_from(tail, (size_t)said + 9);
    if (str_int(str_split(&rest, ' '), false, &refused) == SL_OK && refused < 1000)
        out->refused = (int)refused;
    ptrdiff_t last = str_find(tail, STR(" for "), 0);
    if (last >= 0)
        out->dimension = dimension_named(str_from(tail, (size_t)last + 5));
    return true;
}

static void read_text(struct str s, struct logged *out)
{
    if (read_own_text(s, out))
        return;
    if (str_find(s, STR("method="), 0) >= 0) {
        read_logfmt(s, out);
        return;
    }
    ptrdiff_t at = find_request(s, out);
    if (at < 0)
        return;
    const char *end = out->path.p + out->path.n;
    out->status = status_in((struct str){end, (size_t)(s.p + s.n - end)});
    if (!out->status)
        out->status = status_in(str_cut(s, (size_t)at));
}

/* ---- JSON ---------------------------------------------------------------------------- */

static struct str text_at(const struct json *tree, const char *const *paths)
{
    for (; *paths; paths++) {
        struct str text = json_str(json_path(tree, *paths));
        if (text.n)
            return text;
    }
    return (struct str){0};
}

static void read_tree(const struct json *tree, int64_t now_us, struct logged *out)
{
    static const char *const times[] = {"time",  "timestamp", "ts",   "@timestamp",
                                        "t",     "datetime",  "date", "start_time",
                                        "ended", "asctime",   NULL};
    static const char *const method[] = {
        "method",     "http_method",         "request.method",
        "req.method", "http.request.method", "httpRequest.requestMethod",
        NULL};
    static const char *const path[] = {"path",
                                       "url",
                                       "uri",
                                       "target",
                                       "request_uri",
                                       "request.path",
                                       "request.url",
                                       "req.url",
                                       "url.path",
                                       "url.original",
                                       "httpRequest.requestUrl",
                                       NULL};
    static const char *const status[] = {"status",
                                         "status_code",
                                         "statusCode",
                                         "http_status",
                                         "response.status",
                                         "response.status_code",
                                         "res.statusCode",
                                         "http.response.status_code",
                                         "httpRequest.status",
                                         NULL};
    static const char *const model[] = {"model", "request.model", "body.model",
                                        "requestBodyValues.model", NULL};
    static const char *const dimension[] = {"dimension", "limit_dimension", "dim", "waited_for",
                                            NULL};
    for (const char *const *t = times; *t && out->at_us < 0; t++)
        (void)stamp_value(json_get(tree, *t), now_us, &out->at_us);
    out->method = text_at(tree, method);
    out->path = text_at(tree, path);
    out->model = text_at(tree, model);
    out->tenant = json_str(json_get(tree, "tenant"));
    out->verdict = json_str(json_get(tree, "verdict"));
    out->dimension = dimension_named(text_at(tree, dimension));
    if (json_int(json_get(tree, "refused"), &out->refused) != SL_OK || out->refused < 0)
        out->refused = 0;
    for (const char *const *s = status; *s && !out->status; s++) {
        const struct json *v = json_path(tree, *s);
        int64_t n;
        bool number = json_int(v, &n) == SL_OK ||
                      (json_str(v).n == 3 && str_int(json_str(v), false, &n) == SL_OK);
        if (number && n >= 100 && n < 600)
            out->status = (int)n;
    }
}

struct logged logged_read(struct str line, const struct json *tree, int64_t now_us)
{
    struct logged l = {.at_us = -1};
    if (tree && tree->type == JSON_OBJECT) {
        read_tree(tree, now_us, &l);
        return l;
    }
    if (!stamp_find(line, now_us, &l.at_us))
        l.at_us = -1;
    read_text(line, &l);
    return l;
}

/* ---- paths --------------------------------------------------------------------------- */

/* The path alone, without host and query. */
static struct str path_of(struct str url)
{
    ptrdiff_t scheme = str_find(url, STR("://"), 0);
    if (scheme >= 0) {
        url = str_from(url, (size_t)scheme + 3);
        ptrdiff_t slash = str_find(url, STR("/"), 0);
        url = slash < 0 ? (struct str){0} : str_from(url, (size_t)slash);
    }
    return str_split(&url, '?');
}

bool logged_is_api(struct str path)
{
    static const char *const marks[] = {
        "/v1/",     "/v1beta",     "/openai/",  "/completions", "/embeddings",
        "/threads", "/assistants", "/messages", "/responses",   "/models/"};
    for (size_t i = 0; i < sizeof marks / sizeof *marks; i++) {
        if (str_find(path, str_of(marks[i]), 0) >= 0)
            return true;
    }
    return false;
}

bool logged_is_own(const struct logged *l)
{
    return l->verdict.n && l->tenant.n && !l->path.n;
}

bool logged_is_request(const struct logged *l)
{
    if (logged_is_own(l))
        return true; /* and tells no path */
    return l->method.n && l->path.n && logged_is_api(l->path);
}

/* "thread_abc123", "550e8400-e29b-...", "42": not "v1", not "chat". */
static bool names_one_thing(struct str part)
{
    size_t n = 0;
    for (size_t i = 0; i < part.n; i++)
        n += is_digit(part.p[i]);
    bool version = part.n <= 7 && part.p[0] == 'v';
    return !version &&
           (n == part.n || (n && part.n > 8) || part.n > 24 || str_find(part, STR("_"), 0) > 0);
}

void logged_route(struct str path, struct buf *out)
{
    enum { PARTS = 8 };
    struct str rest = path_of(path);
    if (str_starts(rest, STR("/v1/")))
        rest = str_from(rest, 3);
    (void)str_split(&rest, '/');
    for (int i = 0; rest.p && i < PARTS; i++) {
        struct str part = str_split(&rest, '/');
        if (!part.n)
            continue;
        buf_char(out, '/');
        buf_add(out, names_one_thing(part) ? STR("*") : part);
    }
}

/* ---- suspicion ----------------------------------------------------------------------- */

static char lower(char c)
{
    return (char)(c >= 'A' && c <= 'Z' ? c - 'A' + 'a' : c);
}

bool logged_suspect(struct str text)
{
    static const char words[][12] = {
        "429",      "529",        "503",       "402",       "401",      "403",
        "413",      "500",        "502",       "504",       "limit",    "quota",
        "overload", "exceed",     "exhaust",   "throttl",   "too many", "too l",
        "error",    "denied",     "refused",   "reject",    "billing",  "credit",
        "balance",  "capacity",   "maximum",   "incorrect", "invalid",  "not valid",
        "slow do",  "high deman", "unavailab", "permissio", "api key",  "try agai",
        "retry",    "context l",  "funds"};
    static const bool first[128] = {
        ['4'] = true, ['5'] = true, ['l'] = true, ['q'] = true, ['o'] = true,
        ['e'] = true, ['t'] = true, ['d'] = true, ['r'] = true, ['b'] = true,
        ['c'] = true, ['m'] = true, ['i'] = true, ['n'] = true, ['s'] = true,
        ['h'] = true, ['u'] = true, ['p'] = true, ['a'] = true, ['f'] = true};
    for (size_t i = 0; i + 1 < text.n; i++) {
        char c = lower(text.p[i]), next = lower(text.p[i + 1]);
        if (c < 0 || !first[(unsigned char)c])
            continue;
        for (size_t w = 0; w < sizeof words / sizeof *words; w++) {
            if (words[w][0] != c || words[w][1] != next)
                continue;
            struct str word = str_of(words[w]);
            if (str_eq_nocase(str_cut(str_from(text, i), word.n), word))
                return true;
        }
    }
    return false;
}
