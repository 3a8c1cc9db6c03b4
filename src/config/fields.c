/* fields.c: see fields.h. */
#include "fields.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

enum { NAMES_MAX = 96 };

/* What a file says is quoted, and must not move the cursor or begin another line. */
static void add_printable(struct buf *out, const char *text)
{
    for (; *text; text++) {
        unsigned char c = (unsigned char)*text;
        if (c < ' ' || c == 0x7f)
            buf_printf(out, "\\x%02x", c);
        else
            buf_char(out, *text);
    }
}

void complain_about(struct complaints *c, const struct yaml *node, const char *path,
                    const char *fmt, ...)
{
    char what[480];
    va_list args;
    if (c->n++ >= COMPLAINTS_MAX)
        return;
    va_start(args, fmt);
    vsnprintf(what, sizeof what, fmt, args);
    va_end(args);
    buf_printf(&c->text, "%s:%d: ", c->file, node->line);
    add_printable(&c->text, path);
    add_printable(&c->text, *path ? ": " : "");
    add_printable(&c->text, what);
    buf_char(&c->text, '\n');
}

static void enter(struct reader *below, const struct reader *r, struct str key)
{
    below->complaints = r->complaints;
    int n = snprintf(below->path, sizeof below->path, "%s%s%.*s", r->path, *r->path ? "." : "",
                     STR_ARG(str_cut(key, 60)));
    sl_assert(n >= 0); /* a path too long is cut */
}

/* "max-wait" is written "max_wait". */
static bool is_named(struct str key, const char *option)
{
    size_t n = strlen(option);
    if (key.n != n)
        return false;
    for (size_t i = 0; i < n; i++) {
        if (key.p[i] != (option[i] == '-' ? '_' : option[i]))
            return false;
    }
    return true;
}

static const struct option *find_option(const struct option *options, size_t n, struct str key)
{
    for (size_t i = 0; i < n; i++) {
        if (options[i].kind != OPTION_HEADING && is_named(key, options[i].name))
            return &options[i];
    }
    return NULL;
}

static void store_flag(const struct reader *r, const struct yaml *node, bool *out)
{
    static const char *const words[] = {"no", "yes", "false", "true", "off", "on"};
    for (size_t i = 0; i < sizeof words / sizeof *words; i++) {
        if (!str_eq_nocase(node->text, str_of(words[i])))
            continue;
        *out = i % 2 == 1;
        return;
    }
    complain_about(r->complaints, node, r->path, "\"%.*s\" is neither yes nor no",
                   STR_ARG(str_cut(node->text, 40)));
}

static void store(const struct reader *r, const struct yaml *node, const struct option *o)
{
    struct diag diag;
    if (node->kind == YAML_LIST && o->kind == OPTION_LIST) {
        for (const struct yaml *item = node->first; item; item = item->next)
            store(r, item, o);
        return;
    }
    if (node->kind != YAML_TEXT || (node->text.n == 0 && !node->quoted)) {
        complain_about(r->complaints, node, r->path, "a plain value is wanted here%s%s",
                       o->arg ? ": " : "", o->arg ? o->arg : "");
        return;
    }
    if (o->kind == OPTION_FLAG)
        store_flag(r, node, o->out);
    else if (option_store(o, node->text.p, &diag) != SL_OK)
        complain_about(r->complaints, node, r->path, "%s", diag.what);
}

static bool is_twice(const struct yaml *map, const struct yaml *node)
{
    for (const struct yaml *before = map->first; before != node; before = before->next) {
        if (str_eq(before->key, node->key))
            return true;
    }
    return false;
}

/* What may stand here, for advice. */
struct names {
    char text[NAMES_MAX][40];
    const char *list[NAMES_MAX + 1];
    size_t n;
};

static void names_add(struct names *names, const char *name)
{
    if (names->n == NAMES_MAX)
        return;
    char *at = names->text[names->n];
    snprintf(at, sizeof names->text[0], "%s", name);
    for (; *at; at++)
        *at = *at == '-' ? '_' : *at;
    names->list[names->n] = names->text[names->n];
    names->list[++names->n] = NULL;
}

static void complain_unknown(const struct reader *r, const struct yaml *node,
                             const struct names *names)
{
    struct buf all = {0};
    const char *near = names->n ? name_nearest(node->key, names->list) : NULL;
    for (size_t i = 0; i < names->n; i++)
        buf_printf(&all, "%s%s", i ? ", " : "", names->list[i]);
    if (near)
        complain_about(r->complaints, node, r->path, "not known here; did you mean %s?", near);
    else
        complain_about(r->complaints, node, r->path, "not known here; known are %s",
                       buf_cstr(&all));
    buf_free(&all);
}

/* Six parameters: the two tables are an array and its length each.
 * NOLINTNEXTLINE(readability-function-size) */
void fields_read(struct reader *r, const struct yaml *map, const struct option *options,
                 size_t option_count, const struct field *fields, size_t field_count)
{
    struct names names = {.n = 0};
    if (map->kind != YAML_MAP) {
        complain_about(r->complaints, map, r->path, "a map is wanted here (name: value)");
        return;
    }
    for (size_t i = 0; i < option_count; i++) {
        if (options[i].kind != OPTION_HEADING)
            names_add(&names, options[i].name);
    }
    for (size_t i = 0; i < field_count; i++)
        names_add(&names, fields[i].name);
    for (const struct yaml *node = map->first; node; node = node->next) {
        struct reader below;
        const struct option *o = find_option(options, option_count, node->key);
        const struct field *f = NULL;
        enter(&below, r, node->key);
        for (size_t i = 0; i < field_count && !f; i++)
            f = str_eq(node->key, str_of(fields[i].name)) ? &fields[i] : NULL;
        if (is_twice(map, node))
            complain_about(r->complaints, node, below.path, "stands here twice");
        else if (f)
            f->read(&below, node, f->out);
        else if (o)
            store(&below, node, o);
        else
            complain_unknown(&below, node, &names);
    }
}

void fields_each(struct reader *r, const struct yaml *map,
                 void (*each)(struct reader *r, const struct yaml *node, void *out), void *out)
{
    if (map->kind != YAML_MAP) {
        complain_about(r->complaints, map, r->path, "a map of names is wanted here");
        return;
    }
    for (const struct yaml *node = map->first; node; node = node->next) {
        struct reader below;
        enter(&below, r, node->key);
        if (is_twice(map, node))
            complain_about(r->complaints, node, below.path, "stands here twice");
        else
            each(&below, node, out);
    }
}

size_t fields_texts(struct reader *r, const struct yaml *node, const char **out, size_t max)
{
    size_t n = 0;
    const struct yaml *item = node->kind == YAML_LIST ? node->first : node;
    for (; item; item = node->kind == YAML_LIST ? item->next : NULL) {
        if (item->kind != YAML_TEXT || item->text.n == 0)
            complain_about(r->complaints, item, r->path, "a text is wanted here");
        else if (n == max)
            complain_about(r->complaints, item, r->path, "more than %zu", max);
        else
            out[n++] = item->text.p;
    }
    return n;
}
