/* plan_plot.c: a plan as a picture. See plan_report.h.
 *
 * Plain SVG 1.1 that needs nothing else: no script, no font, no link. Colours follow the
 * reader's scheme where the viewer tells it; the background is drawn, so that it is legible
 * where the viewer does not. Every text from outside is escaped. */
#include "plan_report.h"

#include "duration.h"

#include <math.h>

enum {
    WIDTH = 800,
    LEFT = 170,  /* of the bars and of the curve */
    RIGHT = 560, /* of the bars */
    WORDS = 575, /* beside them */
    ROW = 30,    /* a tier */
    HEAD = 28,   /* a line of words */
    CURVE_HEIGHT = 220,
    CURVE_RIGHT = 740,
    LABEL = 22, /* characters that fit left of the bars */
    TICKS = 14,
};

/* ---- text ---------------------------------------------------------------------------- */

/* At most `most` characters of it; what XML cannot hold becomes U+FFFD. */
static void escape(struct buf *out, struct str s, size_t most)
{
    size_t shown = 0;
    for (size_t i = 0; i < s.n; i++) {
        unsigned char c = (unsigned char)s.p[i];
        bool begins = (c & 0xc0) != 0x80;
        if (begins && shown++ == most) {
            buf_puts(out, "\xe2\x80\xa6");
            return;
        }
        if (c == '<')
            buf_puts(out, "&lt;");
        else if (c == '>')
            buf_puts(out, "&gt;");
        else if (c == '&')
            buf_puts(out, "&amp;");
        else if (c == '"')
            buf_puts(out, "&quot;");
        else if (c < ' ')
            buf_puts(out, "\xef\xbf\xbd");
        else
            buf_char(out, s.p[i]);
    }
}

/* Where a text stands: its place, its class, its anchor. */
struct place {
    double x, y;
    const char *class, *anchor;
};

static void put_text(struct buf *out, struct place at, struct str s, size_t most)
{
    buf_printf(out, "<text x=\"%.1f\" y=\"%.1f\" class=\"%s\" text-anchor=\"%s\">", at.x, at.y,
               at.class, at.anchor);
    escape(out, s, most);
    buf_puts(out, "</text>\n");
}

static void put_words(struct buf *out, struct place at, const char *words)
{
    put_text(out, at, str_of(words), 96);
}

static void put_line(struct buf *out, double x1, double y1, double x2, double y2)
{
    buf_printf(out, "<line x1=\"%.1f\" y1=\"%.1f\" x2=\"%.1f\" y2=\"%.1f\" class=\"grid\"/>\n",
               x1, y1, x2, y2);
}

/* ---- the scale of time ------------------------------------------------------------------- */

static const struct tick {
    double s;
    const char *label;
} times[] = {{0.01, "10 ms"},        {0.1, "0.1 s"},         {1, "1 s"},
             {10, "10 s"},           {60, "1 min"},          {600, "10 min"},
             {3600, "1 h"},          {21600, "6 h"},         {86400, "1 day"},
             {604800, "1 week"},     {2592000, "30 d"},      {31536000, "1 year"},
             {3.1536e8, "10 years"}, {3.1536e9, "100 years"}};
_Static_assert(sizeof times / sizeof *times == TICKS, "as many as there are");

struct scale {
    size_t low, high; /* of times */
};

static double at_time(const struct scale *s, double seconds)
{
    double low = log(times[s->low].s), high = log(times[s->high].s);
    double part = seconds <= times[s->low].s ? 0 : (log(seconds) - low) / (high - low);
    return LEFT + (RIGHT - LEFT) * (part > 1 ? 1 : part);
}

static double seconds_of(int64_t us)
{
    return (double)us / 1e6;
}

static double longest_s(const struct forecast *f)
{
    double live = seconds_of(f->live_us.high);
    double batch = f->waves.within_s > 0 ? (double)f->waves.within_s : 0;
    return live > batch ? live : batch;
}

