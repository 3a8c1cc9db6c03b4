/* option_text.c: a verb's face as --help and as a man page, from one table, so that they agree.
 */
#include "option.h"

#include <string.h>

enum { COLUMNS = 80, HELP_AT = 24 };

/* Fills lines up to COLUMNS, indented; the first line goes on at column `at`. */
static void wrap(struct buf *out, struct str text, size_t indent, size_t at)
{
    while (text.p) {
        struct str word = str_split(&text, ' ');
        if (word.n == 0)
            continue;
        if (at > indent && at + 1 + word.n > COLUMNS) {
            buf_char(out, '\n');
            at = 0;
        } else if (at > indent) {
            buf_char(out, ' ');
            at++;
        }
        for (; at < indent; at++)
            buf_char(out, ' ');
        buf_add(out, word);
        at += word.n;
    }
    buf_char(out, '\n');
}

static void help_option(struct buf *out, const struct option *o)
{
    if (o->kind == OPTION_HEADING) {
        buf_printf(out, "\n%s:\n", o->name);
        return;
    }
    size_t start = out->n;
    if (o->letter)
        buf_printf(out, "  -%c, --%s", o->letter, o->name);
    else
        buf_printf(out, "  --%s", o->name);
    if (o->kind == OPTION_MAYBE)
        buf_printf(out, "[=%s]", o->arg);
    else if (o->arg)
        buf_printf(out, " %s", o->arg);
    size_t at = out->n - start;
    if (at + 2 > HELP_AT) {
        buf_char(out, '\n');
        at = 0;
    }
    wrap(out, str_of(o->help), HELP_AT, at);
}

void options_help(struct buf *out, const struct verb *v, const struct option *options, size_t n)
{
    if (options_as_man) {
        options_man(out, v, options, n);
        return;
    }
    struct str usage = str_of(v->usage);
    for (const char *lead = "usage: "; usage.p; lead = "       ") {
        struct str line = str_split(&usage, '\n');
        buf_printf(out, "%s%.*s\n", lead, STR_ARG(line));
    }
    struct str about = str_of(v->about);
    while (about.p) {
        buf_char(out, '\n');
        ptrdiff_t end = str_find(about, STR("\n\n"), 0);
        wrap(out, end < 0 ? about : str_cut(about, (size_t)end), 0, 0);
        about = end < 0 ? (struct str){0} : str_from(about, (size_t)end + 2);
    }
    if (n && options[0].kind != OPTION_HEADING)
        buf_puts(out, "\noptions:\n");
    for (size_t i = 0; i < n; i++)
        help_option(out, &options[i]);
    buf_puts(out, "  -h, --help\n");
    if (v->examples)
        buf_printf(out, "\nexamples:\n%s", v->examples);
    struct str exits = str_of(v->exits);
    if (exits.n)
        buf_puts(out, "\nexit codes:\n");
    while (exits.n) {
        struct str line = str_split(&exits, '\n');
        struct str code = str_split(&line, ' ');
        buf_printf(out, "  %-4.*s %.*s\n", STR_ARG(code), STR_ARG(line));
    }
}

/* mdoc reads a leading dot or quote as a request, and backslashes as escapes; it wants every
 * sentence on a line of its own. */
static void roff(struct buf *out, struct str text)
{
    if (text.n && (text.p[0] == '.' || text.p[0] == '\''))
        buf_puts(out, "\\&");
    for (size_t i = 0; i < text.n; i++) {
        if (text.p[i] == ' ' && i > 0 && text.p[i - 1] == '.')
            buf_char(out, '\n');
        else if (text.p[i] == '\\')
            buf_puts(out, "\\e");
        else if (text.p[i] == '-')
            buf_puts(out, "\\-");
        else
            buf_char(out, text.p[i]);
    }
}

static void roff_lines(struct buf *out, struct str text)
{
    while (text.n) {
        roff(out, str_split(&text, '\n'));
        buf_char(out, '\n');
    }
}

static void man_option(struct buf *out, const struct option *o)
{
    if (o->kind == OPTION_HEADING) {
        buf_printf(out, ".Ss %s\n.Bl -tag -width Ds\n", o->name);
        return;
    }
    buf_puts(out, ".It ");
    if (o->letter)
        buf_printf(out, "Fl %c , ", o->letter);
    buf_printf(out, "Fl Fl %s", o->name);
    if (o->arg) {
        buf_puts(out, o->kind == OPTION_MAYBE ? " Ns Op = Ns Ar " : " Ar ");
        roff(out, str_of(o->arg));
    }
    buf_char(out, '\n');
    roff(out, str_of(o->help));
    buf_char(out, '\n');
}

void options_man(struct buf *out, const struct verb *v, const struct option *options, size_t n)
{
    struct buf title = {0};
    for (const char *p = v->name; *p; p++)
        buf_char(&title, (char)(*p >= 'a' && *p <= 'z' ? *p - 32 : *p));
    buf_printf(out, ".Dd $Mdocdate$\n.Dt SLUICE-%s 1\n.Os\n", buf_cstr(&title));
    buf_free(&title);
    buf_printf(out, ".Sh NAME\n.Nm sluice-%s\n.Nd ", v->name);
    roff(out, str_of(v->summary));
    buf_puts(out, "\n.Sh SYNOPSIS\n.Bd -literal -compact\n");
    roff_lines(out, str_of(v->usage));
    buf_puts(out, ".Ed\n.Sh DESCRIPTION\n");
    struct str about = str_of(v->about);
    while (about.n) {
        struct str line = str_split(&about, '\n');
        if (line.n == 0)
            buf_puts(out, ".Pp");
        roff(out, line);
        buf_char(out, '\n');
    }
    buf_puts(out, ".Sh OPTIONS\n");
    if (n && options[0].kind != OPTION_HEADING)
        buf_puts(out, ".Bl -tag -width Ds\n");
    for (size_t i = 0; i < n; i++) {
        if (i && options[i].kind == OPTION_HEADING)
            buf_puts(out, ".El\n");
        man_option(out, &options[i]);
    }
    buf_puts(out, ".It Fl h , Fl Fl help\nPrints a summary.\n.El\n");
    struct str exits = str_of(v->exits);
    if (exits.n)
        buf_puts(out, ".Sh EXIT STATUS\n.Bl -tag -width Ds\n");
    while (exits.n) {
        struct str line = str_split(&exits, '\n');
        struct str code = str_split(&line, ' ');
        buf_printf(out, ".It %.*s\n", STR_ARG(code));
        roff(out, line);
        buf_char(out, '\n');
    }
    if (str_of(v->exits).n)
        buf_puts(out, ".El\n");
    if (v->examples) {
        buf_puts(out, ".Sh EXAMPLES\n.Bd -literal\n");
        roff_lines(out, str_of(v->examples));
        buf_puts(out, ".Ed\n");
    }
}
