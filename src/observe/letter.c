/* letter.c: see letter.h. */
#include "letter.h"

#include "duration.h"

#include <stdio.h>
#include <string.h>

enum { LINES_MAX = 20 /* of a letter to people; machines get all */ };

static void copy(char *out, size_t size, struct str text)
{
    snprintf(out, size, "%.*s", STR_ARG(str_cut(text, size - 1)));
}

struct note note_of(const struct alert_change *c, int64_t unix_us)
{
    const struct scene_alert *a = c->alert;
    struct note n = {.kind = a->kind,
                     .severity = a->severity,
                     .starts = c->starts,
                     .dim = a->dim,
                     .unix_us = unix_us,
                     .since_unix_us = a->since_unix_us};
    copy(n.account, sizeof n.account, a->account);
    copy(n.model, sizeof n.model, a->model);
    copy(n.text, sizeof n.text, a->text);
    copy(n.advice, sizeof n.advice, a->advice);
    return n;
}

/* Slack takes &, < and > for its own; source: docs.slack.dev, "Formatting message text". */
static void slack_text(struct buf *b, const char *text)
{
    for (; *text; text++) {
        if (*text == '&')
            buf_puts(b, "&amp;");
        else if (*text == '<')
            buf_puts(b, "&lt;");
        else if (*text == '>')
            buf_puts(b, "&gt;");
        else
            buf_char(b, *text);
    }
}

static void slack_note(struct buf *b, const struct note *n)
{
    bool critical = strcmp(n->severity, "critical") == 0;
    if (!n->starts) {
        buf_puts(b, ":white_check_mark: *over* ");
        buf_puts(b, n->kind);
        buf_puts(b, ": ");
        slack_text(b, n->text);
        buf_puts(b, " (lasted ");
        duration_human(b, n->unix_us - n->since_unix_us);
        buf_puts(b, ")\n");
        return;
    }
    buf_printf(b, ":%s: *%s* ", critical ? "rotating_light" : "warning", n->kind);
    slack_text(b, n->text);
    buf_char(b, '\n');
    if (!n->advice[0])
        return;
    buf_puts(b, "> ");
    slack_text(b, n->advice);
    buf_char(b, '\n');
}

void letter_slack(const struct letter *l, struct buf *out)
{
    struct buf text = {0};
    int64_t more = l->left_out;
    for (size_t i = 0; i < l->note_count; i++) {
        if (i < LINES_MAX)
            slack_note(&text, &l->notes[i]);
        else
            more++;
    }
    if (more)
        buf_printf(&text, "... and %lld more\n", (long long)more);
    buf_puts(&text, "_sluice on ");
    slack_text(&text, l->host);
    buf_puts(&text, "_");
    buf_puts(out, "{\"text\":");
    buf_json(out, buf_str(&text));
    buf_puts(out, "}");
    buf_free(&text);
}

static void member(struct buf *b, const char *key, const char *text)
{
    buf_printf(b, ",\"%s\":", key);
    if (*text)
        buf_json(b, str_of(text));
    else
        buf_puts(b, "null");
}

static void instant(struct buf *b, const char *key, int64_t unix_us)
{
    buf_printf(b, ",\"%s\":\"", key);
    instant_write_rfc3339(b, unix_us);
    buf_char(b, '"');
}

static void json_note(struct buf *b, const struct note *n)
{
    buf_printf(b, "{\"state\":\"%s\"", n->starts ? "started" : "ended");
    member(b, "alert", n->kind);
    member(b, "severity", n->severity);
    member(b, "account", n->account);
    member(b, "model", n->model);
    member(b, "dimension", n->dim == DIM_UNKNOWN ? "" : dimension_name(n->dim));
    instant(b, "since", n->since_unix_us);
    instant(b, "time", n->unix_us);
    member(b, "text", n->text);
    member(b, "advice", n->advice);
    buf_char(b, '}');
}

void letter_json(const struct letter *l, struct buf *out)
{
    buf_puts(out, "{\"sluice\":\"" SLUICE_VERSION "\"");
    member(out, "host", l->host);
    instant(out, "time", l->unix_us);
    buf_puts(out, ",\"alerts\":[");
    for (size_t i = 0; i < l->note_count; i++) {
        if (i)
            buf_char(out, ',');
        json_note(out, &l->notes[i]);
    }
    buf_printf(out, "],\"left_out\":%lld}\n", (long long)l->left_out);
}