static void widen(struct scale *s, const struct variant *v)
{
    for (size_t i = 0; i < v->count; i++) {
        const struct forecast *f = &v->list[i];
        if (!f->live.known)
            continue;
        while (s->low > 0 && times[s->low].s > seconds_of(f->live_us.low))
            s->low--;
        while (s->high + 1 < TICKS && times[s->high].s < longest_s(f))
            s->high++;
    }
}

static struct scale scale_of(const struct plan *p)
{
    enum { SECOND = 2, MINUTE = 4 };
    struct scale s = {SECOND, MINUTE};
    widen(&s, &p->named);
    widen(&s, &p->next);
    return s;
}

/* Lines through the rows from y to y + height, and what they mean below. */
static void draw_times(struct buf *out, const struct scale *s, double y, double height)
{
    for (size_t i = s->low; i <= s->high; i++) {
        double x = at_time(s, times[i].s);
        put_line(out, x, y, x, y + height);
        put_words(out, (struct place){x, y + height + 16, "small", "middle"}, times[i].label);
    }
}

/* ---- tiers ------------------------------------------------------------------------------- */

static void bar(struct buf *out, double from, double to, double y, const char *class)
{
    double width = to - from < 2 ? 2 : to - from;
    buf_printf(out,
               "<rect x=\"%.1f\" y=\"%.1f\" width=\"%.1f\" height=\"9\" rx=\"2\" "
               "class=\"%s\"/>\n",
               from, y, width, class);
}

static void describe(struct buf *out, const struct forecast *f, double y)
{
    struct buf words = {0};
    plan_span(&f->live_us, &words);
    if (f->live.binds != DIM_UNKNOWN) {
        buf_puts(&words, ", ");
        plan_binds(f, &words);
    }
    put_text(out, (struct place){WORDS, y + 8, "small", "start"}, buf_str(&words), 40);
    buf_clear(&words);
    plan_batch(&f->waves, &words);
    if (f->waves.within_s > 0)
        put_text(out, (struct place){WORDS, y + 21, "small muted", "start"}, buf_str(&words),
                 40);
    buf_free(&words);
}

static void draw_forecast(struct buf *out, const struct scale *s, const struct forecast *f,
                          double y)
{
    struct buf name = {0};
    if (f->tier)
        buf_puts(&name, "tier ");
    plan_tier_name(f, &name);
    put_text(out, (struct place){LEFT - 12, y + 13, "label", "end"}, buf_str(&name), LABEL);
    buf_free(&name);
    double low = at_time(s, seconds_of(f->live_us.low));
    double high = at_time(s, seconds_of(f->live_us.high));
    if (high > low)
        bar(out, LEFT, high, y, "live range");
    bar(out, LEFT, f->live_us.likely >= 0 ? at_time(s, seconds_of(f->live_us.likely)) : low, y,
        "live");
    if (f->waves.within_s > 0)
        bar(out, LEFT, at_time(s, (double)f->waves.within_s), y + 12, "batch");
    describe(out, f, y);
}

static size_t known_of(const struct variant *v)
{
    size_t n = 0;
    for (size_t i = 0; i < v->count; i++)
        n += v->list[i].live.known;
    return n;
}

static double rows_height(const struct variant *v)
{
    size_t n = known_of(v);
    return n ? HEAD + ROW * (double)n : 0;
}

static double draw_variant(struct buf *out, const struct scale *s, const struct variant *v,
                           double y)
{
    struct buf names = {0};
    if (!known_of(v))
        return y;
    plan_names(v, &names);
    put_text(out, (struct place){20, y + 18, "name", "start"}, buf_str(&names), 80);
    buf_free(&names);
    y += HEAD;
    for (size_t i = 0; i < v->count; i++) {
        if (!v->list[i].live.known)
            continue;
        draw_forecast(out, s, &v->list[i], y);
        y += ROW;
    }
    return y;
}

static void draw_legend(struct buf *out, double y)
{
    bar(out, LEFT, LEFT + 24, y, "live");
    put_words(out, (struct place){LEFT + 30, y + 9, "small", "start"}, "live");
    bar(out, LEFT + 80, LEFT + 104, y, "batch");
    put_words(out, (struct place){LEFT + 110, y + 9, "small", "start"},
              "Batch API, at the latest");
    put_words(out, (struct place){RIGHT, y + 9, "small muted", "end"}, "time, logarithmic");
}

/* ---- max_tokens -------------------------------------------------------------------------- */

/* A round number for about four steps up to `most`. */
static double step_of(double most)
{
    double step = pow(10, floor(log10(most / 4 > 0.1 ? most / 4 : 0.1)));
    while (most / step > 5)
        step *= most / step > 12.5 ? 5 : most / step > 10 ? 2.5 : 2;
    return step;
}

struct axes {
    double y; /* of the top */
    double most_x, most_y;
};

static double curve_x(const struct axes *a, double tokens)
{
    return LEFT + (CURVE_RIGHT - LEFT) * tokens / a->most_x;
}

static double curve_y(const struct axes *a, double pace)
{
    return a->y + CURVE_HEIGHT * (1 - pace / a->most_y);
}

static void write_number(struct buf *out, double n)
{
    buf_clear(out);
    if (n == floor(n))
        buf_thousands(out, (int64_t)n);
    else
        buf_printf(out, "%.1f", n);
}

static void draw_axes(struct buf *out, const struct axes *a)
{
    struct buf number = {0};
    double step = step_of(a->most_y), bottom = a->y + CURVE_HEIGHT;
    for (int i = 0; i <= (int)(a->most_y / step + 0.001); i++) {
        double y = curve_y(a, i * step);
        write_number(&number, i * step);
        put_line(out, LEFT, y, CURVE_RIGHT, y);
        put_text(out, (struct place){LEFT - 10, y + 4, "small", "end"}, buf_str(&number), 16);
    }
    step = step_of(a->most_x);
    for (int i = 0; i <= (int)(a->most_x / step + 0.001); i++) {
        double x = curve_x(a, i * step);
        write_number(&number, i * step);
        put_line(out, x, bottom, x, bottom + 5);
        put_text(out, (struct place){x, bottom + 20, "small", "middle"}, buf_str(&number), 16);
    }
    buf_free(&number);
    put_words(out,
              (struct place){(LEFT + CURVE_RIGHT) / 2.0, bottom + 40, "small muted", "middle"},
              "max_tokens (tokens)");
    buf_printf(out,
               "<text class=\"small muted\" text-anchor=\"middle\" "
               "transform=\"translate(100 %.1f) rotate(-90)\">requests per minute</text>\n",
               a->y + CURVE_HEIGHT / 2.0);
}

static void draw_point(struct buf *out, const struct axes *a, const struct curve *c,
                       const struct curve_point *p)
{
    double x = curve_x(a, (double)p->max_tokens), y = curve_y(a, (double)p->pace_milli / 1000);
    bool marked = p->max_tokens == c->present || p->max_tokens == c->enough;
    buf_printf(out, "<circle cx=\"%.1f\" cy=\"%.1f\" r=\"%d\" class=\"%s\"/>\n", x, y,
               marked ? 5 : 3, p->max_tokens == c->enough ? "enough" : "dot");
    if (!marked)
        return;
    struct buf words = {0};
    bool asked = p->max_tokens == c->present;
    buf_puts(&words, asked ? "as asked: " : "enough: ");
    duration_human(&words, p->live.makespan_us);
    /* The curve falls: below it, to the left, is room; above the last point too. */
    put_text(out, (struct place){x - 8, asked ? y - 14 : y + 20, "small", "end"},
             buf_str(&words), 40);
    buf_free(&words);
}

static void draw_curve(struct buf *out, const struct plan *p, double y)
{
    const struct curve *c = &p->curve;
    struct buf title = {0};
    struct axes a = {y + 44, (double)c->points[c->n - 1].max_tokens, 1};
    for (size_t i = 0; i < c->n; i++)
        a.most_y = fmax(a.most_y, (double)c->points[i].pace_milli / 1000);
    double step = step_of(a.most_y);
    a.most_y = ceil(a.most_y / step) * step;
    buf_puts(&title, c->on->tier ? "What max_tokens costs in throughput, tier "
                                 : "What max_tokens costs in throughput, ");
    plan_tier_name(c->on, &title);
    put_text(out, (struct place){20, y + 18, "name", "start"}, buf_str(&title), 90);
    buf_free(&title);
    draw_axes(out, &a);
    buf_puts(out, "<polyline class=\"line\" points=\"");
    for (size_t i = 0; i < c->n; i++)
        buf_printf(out, "%s%.1f,%.1f", i ? " " : "",
                   curve_x(&a, (double)c->points[i].max_tokens),
                   curve_y(&a, (double)c->points[i].pace_milli / 1000));
    buf_puts(out, "\"/>\n");
    for (size_t i = 0; i < c->n; i++)
        draw_point(out, &a, c, &c->points[i]);
}

/* ---- the whole --------------------------------------------------------------------------- */

static const char style[] = "<style>\n"
                            "text { font: 14px system-ui, sans-serif; fill: #1f2328; }\n"
                            ".title { font-size: 17px; font-weight: 600; }\n"
                            ".name { font-weight: 600; }\n"
                            ".small { font-size: 12px; }\n"
                            ".label { font-size: 13px; }\n"
                            ".muted { fill: #59636e; }\n"
                            ".paper { fill: #ffffff; }\n"
                            ".grid { stroke: #d1d9e0; stroke-width: 1; }\n"
                            ".live { fill: #0969da; }\n"
                            ".range { fill-opacity: 0.35; }\n"
                            ".batch { fill: none; stroke: #8250df; stroke-width: 1.5; }\n"
                            ".line { fill: none; stroke: #0969da; stroke-width: 2; }\n"
                            ".dot { fill: #0969da; }\n"
                            ".enough { fill: #1a7f37; }\n"
                            "@media (prefers-color-scheme: dark) {\n"
                            "text { fill: #e6edf3; }\n"
                            ".muted { fill: #9198a1; }\n"
                            ".paper { fill: #0d1117; }\n"
                            ".grid { stroke: #3d444d; }\n"
                            ".live, .dot { fill: #4493f8; }\n"
                            ".line { stroke: #4493f8; }\n"
                            ".batch { stroke: #ab7df8; }\n"
                            ".enough { fill: #3fb950; }\n"
                            "}\n"
                            "</style>\n";

static void begin(struct buf *out, const struct plan *p, double height)
{
    struct buf title = {0};
    buf_printf(out,
               "<svg xmlns=\"http://www.w3.org/2000/svg\" width=\"%d\" height=\"%.0f\" "
               "viewBox=\"0 0 %d %.0f\" role=\"img\">\n<title>",
               WIDTH, height, WIDTH, height);
    buf_printf(&title, "%s: ", input_name(&p->ask->input->config));
    buf_thousands(&title, p->requests);
    buf_puts(&title, " requests");
    escape(out, buf_str(&title), 90);
    buf_puts(out, "</title>\n");
    buf_puts(out, style);
    buf_printf(out, "<rect class=\"paper\" width=\"%d\" height=\"%.0f\"/>\n", WIDTH, height);
    put_text(out, (struct place){20, 32, "title", "start"}, buf_str(&title), 80);
    buf_free(&title);
}

void plan_plot(const struct plan *p, struct buf *out)
{
    enum { TOP = 72, AXIS = 40, CURVE = 44 + CURVE_HEIGHT + 60 };
    struct scale s = scale_of(p);
    double rows = rows_height(&p->named) + rows_height(&p->next);
    double height = TOP + rows + AXIS + (p->curve.kind == CURVE_DRAWN ? CURVE : 0);
    begin(out, p, height);
    draw_legend(out, TOP - 22);
    draw_times(out, &s, TOP, rows);
    double y = draw_variant(out, &s, &p->named, TOP);
    draw_variant(out, &s, &p->next, y);
    if (p->curve.kind == CURVE_DRAWN)
        draw_curve(out, p, TOP + rows + AXIS);
    buf_puts(out, "</svg>\n");
}
